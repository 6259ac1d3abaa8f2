package template

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/seed-368d3dfa/chorus/minhash"
)

const (
	excerptEdge   = 512 // bytes kept at each end of a text
	excerptMargin = 128 // and on both sides of what belongs to the core
)

// Excerpt returns the text or, if it has more than limit bytes, at most so
// many that show the template best: its beginning, its end and what lies
// around shingles of the core, with … for what is left out. limit must be 2048
// or more.
func Excerpt(k *minhash.Sketcher, core []uint64, text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	var b strings.Builder
	end := 0 // of what is written
	write := func(from, to int) {
		if from <= end+excerptMargin {
			from = end
		} else {
			for from < to && !utf8.RuneStart(text[from]) {
				from++
			}
		}
		room := limit - excerptEdge - 2*len(cut) - b.Len()
		if to == len(text) {
			room = limit - len(cut) - b.Len()
		}
		to = min(to, from+room)
		for to > from && to < len(text) && !utf8.RuneStart(text[to]) {
			to--
		}
		if from >= to {
			return
		}
		if from > end {
			b.WriteString(cut)
		}
		b.WriteString(text[from:to])
		end = to
	}
	write(0, excerptEdge)
	room := excerptRooms.Get().(*excerptRoom)
	defer excerptRooms.Put(room)
	tokens := k.Tokens(room.tokens[:0], text)
	room.tokens, room.shingles = tokens, k.ShinglesOf(room.shingles[:0], text, tokens)
	for _, s := range room.shingles {
		first, last := max(0, s.First), min(s.Last, len(tokens)-1)
		if _, ok := slices.BinarySearch(core, s.Key); ok && first <= last {
			write(tokens[first].Start-excerptMargin, min(tokens[last].End+excerptMargin, len(text)-excerptEdge))
		}
	}
	write(len(text)-excerptEdge, len(text))
	return b.String()
}

// An excerptRoom is scratch space of Excerpt.
type excerptRoom struct {
	tokens   []minhash.Token
	shingles []minhash.Shingle
}

var excerptRooms = sync.Pool{New: func() any { return new(excerptRoom) }}
