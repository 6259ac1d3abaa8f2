package index

import (
	"slices"

	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// campaignDays returns what the accounts, ascending, sent of the templates
// day by day. One prompt may belong to several of the templates, so of an
// account and day the template with most counts.
func (ix *Index) campaignDays(templates []pick, accounts []uint32) []Day {
	type accountDay struct {
		day     int32
		account uint32
	}
	most := make(map[accountDay]uint32)
	first := make(map[uint32]int32)
	ix.mu.RLock()
	for _, p := range templates {
		p.t.EachUse(func(day int32, u template.Use) {
			if _, ok := slices.BinarySearch(accounts, u.Account); !ok {
				return
			}
			at := accountDay{day, u.Account}
			most[at] = max(most[at], u.Prompts)
			if d, ok := first[u.Account]; !ok || day < d {
				first[u.Account] = day
			}
		})
	}
	ix.mu.RUnlock()
	byDay := make(map[int32]*Day)
	for at, n := range most {
		d := byDay[at.day]
		if d == nil {
			d = &Day{Day: dayName(at.day)}
			byDay[at.day] = d
		}
		d.Prompts += int(n)
		if first[at.account] == at.day {
			d.NewAccounts++
		}
	}
	days := make([]Day, 0, len(byDay))
	for _, n := range sortedKeys(byDay) {
		days = append(days, *byDay[n])
	}
	return days
}
