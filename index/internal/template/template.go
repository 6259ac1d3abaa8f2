package template

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/seed-368d3dfa/chorus/minhash"
)

// A Template is a core of prevalent keys with everything counted about the
// prompts that contain enough of it.
type Template struct {
	ID      uint32
	Prompts uint64 // that belong to it
	First   int64  // unix ms of the earliest prompt
	Last    int64  // and of the latest
	Flagged bool   // it has crossed the threshold of accounts once
	Born    uint64 // number of the prompt that founded it
	Past    uint64 // prompts numbered below have not been searched for members yet; 0: all have

	Raised   int64  // unix ms of the prompt that raised an alert; 0: none
	Campaign uint32 // id of the template that founded the campaign it then joined

	Exemplars []uint32 // accounts of the exemplars, in the order kept

	core  []coreKey
	below [scales]uint16 // core keys that a prompt thinned by 2^i can hold
	cands []candidate
	days  []day // ascending

	seen     uint32 // prompts that could show the whole core and belong to it
	offered  uint8  // matching prompts since the first candidate
	partials uint8  // prompts that held a part since the last split or reset

	accounts uint32 // distinct, of all days
	traits   traits
	due      due
	sketch   []uint32
	crowd    crowd // those of all days, once there are more than crowdDays

	slot      int
	stamp     uint64 // of the Apply that last touched hits
	hits      int
	changes   *changes // of the set that the template is in, or nil
	coreDirty bool     // core, counters of the core, exemplars
	statDirty bool     // prompts, seen, first, last, flagged
	usedAt    uint64   // number of the last prompt that belonged
	weighed   int      // its part of Set.weight
}

const scales = 24

// A coreKey counts how the key fares in the current window.
type coreKey struct {
	key  uint64
	hits uint8 // matching prompts of this window that held it
	part uint8 // partial matches that held it
}

// A candidate is a prevalent key without an owner that came with a template.
type candidate struct {
	key uint64
	n   uint8
}

// Core returns the keys of the core, ascending.
func (t *Template) Core() []uint64 {
	keys := make([]uint64, len(t.core))
	for i, c := range t.core {
		keys[i] = c.key
	}
	return keys
}

// recount recomputes what depends on the core's keys.
func (t *Template) recount() {
	slices.SortFunc(t.core, func(a, b coreKey) int { return cmp.Compare(a.key, b.key) })
	for s := range t.below {
		limit := uint64(1) << (minhash.KeyBits - s)
		n, _ := slices.BinarySearchFunc(t.core, limit, byKey)
		t.below[s] = uint16(min(n, 1<<16-1))
	}
	t.recore()
}

// need is how many core keys a prompt of that scale must hold to belong, or 0
// if it can show none.
func (t *Template) need(scale uint8) int {
	return (3*int(t.below[min(int(scale), scales-1)]) + 4) / 5
}

// shows reports whether a prompt of that scale could hold the whole core.
func (t *Template) shows(scale uint8) bool {
	return int(t.below[min(int(scale), scales-1)]) == len(t.core)
}

// use counts n prompts, at a time, of an account whose first prompt was on the
// day since, and one prompt for each value; it reports whether the account is
// new to the day.
func (t *Template) use(account uint32, since int32, at int64, n uint32, values ...Value) bool {
	if t.Prompts == 0 || at < t.First {
		t.First = at
	}
	if t.Prompts == 0 || at > t.Last {
		t.Last = at
	}
	t.Prompts += uint64(n)
	t.restate()
	today := t.dayOf(DayOf(at))
	fresh := today.add(account, n)
	for _, v := range values {
		today.value(v)
	}
	if fresh && t.joins(account, since, today) {
		t.accounts++
	}
	return fresh
}

const crowdDays = 3 // from which on looking through all of them costs more than a crowd

// joins reports whether an account that is new to a day is new to the template.
func (t *Template) joins(account uint32, since int32, today *day) bool {
	if len(t.days) > crowdDays {
		if t.crowd.full() {
			t.gather() // with this account
		} else if !t.crowd.has(account) {
			t.crowd.add(account)
			return true
		}
	}
	return !t.before(account, since, today)
}

// gather makes the crowd anew, with room for as many accounts again. It has all
// accounts of all days.
func (t *Template) gather() {
	n := 0
	for i := range t.days {
		n += t.days[i].len()
	}
	t.crowd = newCrowd(2 * n)
	for i := range t.days {
		t.days[i].each(func(u Use) {
			if !t.crowd.has(u.Account) {
				t.crowd.add(u.Account)
			}
		})
	}
}

// before reports whether the account is known from another day.
func (t *Template) before(account uint32, since int32, but *day) bool {
	for i := len(t.days) - 1; i >= 0 && t.days[i].number >= since; i-- {
		if d := &t.days[i]; d != but && d.prompts(account) > 0 {
			return true
		}
	}
	return false
}

func (t *Template) dayOf(number int32) *day {
	if n := len(t.days); n > 0 && t.days[n-1].number == number { // mostly today
		return &t.days[n-1]
	}
	i, ok := slices.BinarySearchFunc(t.days, number, byNumber)
	if !ok {
		t.days = slices.Insert(t.days, i, day{number: number})
	}
	return &t.days[i]
}

// within returns the days from..to, inclusive; they are the template's own.
func (t *Template) within(from, to int32) []day {
	first := sort.Search(len(t.days), func(i int) bool { return t.days[i].number >= from })
	days := t.days[first:]
	return days[:sort.Search(len(days), func(i int) bool { return days[i].number > to })]
}

const msPerDay = 86400000

// DayOf returns the UTC day of a time in unix milliseconds, not before 1970.
func DayOf(ms int64) int32 { return int32(min(max(0, ms)/msPerDay, math.MaxInt32)) }

func byNumber(d day, n int32) int { return cmp.Compare(d.number, n) }

func byKey(c coreKey, k uint64) int { return cmp.Compare(c.key, k) }

// Accounts returns the distinct accounts of the days from..to, inclusive.
func (t *Template) Accounts(from, to int32) *roaring.Bitmap {
	b := roaring.New()
	days := t.within(from, to)
	for i := range days {
		days[i].into(b)
	}
	return b
}

// Spread returns the number of distinct accounts of the days from..to.
func (t *Template) Spread(from, to int32) int {
	switch days := t.within(from, to); len(days) {
	case 0:
		return 0
	case 1:
		return days[0].len()
	}
	return int(t.Accounts(from, to).GetCardinality())
}

// spreads reports whether the accounts of the days from..to are at least n,
// without a union where the sum settles it.
func (t *Template) spreads(from, to int32, n int) bool {
	sum := 0
	days := t.within(from, to)
	for i := range days {
		l := days[i].len()
		if l >= n {
			return true
		}
		sum += l
	}
	return sum >= n && t.Spread(from, to) >= n
}

// A Member is one account of a template in a window.
type Member struct {
	Account uint32
	Prompts uint64
}

// Members returns the accounts of the days from..to with their prompts,
// accounts ascending.
func (t *Template) Members(from, to int32) []Member { return t.SomeMembers(from, to, 0) }

// SomeMembers is Members of about one account in 2^thin, always the same ones.
func (t *Template) SomeMembers(from, to int32, thin int) []Member {
	var out []Member
	t.EachMember(from, to, thin, func(i, n int, m Member) {
		if i == 0 {
			out = make([]Member, n)
		}
		out[i] = m
	})
	return out
}

var useRooms = sync.Pool{New: func() any { return new([]uint64) }}

// EachMember calls fn for each of the n accounts of SomeMembers, the i-th being m.
func (t *Template) EachMember(from, to int32, thin int, fn func(i, n int, m Member)) {
	room := useRooms.Get().(*[]uint64)
	defer useRooms.Put(room)
	uses := (*room)[:0] // account<<32 | prompts
	days := t.within(from, to)
	for i := range days {
		days[i].each(func(u Use) {
			if thin == 0 || u.Account*0x9e3779b1>>(32-thin) == 0 {
				uses = append(uses, uint64(u.Account)<<32|uint64(u.Prompts))
			}
		})
	}
	*room = uses
	slices.Sort(uses)
	n := 0
	for i, u := range uses {
		if i == 0 || u>>32 != uses[i-1]>>32 {
			n++
		}
	}
	for i, at := 0, 0; at < len(uses); i++ {
		m := Member{Account: uint32(uses[at] >> 32)}
		for ; at < len(uses) && uint32(uses[at]>>32) == m.Account; at++ {
			m.Prompts += uses[at] & (1<<32 - 1)
		}
		fn(i, n, m)
	}
}

// SentBy returns how many of the accounts, ascending, sent prompts of the template.
func (t *Template) SentBy(accounts []uint32) (n int) {
	met := make([]bool, len(accounts))
	for day := range t.days {
		i := 0
		t.days[day].each(func(u Use) {
			for i < len(accounts) && accounts[i] < u.Account {
				i++
			}
			if i < len(accounts) && accounts[i] == u.Account && !met[i] {
				met[i] = true
				n++
			}
		})
	}
	return n
}

// bytes estimates the memory that the template takes. Lengths count, not
// capacities, which differ after a restart: eviction must not.
func (t *Template) bytes() int {
	n := 320 + 16*len(t.core) + 16*len(t.cands) + 4*len(t.Exemplars)
	for i := range t.days {
		n += t.days[i].bytes()
	}
	return n
}

// Used reports whether an account sent prompts of the template on a day.
func (t *Template) Used(account uint32, number int32) bool {
	i, ok := slices.BinarySearchFunc(t.days, number, byNumber)
	return ok && t.days[i].prompts(account) > 0
}

// PromptsOf returns how many of the template's prompts an account sent.
func (t *Template) PromptsOf(account uint32) (n uint64) {
	for i := range t.days {
		n += uint64(t.days[i].prompts(account))
	}
	return n
}

// PromptsIn returns the number of prompts of the days from..to.
func (t *Template) PromptsIn(from, to int32) (n uint64) {
	days := t.within(from, to)
	for i := range days {
		days[i].each(func(u Use) { n += uint64(u.Prompts) })
	}
	return n
}

// With returns a copy that counts in what was found of the past.
func (t *Template) With(f Found) *Template {
	c := *t
	c.changes = nil
	c.traits.texts.least = slices.Clone(t.traits.texts.least)
	c.crowd = crowd{}
	c.days = make([]day, len(t.days))
	for i := range t.days {
		d := &t.days[i]
		c.days[i].number = d.number
		c.days[i].setValues(d.values())
		d.each(func(u Use) { c.days[i].add(u.Account, u.Prompts) })
	}
	c.Recalled(f)
	return &c
}
