package search

import (
	"context"
	"unicode/utf8"

	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search"
	blevequery "github.com/blevesearch/bleve/v2/search/query"
	bleveindex "github.com/blevesearch/bleve_index_api"
)

// compile turns a query into bleve's.
func (q *query) compile() blevequery.Query {
	must := make([]blevequery.Query, len(q.groups))
	for i, g := range q.groups {
		must[i] = anyOf(g)
	}
	if len(q.not) == 0 {
		return allOf(must)
	}
	return blevequery.NewBooleanQuery(must, nil, []blevequery.Query{anyOf(q.not)})
}

func anyOf(wishes []wish) blevequery.Query {
	all := make([]blevequery.Query, len(wishes))
	for i, w := range wishes {
		all[i] = w.compile()
	}
	if len(all) == 1 {
		return all[0]
	}
	return blevequery.NewDisjunctionQuery(all)
}

func allOf(all []blevequery.Query) blevequery.Query {
	if len(all) == 1 {
		return all[0]
	}
	return blevequery.NewConjunctionQuery(all)
}

func (w wish) compile() blevequery.Query {
	all := make([]blevequery.Query, len(w))
	for i := range w {
		all[i] = w[i].compile()
	}
	return allOf(all)
}

func (p *part) compile() blevequery.Query {
	switch {
	case p.kind == prefix && utf8.RuneCountInString(p.terms[0]) <= maxBegin:
		q := blevequery.NewTermQuery(p.terms[0])
		q.SetField(beginField)
		return unscored{q}
	case p.kind == prefix:
		q := blevequery.NewPrefixQuery(p.terms[0])
		q.SetField(textField)
		return unscored{q}
	case p.kind == fuzzy:
		q := blevequery.NewFuzzyQuery(p.terms[0])
		q.SetField(textField)
		q.SetFuzziness(p.distance)
		return q
	case len(p.terms) > 1:
		return phrase(p.terms)
	}
	q := blevequery.NewTermQuery(p.terms[0])
	q.SetField(textField)
	return q
}

// An unscored query gives all that it finds one score: a prefix may stand for
// thousands of words, which bleve then unites as bitmaps.
type unscored struct{ blevequery.Query }

func (q unscored) Searcher(ctx context.Context, r bleveindex.IndexReader, m mapping.IndexMapping, o search.SearcherOptions) (search.Searcher, error) {
	o.Score = "none"
	return q.Query.Searcher(ctx, r, m, o)
}
