package index

import (
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
)

// TestMemtableGrows: memtables are as large as what is stored asks for, and
// nothing is lost where they become larger or smaller.
func TestMemtableGrows(t *testing.T) {
	for _, c := range []struct {
		prompts uint64
		want    int
	}{{0, 2_000_000}, {399_999, 2_000_000}, {400_000, 3_000_000}, {999_999, 3_000_000}, {1_000_000, 4_500_000}, {1 << 40, 4_500_000}} {
		if n := new(Options).memtablePostings(c.prompts); n != c.want {
			t.Errorf("after %d prompts: %d postings, want %d", c.prompts, n, c.want)
		}
	}

	g := newTraffic(1, 60, 100, 40*time.Second)
	ix := open(t, tempIndex(t), small())
	for _, bound := range []int{2000, 20_000, 4000} {
		ix.opts.MemtablePostings = bound
		addAll(t, ix, g.take(4000), 17)
		settle(t, ix)
		g.compare(t, ix)
		var newest store.Segment
		if err := ix.store.View(func(r *store.Reader) error {
			all := r.Segments()
			newest = all[len(all)-1]
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if ix.mem.bound != bound || newest.N < bound/100 || newest.N > bound/10 {
			t.Errorf("%d postings: the memtable has %d, the last segment %d prompts", bound, ix.mem.bound, newest.N)
		}
	}
}
