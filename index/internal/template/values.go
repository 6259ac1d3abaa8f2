package template

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// A Value numbers one value of one attribute: the attribute's number in the
// high 16 bits, the value's in the low ones.
type Value uint32

// Other stands for those values of v's attribute that have no number.
func (v Value) Other() Value { return v &^ (1<<16 - 1) }

// MakeValue numbers a value of an attribute; value 0 is Other.
func MakeValue(attr, value uint16) Value { return Value(attr)<<16 | Value(value) }

// Attr is the number of the attribute.
func (v Value) Attr() int { return int(v >> 16) }

// Number is the number of the value among its attribute's.
func (v Value) Number() int { return int(v & (1<<16 - 1)) }

// A ValueUse is how many of a template's prompts of one day have a value.
type ValueUse struct {
	Value   Value
	Prompts uint32
}

// maxValues is how many values a day of a template counts apart; what is
// beyond counts as its attribute's other.
const maxValues = 64

// value counts one prompt with a value.
func (d *day) value(v Value) {
	d.dirty = true
	if d.one.Value == v || d.one.Prompts == 0 {
		d.one.Value = v
		d.one.Prompts++
		return
	}
	if d.more == nil {
		d.more = new([]ValueUse)
	}
	i, ok := slices.BinarySearchFunc(*d.more, v, byValue)
	switch {
	case ok:
		(*d.more)[i].Prompts++
	case len(*d.more) >= maxValues-1 && v != v.Other():
		d.value(v.Other())
	default:
		*d.more = slices.Insert(*d.more, i, ValueUse{v, 1})
	}
}

// values returns all values of the day, ascending.
func (d *day) values() []ValueUse {
	if d.one.Prompts == 0 {
		return nil
	}
	if d.more == nil {
		return []ValueUse{d.one}
	}
	i, _ := slices.BinarySearchFunc(*d.more, d.one.Value, byValue)
	return slices.Insert(slices.Clone(*d.more), i, d.one)
}

// setValues gives a day without values some, ascending; they become the day's.
func (d *day) setValues(values []ValueUse) {
	if len(values) > 0 {
		d.one = values[0]
	}
	if len(values) > 1 {
		values = values[1:]
		d.more = &values
	}
}

func (d *day) countValues() int {
	switch {
	case d.one.Prompts == 0:
		return 0
	case d.more == nil:
		return 1
	}
	return 1 + len(*d.more)
}

func byValue(u ValueUse, v Value) int { return cmp.Compare(u.Value, v) }

// EachValue calls fn for the values that the template's prompts of the days
// from..to have, day by day.
func (t *Template) EachValue(from, to int32, fn func(ValueUse)) {
	days := t.within(from, to)
	for i := range days {
		d := &days[i]
		if d.one.Prompts == 0 {
			continue
		}
		fn(d.one)
		if d.more != nil {
			for _, u := range *d.more {
				fn(u)
			}
		}
	}
}

// Shows reports whether prompts of the days from..to have the value.
func (t *Template) Shows(v Value, from, to int32) bool {
	return slices.ContainsFunc(t.within(from, to), func(d day) bool {
		if d.one.Prompts == 0 {
			return false
		}
		if d.one.Value == v || d.more == nil {
			return d.one.Value == v
		}
		_, ok := slices.BinarySearchFunc(*d.more, v, byValue)
		return ok
	})
}

func appendValues(b []byte, values []ValueUse) []byte {
	b = binary.AppendUvarint(b, uint64(len(values)))
	at := Value(0)
	for _, u := range values {
		b = binary.AppendUvarint(b, uint64(u.Value-at))
		b = binary.AppendUvarint(b, uint64(u.Prompts))
		at = u.Value
	}
	return b
}

func decodeValues(f *fields) []ValueUse {
	n := f.count(2)
	f.bad = f.bad || n == 0
	values, at := make([]ValueUse, 0, n), uint64(0)
	for i := range n {
		step, prompts := f.below(1<<32), f.below(1<<32)
		at += step
		f.bad = f.bad || i > 0 && step == 0 || at >= 1<<32 || prompts == 0
		values = append(values, ValueUse{Value(at), uint32(prompts)})
	}
	return values
}
