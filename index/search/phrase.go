package search

import (
	"context"
	"slices"

	"github.com/blevesearch/bleve/v2/analysis"
	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search"
	blevequery "github.com/blevesearch/bleve/v2/search/query"
	"github.com/blevesearch/bleve/v2/search/searcher"
	bleveindex "github.com/blevesearch/bleve_index_api"
	"github.com/cespare/xxhash/v2"
)

// Common words are in most documents, in a row in few. So that a phrase does
// not compare the places of its words in all that have them, a field has the
// hashes of neighbours: a document that has a phrase has those of its pairs.
// Hashes of 16 bits keep the field small; the documents that they leave are
// compared by places. (Lucene's CommonGramsFilter has the same purpose, but
// needs a list of common words.)

// pairHash is that of two words in a row.
func pairHash(a, b string) uint16 {
	var d xxhash.Digest
	d.Reset()
	d.WriteString(a)
	d.WriteString("\x00")
	d.WriteString(b)
	return uint16(d.Sum64())
}

// pairTerm is the term of a hash: its hexadecimal digits.
func pairTerm(h uint16) []byte {
	const digits = "0123456789abcdef"
	return []byte{digits[h>>12], digits[h>>8&15], digits[h>>4&15], digits[h&15]}
}

// pairs makes the terms of neighbours, each once.
func pairs(values [][]token) terms {
	var seen [1 << 16 / 64]uint64
	most := 0
	for _, tokens := range values {
		most += len(tokens)
	}
	all, out := make([]analysis.Token, 0, most), make(terms, 0, most)
	for _, tokens := range values {
		for i := 1; i < len(tokens); i++ {
			h := pairHash(tokens[i-1].term, tokens[i].term)
			if seen[h/64]>>(h%64)&1 != 0 {
				continue
			}
			seen[h/64] |= 1 << (h % 64)
			all = append(all, analysis.Token{Term: pairTerm(h), Position: len(all) + 1})
			out = append(out, &all[len(all)-1])
		}
	}
	return out
}

// A phrase asks for documents that have words in a row.
type phrase []string

func (p phrase) Searcher(ctx context.Context, r bleveindex.IndexReader, _ mapping.IndexMapping, o search.SearcherOptions) (search.Searcher, error) {
	all := &several{ctx: ctx, r: r}
	unscored, placed := o, o
	unscored.Score = "none"
	placed.IncludeTermVectors = true
	for i, term := range p {
		if i > 0 {
			all.add(string(pairTerm(pairHash(p[i-1], term))), pairField, unscored)
		}
		if !slices.Contains(p[:i], term) {
			all.add(term, textField, placed)
		}
	}
	if all.err == nil {
		var both search.Searcher
		if both, all.err = searcher.NewConjunctionSearcher(ctx, r, all.searchers, placed); all.err == nil {
			return searcher.NewFilteringSearcher(ctx, both, p.in), nil
		}
	}
	for _, s := range all.searchers {
		s.Close()
	}
	return nil, all.err
}

// several gathers the searchers of terms, until one fails.
type several struct {
	ctx       context.Context
	r         bleveindex.IndexReader
	searchers []search.Searcher
	err       error
}

func (a *several) add(term, field string, o search.SearcherOptions) {
	if a.err != nil {
		return
	}
	s, err := searcher.NewTermSearcher(a.ctx, a.r, term, field, 1, o)
	if a.err = err; err == nil {
		a.searchers = append(a.searchers, s)
	}
}

// in reports whether the places of the words that were found in a document put
// them in a row.
func (p phrase) in(_ *search.SearchContext, d *search.DocumentMatch) bool {
	for i := range d.FieldTermLocations {
		if first := &d.FieldTermLocations[i]; first.Term == p[0] && p.from(d, first) {
			return true
		}
	}
	return false
}

// from reports whether the words are in a row from a place of the first on.
func (p phrase) from(d *search.DocumentMatch, first *search.FieldTermLocation) bool {
next:
	for n, term := range p[1:] {
		at := first.Location.Pos + uint64(n) + 1
		for i := range d.FieldTermLocations {
			l := &d.FieldTermLocations[i]
			if l.Location.Pos == at && l.Term == term && l.Location.ArrayPositions.Equals(first.Location.ArrayPositions) {
				continue next
			}
		}
		return false
	}
	return true
}

var _ blevequery.Query = phrase(nil)
