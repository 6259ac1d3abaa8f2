package minhash

import (
	"slices"
	"sync"
	"testing"
)

// TestSketchersSideBySide has several sketchers meet new scripts at once: they share the tables that scripts fill.
func TestSketchersSideBySide(t *testing.T) {
	var wg sync.WaitGroup
	got := make([][]uint64, 8)
	for i := range got {
		k := newSketcher(t)
		wg.Go(func() {
			got[i] = hashes(k, "ᠮᠣᠩᠭᠣᠯ ꦗꦮ ⵜⴰⵎⴰⵣⵉⵖⵜ ᐃᓄᒃᑎᑐᑦ ܣܘܪܝܝܐ ߒߞߏ ꓡꓲꓢꓴ 𐌲𐌿𐍄𐌹𐍃𐌺 བོད་སྐད")
		})
	}
	wg.Wait()
	for _, h := range got {
		if len(h) == 0 || !slices.Equal(h, got[0]) {
			t.Fatal("sketchers of one scheme disagree")
		}
	}
}
