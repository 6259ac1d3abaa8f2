package search

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-368d3dfa/chorus/index"
)

// A Highlight is a piece of a template's text around what was asked for. Its
// parts joined are that piece; they are plain text, to be escaped like any.
type Highlight struct {
	Field string `json:"field"` // "pattern" or "exemplar"
	Parts []Part `json:"parts"`
}

// A Part is a run of text that was asked for, or not.
type Part struct {
	Text string `json:"text"`
	Hit  bool   `json:"hit"`
}

const (
	maxHighlights = 3
	maxPiece      = 240 // bytes of a piece, about
	lead          = 60  // of them before the first hit, about
)

// A marker finds the words of a query in a text.
type marker struct{ parts []part }

func newMarker(q *query) *marker {
	m := &marker{}
	for _, g := range q.groups {
		for _, w := range g {
			m.parts = append(m.parts, w...)
		}
	}
	return m
}

// highlights returns the best pieces: of the pattern first, then of the
// exemplars that show what others do not.
func (m *marker) highlights(t *index.Template) []Highlight {
	out := []Highlight{}
	shown := make([]bool, len(m.parts))
	add := func(field, text string) {
		if len(out) == maxHighlights {
			return
		}
		if piece := m.piece(text, m.find(text), shown); piece != nil {
			out = append(out, Highlight{field, piece})
		}
	}
	add("pattern", t.Pattern)
	for _, x := range t.Exemplars {
		add("exemplar", x)
	}
	return out
}

// A hit is a place where a text holds a part.
type hit struct{ start, end, part int }

// find returns where the text holds parts, ascending.
func (m *marker) find(text string) (hits []hit) {
	tokens := tokenize(text)
	for i := range tokens {
		for n := range m.parts {
			p := &m.parts[n]
			if p.kind == exact {
				if end := i + len(p.terms); end <= len(tokens) && slices.EqualFunc(tokens[i:end], p.terms, func(t token, s string) bool { return t.term == s }) {
					hits = append(hits, hit{tokens[i].start, tokens[end-1].end, n})
				}
				continue
			}
			if p.is(tokens[i].term) {
				hits = append(hits, hit{tokens[i].start, tokens[i].end, n})
			}
		}
	}
	return hits
}

// is reports whether a word is one that a prefix or fuzzy part asks for.
func (p *part) is(term string) bool {
	if p.kind == prefix {
		return strings.HasPrefix(term, p.terms[0])
	}
	return within(p.terms[0], term, p.distance)
}

// within reports whether at most d characters must be put in, taken out,
// replaced, or exchanged with the next one, to get from a to b, as bleve counts.
func within(a, b string, d int) bool {
	if n := utf8.RuneCountInString(a) - utf8.RuneCountInString(b); n > d || -n > d {
		return false
	}
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range y {
			row[j+1] = last[j]
			if x[i] != y[j] {
				row[j+1] = 1 + min(last[j], last[j+1], row[j])
			}
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], 1+before[j-1])
			}
		}
	}
	return row[len(y)] <= d
}

// piece cuts the piece of a text that holds most of the parts that were not
// shown yet, and notes that they are now; nil if there is none.
func (m *marker) piece(text string, hits []hit, shown []bool) (parts []Part) {
	best, most := 0, 0
	var in []bool
	for i := range hits {
		seen := slices.Clone(shown)
		n := 0
		for j, h := range hits[i:] {
			if j > 0 && h.end-hits[i].start > maxPiece-lead { // the first may be a phrase longer than a piece
				break
			}
			if !seen[h.part] {
				seen[h.part] = true
				n++
			}
		}
		if n > most {
			best, most, in = i, n, seen
		}
	}
	if most == 0 {
		return nil
	}
	copy(shown, in)
	from := hits[best].start
	to := max(from+maxPiece-lead, hits[best].end)
	from = wordStart(text, max(0, from-lead), from)
	to = min(to, len(text))
	for to < len(text) && !utf8.RuneStart(text[to]) {
		to++
	}
	if from > 0 {
		parts = append(parts, Part{Text: "…"})
	}
	at := from
	for _, h := range hits {
		start, end := max(h.start, at), min(h.end, to)
		if start >= end {
			continue
		}
		if start > at {
			parts = append(parts, Part{Text: text[at:start]})
		}
		if n := len(parts); n > 0 && parts[n-1].Hit {
			parts[n-1].Text += text[start:end]
		} else {
			parts = append(parts, Part{text[start:end], true})
		}
		at = end
	}
	rest := text[at:to]
	if to < len(text) {
		rest += "…"
	}
	if rest != "" {
		parts = append(parts, Part{Text: rest})
	}
	return parts
}

// wordStart is the first place between from and to after a space, or from's
// character where there is none.
func wordStart(text string, from, to int) int {
	if from == 0 {
		return 0
	}
	for i := from; i < to; i++ {
		if r, n := utf8.DecodeRuneInString(text[i:]); unicode.IsSpace(r) {
			return i + n
		}
	}
	for !utf8.RuneStart(text[from]) { // no spaces: another script, or one long word
		from++
	}
	return from
}
