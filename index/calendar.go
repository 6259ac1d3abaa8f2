package index

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// calendar remembers the prompts a day of sealed segments, which never change.
type calendar struct {
	mu     sync.Mutex
	sealed map[uint64]map[int32]int // first prompt of a segment → day → prompts
}

// Days returns how many prompts are retained of every day, and how many
// accounts were first seen on it; days without either are left out. The first
// call reads all records, later ones only what has been sealed since.
func (ix *Index) Days(ctx context.Context) ([]Day, error) {
	fresh := make(map[int32]int)
	byDay := make(map[int32]*Day)
	day := func(n int32) *Day {
		d := byDay[n]
		if d == nil {
			d = &Day{Day: dayName(n)}
			byDay[n] = d
		}
		return d
	}
	err := ix.view(func(s *snapshot) {
		for _, m := range s.mems {
			for i := range m.records {
				fresh[template.DayOf(m.records[i].Time)]++
			}
		}
		for i := range ix.accounts.stats {
			if st := &ix.accounts.stats[i]; st.prompts > 0 {
				day(template.DayOf(st.first)).NewAccounts++
			}
		}
	}, func(r *store.Reader, s *snapshot) error {
		return ix.calendar.count(ctx, r, s.unsealedFrom, func(n int32, prompts int) { day(n).Prompts += prompts })
	})
	if err != nil {
		return nil, err
	}
	for n, prompts := range fresh {
		day(n).Prompts += prompts
	}
	days := make([]Day, 0, len(byDay))
	for _, n := range sortedKeys(byDay) {
		days = append(days, *byDay[n])
	}
	return days, nil
}

// count calls fn with the prompts of each segment and day that lie before a number.
func (c *calendar) count(ctx context.Context, r *store.Reader, before uint64, fn func(day int32, prompts int)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := make(map[uint64]map[int32]int)
	for _, s := range r.Segments() {
		if s.First >= before {
			continue
		}
		days, ok := c.sealed[s.First]
		if !ok {
			days = make(map[int32]int)
			if from, to := template.DayOf(s.MinTime), template.DayOf(s.MaxTime); from == to {
				days[from] = s.N
			} else if err := r.Records(s.First, s.End()-1, func(n uint64, rec *store.Record) error {
				days[template.DayOf(rec.Time)]++
				if n%4096 == 0 {
					return ctx.Err()
				}
				return nil
			}); err != nil {
				return err
			}
		}
		kept[s.First] = days
		for n, prompts := range days {
			fn(n, prompts)
		}
	}
	c.sealed = kept
	return nil
}

// TemplateDays returns what was sent of a template day by day, with the
// accounts first seen with it that day, or ErrNotFound.
func (ix *Index) TemplateDays(ctx context.Context, id string) ([]Day, error) {
	number, ok := parseTemplateID(id)
	days := []Day{}
	var err error
	if ok && number > 0 {
		err = ix.viewTemplates(0, number, nil, nil, func(t *template.Template) {
			seen := make(map[uint32]bool)
			t.EachUse(func(n int32, u template.Use) {
				name := dayName(n)
				if len(days) == 0 || days[len(days)-1].Day != name {
					days = append(days, Day{Day: name})
				}
				d := &days[len(days)-1]
				d.Prompts += int(u.Prompts)
				if !seen[u.Account] {
					seen[u.Account] = true
					d.NewAccounts++
				}
			})
		}, func(*store.Reader, *snapshot) error { return ctx.Err() })
	}
	if err == nil && len(days) == 0 {
		err = fmt.Errorf("%w: no template %q", ErrNotFound, id)
	}
	return days, err
}

// dayName is a day as Day has it.
func dayName(n int32) string { return time.Unix(int64(n)*86400, 0).UTC().Format(time.DateOnly) }
