package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/intake"
)

// A list is one page of items.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // cursor of the next page
}

const (
	defaultLimit = 20
	maxLimit     = 1000
)

// params reads a query's parameters; err is the first that is wrong.
type params struct {
	url.Values
	err error
}

func (p *params) int(name string, def, least, most int) int {
	v := p.Get(name)
	if v == "" {
		return def
	}
	n, err := strconv.Atoi(v)
	if (err != nil || n < least || n > most) && p.err == nil {
		p.err = badRequest("%s: want a number from %d to %d", name, least, most)
	}
	return n
}

func (p *params) time(name string) time.Time {
	v := p.Get(name)
	if v == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.UTC()
		}
	}
	if p.err == nil {
		p.err = badRequest("%s: want a day like 2026-06-01 or a time like 2026-06-01T08:00:00Z", name)
	}
	return time.Time{}
}

func (p *params) bool(name string) bool {
	v := p.Get(name)
	if v == "" {
		return false
	}
	b, err := strconv.ParseBool(v)
	if err != nil && p.err == nil {
		p.err = badRequest("%s: want true or false", name)
	}
	return b
}

// oneOf reads a parameter that is one of a few words, or absent.
func (p *params) oneOf(name string, words ...string) string {
	v := p.Get(name)
	if v != "" && !slices.Contains(words, v) && p.err == nil {
		p.err = badRequest("%s: want one of %s", name, strings.Join(words, ", "))
	}
	return v
}

// A question is what /v1/similar is asked.
type question struct {
	Text  string   `json:"text"`
	Min   *float64 `json:"min"`
	Limit *int     `json:"limit"`
}

func (s *Server) similar(w http.ResponseWriter, r *http.Request) error {
	p := params{Values: r.URL.Query()}
	q := question{Text: p.Get("text")}
	if v := p.Get("min"); v != "" {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return badRequest("min: want a number from 0 to 1")
		}
		q.Min = &f
	}
	limit := p.int("limit", defaultLimit, 1, maxLimit)
	if p.err != nil {
		return p.err
	}
	q.Limit = &limit
	return s.ask(w, r, q)
}

func (s *Server) similarTo(w http.ResponseWriter, r *http.Request) error {
	if stream, err := intake.IsStream(r); err != nil {
		return err
	} else if stream {
		return intake.ErrType
	}
	body, err := intake.ReadBody(r, s.o.BodyBytes)
	if err != nil {
		return err
	}
	var q question
	if err := json.Unmarshal(body, &q); err != nil {
		return badRequest(`the body is not JSON like {"text":"…","min":0.5,"limit":20}`) // err might quote the text
	}
	return s.ask(w, r, q)
}

func (s *Server) ask(w http.ResponseWriter, r *http.Request, q question) error {
	least, limit := 0.5, defaultLimit
	if q.Min != nil {
		least = *q.Min
	}
	if q.Limit != nil {
		limit = *q.Limit
	}
	switch {
	case q.Text == "":
		return badRequest("text is missing")
	case !(least >= 0 && least <= 1):
		return badRequest("min: want a number from 0 to 1")
	case limit < 1 || limit > maxLimit:
		return badRequest("limit: want a number from 1 to %d", maxLimit)
	}
	matches, err := s.ix.Similar(r.Context(), q.Text, least, limit)
	if err != nil {
		return err
	}
	return s.answer(w, list[index.Match]{Items: full(matches)})
}

// full is items, never null in JSON.
func full[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// templates lists templates. The cursor is how many came before: a page may
// repeat or miss one that overtakes another meanwhile.
func (s *Server) templates(w http.ResponseWriter, r *http.Request) error {
	p := params{Values: r.URL.Query()}
	f := index.Filter{
		MinAccounts: p.int("min_accounts", 0, 0, 1<<31-1),
		Since:       p.time("since"),
		Until:       p.time("until"),
		Members:     p.bool("members"),
		Status:      p.oneOf("status", "alert", "watch", "benign", "confirmed", "none"),
	}
	limit := p.int("limit", defaultLimit, 1, maxLimit)
	start := p.int("cursor", 0, 0, 1<<30)
	if p.err != nil {
		return p.err
	}
	f.Limit = start + limit + 1
	templates, err := s.ix.Templates(r.Context(), f)
	if err != nil {
		return err
	}
	var page list[index.Template]
	if len(templates) > start+limit {
		page.Next = strconv.Itoa(start + limit)
		templates = templates[:start+limit]
	}
	page.Items = full(templates[min(start, len(templates)):])
	return s.answer(w, page)
}

func (s *Server) template(w http.ResponseWriter, r *http.Request) error {
	t, err := s.ix.Template(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.answer(w, &t)
}

func (s *Server) account(w http.ResponseWriter, r *http.Request) error {
	a, err := s.ix.Account(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.answer(w, &a)
}

func (s *Server) health(w http.ResponseWriter, r *http.Request) error {
	return s.answer(w, map[string]string{"status": "ok"})
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	select {
	case <-s.closing:
		return errClosing
	default:
	}
	if _, err := s.ix.Stats(r.Context()); err != nil {
		return err
	}
	return s.health(w, r)
}
