package template

import (
	"math/rand/v2"
	"testing"
)

// The table must answer like a map, whatever is set, moved and removed, with
// keys that crowd the same places.
func TestOwnersAreAMap(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 2))
		o, model := newOwners(0), map[uint64]int{}
		var crowd []uint64 // keys with neighbouring homes, over the table's end
		for k := uint64(0); len(crowd) < 300; k++ {
			if h := o.home(k); h > o.mask-40 || h < 40 {
				crowd = append(crowd, k)
			}
		}
		crowd = append(crowd, 1<<40-1)
		for step := range 20000 {
			k := crowd[rng.IntN(len(crowd))]
			if rng.IntN(4) == 0 {
				k = rng.Uint64N(4000) << 20
			}
			if step == 15000 {
				o = o.shrunk()
			}
			if rng.IntN(5) < 3 {
				slot := rng.IntN(maxSlots)
				o.set(k, slot)
				model[k] = slot
			} else {
				o.remove(k)
				delete(model, k)
			}
			probe := crowd[rng.IntN(len(crowd))]
			want, ok := model[probe]
			if !ok {
				want = -1
			}
			if got := o.get(probe); got != want {
				t.Fatalf("seed %d, step %d: key %d has owner %d, want %d", seed, step, probe, got, want)
			}
		}
		for k, want := range model {
			if got := o.get(k); got != want {
				t.Fatalf("seed %d: key %d has owner %d, want %d", seed, k, got, want)
			}
		}
		if o.n != len(model) {
			t.Fatalf("seed %d: %d keys counted, want %d", seed, o.n, len(model))
		}
		for k := range model {
			o.remove(k)
		}
		for i, w := range o.slots {
			if w != 0 || o.tags[i] != 0 {
				t.Fatalf("seed %d: place %d is not empty", seed, i)
			}
		}
		if s := o.shrunk(); len(s.slots) != 1<<12 {
			t.Errorf("an empty table keeps %d places", len(s.slots))
		}
	}
}

func BenchmarkOwnersWithout(b *testing.B) {
	o := newOwners(0)
	rng := rand.New(rand.NewPCG(1, 1))
	for range 400_000 {
		o.set(rng.Uint64()>>24, 7)
	}
	keys := make([]uint64, 1<<16)
	for i := range keys {
		keys[i] = rng.Uint64() >> 24
	}
	b.ResetTimer()
	for i := range b.N {
		if o.get(keys[i&(len(keys)-1)]) >= 0 && i < 0 {
			b.Fatal("an owner")
		}
	}
}
