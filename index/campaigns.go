package index

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/seed-368d3dfa/chorus/index/internal/campaign"
	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

func campaignID(template uint32) string { return "c" + strconv.FormatUint(uint64(template), 10) }

func parseCampaignID(s string) (uint32, bool) { return parseID('c', s) }

func timeOf(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// Campaigns returns the campaigns that f selects, worst first: those on which
// the analyst's verdict is out, alerts before watches, then by score. Its
// errors include ErrCursor and ErrAttr.
func (ix *Index) Campaigns(ctx context.Context, f Filter) ([]Campaign, error) {
	out := []Campaign{}
	after, err := parseCursor(f.After, 'c', 4)
	if err != nil {
		return nil, err
	}
	now, k, err := ix.assessKin()
	if err != nil {
		return nil, err
	}
	var sought sought
	err = ix.view(func(*snapshot) { sought = ix.attrs.seek(f.Attrs) }, func(r *store.Reader, s *snapshot) error {
		if sought.err != nil {
			return sought.err
		}
		for i := range now.campaigns {
			if err := ctx.Err(); err != nil {
				return err
			}
			g := &now.campaigns[i]
			if !f.takesCampaign(g, now) || after != nil && worse(g.place(), place(after)) <= 0 {
				continue
			}
			if has, err := ix.inCampaign(r, &sought, now, g); err != nil {
				return err
			} else if !has {
				continue
			}
			c, err := ix.describeCampaign(ctx, r, s, now, k, g, f.Members)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(c.Templates, func(t CampaignTemplate) bool { return f.text(t.Pattern) }) {
				out = append(out, c)
			}
			if f.Limit > 0 && len(out) == f.Limit {
				break
			}
		}
		return nil
	})
	return out, err
}

// Campaign returns one campaign with its members, or ErrNotFound.
func (ix *Index) Campaign(ctx context.Context, id string) (Campaign, error) {
	if err := ix.expect(id); err != nil {
		return Campaign{}, err
	}
	all, err := ix.Campaigns(ctx, Filter{ID: id, Members: true})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%w: no campaign %q", ErrNotFound, id)
	}
	if err != nil {
		return Campaign{}, err
	}
	return all[0], nil
}

// A gathered is a campaign with its status and id.
type gathered struct {
	campaign.Campaign
	id     string
	status string
	log10p float64
}

// gather makes campaigns of templates: first those that alert or are
// confirmed, then of what is left those to watch. What is benign takes part
// and is set aside only then, so that a verdict leaves other campaigns as they
// are.
func gather(now *assessments) (out []gathered) {
	byID := now.byID
	alert, watch := []campaign.Template{}, []campaign.Template{}
	for _, a := range now.all {
		ct := campaign.Template{ID: a.id, Accounts: a.accounts, Score: a.score, Raised: a.raised, Confirms: a.verdict == Confirmed}
		switch {
		case ct.Confirms, a.alerts():
			alert = append(alert, ct)
		default:
			watch = append(watch, ct)
		}
	}
	alert = append(alert, now.families...)
	used := make(map[string]bool)
	name := func(c *campaign.Campaign) string {
		id := campaignName(c, byID, used)
		used[id] = true
		return id
	}
	limits := campaign.Limits{Least: alertScore - keepScore, Members: alertAccounts, Rescore: now.rescore}
	alerts, benign := setAside(campaign.Gather(alert, limits), alert, byID, limits)
	for i := range alerts {
		now.trim(&alerts[i])
		status := "alert"
		if alerts[i].Confirmed {
			status = "confirmed"
		}
		out = append(out, gathered{Campaign: alerts[i], id: name(&alerts[i]), status: status})
	}
	taken := make(map[uint32]bool)
	for _, c := range slices.Concat(alerts, benign) {
		for _, a := range c.Accounts {
			taken[a] = true
		}
	}
	watch = slices.DeleteFunc(watch, func(t campaign.Template) bool {
		n := 0
		for _, a := range t.Accounts {
			if taken[a] {
				n++
			}
		}
		return 2*n >= len(t.Accounts)
	})
	limits = campaign.Limits{Least: watchScore, Members: watchAccounts}
	watches, more := setAside(campaign.Gather(watch, limits), watch, byID, limits)
	for i := range watches {
		out = append(out, gathered{Campaign: watches[i], id: name(&watches[i]), status: "watch"})
	}
	benign = append(benign, more...)
	for i := range benign {
		out = append(out, gathered{Campaign: benign[i], id: name(&benign[i]), status: "benign"})
	}
	slices.SortFunc(out, func(a, b gathered) int { return worse(a.place(), b.place()) })
	return out
}

// campaignName is a campaign's id: that of the template that founded it, the
// earliest if it has several; where the founder is gone, the id that it left
// behind. Ids stay while campaigns grow, and no two campaigns have the same.
func campaignName(c *campaign.Campaign, byID map[uint32]*assessed, used map[string]bool) string {
	var founder, heir *assessed
	for _, id := range c.Templates {
		a := byID[id]
		switch {
		case a.raised == 0:
		case a.campaign == id:
			if founder == nil || a.raised < founder.raised {
				founder = a
			}
		case byID[a.campaign] == nil && (heir == nil || a.raised < heir.raised):
			heir = a
		}
	}
	if founder != nil && !used[campaignID(founder.id)] {
		return campaignID(founder.id)
	}
	if heir != nil && !used[campaignID(heir.campaign)] {
		return campaignID(heir.campaign)
	}
	for _, id := range c.Templates {
		if !used[campaignID(id)] {
			return campaignID(id)
		}
	}
	return campaignID(c.Templates[0]) // each has given its id to another campaign
}

// families returns the templates that alert only with those that the same
// accounts send.
func families(all []*assessed, p *campaign.Population) (out []campaign.Template) {
	markFragments(all)
	var suspects []*assessed
	var sketches []campaign.Sketch
	for _, a := range all {
		if a.suspect() && a.verdict != Confirmed {
			suspects, sketches = append(suspects, a), append(sketches, campaign.SketchOf(a.accounts))
		}
	}
	near := make([][]*assessed, len(suspects))
	join := func(i, j int) {
		a, o := suspects[i], suspects[j]
		if campaign.Jaccard(a.accounts, o.accounts) >= familyJaccard {
			near[i] = append(near[i], o)
		}
	}
	for i, js := range campaign.Neighbours(sketches) {
		for _, j := range js {
			join(i, j)
			join(j, i)
		}
	}
	for i, a := range suspects {
		if a.fragment || a.alerts() {
			continue
		}
		near[i] = slices.DeleteFunc(near[i], func(o *assessed) bool { return o.fragment })
		if len(near[i]) == 0 {
			continue
		}
		u := united(a, near[i], p)
		if !u.alerts() {
			continue
		}
		t := campaign.Template{ID: a.id, Accounts: u.accounts, Score: u.score, Raised: a.raised}
		for _, o := range near[i] {
			t.Also = append(t.Also, o.id)
		}
		a.family = u.e
		out = append(out, t)
	}
	return out
}

// alerts reports whether a template alerts now: it crosses the threshold, or
// has done so and is not far below it.
func (a *assessed) alerts() bool {
	return !a.fragment && a.size >= alertAccounts &&
		(a.score >= alertScore || a.keeps && a.score >= alertScore-keepScore)
}

// sharing answers how improbable shared accounts are.
type sharing struct {
	graph *campaign.Graph
	place map[uint32]int // template → its number in graph
}

func newSharing(all []*assessed) *sharing {
	s := &sharing{place: make(map[uint32]int)}
	lists := make([][]uint32, len(all))
	for i := range all {
		lists[i] = all[i].accounts
		s.place[all[i].id] = i
	}
	s.graph = campaign.NewGraph(lists)
	return s
}

// log10p is log10 of the probability that chance gives the templates so many
// shared accounts, not below -999.
func (s *sharing) log10p(templates []uint32) float64 {
	set := make([]int, len(templates))
	for i, t := range templates {
		set[i] = s.place[t]
	}
	return max(-999, math.Round(100*s.graph.Log10Set(set))/100)
}

// rewired is the share of graphs with memberships dealt out anew, to accounts
// and templates of as many as before, in which the templates share as many
// accounts. It is not below the inverse of the number of graphs, which a bound
// on their cost gives.
func (s *sharing) rewired(templates []uint32) float64 {
	const most, least, work = 199, 19, 20_000
	set, memberships := make([]int, len(templates)), 0
	for i, t := range templates {
		set[i] = s.place[t]
		memberships += s.graph.Size(set[i])
	}
	rounds := min(most, max(least, work/max(1, memberships)))
	return s.graph.Rewired(set, rounds, rand.New(rand.NewPCG(1, 1)))
}

// describeCampaign describes a campaign. All but its members is done once for
// all who ask of the same assessments.
func (ix *Index) describeCampaign(ctx context.Context, r *store.Reader, s *snapshot, now *assessments, k *kin, g *gathered, members bool) (Campaign, error) {
	var o *outlined
	if known, ok := now.described.Load(g.id); ok {
		o = known.(*outlined)
	} else {
		var err error
		if o, err = ix.outline(ctx, r, s, now, k, g); err != nil {
			return Campaign{}, err
		}
		now.described.Store(g.id, o)
	}
	c := o.Campaign
	c.Templates, c.Days, c.Factors, c.Windows = slices.Clone(c.Templates), slices.Clone(c.Days), slices.Clone(c.Factors), slices.Clone(c.Windows) // they are the caller's
	c.Attrs = cloneAttrs(c.Attrs)
	if !members {
		return c, nil
	}
	names, err := s.names(r, slices.Clone(g.Accounts))
	if err != nil {
		return c, err
	}
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	for _, a := range g.Accounts {
		c.Members = append(c.Members, Member{
			Account: names[a], Prompts: int(o.sent[a]),
			Confidence: math.Round(100*campaign.Confidence(g.Score, o.sent[a], ix.accounts.stats[a-1].prompts)) / 100,
		})
	}
	slices.SortStableFunc(c.Members, func(a, b Member) int { return cmp.Compare(b.Confidence, a.Confidence) })
	return c, nil
}

// An outlined is a campaign without its members, and the prompts that each of
// them sent.
type outlined struct {
	Campaign
	sent map[uint32]uint32
}

// outline describes a campaign without its members.
func (ix *Index) outline(ctx context.Context, r *store.Reader, s *snapshot, now *assessments, k *kin, g *gathered) (*outlined, error) {
	c := Campaign{ID: g.id, Status: g.status, Score: math.Round(10*g.Score) / 10, Accounts: len(g.Accounts), Log10P: g.log10p,
		Templates: []CampaignTemplate{}, Factors: now.factors(g.Templates[0])}
	if len(g.Templates) > 1 && (g.status == "alert" || g.status == Confirmed) {
		c.RewiredP = now.graph.rewired(g.Templates)
	}
	picks, err := ix.picks(r, now, g.Templates)
	if err != nil {
		return nil, err
	}
	var all []*template.Template
	for _, p := range picks {
		all = append(all, p.t)
	}
	first, last := g.seen(now)
	c.FirstSeen, c.LastSeen = timeOf(first), timeOf(last)
	if g.Raised != 0 {
		c.FlaggedAt = timeOf(g.Raised)
	} else if g.status == "alert" {
		c.FlaggedAt = c.LastSeen
	}
	described, err := ix.describe(ctx, r, s, picks, 0, 1<<30, false)
	if err != nil {
		return nil, err
	}
	k.relate(picks, described)
	for i, d := range described {
		c.Templates = append(c.Templates, CampaignTemplate{
			ID: d.ID, Pattern: d.Pattern, Accounts: picks[i].accounts, Family: d.Family, Bundle: d.Bundle,
		})
	}
	sent := ix.sent(picks, g.Accounts)
	for _, n := range sent {
		c.Prompts += int(n)
	}
	ix.mu.RLock()
	c.Attrs = ix.attrs.tally(0, 1<<30, all...)
	ix.mu.RUnlock()
	c.Days, c.Windows = daysOf(sent), windows(sent, 1, 7, windowDays)
	if c.Accounts > 0 {
		day, week := 100*c.Windows[0].Accounts/c.Accounts, 100*c.Windows[1].Accounts/c.Accounts
		c.Factors = append(c.Factors, Factor{Name: "synchrony", Value: float64(c.Windows[0].Accounts) / float64(c.Accounts),
			Text: fmt.Sprintf("%d %% of its accounts were active on the same day, %d %% within the same 7 days", day, week)})
	}
	return &outlined{c, byAccount(sent)}, nil
}
