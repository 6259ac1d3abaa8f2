package index

import (
	"cmp"
	"context"
	"fmt"
	"math"
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
