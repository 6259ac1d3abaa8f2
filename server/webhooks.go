package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-368d3dfa/chorus/server/webhook"
)

// A replay is what POST /v1/webhooks/replay takes.
type replay struct {
	Hook  string   `json:"hook,omitempty" doc:"Of this one; absent: of all"`
	Flags []uint64 `json:"flags,omitempty" maxItems:"1000" doc:"Those of these flags; absent: all"`
}

// A replayed is what it answers.
type replayed struct {
	Replayed int `json:"replayed" doc:"Dead letters that are delivered anew"`
}

func (s *Server) mountWebhooks(a *api) {
	if s.o.Webhooks == nil {
		return
	}
	const tag = "Webhooks"
	get(a, huma.Operation{
		OperationID: "webhooks", Path: "/v1/webhooks", Tags: []string{tag}, Summary: "How the hooks are doing",
	}, func(context.Context, *struct{}) (page[webhook.Status], error) {
		return page[webhook.Status]{Items: full(s.o.Webhooks.Status())}, nil
	})
	a.plain(huma.Operation{
		OperationID: "replay-webhooks", Method: http.MethodPost, Path: "/v1/webhooks/replay", Tags: []string{tag},
		Summary: "Deliver dead letters anew", Description: "A hook that was stopped starts again.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[replay](a)}}},
		Responses:   answers[replayed](a, "application/json"),
	}, s.replay)
}

func (s *Server) replay(w http.ResponseWriter, r *http.Request) error {
	var q replay
	if err := s.readJSON(r, &q, `{"hook":"example.com#01234567","flags":[17]}`); err != nil {
		return err
	}
	n, err := s.o.Webhooks.Replay(q.Hook, q.Flags...)
	if err != nil {
		return err
	}
	return s.answer(w, &replayed{n})
}
