package index

import (
	"cmp"
	"slices"

	"github.com/seed-368d3dfa/chorus/index/internal/campaign"
)

// trim leaves bystanders out of a campaign. A campaign's text may hold a phrase
// that others use too and that is a template of its own: as most of its accounts
// are the campaign's, it is one of the campaign's templates. Those who send
// no other of them are held against those who do.
func (s *assessments) trim(c *campaign.Campaign) {
	if len(c.Templates) < 2 {
		return
	}
	sends := make(map[uint32]int, len(c.Accounts)) // account → templates that speak for it
	for _, a := range c.Accounts {
		sends[a] = 0
	}
	templates := make([]*assessed, 0, len(c.Templates))
	for _, id := range c.Templates {
		t := s.byID[id]
		templates = append(templates, t)
		for _, a := range t.accounts {
			if n, ok := sends[a]; ok {
				sends[a] = n + 1
			}
		}
	}
	slices.SortStableFunc(templates, func(a, b *assessed) int { return cmp.Compare(len(b.accounts), len(a.accounts)) })
	for _, t := range templates {
		var only, also []campaign.Use
		for _, u := range t.e.Uses {
			switch n := sends[u.Account]; {
			case n == 1:
				only = append(only, u)
			case n > 1:
				also = append(also, u)
			}
		}
		if t.verdict != Confirmed && campaign.Bystanders(only, also, s.population) {
			for _, a := range t.accounts {
				if n, ok := sends[a]; ok {
					sends[a] = n - 1
				}
			}
		}
	}
	c.Accounts = slices.DeleteFunc(c.Accounts, func(a uint32) bool { return sends[a] == 0 })
}
