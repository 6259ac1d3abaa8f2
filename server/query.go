package server

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/intake"
)

// A similarInput is what GET /v1/similar takes.
type similarInput struct {
	Text  string  `query:"text" required:"true" minLength:"1" doc:"The text to compare with"`
	Min   float64 `query:"min" minimum:"0" maximum:"1" default:"0.5" doc:"Least similarity"`
	Limit int     `query:"limit" minimum:"1" maximum:"1000" default:"20" doc:"Most prompts"`
}

// A question is what POST /v1/similar takes.
type question struct {
	Text  string   `json:"text" minLength:"1" doc:"The text to compare with"`
	Min   *float64 `json:"min,omitempty" nullable:"true" minimum:"0" maximum:"1" default:"0.5" doc:"Least similarity"`
	Limit *int     `json:"limit,omitempty" nullable:"true" minimum:"1" maximum:"1000" default:"20" doc:"Most prompts"`
}

func (s *Server) mountQueries(a *api) {
	const tag = "Queries"
	type List = listInput // exported, or huma would not look into it
	type templatesInput struct {
		Status []string `query:"status" enum:"alert,watch,benign,confirmed,none" doc:"One, or several with commas between"`
		Family string   `query:"family" pattern:"^f[1-9][0-9]{0,8}$" doc:"Only the variants of one template: a family's id, or f and the number of any template in it"`
		Bundle string   `query:"bundle" pattern:"^b[1-9][0-9]{0,8}$" doc:"Only the templates of this bundle, which come in the same prompts; likewise with b"`
		Fold   bool     `query:"fold" doc:"Of the variants of one template only the widest, with the accounts of all"`
		List
	}
	get(a, huma.Operation{
		OperationID: "similar", Path: "/v1/similar", Tags: []string{tag},
		Summary: "Retained prompts that resemble a text", Description: "The most similar first. Longer texts go with POST.",
	}, func(ctx context.Context, in *similarInput) (page[index.Match], error) {
		return s.similar(ctx, in.Text, in.Min, in.Limit)
	})
	a.plain(huma.Operation{
		OperationID: "similar-to", Method: http.MethodPost, Path: "/v1/similar", Tags: []string{tag},
		Summary: "Retained prompts that resemble a text", Description: "The most similar first. The body may be compressed with gzip or zstd.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[question](a)}}},
		Responses:   answers[page[index.Match]](a, "application/json"),
	}, s.similarTo)
	get(a, huma.Operation{
		OperationID: "templates", Path: "/v1/templates", Tags: []string{tag},
		Summary: "Templates that many accounts send", Description: "Those of most accounts first.",
	}, func(ctx context.Context, in *templatesInput) (page[index.Template], error) {
		f, err := s.filter(ctx, &in.List, in.Status)
		if err != nil {
			return page[index.Template]{}, err
		}
		f.Family, f.Bundle, f.Fold = in.Family, in.Bundle, in.Fold
		return s.templates(ctx, f)
	})
	get(a, huma.Operation{
		OperationID: "template", Path: "/v1/templates/{id}", Tags: []string{tag}, Metadata: tagged,
		Summary: "One template with its accounts",
	}, func(ctx context.Context, in *idInput) (index.Template, error) { return s.ix.Template(ctx, in.ID) })
	get(a, huma.Operation{
		OperationID: "template-days", Path: "/v1/templates/{id}/days", Tags: []string{tag},
		Summary: "What was sent of a template, day by day", Description: "new_accounts are those first seen with the template that day.",
	}, func(ctx context.Context, in *idInput) (page[index.Day], error) {
		days, err := s.ix.TemplateDays(ctx, in.ID)
		return page[index.Day]{Items: full(days)}, err
	})
	const account = "What one account sent and shares, and with whom"
	get(a, huma.Operation{
		OperationID: "account", Path: "/v1/accounts/{id}", Tags: []string{tag}, Metadata: tagged,
		Summary: account, Description: "An id that has a slash in it is escaped: %2F. Some ids, like \"..\", are no part of a path: /v1/accounts?id= takes all.",
	}, func(ctx context.Context, in *idInput) (index.Account, error) { return s.ix.Account(ctx, in.ID) })
	get(a, huma.Operation{
		OperationID: "account-by-id", Path: "/v1/accounts", Tags: []string{tag}, Metadata: tagged, Summary: account,
	}, func(ctx context.Context, in *accountInput) (index.Account, error) { return s.ix.Account(ctx, in.ID) })
}

// An accountInput is what GET /v1/accounts takes.
type accountInput struct {
	ID string `query:"id" required:"true" minLength:"1" doc:"The account, whatever characters it has"`
}

func (s *Server) similar(ctx context.Context, text string, least float64, limit int) (page[index.Match], error) {
	if err := number("min", least, 0, 1); err != nil {
		return page[index.Match]{}, err
	}
	matches, err := s.ix.Similar(ctx, text, least, limit)
	return page[index.Match]{Items: full(matches)}, err
}

// readJSON reads a JSON body that is no stream into v; like is an example of one.
func (s *Server) readJSON(r *http.Request, v any, like string) error {
	if stream, err := intake.IsStream(r); err != nil {
		return err
	} else if stream {
		return intake.ErrType
	}
	body, err := intake.ReadBody(r, s.o.BodyBytes)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return badRequest("the body is not JSON like %s", like) // err might quote the text
	}
	return nil
}

func (s *Server) similarTo(w http.ResponseWriter, r *http.Request) error {
	var q question
	if err := s.readJSON(r, &q, `{"text":"…","min":0.5,"limit":20}`); err != nil {
		return err
	}
	least, limit := 0.5, defaultLimit
	if q.Min != nil {
		least = *q.Min
	}
	if q.Limit != nil {
		limit = *q.Limit
	}
	if q.Text == "" {
		return badParam("text is missing")
	}
	if limit < 1 || limit > maxLimit {
		return badParam("limit: want a number from 1 to %d", maxLimit)
	}
	found, err := s.similar(r.Context(), q.Text, least, limit)
	if err != nil {
		return err
	}
	return s.answer(w, &found)
}

func (s *Server) templates(ctx context.Context, f index.Filter) (p page[index.Template], err error) {
	found, err := s.ix.Templates(ctx, f)
	return paged(found, f.Limit-1, (*index.Template).Cursor), err
}
