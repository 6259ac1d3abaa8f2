package server

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-368d3dfa/chorus/index"
)

func (s *Server) mountTotals(a *api) {
	const tag = "Totals"
	get(a, huma.Operation{
		OperationID: "stats", Path: "/v1/stats", Tags: []string{tag}, Summary: "Totals of the index",
	}, func(ctx context.Context, _ *struct{}) (index.Stats, error) { return s.ix.Stats(ctx) })
	get(a, huma.Operation{
		OperationID: "days", Path: "/v1/days", Tags: []string{tag},
		Summary: "All traffic, day by day", Description: "new_accounts are those first seen that day.",
	}, func(ctx context.Context, _ *struct{}) (page[index.Day], error) {
		days, err := s.ix.Days(ctx)
		return page[index.Day]{Items: full(days)}, err
	})
	get(a, huma.Operation{
		OperationID: "health", Path: "/healthz", Tags: []string{tag}, Summary: "The process answers",
	}, func(context.Context, *struct{}) (health, error) { return health{"ok"}, nil })
	get(a, huma.Operation{
		OperationID: "ready", Path: "/readyz", Tags: []string{tag}, Summary: "The index answers, and the server is not about to stop",
	}, s.ready)
}

// A health is the answer to probes.
type health struct {
	Status string `json:"status"`
}

func (s *Server) ready(ctx context.Context, _ *struct{}) (health, error) {
	select {
	case <-s.closing:
		return health{}, errClosing
	default:
	}
	_, err := s.ix.Stats(ctx)
	return health{"ok"}, err
}
