package server

import (
	"context"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-368d3dfa/chorus/index"
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
