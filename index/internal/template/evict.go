package template

import (
	"cmp"
	"slices"
)

// Bytes estimates the memory of all templates and of the table of owners.
func (s *Set) Bytes() int {
	n := s.owners.bytes()
	s.Each(func(t *Template) { n += t.bytes() })
	return n
}

// Evict makes templates leave memory until they take less than budget bytes:
// those long unseen first, where each account that a template has (up to 50)
// counts as grace prompts of freshness, and those that raised an alert last: what
// follows joins their campaigns. One whose past has not been searched stays until
// it has. Their records go to to, after those of Changed, which is part of it. It
// returns the ids that left.
func (s *Set) Evict(budget int, grace uint64, to Records) []uint32 {
	s.Changed(to) // first, or a template that came back would seem to be in memory when it leaves again
	if s.weight <= budget {
		return nil
	}
	type rank struct {
		t     *Template
		worth uint64
	}
	var all []rank
	s.Each(func(t *Template) {
		if t.Past > 1 {
			return
		}
		all = append(all, rank{t, t.usedAt + grace*uint64(min(50, t.Spread(0, 1<<30)))})
	})
	slices.SortFunc(all, func(a, b rank) int {
		if raised := a.t.Raised != 0; raised != (b.t.Raised != 0) {
			if raised {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(a.worth, b.worth), cmp.Compare(a.t.ID, b.t.ID))
	})
	var gone []uint32
	for _, r := range all {
		if s.weight <= budget-budget/8 {
			break
		}
		gone = append(gone, r.t.ID)
		s.evict(r.t, to)
	}
	s.owners = s.owners.shrunk()
	return gone
}

// weigh counts against the budget the template's memory and its share of the owners'
// table, as far as templates in memory fill that.
func (s *Set) weigh(t *Template) {
	s.weight -= t.weighed
	t.weighed = t.bytes() + 24*len(t.core)
	s.weight += t.weighed
}

func (s *Set) evict(t *Template, to Records) {
	to.Stat(t.ID, t.appendStat(nil, true))
	for _, c := range t.core {
		to.Out(c.key, t.ID, true)
		s.owners.remove(c.key)
		s.sieve.Mark(c.key)
	}
	s.out++
	s.remove(t)
}

// A returned is a key whose template came back from disk.
type returned struct {
	key uint64
	id  uint32
}

// SetOut restores the number of templates on disk.
func (s *Set) SetOut(n int) { s.out = n }

// Out is the number of templates on disk.
func (s *Set) Out() int { return s.out }

// revive brings back the templates on disk that own some of keys.
func (s *Set) revive(keys []uint64) (any bool) {
	if s.out == 0 {
		return false
	}
	for _, id := range s.opts.Archive.Owners(keys) {
		if s.byID[id] != nil {
			continue
		}
		t := s.opts.Archive.Load(id)
		if t == nil || s.Len() >= maxSlots {
			continue
		}
		for _, c := range t.core {
			s.back = append(s.back, returned{c.key, id})
		}
		s.Restore(t)
		t.recore()
		t.restate()
		s.out--
		any = true
	}
	return any
}

// shrunk returns the table, or a smaller copy of one that is mostly empty.
func (o *owners) shrunk() *owners {
	if len(o.slots) <= 1<<12 || 8*o.n > len(o.slots) {
		return o
	}
	small := newOwners(o.n)
	for _, w := range o.slots {
		if w != 0 {
			small.set(w>>ownerBits, int(w&ownerMask)-1)
		}
	}
	return small
}

// A Lost says which earlier prompts could belong to a template that was
// founded without looking for them.
type Lost struct {
	Template uint32
	Before   uint64 // prompts numbered below
	Keys     []uint64
	below    [scales]uint16
}

// Need is how many of Keys a prompt of that scale must hold to belong.
func (l *Lost) Need(scale uint8) int {
	return max(1, (3*int(l.below[min(int(scale), scales-1)])+4)/5)
}

// Head returns the least of Keys, so many that a prompt that belongs holds at
// least one of them, whatever its scale: it lacks at most two keys in five of
// those that it can show, and these are the least.
func (l *Lost) Head() []uint64 { return l.Keys[:l.head()] }

// Rest returns the other Keys.
func (l *Lost) Rest() []uint64 { return l.Keys[l.head():] }

func (l *Lost) head() int { return min(len(l.Keys), 2*len(l.Keys)/5+1) }

// An Earlier is one prompt that belonged before its template was known.
type Earlier struct {
	Account uint32
	Since   int32 // as in Prompt
	Time    int64
	Traits
}

// A Found answers a Lost.
type Found struct {
	Template uint32
	Before   uint64
	Members  []Earlier
}

// Lost returns what to look for, for every template that needs it.
func (s *Set) Lost() (lost []Lost) {
	s.lost = slices.DeleteFunc(s.lost, func(t *Template) bool {
		l, ok := t.Lost()
		if ok = ok && s.byID[t.ID] == t; ok {
			lost = append(lost, l)
		}
		return !ok
	})
	return lost
}

// Lost says what to look for, if the template has earlier prompts to find.
func (t *Template) Lost() (Lost, bool) {
	if t.Past <= 1 {
		return Lost{}, false
	}
	return Lost{t.ID, t.Past, t.Core(), t.below}, true
}

// Recalled counts in what was found of the past. It returns the flags that
// this raises, as of the last prompt of their templates.
func (s *Set) Recalled(found []Found) (flags []Flag) {
	for _, f := range found {
		t := s.byID[f.Template]
		if t == nil || t.Past != f.Before {
			continue
		}
		t.Recalled(f)
		d := DayOf(t.Last)
		if len(f.Members) > 0 && !t.Flagged && t.spreads(d-flagDays+1, d, s.opts.FlagAccounts) {
			t.Flagged = true
			flags = append(flags, Flag{t.ID, t.Spread(d-flagDays+1, d)})
		}
	}
	return flags
}

// Recalled counts in what was found of the template's past.
func (t *Template) Recalled(f Found) {
	for _, m := range f.Members {
		t.use(m.Account, m.Since, m.Time, 1, m.Values...)
		t.traits.note(m.Traits)
	}
	t.Past = 0
	t.recore()
}
