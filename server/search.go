package server

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-368d3dfa/chorus/index/search"
)

// A searchInput is what GET /v1/search takes.
type searchInput struct {
	Q           string   `query:"q" required:"true" minLength:"1" maxLength:"2000" doc:"Words; \"words in a row\", begin*, nearly~, this OR that, -not"`
	Status      []string `query:"status" enum:"alert,watch,benign,confirmed,none" doc:"One, or several with commas between"`
	MinScore    float64  `query:"min_score" minimum:"0" maximum:"100" doc:"Least score"`
	MinAccounts int      `query:"min_accounts" minimum:"0" maximum:"2147483647" doc:"Fewest accounts, of all days"`
	Since       moment   `query:"since" doc:"Seen at this time or later"`
	Until       moment   `query:"until" doc:"Seen at this time or before"`
	Limit       int      `query:"limit" minimum:"1" maximum:"1000" default:"20" doc:"Items of a page"`
	Cursor      string   `query:"cursor" maxLength:"100" doc:"next of the page before"`
}

func (s *Server) mountSearch(a *api) {
	if s.o.Search == nil {
		return
	}
	get(a, huma.Operation{
		OperationID: "search", Path: "/v1/search", Tags: []string{"Queries"},
		Summary: "Templates that hold some words, in their patterns or exemplars",
		Description: "The best first. Parts of highlights are plain text. A facet counts what matches q and all filters but its own. " +
			"complete is false while the words are being gathered anew: then more may match.",
	}, s.search)
}

func (s *Server) search(ctx context.Context, in *searchInput) (f search.Result, err error) {
	if err := number("min_score", in.MinScore, 0, 100); err != nil {
		return f, err
	}
	from, to, err := s.window(ctx, in.Since, in.Until)
	if err != nil {
		return f, err
	}
	return s.o.Search.Search(ctx, search.Query{
		Text: in.Q, Status: in.Status, MinScore: in.MinScore, MinAccounts: in.MinAccounts,
		Since: from, Until: to, Limit: in.Limit, After: in.Cursor,
	})
}
