package template

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// gibberish is n words that hardly any other call returns.
func gibberish(rng *rand.Rand, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("w%s", string([]byte{byte('a' + rng.IntN(26)), byte('a' + rng.IntN(26)), byte('a' + rng.IntN(26)), byte('a' + rng.IntN(26))}))
	}
	return out
}

// shapeOf is the shape of a text with n different payloads behind it.
func shapeOf(t testing.TB, rng *rand.Rand, text string, n int) Shape {
	t.Helper()
	k := newSketcher(t)
	var texts []string
	for range n {
		texts = append(texts, text+" "+strings.Join(gibberish(rng, 3+rng.IntN(40)), " "))
	}
	var core []uint64
	for _, s := range k.Shingles(nil, text) {
		core = append(core, s.Key)
	}
	slices.Sort(core)
	return NewShaper(k).Shape(core, texts)
}

// TestShape: variants of a text resemble it, other texts do not, not even
// those that share a sentence with it.
func TestShape(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		exemplars := 1 + rng.IntN(8)
		shape := func(sentences ...[]string) Shape {
			var all []string
			for _, s := range sentences {
				all = append(all, strings.Join(s, " "))
			}
			return shapeOf(t, rng, strings.Join(all, ". ")+".", exemplars)
		}
		a, b, c, d := gibberish(rng, 6+rng.IntN(8)), gibberish(rng, 6+rng.IntN(8)), gibberish(rng, 6+rng.IntN(8)), gibberish(rng, 6+rng.IntN(8))
		edited := slices.Concat(a, b, c)
		for i := 4; i < len(edited); i += 9 {
			edited[i] = gibberish(rng, 1)[0]
		}
		whole := shape(a, b, c)
		for name, v := range map[string]Shape{
			"itself": shape(a, b, c), "shuffled": shape(c, a, b), "edited": shape(edited), "a later version": shape(a, b, c, d), "an earlier version": shape(a, b),
		} {
			if whole.Resembles(v) == 0 || v.Resembles(whole) != whole.Resembles(v) {
				t.Errorf("seed %d, %d exemplars: %s: %v, %v the other way round", seed, exemplars, name, whole.Resembles(v), v.Resembles(whole))
			}
		}
		other := gibberish(rng, 40)
		for name, v := range map[string]Shape{
			"another": shape(other), "of shared boilerplate": shape(a[:5], other), "of too few words": shape(a[:2]), "nothing": {},
		} {
			if r := whole.Resembles(v); r != 0 {
				t.Errorf("seed %d, %d exemplars: %s: %v", seed, exemplars, name, r)
			}
		}
	}
}

// TestOverlap compares with counting, where sets are kept whole, and with the
// truth where they are not.
func TestOverlap(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 2))
		size := 30
		if seed%2 == 0 {
			size = 2000
		}
		var d, o distinct
		in := make(map[uint32]int)
		for range size {
			v := rng.Uint32()
			x := rng.IntN(3)
			if x != 1 {
				d.add(v)
				in[v] |= 1
			}
			if x != 0 {
				o.add(v)
				in[v] |= 2
			}
		}
		both := 0
		for _, x := range in {
			if x == 3 {
				both++
			}
		}
		inD, inO, got := overlap(d.least, o.least)
		want, is := share(both, len(in)), share(got, inD+inO-got)
		if size == 30 && (got != both || inD != len(d.least) || inO != len(o.least)) {
			t.Errorf("seed %d: %d of %d and %d, want %d of %d and %d", seed, got, inD, inO, both, len(d.least), len(o.least))
		}
		if diff := is - want; size > 30 && (diff > .25 || diff < -.25) {
			t.Errorf("seed %d: resemblance %.2f, really %.2f", seed, is, want)
		}
		if n, m, k := overlap(o.least, d.least); n != inO || m != inD || k != got {
			t.Errorf("seed %d: the other way round %d %d %d", seed, n, m, k)
		}
	}
}

// TestFamilies: what templates are in does not change when later ones come,
// and each follows one that leads, to which it is like.
func TestFamilies(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var shapes []Shape
		var kinds []int
		var texts [][]string
		for i := range 60 {
			kind := rng.IntN(i/3 + 1)
			for len(texts) <= kind {
				texts = append(texts, gibberish(rng, 24+rng.IntN(30)))
			}
			text := slices.Clone(texts[kind])
			text[rng.IntN(len(text))] = gibberish(rng, 1)[0]
			shapes, kinds = append(shapes, shapeOf(t, rng, strings.Join(text, " "), 3)), append(kinds, kind)
		}
		all := Families(shapes)
		first := make(map[int]int)
		for i, kind := range kinds {
			if _, ok := first[kind]; !ok {
				first[kind] = i
			}
			if all[i] != first[kind] {
				t.Errorf("seed %d: %d of text %d is with %d, want %d", seed, i, kind, all[i], first[kind])
			}
		}
		for n := range shapes {
			if got := Families(shapes[:n]); !slices.Equal(got, all[:n]) {
				t.Fatalf("seed %d: the first %d are otherwise without the rest", seed, n)
			}
		}
	}
}
