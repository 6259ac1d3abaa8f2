package search

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/collector"
	blevequery "github.com/blevesearch/bleve/v2/search/query"
	bleveindex "github.com/blevesearch/bleve_index_api"

	"github.com/seed-368d3dfa/chorus/index"
)

// A place is where a template stands in the order of results: by score, the
// highest first, then by id.
type place struct {
	score float64 // rounded to float32: the order of adding its parts up does not matter
	id    string  // "": before all places
}

// scored is the score that a document of the entry is ordered by.
func (e *entry) scored(d *search.DocumentMatch) float64 { return float64(float32(d.Score * e.weight)) }

const (
	cursorKind = 's'
	cursorHead = 5 // bytes of kind and score
)

func (p place) cursor() string {
	b := binary.BigEndian.AppendUint32([]byte{cursorKind}, math.Float32bits(float32(p.score)))
	return base64.RawURLEncoding.EncodeToString(append(b, p.id...))
}

func parseCursor(s string) (p place, err error) {
	if s == "" {
		return p, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) <= cursorHead || b[0] != cursorKind {
		return p, fmt.Errorf("%w: it is of no search", index.ErrCursor)
	}
	p = place{float64(math.Float32frombits(binary.BigEndian.Uint32(b[1:]))), string(b[cursorHead:])}
	if math.IsNaN(p.score) {
		return p, fmt.Errorf("%w: it is damaged", index.ErrCursor)
	}
	return p, nil
}

// locate returns where the template that a cursor names stands by now: scores
// move with every template that is written. One that the query finds no more
// stands where it was.
func (f *filter) locate(ctx context.Context, r bleveindex.IndexReader, q blevequery.Query, p place) (place, error) {
	if p.id == "" {
		return p, nil
	}
	f.s.mu.RLock()
	e := f.s.entries[p.id]
	doc := ""
	if e != nil {
		doc = e.document
	}
	f.s.mu.RUnlock()
	if doc == "" {
		return p, nil
	}
	id, err := r.InternalID(doc)
	if err != nil || id == nil {
		return p, err
	}
	s, err := q.Searcher(ctx, r, mapping.NewIndexMapping(), search.SearcherOptions{})
	if err != nil {
		return p, err
	}
	defer s.Close()
	pool := &search.SearchContext{DocumentMatchPool: search.NewDocumentMatchPool(s.DocumentMatchPoolSize()+1, 0)}
	d, err := s.Advance(pool, id)
	if err != nil || d == nil || !d.IndexInternalID.Equals(id) {
		return p, err
	}
	f.s.mu.RLock()
	defer f.s.mu.RUnlock()
	p.score = e.scored(d)
	return p, nil
}

// collect returns the places of the templates that a query finds, the best
// first, from after on, limit at most, and how many there are altogether.
func collect(ctx context.Context, r bleveindex.IndexReader, q filtered, after place, limit int) (places []place, total int, err error) {
	s, err := q.Searcher(ctx, r, mapping.NewIndexMapping(), search.SearcherOptions{})
	if err != nil {
		return nil, 0, err
	}
	defer s.Close()
	order := search.SortOrder{&search.SortScore{Desc: true}, &search.SortDocID{}}
	c := collector.NewTopNCollector(limit, 0, order)
	if after.id != "" {
		c = collector.NewTopNCollectorAfter(limit, order, []string{strconv.FormatFloat(after.score, 'g', -1, 64), after.id})
	}
	if err := c.Collect(ctx, s, r); err != nil {
		return nil, 0, err
	}
	for _, d := range c.Results() {
		places = append(places, place{d.Score, d.ID})
	}
	return places, int(c.Total()), nil
}
