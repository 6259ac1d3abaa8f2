package server

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-368d3dfa/chorus/index"
)

func (s *Server) mountCampaigns(a *api) {
	const tag = "Campaigns"
	type List = listInput // exported, or huma would not look into it
	type campaignsInput struct {
		ID       string   `query:"id" doc:"This one only"`
		Template string   `query:"template" doc:"Those with this template"`
		Status   []string `query:"status" enum:"alert,watch,benign,confirmed" doc:"One, or several with commas between"`
		List
	}
	get(a, huma.Operation{
		OperationID: "campaigns", Path: "/v1/campaigns", Tags: []string{tag},
		Summary: "Templates that the same accounts send, with those accounts",
		Description: "Worst first: those on which the analyst's verdict is out, alerts before watches, then by score. prompts, also of members, days and windows, " +
			"are what the accounts sent of the templates, at least: a prompt may belong to several of them, so of each account and day only those of the template that it sent most count.",
	}, func(ctx context.Context, in *campaignsInput) (page[index.Campaign], error) {
		return s.campaigns(ctx, in.ID, in.Template, in.Status, &in.List)
	})
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

func (s *Server) campaigns(ctx context.Context, id, template string, status []string, in *listInput) (p page[index.Campaign], err error) {
	f, err := s.filter(ctx, in, status)
	if err != nil {
		return p, err
	}
	f.ID, f.Template = id, template
	found, err := s.ix.Campaigns(ctx, f)
	return paged(found, in.Limit, (*index.Campaign).Cursor), err
}

// A matrixInput is what a campaign's matrix takes.
type matrixInput struct {
	ID    string `path:"id"`
	Limit int    `query:"limit" minimum:"1" maximum:"10000" default:"500" doc:"Most accounts"`
}
