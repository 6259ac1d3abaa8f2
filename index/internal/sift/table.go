package sift

import (
	"fmt"
	"math/bits"
)

// The table is an array of buckets, each one 64-byte cache line of 8 entries.
// A key lives in the bucket that its low bits number: keys are uniform there,
// while long prompts, which keep their lowest keys only, crowd the high bits.
//
//	entry → tag [22 bits] first [14] second [14] stamp [13] prevalent [1]
//
// from bit 0 up. The tag is the key without its bucket bits: whole in
// tables from 16 MiB, where 18 bits number the bucket, and the lowest 22 bits
// of it in smaller ones. First and second are tags of the accounts that sent
// the key, 0 for none; a prevalent entry has neither. The stamp is the tick of
// the last observation. A used entry is never 0; the unused ones of a bucket
// are 0 and come last.
const (
	keyBits     = 40
	bucketBytes = 64
	perBucket   = bucketBytes / 8

	tagBits     = 22
	accountBits = 14
	stampBits   = 13

	firstShift     = tagBits
	secondShift    = firstShift + accountBits
	stampShift     = secondShift + accountBits
	prevalentShift = stampShift + stampBits

	tagMask      = 1<<tagBits - 1
	accountMask  = 1<<accountBits - 1
	stampMask    = 1<<stampBits - 1
	firstField   = accountMask << firstShift
	secondField  = accountMask << secondShift
	stampField   = stampMask << stampShift
	prevalentBit = 1 << prevalentShift

	defaultBytes    = 256 << 20
	minBytes        = 4 << 10
	maxBytes        = 1 << 40
	defaultAccounts = 3
)

// A Table is a Sieve in a fixed amount of memory. Keys are 40 bits; what lies
// above is ignored. One goroutine at a time may use it.
//
// A full bucket evicts its stalest entry known from one account, failing that
// its stalest known from two, failing that its stalest prevalent one. Until
// the first eviction, all answers depend on the set of observed (key, account)
// pairs only, not on their order.
//
// Accounts are told apart by 14 bits: two accounts count as one with
// probability 2^-14, which delays a promotion and never causes one.
type Table struct {
	entries     []uint64 // perBucket to a bucket; they go with the table
	mapped      []byte   // their memory, when it is none of the heap
	bucketBits  uint
	bucketMask  uint64
	accounts    int
	clock       clock
	touched     uint64 // keeps Observe's first pass from being compiled away
	used        int
	prevalent   int
	evictedFrom [3]uint64 // by rank
}

// New returns an empty table, or an error that says which option is wrong.
func New(o Options) (*Table, error) {
	if o.Bytes == 0 {
		o.Bytes = defaultBytes
	}
	if o.Bytes < 0 || int64(o.Bytes) > maxBytes {
		return nil, fmt.Errorf("sift: Bytes is %d, not 0 to %d", o.Bytes, int64(maxBytes))
	}
	if o.Accounts == 0 {
		o.Accounts = defaultAccounts
	}
	if o.Accounts != 2 && o.Accounts != 3 {
		return nil, fmt.Errorf("sift: Accounts is %d, not 2 or 3", o.Accounts)
	}
	bucketBits := uint(bits.Len(uint(max(o.Bytes, minBytes)/bucketBytes)) - 1)
	buckets := 1 << bucketBits
	t := &Table{
		bucketBits: bucketBits,
		bucketMask: uint64(buckets - 1),
		accounts:   o.Accounts,
		clock:      newClock(bucketBits),
	}
	t.memory(buckets * perBucket)
	return t, nil
}

// Bytes returns the memory that the table occupies.
func (t *Table) Bytes() int { return len(t.entries) * 8 }

// Stats count what a table holds and what it has let go.
type Stats struct {
	Entries          int    // keys held, of Table.Bytes()/8 places
	Prevalent        int    // of these, prevalent ones
	EvictedOne       uint64 // evictions of keys known from one account
	EvictedTwo       uint64 // … from two accounts
	EvictedPrevalent uint64 // … of prevalent keys
}

// Stats returns the table's counters. It costs nothing.
func (t *Table) Stats() Stats {
	return Stats{
		Entries:          t.used,
		Prevalent:        t.prevalent,
		EvictedOne:       t.evictedFrom[rankOne],
		EvictedTwo:       t.evictedFrom[rankTwo],
		EvictedPrevalent: t.evictedFrom[rankPrevalent],
	}
}

// A bucket is one cache line of the table.
type bucket = [perBucket]uint64

// locate returns the bucket of key and the key's tag there.
func (t *Table) locate(key uint64) (*bucket, uint64) {
	i := key & t.bucketMask
	tag := key & (1<<keyBits - 1) >> t.bucketBits & tagMask
	return (*bucket)(t.entries[i*perBucket:]), tag
}

// find returns the place of tag in b, or perBucket when it is not there.
func find(b *bucket, tag uint64) int {
	for i, e := range b {
		if e == 0 {
			break
		}
		if e&tagMask == tag {
			return i
		}
	}
	return perBucket
}

// accountTag hashes an account to 1 … 2^14-1, never 0, which means none.
func accountTag(account uint32) uint64 {
	h := account * 0x9e3779b1 // 2^32 over the golden ratio: neighbours lie apart
	return uint64(h)*accountMask>>32 + 1
}
