package index

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"github.com/seed-368d3dfa/chorus/index/internal/campaign"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// Thresholds of scores and accounts.
const (
	alertScore     = campaign.AlertScore
	watchScore     = 60
	suspectScore   = 45 // from which, doubts aside, a template is compared with others
	allyScore      = 55 // from which those others are looked for as prompts arrive
	alertAccounts  = campaign.AlertAccounts
	watchAccounts  = 8
	keepScore      = 5       // an alert stays until its score is so much below alertScore
	assessAccounts = 1 << 10 // about so many of a wide template's accounts are looked at as prompts arrive
	windowDays     = 45      // of a template's use that may be evidence without what came before

	allyJaccard = .3 // of the accounts of two templates that may alert together: allies
	maxAllies   = 6  // templates compared with one as prompts arrive
	bundleTexts = .5 // of the texts of templates that come in the same prompts
)

// An assessed template has a score and what it stands on.
type assessed struct {
	id       uint32
	t        *template.Template // nil if it is on disk
	e        *campaign.Evidence
	recent   *assessed          // by its use within windowDays, if there is other; nil once judged
	united   *campaign.Evidence // with the allies with which it alerts, or nil
	texts    template.Texts
	score    float64
	doubt    float64  // how much more the score could be
	alone    float64  // score without regard to other templates
	accounts []uint32 // ascending
	label    uint64   // number of the one that applies, or 0
	verdict  string   // its
	fragment bool     // of a wider template that is not suspicious

	// Of t, which may change once the lock is let go.
	raised      int64
	keeps       bool // raised by the table in force, it stays an alert a little below the threshold
	campaign    uint32
	size        int // number of accounts
	first, last int64
}

// assessSome scores a template by one account in 2^thin, without words.
func (ix *Index) assessSome(t *template.Template, thin int) *assessed {
	a := ix.evidence(t, thin)
	a.judge(&ix.population)
	return a
}

// judge scores a: by all of its use, which makes a campaign whole however long it
// lasts, unless only what came of late is suspicious, as when a campaign takes up
// a text that has long been popular.
func (a *assessed) judge(p *campaign.Population) {
	a.score, a.doubt = campaign.Rate(a.e, p)
	if r := a.recent; r != nil {
		r.score, r.doubt = campaign.Rate(r.e, p)
		if r.score > a.score+keepScore {
			a.e, a.accounts, a.size, a.score, a.doubt = r.e, r.accounts, r.size, r.score, r.doubt
		}
		a.recent = nil
	}
	a.alone = a.score
}

// evidence gathers what a template is scored by, of one account in 2^thin. The
// caller holds ix.mu, while which alone a.texts holds.
func (ix *Index) evidence(t *template.Template, thin int) *assessed {
	a := &assessed{
		id: t.ID, t: t, texts: t.Texts(), label: ix.labelOf(t.ID, t.Campaign, t.EachKey),
		raised: t.Raised, keeps: ix.keeps(t.Raised), campaign: t.Campaign, first: t.First, last: t.Last,
	}
	a.verdict = ix.labels.verdict(a.label)
	a.fill(t.Usage(), thin)
	last := template.DayOf(t.Last)
	t.EachMember(0, last, thin, func(i, n int, m template.Member) {
		if i == 0 {
			a.grow(n)
		}
		a.put(i, m, 0, &ix.accounts.stats[m.Account-1])
	})
	if from, some := late(t); some {
		ix.lately(a, t.SomeMembers(from, last, thin))
	}
	return a
}

// late returns on which day a template's last windowDays begin, and whether it was
// used before: then what came of late may be judged alone.
func late(t *template.Template) (from int32, some bool) {
	from = template.DayOf(t.Last) - windowDays + 1
	return from, template.DayOf(t.First) < from
}

// lately fills in the evidence of late, which the members, some of a's, are.
// The caller holds ix.mu.
func (ix *Index) lately(a *assessed, members []template.Member) {
	e, n := a.e, len(members)
	a.recent = &assessed{e: &campaign.Evidence{
		Texts: e.Texts, Distinct: e.Distinct, Openers: e.Openers * n / max(1, a.size),
		Networks: e.Networks, Busiest: e.Busiest, Payments: e.Payments, Shared: e.Shared,
	}}
	a.recent.grow(n)
	i := 0
	for j, m := range members {
		for a.accounts[i] < m.Account {
			i++
		}
		a.recent.put(j, m, e.Uses[i].Prompts-uint32(m.Prompts), &ix.accounts.stats[m.Account-1])
	}
}

// fill notes how the template is used, of one account in 2^thin.
func (a *assessed) fill(u template.Usage, thin int) {
	a.e = &campaign.Evidence{
		Texts: u.Texts, Distinct: u.Distinct, Openers: u.Openers >> thin,
		Networks: u.Networks, Busiest: u.Busiest, Payments: u.Payments, Shared: u.Shared,
	}
}

// grow makes room for so many accounts.
func (a *assessed) grow(n int) {
	a.e.Uses, a.accounts, a.size = make([]campaign.Use, n), make([]uint32, n), n
}

// put notes what an account sent, beside so many prompts of the template that
// are left out.
func (a *assessed) put(i int, m template.Member, out uint32, st *accountStat) {
	a.accounts[i] = m.Account
	a.e.Uses[i] = campaign.Use{
		Account: m.Account, Prompts: uint32(m.Prompts), Traffic: st.prompts - min(out, st.prompts), First: template.DayOf(st.first),
	}
	a.e.Prompts += int(m.Prompts)
}

// suspect reports whether the template is worth a comparison with others: with
// them it may turn out to be what it alone leaves in doubt.
func (a *assessed) suspect() bool { return a.score+a.doubt >= suspectScore }

// unite is the assessment of a with its allies: those of others that are not
// merely bundled with what is in it already.
func unite(a *assessed, others []*assessed, p *campaign.Population) *assessed {
	parts, allies := []*campaign.Evidence{a.e}, []*assessed{a}
next:
	for _, o := range others {
		for _, f := range allies {
			if f.texts.Shared(o.texts) >= bundleTexts {
				continue next
			}
		}
		parts, allies = append(parts, o.e), append(allies, o)
	}
	if len(parts) == 1 {
		return a
	}
	u := &assessed{id: a.id, t: a.t, e: campaign.Union(parts), verdict: a.verdict, raised: a.raised, keeps: a.keeps, campaign: a.campaign, first: a.first, last: a.last}
	for _, use := range u.e.Uses {
		u.accounts = append(u.accounts, use.Account)
	}
	slices.Sort(u.accounts)
	u.size = len(u.accounts)
	u.score, u.doubt = campaign.Rate(u.e, p)
	return u
}

// assess scores a template that has grown, alone and with those that the same
// accounts send, and raises an alert when that justifies one. It is part of
// apply.
func (ix *Index) assess(id uint32, at int64) {
	t := ix.templates.Get(id)
	if t == nil || t.Raised != 0 {
		return
	}
	thin := max(0, bits.Len(uint(t.AccountCount()))-bits.Len(assessAccounts))
	a := ix.assessSome(t, thin)
	if a.verdict == Benign {
		return
	}
	if !a.suspect() {
		t.Defer()
		t.Suspect(nil)
		ix.suspects.Drop(id)
		return
	}
	sketch := campaign.SketchOf(a.accounts)
	t.Suspect(sketch[:])
	ix.suspects.Put(id, sketch)
	if a.score+a.doubt < allyScore {
		return
	}
	if a.score >= alertScore && len(a.accounts) >= alertAccounts {
		for _, o := range ix.wholes(a, ix.result.Matches) {
			if o.verdict != Benign && a.fragmentOf(o) {
				return
			}
		}
	}
	var allies []*assessed
	for _, other := range ix.suspects.Near(id) {
		o := ix.templates.Get(other)
		if o == nil || a.score < alertScore && (t.Texts().Shared(o.Texts()) >= bundleTexts || len(allies) == maxAllies) {
			continue
		}
		if !a.concerns(o) {
			continue
		}
		b := ix.assessSome(o, 0)
		switch {
		case b.verdict == Benign:
		case a.fragmentOf(b):
			return
		case campaign.Jaccard(a.accounts, b.accounts) >= allyJaccard:
			allies = append(allies, b)
		}
	}
	if !ix.raiseIf(a, nil, at) && len(allies) > 0 && thin == 0 {
		ix.raiseIf(unite(a, allies, &ix.population), allies, at)
	}
}

// concerns reports whether a may be a fragment of o or its ally, by
// the accounts alone, which is quicker than assessing o.
func (a *assessed) concerns(o *template.Template) bool {
	all := len(a.accounts)
	if float64(o.AccountCount()) < allyJaccard*float64(all) {
		return false
	}
	shared := o.SentBy(a.accounts)
	if float64(shared) >= fragmentShare*float64(all) {
		return true
	}
	if _, some := late(o); !some { // else it may be judged by some of its accounts
		all += o.AccountCount() - shared
	}
	return float64(shared) >= allyJaccard*float64(all)
}

// raiseIf raises an alert for an assessment that justifies one, and for the
// its allies.
func (ix *Index) raiseIf(a *assessed, allies []*assessed, at int64) bool {
	if a.score < alertScore || len(a.accounts) < alertAccounts {
		return false
	}
	ix.raise(a, at)
	for _, o := range allies {
		if o.t.Raised == 0 {
			o.t.Raise(at, a.t.Campaign)
			ix.raised = append(ix.raised, o.t.ID)
		}
	}
	return true
}

// raise records that a template crossed the alert's threshold. A template
// whose accounts coincide with those of an alerted one joins its campaign;
// otherwise a campaign begins, and a flag says so.
func (ix *Index) raise(a *assessed, at int64) {
	joined, most := uint32(0), 0
	accounts := a.t.Accounts(0, 1<<30)
	for _, id := range ix.raised {
		o := ix.templates.Get(id)
		if o == nil {
			continue
		}
		others := o.Accounts(0, 1<<30)
		shared := int(accounts.AndCardinality(others))
		if shared > most && campaign.Coincide(shared, int(accounts.GetCardinality()), int(others.GetCardinality())) {
			joined, most = o.Campaign, shared
		}
	}
	founded := joined == 0
	a.t.Raise(at, cmp.Or(joined, a.t.ID))
	ix.raised = append(ix.raised, a.t.ID)
	if founded {
		ix.flag(Flag{
			Time: timeOf(at), Kind: "campaign", ID: campaignID(a.t.Campaign), Score: a.score, Accounts: len(a.accounts),
			Text: fmt.Sprintf("%d accounts act together, score %.0f", len(a.accounts), a.score),
		})
	}
}
