package index

import (
	"slices"

	"github.com/seed-368d3dfa/chorus/index/internal/campaign"
)

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
	alert = append(alert, now.allied...)
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

// allied returns the templates that alert only with those that the same
// accounts send.
func allied(all []*assessed, p *campaign.Population) (out []campaign.Template) {
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
		if campaign.Jaccard(a.accounts, o.accounts) >= allyJaccard {
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
		u := unite(a, near[i], p)
		if !u.alerts() {
			continue
		}
		t := campaign.Template{ID: a.id, Accounts: u.accounts, Score: u.score, Raised: a.raised}
		for _, o := range near[i] {
			t.Also = append(t.Also, o.id)
		}
		a.united = u.e
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
