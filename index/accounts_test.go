package index

import (
	"math/rand/v2"
	"testing"
)

// TestAccountTable: every hash keeps its id, also where many begin at one
// place, while the table grows.
func TestAccountTable(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var table accountTable
	ids := make(map[uint64]uint32)
	for id := uint32(1); id <= 20_000; id++ {
		hash := rng.Uint64()
		if id%20 == 0 {
			hash &^= 1<<20 - 1
		}
		if table.touch(hash); table.get(hash) != ids[hash] {
			t.Fatalf("%x is %d before it is added, not %d", hash, table.get(hash), ids[hash])
		}
		if ids[hash] != 0 {
			continue
		}
		table.add(hash, id)
		ids[hash] = id
		if id%1000 == 0 {
			for h, want := range ids {
				if got := table.get(h); got != want {
					t.Fatalf("%x is %d, not %d", h, got, want)
				}
			}
		}
	}
	if table.n != len(ids) || 4*table.n > 3*len(table.slots) {
		t.Errorf("%d of %d slots are taken, by %d accounts", table.n, len(table.slots), len(ids))
	}
}
