package template

import (
	"cmp"
	"slices"

	"github.com/seed-368d3dfa/chorus/minhash"
)

// Two exemplars are aligned in two steps. Runs of equal tokens are matched
// first, the longest first and in any order, for sentences may have moved
// (Wise, "String Similarity via Greedy String Tiling", 1993). The gaps between
// two runs are then matched in order, by the tokens that occur once on both
// sides (Cohen's patience diff), first those that marks set off: a short label
// between two slots must not be lost to words that these happen to share.

const (
	gramHalves = 6 // half tokens in the shortest run, 3 words or 6 characters
	gramPlaces = 4 // places of one gram that are tried
)

// A run is n tokens from i on in the base, equal to those from j on in another.
type run struct{ i, j, n int }

// grams finds the places of the base's shortest runs.
type grams struct {
	first map[uint64]int32
	next  []int32 // place → next place of the same gram, or -1
}

// gramsOf returns a hash of the shortest run of so many half tokens that begins
// at each token, as far as the text has one.
func gramsOf(tokens []minhash.Token, least int) []uint64 {
	return appendGrams(make([]uint64, 0, len(tokens)), tokens, least)
}

func appendGrams(out []uint64, tokens []minhash.Token, least int) []uint64 {
	for i := range tokens {
		h, halves := uint64(1), 0
		for n := i; n < len(tokens) && halves < least; n++ {
			h = (h ^ tokens[n].Hash) * 0x9e3779b97f4a7c15
			h ^= h >> 29
			halves += 2 - int(tokens[n].Hash&1)
		}
		if halves < least {
			break
		}
		out = append(out, h)
	}
	return out
}

func indexGrams(hashes []uint64) grams {
	g := grams{first: make(map[uint64]int32, len(hashes)), next: make([]int32, len(hashes))}
	for i, h := range slices.Backward(hashes) {
		g.next[i] = -1
		if at, ok := g.first[h]; ok {
			g.next[i] = at
		}
		g.first[h] = int32(i)
	}
	return g
}

// tile returns common runs of two exemplars that do not overlap, the longest first.
func tile(base, other *exemplar, g grams) []run {
	a := base.tokens
	taken, used := make([]bool, len(a)), make([]bool, len(other.tokens))
	runs := findRuns(a, other.tokens, g, other.grams)
	out := runs[:0]
	for _, r := range runs {
		for r.n > 0 && (taken[r.i] || used[r.j]) { // a longer run took its head
			r.i, r.j, r.n = r.i+1, r.j+1, r.n-1
		}
		n, halves := 0, 0
		for n < r.n && !taken[r.i+n] && !used[r.j+n] {
			halves += 2 - int(a[r.i+n].Hash&1)
			n++
		}
		if halves < gramHalves {
			continue
		}
		for x := range n {
			taken[r.i+x], used[r.j+x] = true, true
		}
		out = append(out, run{r.i, r.j, n})
	}
	return out
}

// fillGaps returns the place in b of each token of a, or -1: those of the
// runs, and what matches between them.
func fillGaps(base, other *exemplar, runs []run) []int32 {
	a, b := base.tokens, other.tokens
	p := pairing{base: base, other: other, a: a, b: b, partner: make([]int32, len(a)), used: make([]bool, len(b))}
	for i := range p.partner {
		p.partner[i] = -1
	}
	for _, r := range runs {
		for x := range r.n {
			p.pair(r.i+x, r.j+x)
		}
	}
	for i := 0; i < len(a); i++ {
		from, lo, hi := i, 0, len(b)
		for i < len(a) && p.partner[i] < 0 {
			i++
		}
		if i == from {
			continue
		}
		if from > 0 {
			lo = int(p.partner[from-1]) + 1
		}
		if i < len(a) {
			hi = int(p.partner[i])
		}
		if lo <= hi {
			p.between(from, i, lo, hi)
			continue
		}
		// A run has moved: each end of the gap goes with its own.
		x, y := from, lo
		for ; x < i && y < len(b) && p.free(x, y); x, y = x+1, y+1 {
			p.pair(x, y)
		}
		for x, y := i-1, hi-1; y >= 0 && p.free(x, y); x, y = x-1, y-1 {
			p.pair(x, y)
		}
	}
	return p.partner
}

// A pairing is an alignment of a and b, the tokens of two exemplars, in the making.
type pairing struct {
	base, other *exemplar

	a, b    []minhash.Token
	partner []int32
	used    []bool // tokens of b
}

func (p *pairing) pair(i, j int) { p.partner[i], p.used[j] = int32(j), true }

// free reports whether a[i] and b[j] are equal and without partner.
func (p *pairing) free(i, j int) bool {
	return p.partner[i] < 0 && !p.used[j] && p.a[i].Hash == p.b[j].Hash
}

// findRuns returns the maximal common runs of a and b, longest first, by the
// grams of a and the hashes of b's.
func findRuns(a, b []minhash.Token, g grams, hashes []uint64) []run {
	var runs []run
	for j, h := range hashes {
		at, ok := g.first[h]
		for tries := 0; ok && at >= 0 && tries < gramPlaces; tries++ {
			i := int(at)
			at = g.next[i]
			if i > 0 && j > 0 && a[i-1].Hash == b[j-1].Hash {
				continue // within a run that began before
			}
			n := 0
			for i+n < len(a) && j+n < len(b) && a[i+n].Hash == b[j+n].Hash {
				n++
			}
			runs = append(runs, run{i, j, n})
		}
	}
	slices.SortStableFunc(runs, func(x, y run) int { return cmp.Compare(y.n, x.n) })
	return runs
}

// between matches what is free of a[i:k] and b[j:l], in order.
func (p *pairing) between(i, k, j, l int) {
	for i < k && j < l && p.free(i, j) {
		p.pair(i, j)
		i, j = i+1, j+1
	}
	for i < k && j < l && p.free(k-1, l-1) {
		k, l = k-1, l-1
		p.pair(k, l)
	}
	if i == k || j == l {
		return
	}
	anchors := increasing(p.labels(i, k, j, l))
	if len(anchors) == 0 {
		anchors = increasing(p.onces(i, k, j, l))
	}
	if len(anchors) == 0 {
		return
	}
	for _, m := range anchors {
		p.pair(m.i, m.j)
	}
	for _, m := range append(anchors, run{i: k, j: l}) {
		p.between(i, m.i, j, m.j)
		i, j = m.i+1, m.j+1
	}
}

// onces returns the tokens that occur once in a[i:k] and once, unused, in
// b[j:l], in the order of a.
func (p *pairing) onces(i, k, j, l int) (found []run) {
	type place struct{ at, here, there int }
	places := make(map[uint64]place, k-i)
	for x := i; x < k; x++ {
		c := places[p.a[x].Hash]
		c.here++
		places[p.a[x].Hash] = c
	}
	for y := j; y < l; y++ {
		if c, ok := places[p.b[y].Hash]; ok && !p.used[y] {
			c.at, c.there = y, c.there+1
			places[p.b[y].Hash] = c
		}
	}
	for x := i; x < k; x++ {
		if c := places[p.a[x].Hash]; c.here == 1 && c.there == 1 && p.partner[x] < 0 {
			found = append(found, run{x, c.at, 1})
		}
	}
	return found
}

// labels returns the tokens of a[i:k] and b[j:l] that begin a line or stand
// between two marks, as labels between slots do, and that are set off by the same
// marks equally often on both sides, in the order of a.
func (p *pairing) labels(i, k, j, l int) (found []run) {
	type label struct {
		hash          uint64
		before, after rune
	}
	at := func(e *exemplar, x int) (label, bool) {
		b, f := e.around(x)
		return label{e.tokens[x].Hash, b, f}, b == '\n' || b != 0 && f != 0
	}
	there := make(map[label][]int)
	for y := j; y < l; y++ {
		if c, ok := at(p.other, y); ok && !p.used[y] {
			there[c] = append(there[c], y)
		}
	}
	if len(there) == 0 {
		return nil
	}
	here := make(map[label]int)
	for x := i; x < k; x++ {
		if c, ok := at(p.base, x); ok && p.partner[x] < 0 {
			if n := here[c]; n < len(there[c]) {
				found = append(found, run{x, there[c][n], 1})
			}
			here[c]++
		}
	}
	return slices.DeleteFunc(found, func(m run) bool {
		c, _ := at(p.base, m.i)
		return here[c] != len(there[c])
	})
}

// increasing returns the longest subsequence whose j increase.
func increasing(runs []run) []run {
	var ends []int // length → the run with the least j that ends one so long
	before := make([]int, len(runs))
	for x, r := range runs {
		at, _ := slices.BinarySearchFunc(ends, r.j, func(e, j int) int { return cmp.Compare(runs[e].j, j) })
		before[x] = -1
		if at > 0 {
			before[x] = ends[at-1]
		}
		if at < len(ends) {
			ends[at] = x
		} else {
			ends = append(ends, x)
		}
	}
	if len(ends) == 0 {
		return nil
	}
	out := make([]run, len(ends))
	for at, x := len(ends)-1, ends[len(ends)-1]; at >= 0; at, x = at-1, before[x] {
		out[at] = runs[x]
	}
	return out
}
