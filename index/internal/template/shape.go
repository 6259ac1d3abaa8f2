package template

import (
	"math/bits"
	"slices"

	"github.com/seed-368d3dfa/chorus/minhash"
)

// A Shape is what tells variants of a template: the pairs of words that stand
// side by side in its fixed text, in any order, by the least of their hashes (Cohen and Kaplan, "Summarizing data using bottom-k sketches",
// 2007). Moving a sentence or exchanging a word changes few of them.
type Shape struct{ least []uint32 }

const (
	pairHalves = 4 // half tokens in a pair: 2 words or 4 characters
	fewPairs   = 4 // pairs without which there is no Shape

	alikeJaccard   = .5 // resemblance of variants
	containedShare = .8 // or the part of a smaller Shape that is in one
	containedSize  = .3 // of at most some three times the pairs
	containedPairs = 4  // of which it shows so many
)

// A Shaper makes Shapes. It must not be used from several goroutines at once.
type Shaper struct {
	k      *minhash.Sketcher
	tokens []minhash.Token // scratch: of all texts
	grams  []uint64        // of all texts
	table  []voted
	round  uint32 // of table: the others are out of date
}

// voted is a gram and how many texts have it.
type voted struct {
	gram    uint64
	round   uint32
	last, n uint16
}

// NewShaper returns a Shaper.
func NewShaper(k *minhash.Sketcher) *Shaper { return &Shaper{k: k} }

// Shape returns the Shape of a template, given its core and its exemplars.
// Fixed are the runs too long for chance that most exemplars have, as
// the one shows them that has most; of a single one, what is in the core.
func (s *Shaper) Shape(core []uint64, texts []string) Shape {
	var base []minhash.Token
	var fixed []bool
	switch len(texts) {
	case 0:
	case 1:
		e := readExemplar(s.k, core, texts[0])
		base, fixed = e.tokens, e.covered
	default:
		base, fixed = s.common(texts)
	}
	var pairs []uint32
	for i := 0; i < len(fixed); i++ {
		from := i
		for i < len(fixed) && fixed[i] {
			i++
		}
		for _, h := range gramsOf(base[from:i], pairHalves) {
			pairs = append(pairs, uint32(h>>32^h))
		}
	}
	slices.Sort(pairs)
	pairs = slices.Compact(pairs)
	if len(pairs) < fewPairs {
		return Shape{}
	}
	return Shape{slices.Clone(pairs[:min(len(pairs), leastHashes)])}
}

// common returns the tokens of the text that has most of what most texts
// share, and which of them that is.
func (s *Shaper) common(texts []string) (base []minhash.Token, shared []bool) {
	s.tokens, s.grams = s.tokens[:0], s.grams[:0]
	type part struct{ tokens, grams int } // where a text's end
	parts := make([]part, len(texts)+1)
	for o, text := range texts {
		s.tokens = s.k.Tokens(s.tokens, text)
		s.grams = appendGrams(s.grams, s.tokens[parts[o].tokens:], gramHalves)
		parts[o+1] = part{len(s.tokens), len(s.grams)}
	}
	s.empty(len(s.grams))
	for o := range texts {
		for _, h := range s.grams[parts[o].grams:parts[o+1].grams] {
			if v := s.vote(h); int(v.last) != o+1 {
				v.last, v.n = uint16(o+1), v.n+1
			}
		}
	}
	best, at := 0, 0
	for o := range texts {
		n := 0
		for _, h := range s.grams[parts[o].grams:parts[o+1].grams] {
			if most(int(s.vote(h).n), len(texts)) {
				n++
			}
		}
		if n > best {
			best, at = n, o
		}
	}
	base = s.tokens[parts[at].tokens:parts[at+1].tokens]
	shared = make([]bool, len(base))
	for i, h := range s.grams[parts[at].grams:parts[at+1].grams] {
		if most(int(s.vote(h).n), len(texts)) {
			for halves := 0; halves < gramHalves; i++ {
				shared[i] = true
				halves += 2 - int(base[i].Hash&1)
			}
		}
	}
	return base, shared
}

// empty makes the table ready for n grams.
func (s *Shaper) empty(n int) {
	if s.round++; s.round == 0 || len(s.table) < 2*n {
		s.table, s.round = make([]voted, 1<<bits.Len(uint(2*n))), 1
	}
}

// vote returns the place of a gram in the table.
func (s *Shaper) vote(gram uint64) *voted {
	mask := uint64(len(s.table) - 1)
	for i := gram & mask; ; i = (i + 1) & mask {
		switch v := &s.table[i]; {
		case v.round != s.round:
			*v = voted{gram: gram, round: s.round}
			return v
		case v.gram == gram:
			return v
		}
	}
}

// Resembles is how much two shapes have in common, 0 to 1, if they are those
// of variants: they resemble each other, or one is little more than the other. Otherwise
// it is 0.
func (s Shape) Resembles(o Shape) float64 {
	mine, others, both := overlap(s.least, o.least)
	j, least, most := share(both, mine+others-both), min(mine, others), max(mine, others)
	if j >= alikeJaccard || least >= containedPairs && share(least, most) >= containedSize && share(both, least) >= containedShare {
		return j
	}
	return 0
}

// Families groups templates, the earliest first, into variants of one
// template: it returns for each the place of its family's first, its own if it
// is that or alone. A template joins the first that it resembles most, so that
// later templates never change what earlier ones are in. The cost is about
// linear in their number.
func Families(shapes []Shape) []int {
	return lead(len(shapes), func(i int) []uint32 { return shapes[i].least }, 2,
		func(i, first int) float64 { return shapes[i].Resembles(shapes[first]) })
}

// coincide is the resemblance of the prompts of templates that come together.
const coincide = .5

// Bundles groups templates, as Families does, by the texts of their prompts:
// those in one bundle come in the same prompts.
func Bundles(texts []Texts) []int {
	return lead(len(texts), func(i int) []uint32 { return texts[i].least }, 1, func(i, first int) float64 {
		if j := texts[i].Jaccard(texts[first]); j >= coincide {
			return j
		}
		return 0
	})
}

const (
	meetingHashes = 16 // least hashes of a set by which it meets others
	maxMeeting    = 64 // sets that are met through one hash
)

// lead makes each of n sets follow the earlier leader that it is most alike
// (above 0), or lead. Only those that share so many of their least hashes are
// compared.
func lead(n int, least func(i int) []uint32, shared int, alike func(i, leader int) float64) []int {
	leaders := make([]int, n)
	by := make(map[uint32][]int32) // hash → leaders
	meetings := make([]uint8, n)
	var met []int32
	for i := range n {
		hashes := least(i)
		hashes = hashes[:min(len(hashes), meetingHashes)]
		met = met[:0]
		for _, h := range hashes {
			for _, l := range by[h] {
				if meetings[l]++; int(meetings[l]) == shared {
					met = append(met, l)
				}
			}
		}
		leaders[i] = i
		most := 0.
		slices.Sort(met)
		for _, l := range met {
			if a := alike(i, int(l)); a > most {
				most, leaders[i] = a, int(l)
			}
		}
		for _, h := range hashes {
			for _, l := range by[h] {
				meetings[l] = 0
			}
		}
		if leaders[i] != i {
			continue
		}
		for _, h := range hashes {
			if len(by[h]) < maxMeeting {
				by[h] = append(by[h], int32(i))
			}
		}
	}
	return leaders
}
