package drill

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// An Outcome is how an index fared with a planted campaign.
type Outcome struct {
	Accounts int            `json:"accounts"` // planted
	Prompts  int            `json:"prompts"`  // of the template, planted
	Status   string         `json:"status"`   // "alert", "watch" or "none"
	Score    float64        `json:"score"`    // of what holds most of its accounts, 0 to 100
	Factors  []index.Factor `json:"factors"`  // of that score

	Alerts    int `json:"alerts"`    // that hold its accounts
	Recovered int `json:"recovered"` // of its accounts, in those alerts
	Strangers int `json:"strangers"` // accounts not its own, in those alerts

	AlertedAt      time.Time `json:"alerted_at,omitzero"`
	PromptsBefore  int       `json:"prompts_before"`  // of the template, up to the one that raised the alert
	AccountsBefore int       `json:"accounts_before"` // that had sent one of those
	Leaked         float64   `json:"leaked"`          // PromptsBefore / Prompts; 1 without an alert
}

var rank = map[string]int{"none": 0, "watch": 1, "alert": 2}

// Measure asks an index that holds a planted campaign what it says of it. A
// campaign of the index is put down to the planted one when half of its
// accounts are planted, or when it has half of the planted ones.
func Measure(ctx context.Context, ix *index.Index, p *Planted) (Outcome, error) {
	o := Outcome{Accounts: p.Accounts, Prompts: p.Sent, Status: "none", Factors: []index.Factor{}, Leaked: 1}
	found, err := ix.Campaigns(ctx, index.Filter{Members: true})
	if err != nil {
		return o, err
	}
	most := 0
	for i := range found {
		c := &found[i]
		if c.Status != "alert" && c.Status != "watch" {
			continue
		}
		mine := planted(c.Members)
		if 2*mine < len(c.Members) && 2*mine < p.Accounts || mine == 0 {
			continue
		}
		if c.Status == "alert" {
			o.Alerts++
			o.Recovered += mine
			o.Strangers += len(c.Members) - mine
			if o.AlertedAt.IsZero() || c.FlaggedAt.Before(o.AlertedAt) {
				o.AlertedAt = c.FlaggedAt
			}
		}
		if better := cmp.Compare(rank[c.Status], rank[o.Status]); better > 0 || better == 0 && mine > most {
			o.Status, o.Score, o.Factors, most = c.Status, c.Score, c.Factors, mine
		}
	}
	if o.Status == "none" {
		return o, o.bestTemplate(ctx, ix)
	}
	if !o.AlertedAt.IsZero() {
		o.before(p)
	}
	return o, nil
}

func planted(members []index.Member) (n int) {
	for _, m := range members {
		if IsPlanted(m.Account) {
			n++
		}
	}
	return n
}

// bestTemplate takes score and factors from the template that has most of the
// planted accounts, and mostly those.
func (o *Outcome) bestTemplate(ctx context.Context, ix *index.Index) error {
	all, err := ix.Templates(ctx, index.Filter{Members: true})
	if err != nil {
		return err
	}
	most := 0
	for i := range all {
		if n := planted(all[i].Members); n > most && 2*n >= len(all[i].Members) {
			most, o.Score, o.Factors = n, all[i].Score, all[i].Factors
		}
	}
	return nil
}

// before counts what had been sent when the alert came.
func (o *Outcome) before(p *Planted) {
	seen := make(map[string]bool)
	for i := range p.Prompts {
		q := &p.Prompts[i]
		if q.Time.After(o.AlertedAt) {
			break
		}
		if !p.decoy[q.ID] {
			o.PromptsBefore++
			seen[q.Account] = true
		}
	}
	o.AccountsBefore = len(seen)
	o.Leaked = math.Round(1e4*float64(o.PromptsBefore)/float64(p.Sent)) / 1e4
}

// An Alert is a campaign that traffic raises without any planted.
type Alert struct {
	ID       string  `json:"id"`
	Status   string  `json:"status"` // "alert" or "watch"
	Score    float64 `json:"score"`
	Accounts int     `json:"accounts"`
	Prompts  int     `json:"prompts"`
	Pattern  string  `json:"pattern"` // of its best template
}

// Own returns the alerts and watches of an index, alerts first, best score
// first. Ask before planting.
func Own(ctx context.Context, ix *index.Index) ([]Alert, error) {
	found, err := ix.Campaigns(ctx, index.Filter{})
	if err != nil {
		return nil, err
	}
	out := []Alert{}
	for i := range found {
		c := &found[i]
		if c.Status != "alert" && c.Status != "watch" {
			continue
		}
		a := Alert{ID: c.ID, Status: c.Status, Score: c.Score, Accounts: c.Accounts, Prompts: c.Prompts}
		if len(c.Templates) > 0 {
			a.Pattern = c.Templates[0].Pattern
		}
		out = append(out, a)
	}
	slices.SortStableFunc(out, func(a, b Alert) int {
		return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(b.Score, a.Score))
	})
	return out, nil
}
