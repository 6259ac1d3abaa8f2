package template

// EachUse calls fn for what every account sent on every day, days and within
// a day accounts ascending.
func (t *Template) EachUse(fn func(day int32, u Use)) {
	for i := range t.days {
		d := &t.days[i]
		d.each(func(u Use) { fn(d.number, u) })
	}
}
