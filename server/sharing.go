package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/index/share"
	"github.com/seed-368d3dfa/chorus/server/access"
)

// exports are the media types and the file names' endings of exports.
var exports = map[string]struct{ kind, ending string }{
	"csv":   {"text/csv", ".csv"},
	"jsonl": {"application/x-ndjson", ".jsonl"},
	"stix":  {"application/stix+json", ".stix.json"},
}

// A sharing is what POST /v1/campaigns/{id}/export takes. The key is in the
// body: addresses end up in logs.
type sharing struct {
	Format   string `json:"format,omitempty" enum:"stix,jsonl,csv" default:"stix"`
	Accounts bool   `json:"accounts,omitempty" doc:"With account ids; csv needs it"`
	Key      string `json:"key,omitempty" minLength:"16" maxLength:"4096" doc:"Of stix: a secret that both sides have, of 16 to 4,096 bytes; absent: sketches that anybody can match"`
}

// A partners is what POST /v1/campaigns/import takes.
type partners struct {
	Bundle json.RawMessage `json:"bundle"`
	Key    string          `json:"key,omitempty" minLength:"16" maxLength:"4096" doc:"The secret that the bundle was made with; absent: anybody's"`
}

// TransformSchema says what a bundle is: its bytes are kept as they are.
func (partners) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["bundle"] = &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: "A STIX 2.1 bundle of an export"}
	return s
}

func (s *Server) mountSharing(a *api) {
	const tag = "Sharing"
	file := &huma.Schema{Type: huma.TypeString}
	ok := &huma.Response{Description: "A file", Content: make(map[string]*huma.MediaType), Headers: map[string]*huma.Param{
		"Content-Disposition": {Schema: file},
	}}
	for _, e := range exports {
		ok.Content[e.kind] = &huma.MediaType{Schema: file}
	}
	ok.Content[exports["stix"].kind] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}}
	const what = "stix is a STIX 2.1 bundle, jsonl the campaign and its templates, csv its accounts. " +
		"Account ids are in none of them unless asked for; what filled the slots of patterns never is. "
	id := &huma.Param{Name: "id", In: "path", Required: true, Schema: file}
	a.plain(huma.Operation{
		OperationID: "export", Method: http.MethodGet, Path: "/v1/campaigns/{id}/export", Tags: []string{tag},
		Summary:     "A campaign for other tools, or for another provider",
		Description: what + "Anybody can match the sketches of this bundle: POST makes those that take a key.",
		Parameters: []*huma.Param{
			id,
			queryParam("format", "Of the file", &huma.Schema{Type: huma.TypeString, Enum: []any{"stix", "jsonl", "csv"}, Default: "stix"}),
			queryParam("accounts", "With account ids; csv needs it", &huma.Schema{Type: huma.TypeBoolean}),
		},
		Responses: map[string]*huma.Response{"200": ok},
	}, func(w http.ResponseWriter, r *http.Request) error {
		accounts, err := queryBool(r, "accounts")
		if err != nil {
			return err
		}
		return s.export(w, r, &sharing{Format: r.URL.Query().Get("format"), Accounts: accounts})
	})
	a.plain(huma.Operation{
		OperationID: "export-with-key", Method: http.MethodPost, Path: "/v1/campaigns/{id}/export", Tags: []string{tag},
		Summary:     "A campaign for another provider, with a key",
		Description: what + "Sketches match only with the key that they were made with.",
		Parameters:  []*huma.Param{id},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[sharing](a)}}},
		Responses:   map[string]*huma.Response{"200": ok},
	}, func(w http.ResponseWriter, r *http.Request) error {
		var q sharing
		if err := s.readJSON(r, &q, `{"format":"stix","accounts":false,"key":"…"}`); err != nil {
			return err
		}
		return s.export(w, r, &q)
	})
	a.plain(huma.Operation{
		OperationID: "import", Method: http.MethodPost, Path: "/v1/campaigns/import", Tags: []string{tag},
		Summary: "What of one's own another provider's bundle matches",
		Description: "A finding for each indicator: the templates that contain at least 60 % of its fixed words, and the campaigns that these are in. " +
			"Nothing is kept. The body may be compressed with gzip or zstd.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[partners](a)}}},
		Responses:   answers[page[share.Finding]](a, "application/json"),
	}, s.importBundle)
}

// secret makes a key of what a body has; "" means everybody's.
func secret(key string) (*share.Key, error) {
	if key == "" {
		return share.Public(), nil
	}
	k, err := share.NewKey([]byte(strings.TrimRight(key, "\r\n"))) // as the command reads a file
	if err != nil {
		return nil, badParam("key: want %d to %d bytes", share.MinSecret, share.MaxSecret)
	}
	return k, nil
}

// export writes a campaign for other tools, or for another provider.
func (s *Server) export(w http.ResponseWriter, r *http.Request, q *sharing) error {
	if q.Format == "" {
		q.Format = "stix"
	}
	e, known := exports[q.Format]
	switch {
	case !known:
		return badParam("format: want %s", strings.Join(slices.Sorted(maps.Keys(exports)), ", "))
	case q.Format == "csv" && !q.Accounts:
		return badParam(`a csv lists accounts: ask for it with "accounts" true`)
	case q.Format != "stix" && q.Key != "":
		return badParam("key: only stix has sketches")
	}
	key, err := secret(q.Key)
	if err != nil {
		return err
	}
	c, err := s.ix.Campaign(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	var templates []index.Template
	for _, part := range c.Templates {
		if q.Format == "csv" {
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
	access.Record(r.Context(), "export", slog.String("campaign", c.ID), slog.String("format", q.Format), slog.Bool("accounts", q.Accounts))
	w.Header().Set("Content-Type", e.kind)
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", c.ID+e.ending))
	s.deadline(w)
	switch q.Format {
	case "csv":
		err = share.WriteCSV(w, c)
	case "jsonl":
		err = share.WriteJSONL(w, c, templates, q.Accounts)
	default:
		_, _, err = share.WriteSTIX(w, c, templates, share.Options{Key: key, Accounts: q.Accounts})
	}
	if err != nil { // the client has gone, or was too slow
		s.o.Logger.Debug("export ended early", "request", requestID(r.Context()), "error", err)
	}
	return nil
}

// importBundle tells what another provider's bundle matches.
func (s *Server) importBundle(w http.ResponseWriter, r *http.Request) error {
	var q partners
	if err := s.readJSON(r, &q, `{"bundle":{"type":"bundle",…},"key":"…"}`); err != nil {
		return err
	}
	key, err := secret(q.Key)
	if err != nil {
		return err
	}
	b, err := share.Read(bytes.NewReader(q.Bundle))
	if err != nil {
		return err
	}
	templates, err := s.ix.Templates(r.Context(), index.Filter{})
	if err != nil {
		return err
	}
	campaigns, err := s.ix.Campaigns(r.Context(), index.Filter{})
	if err != nil {
		return err
	}
	findings, err := b.Match(r.Context(), key, templates, campaigns)
	if err != nil {
		return err
	}
	return s.answer(w, &page[share.Finding]{Items: full(findings)})
}
