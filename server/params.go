package server

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-368d3dfa/chorus/index"
)

const (
	defaultLimit = 20
	maxLimit     = 1000
)

// A page is one page of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"Cursor of the page after; absent on the last one"`
}

// full is items, never null in JSON.
func full[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// An idInput names one object.
type idInput struct {
	ID string `path:"id"`
}

// A moment is a time as a parameter; none if absent.
type moment struct{ index.Moment }

func (m *moment) UnmarshalText(b []byte) (err error) {
	if m.Moment, err = index.ParseMoment(string(b)); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), index.ErrMoment.Error()+": "))
	}
	return nil
}

// Schema is the moment's in the OpenAPI document.
func (m moment) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Description: "A day (2026-06-01), a time (2026-06-01T08:00:00Z), or how long before the newest prompt (24h, 7d, 2w)",
		AnyOf: []*huma.Schema{
			{Type: huma.TypeString, Format: "date"}, {Type: huma.TypeString, Format: "date-time"},
			{Type: huma.TypeString, Pattern: `^[0-9]{1,5}(\.[0-9]{1,3})?[smhdw]$`},
		},
	}
}

// window returns what since and until are by now.
func (s *Server) window(ctx context.Context, since, until moment) (from, to time.Time, err error) {
	if from, err = s.ix.Moment(ctx, since.Moment); err != nil {
		return from, to, err
	}
	to, err = s.ix.Moment(ctx, until.Moment)
	return from, to, err
}

// number checks a parameter that has a range: huma lets NaN pass.
func number(name string, v, least, most float64) error {
	if math.IsNaN(v) || v < least || v > most {
		return badParam("%s: want a number from %g to %g", name, least, most)
	}
	return nil
}

// query reads a parameter of a handler that does not go through huma.

func queryInt(r *http.Request, name string, def, least, most int) (int, error) {
	v := r.URL.Query().Get(name)
	if v == "" {
		return def, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		return 0, badParam("%s: want a number from %d to %d", name, least, most)
	}
	return n, nil
}

func queryBool(r *http.Request, name string) (bool, error) {
	v := r.URL.Query().Get(name)
	if v == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		return false, badParam("%s: want true or false", name)
	}
	return b, nil
}

// queryParam documents one.
func queryParam(name, doc string, s *huma.Schema) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: doc, Schema: s}
}

func intSchema(def, least, most int) *huma.Schema {
	lo, hi := float64(least), float64(most)
	return &huma.Schema{Type: huma.TypeInteger, Minimum: &lo, Maximum: &hi, Default: def}
}

// A listInput is what lists of templates and of campaigns take alike.
type listInput struct {
	MinScore    float64  `query:"min_score" minimum:"0" maximum:"100" doc:"Least score"`
	MaxScore    float64  `query:"max_score" minimum:"0" maximum:"100" default:"100" doc:"Most score"`
	MinAccounts int      `query:"min_accounts" minimum:"0" maximum:"2147483647" doc:"Fewest accounts; of a template, in the window"`
	Since       moment   `query:"since" doc:"Of templates, count only days from this one on; campaigns last seen on this day or later"`
	Until       moment   `query:"until" doc:"Of templates, count only days up to this one; campaigns first seen on this day or earlier"`
	Attr        []string `query:"attr,explode" maxItems:"16" doc:"Has prompts of this model or of this value of another attribute that is counted, such as model=m-large. Given again: has prompts of each"`
	Q           string   `query:"q" maxLength:"1000" doc:"Text that the pattern, or one of the campaign's, has in it, in capitals or not"`
	Members     bool     `query:"members" doc:"With accounts"`
	Limit       int      `query:"limit" minimum:"1" maximum:"1000" default:"20" doc:"Items of a page"`
	Cursor      string   `query:"cursor" maxLength:"100" doc:"next of the page before"`
}

// filter selects one item more than the page has: see paged.
func (s *Server) filter(ctx context.Context, in *listInput, status []string) (index.Filter, error) {
	least, most, err := scores(in.MinScore, in.MaxScore)
	if err != nil {
		return index.Filter{}, err
	}
	from, to, err := s.window(ctx, in.Since, in.Until)
	f := index.Filter{
		Status: strings.Join(status, ","), MinScore: least, MaxScore: most, MinAccounts: in.MinAccounts,
		Since: from, Until: to, Text: in.Q, After: in.Cursor, Members: in.Members, Limit: in.Limit + 1,
	}
	for _, text := range in.Attr {
		a, bad := index.ParseAttr(text)
		if bad != nil {
			return f, bad
		}
		f.Attrs = append(f.Attrs, a)
	}
	return f, err
}

// paged is a page of found, which has one more than limit if there is another
// page. cursor marks an item's place.
func paged[T any](found []T, limit int, cursor func(*T) string) (p page[T]) {
	if len(found) > limit {
		found = found[:limit]
		p.Next = cursor(&found[limit-1])
	}
	p.Items = full(found)
	return p
}

// scores are the bounds of scores as a filter has them, where 0 is no bound.
func scores(least, most float64) (float64, float64, error) {
	err := cmp.Or(number("min_score", least, 0, 100), number("max_score", most, 0, 100))
	switch most {
	case 100:
		most = 0
	case 0:
		most = math.SmallestNonzeroFloat64
	}
	return least, most, err
}
