package template

import (
	"cmp"
	"math/bits"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
)

// A Use is how many of a template's prompts one account sent in one day.
type Use struct {
	Account uint32
	Prompts uint32
}

// A day holds one day's uses of one template. Accounts are a sorted slice;
// very many are a bitmap, for unions, and a map of counts. A day takes no more
// than a cache line, and counting in what it has already seen of a value
// touches nothing else.
type day struct {
	number int32 // days since 1970-01-01 UTC
	dirty  bool
	one    ValueUse // the value that came first, and in more the others, ascending; no value: of 0 prompts
	few    []Use
	many   *roaring.Bitmap
	counts map[uint32]uint32
	more   *[]ValueUse
}

const fewUses = 512

// add counts n prompts of an account and reports whether it is new to the day.
func (d *day) add(account, n uint32) bool {
	d.dirty = true
	if d.many != nil {
		c := d.counts[account]
		d.counts[account] = c + n
		if c == 0 {
			d.many.Add(account)
		}
		return c == 0
	}
	i, ok := slices.BinarySearchFunc(d.few, account, byAccount)
	if ok {
		d.few[i].Prompts += n
		return false
	}
	d.few = slices.Insert(d.few, i, Use{account, n})
	if len(d.few) > fewUses {
		d.many, d.counts = roaring.New(), make(map[uint32]uint32, 2*fewUses)
		for _, u := range d.few {
			d.many.Add(u.Account)
			d.counts[u.Account] = u.Prompts
		}
		d.few = nil
	}
	return true
}

// prompts returns how many prompts an account sent.
func (d *day) prompts(account uint32) uint32 {
	if d.many != nil {
		return d.counts[account]
	}
	if i, ok := slices.BinarySearchFunc(d.few, account, byAccount); ok {
		return d.few[i].Prompts
	}
	return 0
}

func byAccount(u Use, a uint32) int { return cmp.Compare(u.Account, a) }

// len returns the number of distinct accounts.
func (d *day) len() int {
	if d.many != nil {
		return len(d.counts)
	}
	return len(d.few)
}

// each calls fn for every use, accounts ascending.
func (d *day) each(fn func(Use)) {
	if d.many == nil {
		for _, u := range d.few {
			fn(u)
		}
		return
	}
	for it := d.many.Iterator(); it.HasNext(); {
		a := it.Next()
		fn(Use{a, d.counts[a]})
	}
}

// into adds the day's accounts to a bitmap.
func (d *day) into(b *roaring.Bitmap) {
	if d.many != nil {
		b.Or(d.many)
		return
	}
	room := accountRooms.Get().(*[]uint32)
	defer accountRooms.Put(room)
	accounts := (*room)[:0]
	for _, u := range d.few {
		accounts = append(accounts, u.Account)
	}
	b.AddMany(accounts)
	*room = accounts
}

var accountRooms = sync.Pool{New: func() any { return new([]uint32) }}

// bytes estimates the memory that the day takes.
func (d *day) bytes() int {
	if n := d.len(); n > 32 { // as if they were a bitmap and a map
		return 112 + 24*n + 8*d.countValues()
	}
	return 80 + 8*len(d.few) + 8*d.countValues()
}

// A crowd is a filter of accounts (Bloom, 1970): it has all that were added and
// about one in twenty of the others, at 8 to 16 bits an account.
type crowd struct {
	words []uint64
	n     int // accounts added
}

const perCrowdWord = 8 // accounts

func newCrowd(room int) crowd {
	return crowd{words: make([]uint64, 1<<bits.Len(uint(room/perCrowdWord)))}
}

// full says that the next account needs more room.
func (c *crowd) full() bool { return c.n >= perCrowdWord*len(c.words) }

func (c *crowd) place(account uint32) (word int, mask uint64) {
	h := uint64(account) * 0x9e3779b97f4a7c15
	return int(h>>32) & (len(c.words) - 1), 1<<(h>>58) | 1<<(h>>52&63)
}

func (c *crowd) add(account uint32) {
	i, mask := c.place(account)
	c.words[i] |= mask
	c.n++
}

func (c *crowd) has(account uint32) bool {
	i, mask := c.place(account)
	return c.words[i]&mask == mask
}
