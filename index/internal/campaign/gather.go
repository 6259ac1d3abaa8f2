package campaign

import (
	"cmp"
	"math"
	"slices"
)

// A Template is one scored template on its way into campaigns.
type Template struct {
	ID       uint32
	Also     []uint32 // its allies
	Accounts []uint32 // ascending; with those of its allies
	Score    float64
	Raised   int64 // time of the prompt that raised its alert, unix ms; 0: none
	Benign   bool  // an analyst says so
	Confirms bool  // an analyst says that it is a campaign's
}

// A Campaign is a set of templates that the same accounts send.
type Campaign struct {
	Templates []uint32 // the one with the best evidence first
	Accounts  []uint32 // ascending
	Score     float64  // the best of its templates'
	Raised    int64    // the earliest of its templates'; 0: never
	Confirmed bool
}

// Limits say what becomes a campaign.
type Limits struct {
	Least   float64 // score from which a template is suspicious
	Members int     // fewest accounts of a campaign that no earlier one has

	// Rescore returns the score of a template without the accounts that are in
	// an earlier campaign; nil keeps its score.
	Rescore func(t *Template, taken func(account uint32) bool) float64
}

// Shares of accounts that decide what belongs together.
const (
	joinJaccard = .3 // of a suspicious template's accounts with a campaign's
	absorbed    = .6 // of a template's accounts that are in one campaign
	taken       = .5 // of a template's accounts that are in any
)

// Coincide reports whether sets of a and b accounts that share so many are
// those of one campaign.
func Coincide(shared, a, b int) bool {
	return float64(shared) >= absorbed*float64(min(a, b)) || float64(shared) >= joinJaccard*float64(a+b-shared)
}

// Gather makes campaigns of templates, the best score first: a suspicious
// template joins the campaign that has most of its accounts, or whose accounts
// coincide with its own; one whose accounts are mostly taken by several makes
// one of them if they are its parts, and is dropped otherwise; any other starts a
// campaign, if it is suspicious for more than its accounts in earlier ones: those
// say what their campaign does. Benign templates take no part. The
// cost is linear in the memberships of suspicious templates.
func Gather(templates []Template, l Limits) []Campaign {
	var picked []*Template
	for i := range templates {
		if t := &templates[i]; !t.Benign && (t.Score >= l.Least || t.Confirms) && len(t.Accounts) >= l.Members {
			picked = append(picked, t)
		}
	}
	slices.SortFunc(picked, func(a, b *Template) int {
		return cmp.Or(cmp.Compare(b2i(b.Confirms), b2i(a.Confirms)), cmp.Compare(b.Score, a.Score),
			cmp.Compare(len(b.Accounts), len(a.Accounts)), cmp.Compare(a.ID, b.ID))
	})
	var campaigns []*Campaign
	home := make(map[uint32]int) // account → campaign
	for _, t := range picked {
		shared := make(map[int]int)
		in := 0
		for _, a := range t.Accounts {
			if c, ok := home[a]; ok {
				shared[c]++
				in++
			}
		}
		best, most := -1, 0
		for c, n := range shared {
			if n > most || n == most && c < best {
				best, most = c, n
			}
		}
		size := len(t.Accounts)
		switch {
		case best >= 0 && (float64(most) >= absorbed*float64(size) ||
			float64(most) >= joinJaccard*float64(size+len(campaigns[best].Accounts)-most)):
			campaigns[best].add(t, home, best)
		case float64(in) >= taken*float64(size) || size-in < l.Members:
			if parts := partsOf(campaigns, shared, size); parts != nil {
				campaigns[parts[0]].add(t, home, parts[0])
				for _, p := range parts[1:] {
					campaigns[parts[0]].swallow(campaigns[p], home, parts[0])
					campaigns[p] = nil
				}
			}
		case in > 0 && !t.Confirms && l.Rescore != nil && l.Rescore(t, func(a uint32) bool { _, ok := home[a]; return ok }) < l.Least:
		default:
			c := &Campaign{}
			campaigns = append(campaigns, c)
			c.add(t, home, len(campaigns)-1)
		}
	}
	out := make([]Campaign, 0, len(campaigns))
	for _, c := range campaigns {
		if c != nil {
			slices.Sort(c.Accounts)
			out = append(out, *c)
		}
	}
	return out
}

// partsOf returns the campaigns, ascending, that are parts of a template of so
// many accounts, of which each has a share: most of their accounts are the
// template's, and together they have half of its own. Otherwise nil.
func partsOf(campaigns []*Campaign, shared map[int]int, size int) (parts []int) {
	covered := 0
	for c, n := range shared {
		if float64(n) >= absorbed*float64(len(campaigns[c].Accounts)) {
			parts = append(parts, c)
			covered += n
		}
	}
	if float64(covered) < taken*float64(size) {
		return nil
	}
	slices.Sort(parts)
	return parts
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// add puts a template and those of its accounts that are free into c.
func (c *Campaign) add(t *Template, home map[uint32]int, number int) {
	for _, id := range append([]uint32{t.ID}, t.Also...) {
		if !slices.Contains(c.Templates, id) {
			c.Templates = append(c.Templates, id)
		}
	}
	c.Score = max(c.Score, t.Score)
	c.Confirmed = c.Confirmed || t.Confirms
	if t.Raised != 0 && (c.Raised == 0 || t.Raised < c.Raised) {
		c.Raised = t.Raised
	}
	for _, a := range t.Accounts {
		if _, ok := home[a]; !ok {
			home[a] = number
			c.Accounts = append(c.Accounts, a)
		}
	}
}

// Confidence is how surely an account is a member, 0 to 1: it grows with the
// number of prompts that it sent of the campaign's templates and with their
// share of its traffic, and is lower for campaigns of lower score.
func Confidence(score float64, prompts, traffic uint32) float64 {
	share := float64(prompts) / float64(max(prompts, traffic, 1))
	often := 1 - math.Exp2(-float64(prompts))
	return score / 100 * (.5 + .3*often + .2*share)
}

// swallow takes over everything of o.
func (c *Campaign) swallow(o *Campaign, home map[uint32]int, number int) {
	for _, id := range o.Templates {
		if !slices.Contains(c.Templates, id) {
			c.Templates = append(c.Templates, id)
		}
	}
	c.Score = max(c.Score, o.Score)
	c.Confirmed = c.Confirmed || o.Confirmed
	if o.Raised != 0 && (c.Raised == 0 || o.Raised < c.Raised) {
		c.Raised = o.Raised
	}
	for _, a := range o.Accounts {
		home[a] = number
	}
	c.Accounts = append(c.Accounts, o.Accounts...)
}
