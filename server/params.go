package server

import (
	"cmp"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
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

// A moment is a day or a time as a parameter; zero if absent.
type moment struct{ time.Time }

func (m *moment) UnmarshalText(b []byte) error {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, string(b)); err == nil {
			m.Time = t.UTC()
			return nil
		}
	}
	return errors.New("want a day like 2026-06-01 or a time like 2026-06-01T08:00:00Z")
}

// Schema is the moment's in the OpenAPI document.
func (m moment) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Description: "A day (2026-06-01) or a time (2026-06-01T08:00:00Z)",
		AnyOf: []*huma.Schema{{Type: huma.TypeString, Format: "date"}, {Type: huma.TypeString, Format: "date-time"}},
	}
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
