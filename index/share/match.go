package share

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// Contained is the share of an indicator's keys from which on a text holds it.
const Contained = .6

// States of a Finding.
const (
	Matched  = "matched"  // some of one's own templates contain it
	Clear    = "clear"    // none does
	OtherKey = "otherkey" // it was made with another key and matches nothing
	Bare     = "bare"     // it has too few fixed words for a sketch and matches nothing
)

// A Finding says what became of one indicator.
type Finding struct {
	Indicator string          `json:"indicator"` // its id
	State     string          `json:"state"`     // one of the constants above
	Pattern   string          `json:"pattern"`
	Templates []FoundTemplate `json:"templates"` // the one that holds most of it first
	Campaigns []FoundCampaign `json:"campaigns"` // that have one of the templates, worst first
}

// A FoundTemplate is one of one's own templates that contains an indicator.
type FoundTemplate struct {
	ID        string    `json:"id"`
	Contained float64   `json:"contained"` // share of the indicator's keys, Contained to 1
	Status    string    `json:"status"`
	Accounts  int       `json:"accounts"`
	Prompts   int       `json:"prompts"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
}

// A FoundCampaign is one of one's own campaigns with such a template.
type FoundCampaign struct {
	ID        string    `json:"id"`
	Status    string    `json:"status"`
	Score     float64   `json:"score"`
	Accounts  int       `json:"accounts"`
	Prompts   int       `json:"prompts"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
}

// Match tells, for each indicator, which templates have a pattern or an
// exemplar that contains it, and in which campaigns these are. Indicators made
// with key take part; nil is Public. The cost is linear in the templates'
// texts. Its error is ctx's.
func (b *Bundle) Match(ctx context.Context, key *Key, templates []index.Template, campaigns []index.Campaign) ([]Finding, error) {
	if key == nil {
		key = Public()
	}
	out := make([]Finding, len(b.Indicators))
	holders := make(map[uint64][]int) // key → indicators, by their place
	for i := range b.Indicators {
		in := &b.Indicators[i]
		out[i] = Finding{Indicator: in.ID, State: Clear, Pattern: in.Pattern, Templates: []FoundTemplate{}, Campaigns: []FoundCampaign{}}
		switch {
		case in.key != key.id:
			out[i].State = OtherKey
		case len(in.sketch) == 0:
			out[i].State = Bare
		default:
			for _, k := range in.sketch {
				holders[k] = append(holders[k], i)
			}
		}
	}
	s := key.sketcher()
	var keys []uint64
	for n := range templates {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t := &templates[n]
		most := make(map[int]int) // indicator → keys in the text that holds most
		for _, text := range append([]string{t.Pattern}, t.Exemplars...) {
			keys = keys[:0]
			for _, sh := range s.Shingles(nil, text) {
				keys = append(keys, sh.Key)
			}
			slices.Sort(keys)
			held := make(map[int]int)
			for _, k := range slices.Compact(keys) {
				for _, i := range holders[k] {
					held[i]++
				}
			}
			for i, n := range held {
				most[i] = max(most[i], n)
			}
		}
		for i, held := range most {
			share := float64(held) / float64(len(b.Indicators[i].sketch))
			if share < Contained {
				continue
			}
			out[i].State = Matched
			out[i].Templates = append(out[i].Templates, FoundTemplate{
				ID: t.ID, Contained: share, Status: t.Status, Accounts: t.Accounts, Prompts: t.Prompts, FirstSeen: t.FirstSeen, LastSeen: t.LastSeen,
			})
		}
	}
	for i := range out {
		out[i].add(campaigns)
	}
	return out, nil
}

// add puts the templates found in order and adds the campaigns that have one.
func (f *Finding) add(campaigns []index.Campaign) {
	slices.SortFunc(f.Templates, func(a, b FoundTemplate) int {
		return cmp.Or(cmp.Compare(b.Contained, a.Contained), cmp.Compare(b.Accounts, a.Accounts), cmp.Compare(a.ID, b.ID))
	})
	found := make(map[string]bool)
	for _, t := range f.Templates {
		found[t.ID] = true
	}
	for i := range campaigns {
		c := &campaigns[i]
		if slices.ContainsFunc(c.Templates, func(t index.CampaignTemplate) bool { return found[t.ID] }) {
			f.Campaigns = append(f.Campaigns, FoundCampaign{
				ID: c.ID, Status: c.Status, Score: c.Score, Accounts: c.Accounts, Prompts: c.Prompts, FirstSeen: c.FirstSeen, LastSeen: c.LastSeen,
			})
		}
	}
}
