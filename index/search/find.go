package search

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

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
	Skip        int       // leave out so many of the best, for another page
}

// A Result answers a Query.
type Result struct {
	Items    []Hit  `json:"items"` // the best first
	Total    int    `json:"total"` // templates that match, on all pages
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

// MaxDepth is the most that Skip and Limit may be together.
const MaxDepth = 10_000

// Search returns the templates that q asks for, as the index has them now. Of
// templates that match alike, those of more accounts come first. Its errors
// include ErrQuery and ErrClosed.
func (s *Search) Search(ctx context.Context, q Query) (Result, error) {
	parsed, err := parse(q.Text)
	if err != nil {
		return Result{}, err
	}
	if q.Limit == 0 {
		q.Limit = defaultLimit
	}
	if q.Limit < 0 || q.Skip < 0 || q.Limit > MaxDepth-q.Skip {
		return Result{}, fmt.Errorf("%w: it reaches beyond the first %d templates", ErrQuery, MaxDepth)
	}
	ids, result, err := s.find(ctx, &parsed, &q)
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

// find returns the ids of the templates on the page.
func (s *Search) find(ctx context.Context, parsed *query, q *Query) (ids []string, result Result, err error) {
	s.queries.RLock()
	defer s.queries.RUnlock()
	if s.closed {
		return nil, result, ErrClosed
	}
	f := &filter{s: s, q: q, statuses: make(map[string]int), ranges: slices.Clone(ranges)}
	docs, total, err := s.text.find(ctx, filtered{parsed.compile(), f}, q.Skip, q.Limit)
	if err != nil {
		if ctx.Err() == nil {
			s.fail(err)
		}
		return nil, result, fmt.Errorf("search: %w", err)
	}
	for _, doc := range docs {
		if id, _, ok := parseDocumentID(doc); ok {
			ids = append(ids, id)
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return ids, Result{
		Items: []Hit{}, Total: total, Facets: Facets{Status: f.statuses, Accounts: f.ranges}, Complete: s.complete,
	}, nil
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
	q.f.reader = r
	return searcher.NewFilteringSearcher(ctx, inner, q.f.accept), nil
}

// A filter decides on documents and counts facets, for one query.
type filter struct {
	s        *Search
	q        *Query
	reader   bleveindex.IndexReader
	statuses map[string]int
	ranges   []Range
}

func (f *filter) accept(_ *search.SearchContext, d *search.DocumentMatch) bool {
	doc, err := f.reader.ExternalID(d.IndexInternalID)
	if err != nil {
		return false
	}
	f.s.mu.RLock()
	e := f.s.documents[doc]
	if e == nil {
		f.s.mu.RUnlock()
		return false // going, or not taken up yet
	}
	t := e.Digest
	f.s.mu.RUnlock()
	q := f.q
	if t.Score < q.MinScore || !q.Since.IsZero() && t.LastSeen.Before(q.Since) || !q.Until.IsZero() && t.FirstSeen.After(q.Until) {
		return false
	}
	status, wide := len(q.Status) == 0 || slices.Contains(q.Status, t.Status), t.Accounts >= q.MinAccounts
	if wide {
		f.statuses[t.Status]++
	}
	if status {
		for i := range f.ranges {
			if r := &f.ranges[i]; t.Accounts >= r.From && (r.To == 0 || t.Accounts <= r.To) {
				r.Count++
			}
		}
	}
	d.Score *= 1 + math.Log2(1+float64(t.Accounts))/16
	return status && wide
}
