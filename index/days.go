package index

import (
	"slices"

	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// An accountDay is one account on one day.
type accountDay struct {
	day     int32
	account uint32
}

// sent returns how many prompts of the templates the accounts, ascending, sent
// day by day, at least. One prompt may belong to several of the templates, and
// what says which is not kept: so of an account and day the template with most
// counts.
func (ix *Index) sent(templates []pick, accounts []uint32) map[accountDay]uint32 {
	most := make(map[accountDay]uint32)
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	for _, p := range templates {
		p.t.EachUse(func(day int32, u template.Use) {
			if _, ok := slices.BinarySearch(accounts, u.Account); ok {
				at := accountDay{day, u.Account}
				most[at] = max(most[at], u.Prompts)
			}
		})
	}
	return most
}

// byAccount sums up by account what was sent.
func byAccount(sent map[accountDay]uint32) map[uint32]uint32 {
	sums := make(map[uint32]uint32)
	for at, n := range sent {
		sums[at.account] += n
	}
	return sums
}

// daysOf sums up by day what accounts sent.
func daysOf(sent map[accountDay]uint32) []Day {
	first := make(map[uint32]int32)
	for at := range sent {
		if d, ok := first[at.account]; !ok || at.day < d {
			first[at.account] = at.day
		}
	}
	byDay := make(map[int32]*Day)
	for at, n := range sent {
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

// windows returns, for each length, the window in which most accounts sent
// something, the earliest of several.
func windows(sent map[accountDay]uint32, lengths ...int) []Window {
	byDay := make(map[int32]map[uint32]uint32)
	for at, n := range sent {
		if byDay[at.day] == nil {
			byDay[at.day] = make(map[uint32]uint32)
		}
		byDay[at.day][at.account] = n
	}
	days := sortedKeys(byDay)
	out := make([]Window, 0, len(lengths))
	for _, length := range lengths {
		best := Window{Days: length}
		in, prompts, from := make(map[uint32]int), 0, 0 // account → days in the window
		for _, last := range days {
			for a, n := range byDay[last] {
				in[a]++
				prompts += int(n)
			}
			for ; days[from] <= last-int32(length); from++ {
				for a, n := range byDay[days[from]] {
					if in[a]--; in[a] == 0 {
						delete(in, a)
					}
					prompts -= int(n)
				}
			}
			if n, first := len(in), dayName(days[from]); n > best.Accounts || first == best.From { // its later days count too
				best.Accounts, best.Prompts, best.From = n, prompts, first
			}
		}
		out = append(out, best)
	}
	return out
}
