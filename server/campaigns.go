package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/index/share"
)

func (s *Server) mountCampaigns(a *api) {
	const tag = "Campaigns"
	get(a, huma.Operation{
		OperationID: "campaigns", Path: "/v1/campaigns", Tags: []string{tag},
		Summary:     "Templates that the same accounts send, with those accounts",
		Description: "Worst first: those on which the analyst's verdict is out, alerts before watches, then by score.",
	}, s.campaigns)
	get(a, huma.Operation{
		OperationID: "campaign", Path: "/v1/campaigns/{id}", Tags: []string{tag}, Metadata: tagged,
		Summary: "One campaign with its accounts", Description: "The surest members first.",
	}, func(ctx context.Context, in *idInput) (index.Campaign, error) { return s.ix.Campaign(ctx, in.ID) })
	get(a, huma.Operation{
		OperationID: "matrix", Path: "/v1/campaigns/{id}/matrix", Tags: []string{tag}, Metadata: tagged,
		Summary: "Who sent what of a campaign",
		Description: "A cell is [account, template, prompts]: the first two are places in accounts and templates, from 0. " +
			"What is not listed is zero. Accounts that sent most different templates come first.",
	}, func(ctx context.Context, in *matrixInput) (index.Matrix, error) {
		return s.ix.Matrix(ctx, in.ID, in.Limit)
	})
	file := &huma.Schema{Type: huma.TypeString}
	ok := &huma.Response{Description: "A file", Content: make(map[string]*huma.MediaType), Headers: map[string]*huma.Param{
		"Content-Disposition": {Schema: file},
	}}
	for _, e := range exports {
		ok.Content[e.kind] = &huma.MediaType{Schema: file}
	}
	ok.Content[exports["stix"].kind] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}}
	a.plain(huma.Operation{
		OperationID: "export", Method: http.MethodGet, Path: "/v1/campaigns/{id}/export", Tags: []string{tag},
		Summary: "A campaign for other tools, or for another provider",
		Description: "stix is a STIX 2.1 bundle with sketches that anybody can match, jsonl the campaign and its templates, csv its accounts. " +
			"Account ids are in none of them unless asked for; what filled the slots of patterns never is.",
		Parameters: []*huma.Param{
			{Name: "id", In: "path", Required: true, Schema: file},
			queryParam("format", "", &huma.Schema{Type: huma.TypeString, Enum: []any{"stix", "jsonl", "csv"}, Default: "stix"}),
			queryParam("accounts", "With account ids; csv needs it", &huma.Schema{Type: huma.TypeBoolean}),
		},
		Responses: map[string]*huma.Response{"200": ok},
	}, s.export)
}

// A campaignsInput is what GET /v1/campaigns takes.
type campaignsInput struct {
	ID          string   `query:"id" doc:"This one only"`
	Template    string   `query:"template" doc:"Those with this template"`
	Status      []string `query:"status" enum:"alert,watch,benign,confirmed" doc:"One, or several with commas between"`
	MinScore    float64  `query:"min_score" minimum:"0" maximum:"100"`
	MaxScore    float64  `query:"max_score" minimum:"0" maximum:"100" default:"100"`
	MinAccounts int      `query:"min_accounts" minimum:"0" maximum:"2147483647" doc:"Fewest accounts"`
	Since       moment   `query:"since" doc:"Last seen on this day or later"`
	Until       moment   `query:"until" doc:"First seen on this day or earlier"`
	Q           string   `query:"q" maxLength:"1000" doc:"Text that one of its patterns has in it, in capitals or not"`
	Members     bool     `query:"members" doc:"With accounts"`
	Limit       int      `query:"limit" minimum:"1" maximum:"1000" default:"20" doc:"Items of a page"`
	Cursor      string   `query:"cursor" maxLength:"100" doc:"next of the page before"`
}

func (s *Server) campaigns(ctx context.Context, in *campaignsInput) (p page[index.Campaign], err error) {
	least, most, err := scores(in.MinScore, in.MaxScore)
	if err != nil {
		return p, err
	}
	found, err := s.ix.Campaigns(ctx, index.Filter{
		ID: in.ID, Template: in.Template, Status: strings.Join(in.Status, ","), MinScore: least, MaxScore: most, MinAccounts: in.MinAccounts,
		Since: in.Since.Time, Until: in.Until.Time, Text: in.Q, After: in.Cursor, Members: in.Members, Limit: in.Limit + 1,
	})
	return paged(found, in.Limit, (*index.Campaign).Cursor), err
}

// A matrixInput is what a campaign's matrix takes.
type matrixInput struct {
	ID    string `path:"id"`
	Limit int    `query:"limit" minimum:"1" maximum:"10000" default:"500" doc:"Most accounts"`
}

// exports are the media types and the file names' endings of exports.
var exports = map[string]struct{ kind, ending string }{
	"csv":   {"text/csv", ".csv"},
	"jsonl": {"application/x-ndjson", ".jsonl"},
	"stix":  {"application/stix+json", ".stix.json"},
}

// export writes a campaign for other tools, or for another provider.
func (s *Server) export(w http.ResponseWriter, r *http.Request) error {
	format := r.URL.Query().Get("format")
	if format == "" {
		format = "stix"
	}
	e, known := exports[format]
	if !known {
		return badParam("format: want stix, jsonl or csv")
	}
	accounts, err := queryBool(r, "accounts")
	if err != nil {
		return err
	}
	if format == "csv" && !accounts {
		return badParam("a csv lists accounts: ask for it with accounts=true")
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
		s.o.Logger.Debug("export ended early", "request", requestID(r.Context()), "error", err)
	}
	return nil
}
