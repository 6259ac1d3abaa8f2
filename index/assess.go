package index

import (
	"fmt"

	"github.com/seed-368d3dfa/chorus/index/internal/campaign"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// Thresholds of scores and accounts.
const (
	alertScore    = 75
	watchScore    = 60
	alertAccounts = 20
	watchAccounts = 8
	keepScore     = 5  // an alert stays until its score is so much below alertScore
	windowDays    = 45 // of a template's use that counts as evidence
)

// evidence gathers what is known of a template's use. The caller holds ix.mu.
func (ix *Index) evidence(t *template.Template) *campaign.Evidence {
	last := template.DayOf(t.Last)
	members := t.Members(last-windowDays+1, last)
	u := t.Usage()
	e := &campaign.Evidence{
		Uses: make([]campaign.Use, len(members)), Texts: u.Texts, Distinct: u.Distinct,
		Openers: u.Openers, Networks: u.Networks, Busiest: u.Busiest,
	}
	for i, m := range members {
		st := &ix.accounts.stats[m.Account-1]
		e.Uses[i] = campaign.Use{Account: m.Account, Prompts: uint32(m.Prompts), Traffic: st.prompts, First: template.DayOf(st.first)}
		e.Prompts += int(m.Prompts)
	}
	return e
}

// assess scores a template that has grown, and raises an alert when that
// justifies one. It is part of apply.
func (ix *Index) assess(id uint32, at int64) {
	t := ix.templates.Get(id)
	if t == nil || t.Raised != 0 {
		return
	}
	e := ix.evidence(t)
	if len(e.Uses) < alertAccounts {
		return
	}
	score, _ := campaign.Score(e, &ix.population)
	if score < alertScore || ix.verdict(t) == Benign {
		return
	}
	ix.raise(t, e, score, at)
}

// raise records that a template crossed the alert's threshold. A template
// whose accounts coincide with those of an alerted one joins its campaign;
// otherwise a campaign begins, and a flag says so.
func (ix *Index) raise(t *template.Template, e *campaign.Evidence, score float64, at int64) {
	accounts := t.Accounts(0, 1<<30)
	joined := uint32(0)
	most := uint64(0)
	for _, id := range ix.raised {
		o := ix.templates.Get(id)
		if o == nil {
			continue
		}
		others := o.Accounts(0, 1<<30)
		shared := accounts.AndCardinality(others)
		if shared > most && campaign.Coincide(int(shared), int(accounts.GetCardinality()), int(others.GetCardinality())) {
			joined, most = o.Campaign, shared
		}
	}
	founded := joined == 0
	if founded {
		joined = t.ID
	}
	t.Raise(at, joined)
	ix.raised = append(ix.raised, t.ID)
	if founded {
		ix.flag(Flag{
			Time: timeOf(at), Kind: "campaign", ID: campaignID(joined), Score: score, Accounts: len(e.Uses),
			Text: fmt.Sprintf("%d accounts act together, score %.0f", len(e.Uses), score),
		})
	}
}
