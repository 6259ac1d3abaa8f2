package search

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search"
	blevequery "github.com/blevesearch/bleve/v2/search/query"
	"github.com/blevesearch/bleve/v2/search/searcher"
	bleveindex "github.com/blevesearch/bleve_index_api"

	"github.com/seed-368d3dfa/chorus/index"
)

// A Query asks for templates.
type Query struct {
	// Text says what words they hold:
	//
	//	solve steps        both words, in any order and place
	//	"step by step"     the words in a row
	//	transl*            a word that begins so
	//	examiner~          a word that is nearly so: one letter differs, or two in long words; ~1 and ~2 say how many
	//	tutor OR teacher   one of the two
	//	-pirate -"my love" not this word, nor these in a row
	//
	// Case, accents on Latin letters and punctuation do not matter. In scripts
	// without spaces any run of characters may be asked for.
	Text string

	Status      []string  // one of these: "alert", "watch", "benign", "confirmed", "none"; nil: any
	MinAccounts int       // at least so many accounts, over all time
	MinScore    float64   // at least this score, 0 to 100
	Since       time.Time // seen at or after this time; zero: ever
	Until       time.Time // seen at or before this time; zero: ever
	Limit       int       // at most so many; 0: 20
	After       string    // Result.Next of the page before; "": from the best on
}

// A Result answers a Query.
type Result struct {
	Items    []Hit  `json:"items"`          // the best first
	Next     string `json:"next,omitempty"` // for Query.After; "" on the last page
	Total    int    `json:"total"`          // templates that match, on all pages
	Facets   Facets `json:"facets"`
	Complete bool   `json:"complete"` // false while the folder is being built anew: more may match
}

// A Hit is a template as the index has it now, with where it matches.
type Hit struct {
	index.Template
	Highlights []Highlight `json:"highlights"` // at most three
}

// Facets count the templates that match the text and all filters but the
// facet's own.
type Facets struct {
	Status   map[string]int `json:"status"`
	Accounts []Range        `json:"accounts"`
}

// A Range counts templates of so many accounts.
type Range struct {
	From  int `json:"from"`
	To    int `json:"to,omitempty"` // inclusive; 0: no bound
	Count int `json:"count"`
}

var ranges = []Range{{From: 1, To: 7}, {From: 8, To: 19}, {From: 20, To: 99}, {From: 100, To: 999}, {From: 1000}}

const defaultLimit = 20

// MaxLimit is the most that a Query's Limit may be.
const MaxLimit = 10_000

// Search returns the templates that q asks for, as the index has them now. Of
// templates that match alike, those of more accounts come first. Its errors
// include ErrQuery, index.ErrCursor and ErrClosed.
func (s *Search) Search(ctx context.Context, q Query) (Result, error) {
	parsed, err := parse(q.Text)
	if err != nil {
		return Result{}, err
	}
	after, err := parseCursor(q.After)
	if err != nil {
		return Result{}, err
	}
	if q.Limit == 0 {
		q.Limit = defaultLimit
	}
	if q.Limit < 0 || q.Limit > MaxLimit {
		return Result{}, fmt.Errorf("%w: its limit is none from 1 to %d", ErrQuery, MaxLimit)
	}
	ids, result, err := s.find(ctx, &parsed, &q, after)
	if err != nil {
		return Result{}, err
	}
	templates, err := s.ix.Lookup(ctx, ids...)
	if err != nil {
		return Result{}, err
	}
	m := newMarker(&parsed)
	for i := range templates {
		result.Items = append(result.Items, Hit{templates[i], m.highlights(&templates[i])})
	}
	return result, nil
}

// find returns the ids of the templates on the page, and all of the result but
// these.
func (s *Search) find(ctx context.Context, parsed *query, q *Query, after place) (ids []string, result Result, err error) {
	s.queries.RLock()
	defer s.queries.RUnlock()
	if s.closed {
		return nil, result, ErrClosed
	}
	f := &filter{s: s, q: q, ranges: slices.Clone(ranges)}
	err = s.text.reading(func(r bleveindex.IndexReader) error {
		after, err := f.locate(ctx, r, parsed.compile(), after)
		if err != nil {
			return err
		}
		places, total, err := collect(ctx, r, filtered{parsed.compile(), f}, after, q.Limit+1)
		if len(places) > q.Limit {
			places = places[:q.Limit]
			result.Next = places[q.Limit-1].cursor()
		}
		for _, p := range places {
			ids = append(ids, p.id)
		}
		result.Total = total
		return err
	})
	if err != nil {
		if ctx.Err() == nil {
			s.fail(err)
		}
		return nil, Result{}, fmt.Errorf("search: %w", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	result.Items, result.Complete = []Hit{}, s.complete
	result.Facets = Facets{Status: make(map[string]int), Accounts: f.ranges}
	for i, n := range f.statuses {
		if n > 0 {
			result.Facets.Status[statuses[i]] = n
		}
	}
	return ids, result, nil
}

// A filtered query joins the documents that another finds with what is held
// of their templates in memory.
type filtered struct {
	blevequery.Query
	f *filter
}

func (q filtered) Searcher(ctx context.Context, r bleveindex.IndexReader, m mapping.IndexMapping, o search.SearcherOptions) (search.Searcher, error) {
	inner, err := q.Query.Searcher(ctx, r, m, o)
	if err != nil {
		return nil, err
	}
	q.f.reader, q.f.seen = r, q.f.s.seenBy(r)
	return searcher.NewFilteringSearcher(ctx, inner, q.f.accept), nil
}

// A filter decides on documents and counts facets, for one query.
type filter struct {
	s        *Search
	q        *Query
	reader   bleveindex.IndexReader
	seen     *seen
	statuses [8]int // by place in statuses
	ranges   []Range
}

// accept also gives the document the template's id in place of its own, which
// would be looked up, and the score that it is ordered by.
func (f *filter) accept(_ *search.SearchContext, d *search.DocumentMatch) bool {
	f.s.mu.RLock()
	defer f.s.mu.RUnlock()
	e := f.entry(d.IndexInternalID)
	if e == nil || e.status < 0 {
		return false // going, or not taken up yet
	}
	q := f.q
	if e.Score < q.MinScore || !q.Since.IsZero() && e.LastSeen.Before(q.Since) || !q.Until.IsZero() && e.FirstSeen.After(q.Until) {
		return false
	}
	status, wide := len(q.Status) == 0 || slices.Contains(q.Status, e.Status), e.Accounts >= q.MinAccounts
	if wide {
		f.statuses[e.status]++
	}
	if status {
		for i := range f.ranges {
			if r := &f.ranges[i]; e.Accounts >= r.From && (r.To == 0 || e.Accounts <= r.To) {
				r.Count++
			}
		}
	}
	d.ID, d.Score = e.ID, e.scored(d)
	return status && wide
}

// entry is that of a document. The caller holds s.mu.
func (f *filter) entry(id bleveindex.IndexInternalID) *entry {
	n := id.Value()
	if f.seen != nil && n < uint64(len(f.seen.entries)) {
		if e := f.seen.entries[n].Load(); e != nil {
			return e
		}
	}
	doc, err := f.reader.ExternalID(id)
	if err != nil {
		return nil
	}
	e := f.s.documents[doc]
	if e != nil && f.seen != nil && n < uint64(len(f.seen.entries)) {
		f.seen.entries[n].Store(e)
	}
	return e
}

// seen remembers which entries the documents of one snapshot of the text index
// belong to, as far as they were looked up: that takes longer than finding them.
// What a document belongs to changes only with the snapshot.
type seen struct {
	of      bleveindex.IndexReader
	entries []atomic.Pointer[entry] // by document number
}

func (s *Search) seenBy(r bleveindex.IndexReader) *seen {
	now := s.seen.Load()
	if now != nil && now.of == r {
		return now
	}
	snapshot, ok := r.(*scorch.IndexSnapshot)
	if !ok {
		return nil
	}
	n := int64(0)
	for _, part := range snapshot.Segments() {
		n += part.FullSize()
	}
	now = &seen{of: r, entries: make([]atomic.Pointer[entry], n)}
	s.seen.Store(now)
	return now
}
