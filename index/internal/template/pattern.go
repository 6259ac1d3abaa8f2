package template

import (
	"cmp"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/seed-368d3dfa/chorus/minhash"
)

// A Pattern is a template as people read it: fixed words in the writing that
// most exemplars use, with {1}, {2} … where the text varies.
type Pattern struct {
	Text       string
	FixedWords int
	Slots      []Slot
}

// A Slot is a place whose text varies.
type Slot struct {
	Distinct int      // different fillings among the exemplars
	Examples []string // some of them, each of at most 80 bytes
}

// MakePattern reads the pattern off exemplars of distinct accounts. It takes
// the exemplar that has most of what most exemplars share as the base, aligns the others
// with it, and fixes the words that three in five share: inside the core or in
// runs too long for chance. Where most exemplars agree on words that the base
// has otherwise, theirs are shown. A single exemplar shows its part of the core.
// Time and space are near linear in the texts.
func MakePattern(k *minhash.Sketcher, core []uint64, texts []string) Pattern {
	var all []exemplar
	for _, text := range texts {
		if e := readExemplar(k, core, text); e.shown > 0 {
			all = append(all, e)
		}
	}
	if len(all) == 0 {
		return Pattern{}
	}
	slices.SortStableFunc(all, central(all))
	return render(all, alignAll(all))
}

// central orders exemplars by how many of the short runs of tokens that most
// of them share they have, then by how much of the core, the shortest first.
func central(all []exemplar) func(a, b exemplar) int {
	type times struct{ last, n int }
	in := make(map[uint64]times, 2*len(all[0].grams))
	for o := range all {
		for _, h := range all[o].grams {
			if t := in[h]; t.last != o+1 {
				in[h] = times{o + 1, t.n + 1}
			}
		}
	}
	for o := range all {
		e := &all[o]
		for _, h := range e.grams {
			if most(in[h].n, len(all)) {
				e.shared++
			}
		}
	}
	return func(a, b exemplar) int {
		return cmp.Or(b.shared-a.shared, b.shown-a.shown, len(a.tokens)-len(b.tokens))
	}
}

const alignTokens = 1500 // of one exemplar that take part

// An exemplar is a text with its tokens.
type exemplar struct {
	text    string
	tokens  []minhash.Token
	covered []bool   // tokens inside a shingle of the core
	shown   int      // how many
	grams   []uint64 // token → hash of the shortest run that begins there
	shared  int      // short runs that most exemplars have
	head    bool     // tokens begin with the text's first token
	tail    bool     // and end with its last
}

func readExemplar(k *minhash.Sketcher, core []uint64, text string) exemplar {
	e := exemplar{text: text, tokens: k.Tokens(nil, text), head: true, tail: true}
	e.covered = make([]bool, len(e.tokens))
	for _, s := range k.Shingles(nil, text) {
		if _, ok := slices.BinarySearch(core, s.Key); ok {
			for i := max(0, s.First); i <= min(s.Last, len(e.tokens)-1); i++ {
				e.covered[i] = true
			}
		}
	}
	first, last := len(e.tokens), -1
	for i, c := range e.covered {
		if c {
			first, last = min(first, i), i
			e.shown++
		}
	}
	if len(e.tokens) > alignTokens && e.shown > 0 { // keep the part around the core
		from := max(0, min(first, (first+last-alignTokens)/2))
		to := min(len(e.tokens), from+alignTokens)
		e.head, e.tail = from == 0, to == len(e.tokens)
		e.tokens, e.covered = e.tokens[from:to], e.covered[from:to]
	}
	e.grams = gramsOf(e.tokens, gramHalves)
	return e
}

// alignment says where each token of the base, which is exemplar 0, is found
// in the others, and which tokens are fixed.
type alignment struct {
	partner [][]int32 // exemplar, base token → token of the exemplar, or -1
	fixed   []bool    // base tokens
}

func alignAll(all []exemplar) alignment {
	base := &all[0]
	a := alignment{partner: make([][]int32, len(all)), fixed: make([]bool, len(base.tokens))}
	a.partner[0] = make([]int32, len(base.tokens))
	for i := range a.partner[0] {
		a.partner[0][i] = int32(i)
	}
	n := len(all)
	strong := make([]int, len(base.tokens)) // exemplars that have the token in a run too long for chance
	g, runs := indexGrams(base.grams), make([][]run, n)
	for o := 1; o < n; o++ {
		runs[o] = tile(base, &all[o], g)
		for _, r := range runs[o] {
			words := 0
			for i := r.i; i < r.i+r.n; i++ {
				if !base.number(i) {
					words++
				}
			}
			for i := r.i; i < r.i+r.n && words > 2; i++ {
				strong[i]++
			}
		}
	}
	votes := make([]int, len(base.tokens)) // exemplars that have the token
	for o := 1; o < n; o++ {
		kept := slices.DeleteFunc(runs[o], func(r run) bool { // what only few share is payload
			for i := r.i; i < r.i+r.n; i++ {
				if base.covered[i] || most(strong[i]+1, n) {
					return false
				}
			}
			return true
		})
		a.partner[o] = fillGaps(base, &all[o], kept)
		for i, j := range a.partner[o] {
			if j >= 0 && base.alike(i, &all[o], int(j)) {
				votes[i]++
			}
		}
	}
	for i := range a.fixed {
		v := votes[i] + 1
		a.fixed[i] = most(v, n) || n == 1 && base.covered[i]
	}
	a.dropStray(all, votes, strong)
	return a
}

// dropStray unfixes words outside the core that no longer run of agreement
// holds: a single word that most exemplars share in the same order is chance
// more often than not. It stays if nearly all have it and the same mark or
// line break beside it.
func (a *alignment) dropStray(all []exemplar, votes, strong []int) {
	base, n := &all[0], len(all)
	for i := 0; i < len(a.fixed); {
		if !a.fixed[i] {
			i++
			continue
		}
		j, sure := i, false
		for ; j < len(a.fixed) && a.fixed[j]; j++ {
			sure = sure || base.covered[j] || 4*(strong[j]+1) >= 3*n && strong[j] > 0
		}
		if !sure {
			for x := i; x < j; x++ {
				if !nearly(votes[x]+1, n) || base.number(x) || !a.marked(all, x) {
					a.fixed[x] = false
				}
			}
		}
		i = j
	}
}

// marked reports whether nearly all exemplars set the base's token i off by
// the same mark or line break, on one side or the other.
func (a *alignment) marked(all []exemplar, i int) bool {
	b0, f0 := all[0].around(i)
	before, after := 0, 0
	for o := range all {
		if j := int(a.partner[o][i]); j >= 0 {
			b, f := all[o].around(j)
			if b == b0 {
				before++
			}
			if f == f0 {
				after++
			}
		}
	}
	return b0 != 0 && nearly(before, len(all)) || f0 != 0 && nearly(after, len(all))
}

// most and nearly say how many of n exemplars must agree.
func most(v, n int) bool   { return v > 1 && 5*v >= 3*n }
func nearly(v, n int) bool { return v > 2 && 5*v >= 4*n }

// end is where token i ends in the text, the text's begin for -1.
func (e *exemplar) end(i int) int {
	if i < 0 {
		return 0
	}
	return e.tokens[i].End
}

// around returns the marks beside token i: the nearest line break or other
// character that is no space, 0 if there are only spaces.
func (e *exemplar) around(i int) (before, after rune) {
	from, to, t := 0, len(e.text), e.tokens[i]
	if i > 0 {
		from = e.end(i - 1)
	}
	if i+1 < len(e.tokens) {
		to = e.tokens[i+1].Start
	}
	for _, r := range e.text[min(from, t.Start):t.Start] {
		if isMark(r) {
			before = r
		}
	}
	for _, r := range e.text[t.End:max(to, t.End)] {
		if isMark(r) {
			return before, r
		}
	}
	return before, 0
}

func isMark(r rune) bool {
	return r == '\n' || !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r)
}

// number reports whether token i is a run of digits. All of these are equal
// tokens, so that they agree by chance.
func (e *exemplar) number(i int) bool {
	r, _ := utf8.DecodeRuneInString(e.word(i))
	return unicode.IsDigit(r)
}

func (e *exemplar) word(i int) string { return e.text[e.tokens[i].Start:e.tokens[i].End] }

// alike reports whether token i and token j of another exemplar are equal, in
// a number every digit too.
func (e *exemplar) alike(i int, other *exemplar, j int) bool {
	return e.tokens[i].Hash == other.tokens[j].Hash && (!e.number(i) || e.word(i) == other.word(j))
}
