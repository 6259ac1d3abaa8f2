package sift

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

var _ Sieve = (*Table)(nil)

func newTable(t testing.TB, o Options) *Table {
	t.Helper()
	table, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, table) })
	return table
}

// check verifies what must hold of any table at any time.
func check(t testing.TB, table *Table) {
	t.Helper()
	used, prevalent := 0, 0
	for from := 0; from < len(table.entries); from += perBucket {
		b := table.entries[from : from+perBucket]
		for i, e := range b {
			if e == 0 {
				continue
			}
			used++
			if i > 0 && b[i-1] == 0 {
				t.Fatalf("bucket %d: unused entry before a used one", from/perBucket)
			}
			for _, other := range b[:i] {
				if other&tagMask == e&tagMask {
					t.Fatalf("bucket %d: tag %#x twice", from/perBucket, e&tagMask)
				}
			}
			first, second := e>>firstShift&accountMask, e>>secondShift&accountMask
			switch {
			case e&prevalentBit != 0:
				prevalent++
				if first != 0 || second != 0 {
					t.Fatalf("prevalent entry %#x has accounts", e)
				}
			case first == 0 || first == second || second != 0 && table.accounts == 2:
				t.Fatalf("entry %#x has accounts %d and %d", e, first, second)
			}
		}
	}
	if s := table.Stats(); s.Entries != used || s.Prevalent != prevalent {
		t.Fatalf("stats %+v, table holds %d entries, %d prevalent", s, used, prevalent)
	}
}

// see observes one key.
func see(s Sieve, account uint32, key uint64) State {
	var out [1]State
	s.Observe(account, []uint64{key}, out[:])
	return out[0]
}

func expect(t *testing.T, what string, got, want State) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: state %d, want %d", what, got, want)
	}
}

func TestOptions(t *testing.T) {
	huge := int64(maxBytes) + 1 // an int where ints are of 64 bits
	for _, c := range []struct {
		o     Options
		bytes int // 0: refused
	}{
		{Options{}, 256 << 20},
		{Options{Bytes: 1}, 4 << 10},
		{Options{Bytes: 4 << 10, Accounts: 2}, 4 << 10},
		{Options{Bytes: 8<<10 - 1, Accounts: 3}, 4 << 10},
		{Options{Bytes: 3 << 20}, 2 << 20},
		{Options{Bytes: -1}, 0},
		{Options{Bytes: int(huge)}, 0},
		{Options{Accounts: 1}, 0},
		{Options{Accounts: 4}, 0},
		{Options{Accounts: -3}, 0},
	} {
		table, err := New(c.o)
		switch {
		case (err == nil) != (c.bytes > 0):
			t.Errorf("%+v: error %v", c.o, err)
		case err == nil && table.Bytes() != c.bytes:
			t.Errorf("%+v: %d bytes, want %d", c.o, table.Bytes(), c.bytes)
		}
	}
}

func TestPromotion(t *testing.T) {
	for _, m := range []int{2, 3} {
		table := newTable(t, Options{Bytes: minBytes, Accounts: m})
		for key := range uint64(100) {
			for account := range uint32(m + 2) {
				want := Single
				switch {
				case account+1 == uint32(m):
					want = Promoted
				case account+1 > uint32(m):
					want = Prevalent
				}
				what := fmt.Sprintf("m %d, key %d, account %d", m, key, account)
				expect(t, what, see(table, account, key), want)
				if want == Promoted {
					want = Prevalent
				}
				for again := range account + 1 {
					expect(t, what+" again", see(table, again, key), want)
				}
			}
		}
	}
}

func TestSameKeyTwiceInOneCall(t *testing.T) {
	table := newTable(t, Options{Bytes: minBytes, Accounts: 2})
	out := make([]State, 5) // more than keys: the rest stays as it was
	out[4] = 77
	table.Observe(1, []uint64{5, 6, 5}, out)
	table.Observe(2, []uint64{5, 5, 6, 7}, out)
	if want := []State{Promoted, Prevalent, Promoted, Single, 77}; !slices.Equal(out, want) {
		t.Fatalf("got %v, want %v", out, want)
	}
	table.Observe(3, nil, nil)
}

func TestShortOut(t *testing.T) {
	table := newTable(t, Options{Bytes: minBytes})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		table.Observe(1, []uint64{1, 2}, make([]State, 1, 2))
	}()
	if s := table.Stats(); s != (Stats{}) {
		t.Fatalf("something was recorded: %+v", s)
	}
}

func TestMarkForget(t *testing.T) {
	table := newTable(t, Options{Bytes: minBytes})
	table.Forget(9) // of nothing
	table.Mark(9)
	table.Mark(9)
	expect(t, "marked", see(table, 1, 9), Prevalent)
	table.Forget(9)
	expect(t, "forgotten", see(table, 1, 9), Single)
	expect(t, "second account", see(table, 2, 9), Single)
	table.Mark(9)
	expect(t, "marked over two accounts", see(table, 1, 9), Prevalent)
	table.Forget(9)
	see(table, 1, 9)
	see(table, 2, 9)
	table.Forget(9)
	expect(t, "forgotten with two accounts", see(table, 3, 9), Single)
}

// Keys that differ in one bit only are different keys where the tag is whole,
// and key 0 is a key.
func TestTagIsWhole(t *testing.T) {
	table := newTable(t, Options{Bytes: 16 << 20, Accounts: 2})
	for bit := range keyBits {
		key := uint64(1) << bit
		table.Mark(key)
		expect(t, "key 0", see(table, 1, 0), Single)
		expect(t, fmt.Sprintf("key 1<<%d", bit), see(table, 1, key), Prevalent)
		table.Forget(key)
	}
	expect(t, "bits above the key", see(table, 2, 1<<keyBits), Promoted) // key 0 again
}

func TestAccountTag(t *testing.T) {
	count := make([]int, accountMask+1)
	const accounts = 16 * accountMask
	for a := range uint32(accounts) {
		count[accountTag(a)]++
	}
	if count[0] != 0 {
		t.Errorf("%d accounts have the tag of none", count[0])
	}
	if lo, hi := slices.Min(count[1:]), slices.Max(count[1:]); lo < 12 || hi > 20 {
		t.Errorf("from %d to %d accounts share a tag, want about 16", lo, hi)
	}
	if tag := accountTag(^uint32(0)); tag == 0 || tag > accountMask {
		t.Errorf("tag %d", tag)
	}
}

// bucketKey returns the i-th key of one bucket of the smallest table.
func bucketKey(i int) uint64 { return uint64(i)<<6 | 17 }

func TestEvictionOrder(t *testing.T) {
	table := newTable(t, Options{Bytes: minBytes, Accounts: 3})
	// Two prevalent keys, the stalest of all, then three of two accounts, then three of one.
	table.Mark(bucketKey(0))
	see(table, 1, bucketKey(1))
	see(table, 2, bucketKey(1))
	see(table, 3, bucketKey(1))
	for i := 2; i < 5; i++ {
		see(table, 1, bucketKey(i))
		see(table, 2, bucketKey(i))
	}
	for i := 5; i < 8; i++ {
		see(table, 1, bucketKey(i))
	}
	see(table, 1, bucketKey(5)) // a repetition refreshes: 6 is the stalest of one account
	see(table, 2, bucketKey(2)) // and 3 the stalest of two

	fresh := 100
	for _, victim := range []int{6, 7, 5, 3, 4, 2, 0, 1} {
		fresh++
		table.Mark(bucketKey(fresh)) // prevalent and fresher than all
		if has(table, bucketKey(victim)) {
			t.Fatalf("key %d should have been evicted", victim)
		}
		// Let time pass, so that the marked keys differ in age from what follows.
		table.Observe(0, nil, nil)
	}
	want := Stats{Entries: 8, Prevalent: 8, EvictedOne: 3, EvictedTwo: 3, EvictedPrevalent: 2}
	if got := table.Stats(); got != want {
		t.Fatalf("stats %+v, want %+v", got, want)
	}
	// A new key gets a place even among prevalent ones, at the cost of one.
	see(table, 1, bucketKey(200))
	see(table, 1, bucketKey(201))
	want.Prevalent, want.EvictedPrevalent, want.EvictedOne = 7, 3, 4
	if got := table.Stats(); got != want {
		t.Fatalf("stats %+v, want %+v", got, want)
	}
}

func has(table *Table, key uint64) bool {
	b, tag := table.locate(key)
	return find(b, tag) < perBucket
}

// Ages stay in order however long an entry is not seen: stamps do not wrap.
func TestStampsDoNotWrap(t *testing.T) {
	table := newTable(t, Options{Bytes: minBytes})
	const old = 7
	table.Mark(bucketKey(old))
	b, tag := table.locate(bucketKey(old))
	for tick := range uint64(5 << stampBits) {
		table.Observe(0, nil, nil)
		age := table.clock.age(b[find(b, tag)])
		if age != tick+1 && age < maxAge {
			t.Fatalf("after %d ticks the age is %d", tick+1, age)
		}
	}
	for i := range perBucket {
		table.Mark(bucketKey(100 + i))
	}
	if has(table, bucketKey(old)) {
		t.Fatal("the oldest entry outlived a younger one")
	}
}

// A sweep must reach every bucket within sweepTicks, at every size.
func TestSweepVisitsAll(t *testing.T) {
	for _, size := range []int{minBytes, 64 << 10, 1 << 20} {
		table := newTable(t, Options{Bytes: size})
		for key := range uint64(size / bucketBytes) {
			table.Mark(key)
		}
		// Straight to each next tick, until the first entries are about to wrap.
		for range 2 * sweepTicks {
			table.clock.calls += 1<<table.clock.tickShift - 1
			table.Observe(0, nil, nil)
		}
		for i, e := range table.entries {
			if e != 0 && table.clock.age(e) < maxAge {
				t.Fatalf("%d bytes: entry %d is %d ticks old", size, i, table.clock.age(e))
			}
		}
	}
}

// In the absence of evictions, the order of observations does not matter to
// any later answer, nor does repeating them.
func TestOrderDoesNotMatter(t *testing.T) {
	type pair struct {
		key     uint64
		account uint32
	}
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		random := func() pair {
			return pair{keyOf(uint64(r.ExpFloat64() * 2000)), uint32(r.ExpFloat64() * 50)}
		}
		o := Options{Bytes: 1 << 20, Accounts: 2 + int(seed%2)}

		var pairs []pair
		lived := newTable(t, o)
		for range 20_000 {
			p := random()
			pairs = append(pairs, p)
			see(lived, p.account, p.key)
		}

		// A key's accounts side by side, each once, as sorted postings have them.
		slices.SortFunc(pairs, func(a, b pair) int {
			return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.account, b.account))
		})
		pairs = slices.Compact(pairs)
		byKey := newTable(t, o)
		for _, p := range pairs {
			see(byKey, p.account, p.key)
		}

		// All keys of an account in one call.
		byAccount := newTable(t, o)
		keys := map[uint32][]uint64{}
		for _, p := range pairs {
			keys[p.account] = append(keys[p.account], p.key)
		}
		for _, account := range slices.Sorted(maps.Keys(keys)) {
			byAccount.Observe(account, keys[account], make([]State, len(keys[account])))
		}

		for _, table := range []*Table{lived, byKey, byAccount} {
			if s := table.Stats(); s.EvictedOne+s.EvictedTwo+s.EvictedPrevalent > 0 || s.Prevalent == 0 {
				t.Fatalf("the test needs prevalent keys and no evictions: %+v", s)
			}
		}
		for range 20_000 {
			p := random()
			a, b, c := see(lived, p.account, p.key), see(byKey, p.account, p.key), see(byAccount, p.account, p.key)
			if a != b || a != c {
				t.Fatalf("seed %d: states %d as it came, %d by key, %d by account", seed, a, b, c)
			}
		}
	}
}

// The same calls make the same table, evictions and sweeps included.
func TestDeterministic(t *testing.T) {
	run := func() (*Table, []State) {
		table := newTable(t, Options{Bytes: minBytes})
		r := rand.New(rand.NewPCG(1, 2))
		var all []State
		for range 20_000 {
			keys := make([]uint64, r.IntN(40))
			for i := range keys {
				keys[i] = uint64(r.ExpFloat64() * 300)
			}
			out := make([]State, len(keys))
			table.Observe(r.Uint32N(100), keys, out)
			all = append(all, out...)
			table.Mark(r.Uint64N(5000))
			table.Forget(r.Uint64N(5000))
		}
		return table, all
	}
	a, sa := run()
	b, sb := run()
	if !slices.Equal(a.entries, b.entries) || !slices.Equal(sa, sb) {
		t.Fatal("two runs differ")
	}
	if s := a.Stats(); s.EvictedOne == 0 || s.EvictedTwo == 0 || s.EvictedPrevalent == 0 {
		t.Fatalf("the test needs evictions of every kind: %+v", s)
	}
}

// Keys beyond one chunk are observed like the others.
func TestLongPrompt(t *testing.T) {
	table := newTable(t, Options{Bytes: 1 << 20, Accounts: 2})
	keys := make([]uint64, 5*chunk/2)
	for i := range keys {
		keys[i] = uint64(i) * 3
	}
	out := make([]State, len(keys))
	for account, want := range []State{Single, Promoted, Prevalent} {
		table.Observe(uint32(account), keys, out)
		for i, s := range out {
			if s != want {
				t.Fatalf("account %d, key %d: state %d, want %d", account, i, s, want)
			}
		}
	}
}

func TestObserveAllocatesNothing(t *testing.T) {
	table := newTable(t, Options{Bytes: 64 << 10})
	keys, out := make([]uint64, 300), make([]State, 300)
	account := uint32(0)
	if n := testing.AllocsPerRun(100, func() {
		for i := range keys {
			keys[i] += uint64(i) * 7919
		}
		account++
		table.Observe(account, keys, out)
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
