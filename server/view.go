package server

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/index/share"
)

// stats answers with the index's totals.
func (s *Server) stats(w http.ResponseWriter, r *http.Request) error {
	st, err := s.ix.Stats(r.Context())
	if err != nil {
		return err
	}
	return s.answer(w, &st)
}

// days answers with all traffic day by day.
func (s *Server) days(w http.ResponseWriter, r *http.Request) error {
	days, err := s.ix.Days(r.Context())
	if err != nil {
		return err
	}
	return s.answer(w, list[index.Day]{Items: full(days)})
}

// templateDays answers with what was sent of one template day by day.
func (s *Server) templateDays(w http.ResponseWriter, r *http.Request) error {
	days, err := s.ix.TemplateDays(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.answer(w, list[index.Day]{Items: full(days)})
}

const maxRows = 10_000 // accounts of one matrix

// matrix answers with who sent what of a campaign.
func (s *Server) matrix(w http.ResponseWriter, r *http.Request) error {
	p := params{Values: r.URL.Query()}
	limit := p.int("limit", 500, 1, maxRows)
	if p.err != nil {
		return p.err
	}
	m, err := s.ix.Matrix(r.Context(), r.PathValue("id"), limit)
	if err != nil {
		return err
	}
	return s.answer(w, &m)
}

// exports are the media types and the file names' endings of exports.
var exports = map[string]struct{ kind, ending string }{
	"csv":   {"text/csv; charset=utf-8; header=present", ".csv"},
	"jsonl": {"application/x-ndjson", ".jsonl"},
	"stix":  {"application/stix+json; version=2.1", ".stix.json"},
}

// export writes a campaign for other tools, or for another provider.
func (s *Server) export(w http.ResponseWriter, r *http.Request) error {
	p := params{Values: r.URL.Query()}
	format := p.oneOf("format", "csv", "jsonl", "stix")
	accounts := p.bool("accounts")
	if p.err != nil {
		return p.err
	}
	if format == "" {
		format = "stix"
	}
	if format == "csv" && !accounts {
		return badRequest("a csv lists accounts: ask for it with accounts=true")
	}
	c, err := s.ix.Campaign(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	var templates []index.Template
	for _, part := range c.Templates {
		if format == "csv" {
			break
		}
		t, err := s.ix.Template(r.Context(), part.ID)
		if errors.Is(err, index.ErrNotFound) { // expired just now
			continue
		}
		if err != nil {
			return err
		}
		templates = append(templates, t)
	}
	e := exports[format]
	w.Header().Set("Content-Type", e.kind)
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", c.ID+e.ending))
	s.deadline(w)
	switch format {
	case "csv":
		err = share.WriteCSV(w, c)
	case "jsonl":
		err = share.WriteJSONL(w, c, templates, accounts)
	default:
		_, _, err = share.WriteSTIX(w, c, templates, share.Options{Accounts: accounts})
	}
	if err != nil { // the client has gone, or was too slow
		s.o.Logger.Debug("export ended early", "pattern", r.Pattern, "error", err)
	}
	return nil
}
