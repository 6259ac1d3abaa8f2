package template

import "slices"

// Expire forgets the days before day. Templates without any day left are
// forgotten altogether. What changes on disk goes to to.
func (s *Set) Expire(day int32, to Records) {
	for _, t := range s.slots {
		if t == nil || !t.expire(day, to) {
			continue
		}
		if len(t.days) > 0 {
			s.write(t, to)
			continue
		}
		for _, c := range t.core {
			s.owners.remove(c.key)
		}
		s.remove(t)
		t.erase(to)
	}
}

// ExpireOut does the same for a template on disk, read by the caller.
func (s *Set) ExpireOut(t *Template, day int32, to Records) {
	if !t.expire(day, to) {
		return
	}
	if len(t.days) > 0 {
		to.Stat(t.ID, t.appendStat(nil, true))
		return
	}
	for _, c := range t.core {
		to.Out(c.key, t.ID, false)
	}
	s.out--
	t.erase(to)
}

// expire drops days and reports whether there were any to drop.
func (t *Template) expire(day int32, to Records) bool {
	n, _ := slices.BinarySearchFunc(t.days, day, byNumber)
	if n == 0 {
		return false
	}
	for i := range t.days[:n] {
		d := &t.days[i]
		to.Day(t.ID, d.number, nil)
		d.each(func(u Use) { t.Prompts -= uint64(u.Prompts) })
	}
	t.days, t.crowd = slices.Clone(t.days[n:]), crowd{}
	t.First = max(t.First, int64(day)*msPerDay)
	t.accounts = uint32(t.Spread(0, 1<<30))
	t.restate()
	return true
}

func (t *Template) erase(to Records) {
	to.Core(t.ID, nil)
	to.Stat(t.ID, nil)
	to.Exemplars(t.ID, len(t.Exemplars))
}
