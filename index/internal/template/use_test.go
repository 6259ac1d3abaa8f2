package template

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
)

// A day must count like a map, before and after it turns from few to many.
func TestDayIsAMap(t *testing.T) {
	for _, accounts := range []int{1, 40, fewUses, 2 * fewUses} {
		rng := rand.New(rand.NewPCG(uint64(accounts), 3))
		d, model := &day{number: 7}, map[uint32]uint32{}
		for range 4000 {
			a, n := uint32(rng.IntN(accounts))*0x01010101, uint32(1+rng.IntN(3))
			if _, known := model[a]; d.add(a, n) == known {
				t.Fatalf("%d accounts: account %d is new: %v", accounts, a, !known)
			}
			model[a] += n
			if d.prompts(a) != model[a] || d.len() != len(model) {
				t.Fatalf("%d accounts: %d prompts of %d accounts, want %d of %d", accounts, d.prompts(a), d.len(), model[a], len(model))
			}
		}
		if (d.many != nil) != (accounts > fewUses) {
			t.Errorf("%d accounts: many is %v", accounts, d.many != nil)
		}
		b, last := roaring.New(), int64(-1)
		d.into(b)
		d.each(func(u Use) {
			if int64(u.Account) <= last || model[u.Account] != u.Prompts || !b.Contains(u.Account) {
				t.Fatalf("%d accounts: %v is wrong or out of order", accounts, u)
			}
			last = int64(u.Account)
		})
		if int(b.GetCardinality()) != len(model) || d.prompts(12345) != 0 {
			t.Errorf("%d accounts: the union has %d", accounts, b.GetCardinality())
		}
		got, err := decodeDay(7, d.append(nil))
		if err != nil || !slices.Equal(got.append(nil), d.append(nil)) || got.dirty {
			t.Errorf("%d accounts: the record does not come back: %v", accounts, err)
		}
	}
}

// SentBy must count each account once, on whatever days it is.
func TestSentBy(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 4))
		x, senders := &Template{}, map[uint32]bool{}
		for range rng.IntN(3000) {
			a := uint32(rng.IntN(1200))
			senders[a] = true
			x.use(a, 0, int64(rng.IntN(3))*msPerDay, 1)
		}
		var asked []uint32
		want := 0
		for a := range uint32(1300) {
			if rng.IntN(4) == 0 {
				if asked = append(asked, a); senders[a] {
					want++
				}
			}
		}
		if n := x.SentBy(asked); n != want {
			t.Errorf("seed %d: %d of %d accounts sent it, not %d", seed, n, len(asked), want)
		}
	}
}

func TestWindows(t *testing.T) {
	x := &Template{}
	for _, u := range []struct {
		account uint32
		day     int64
		n       uint32
	}{{1, 3, 1}, {2, 3, 2}, {2, 5, 1}, {3, 5, 4}, {9, 1, 1}} {
		x.use(u.account, 0, u.day*msPerDay+5, u.n)
	}
	for _, c := range []struct {
		from, to        int32
		spread, prompts int
	}{{0, 1 << 30, 4, 9}, {3, 3, 2, 3}, {3, 5, 3, 8}, {4, 4, 0, 0}, {5, 9, 2, 5}, {2, 1, 0, 0}} {
		if got := x.Spread(c.from, c.to); got != c.spread || int(x.PromptsIn(c.from, c.to)) != c.prompts {
			t.Errorf("days %d to %d: %d accounts, %d prompts; want %d, %d", c.from, c.to, got, x.PromptsIn(c.from, c.to), c.spread, c.prompts)
		}
		for n := range 6 {
			if x.spreads(c.from, c.to, n) != (c.spread >= n) {
				t.Errorf("days %d to %d: spreads to %d is %v", c.from, c.to, n, c.spread < n)
			}
		}
		if len(x.Members(c.from, c.to)) != c.spread {
			t.Errorf("days %d to %d: members %v", c.from, c.to, x.Members(c.from, c.to))
		}
	}
	if x.First != msPerDay+5 || x.Last != 5*msPerDay+5 || x.PromptsOf(2) != 3 || !x.Used(9, 1) || x.Used(9, 3) {
		t.Errorf("first %d, last %d, account 2 sent %d", x.First, x.Last, x.PromptsOf(2))
	}
	y := x.With(Found{Members: []Earlier{{Account: 77, Time: 0}}})
	if x.Spread(0, 99) != 4 || y.Spread(0, 99) != 5 || y.First != 0 {
		t.Error("a copy with found prompts is not separate")
	}
	if DayOf(-1) != 0 || DayOf(1<<62) < 0 {
		t.Error("a time out of range has a day out of range")
	}
}

// Every account counts once, on however many days it comes.
func TestAccountsCountOnce(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 8))
		x, days := &Template{}, 1+rng.IntN(12)
		model := make(map[int]map[uint32]bool) // by day
		distinct := func() int {
			all := make(map[uint32]bool)
			for _, d := range model {
				maps.Copy(all, d)
			}
			return len(all)
		}
		for i := range 1500 {
			day, account := rng.IntN(days), 1+uint32(rng.IntN(200))
			if rng.IntN(400) == 0 && len(x.days) > 1 {
				first := int(x.days[1].number)
				x.expire(int32(first), nothing{})
				maps.DeleteFunc(model, func(d int, _ map[uint32]bool) bool { return d < first })
			}
			if model[day] == nil {
				model[day] = make(map[uint32]bool)
			}
			model[day][account] = true
			if rng.IntN(100) == 0 {
				x.With(Found{Members: []Earlier{{Account: 1000, Time: int64(day) * msPerDay}}})
			}
			x.use(account, 0, int64(day)*msPerDay, 1)
			if x.AccountCount() != distinct() {
				t.Fatalf("seed %d, prompt %d: %d accounts, want %d", seed, i, x.AccountCount(), distinct())
			}
		}
	}
}

type nothing struct{ Records }

func (nothing) Day(uint32, int32, []byte) {}
