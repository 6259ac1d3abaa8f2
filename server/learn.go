package server

import (
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/access"
)

// A lesson is what POST /v1/learn takes.
type lesson struct {
	Apply  bool   `json:"apply,omitempty" doc:"Score by what is learnt from now on, if it is better"`
	Forget bool   `json:"forget,omitempty" doc:"Score by the shipped table from now on"`
	Author string `json:"author,omitempty" maxLength:"1000" doc:"Who says so; absent: the token's name"`
}

func (s *Server) mountLearn(a *api) {
	a.plain(huma.Operation{
		OperationID: "learn", Method: http.MethodPost, Path: "/v1/learn", Tags: []string{"Labels"},
		Summary: "What the verdicts teach about the table of factors",
		Description: "Fits the table by which templates are scored to the labels given so far, and says which mistakes the shipped and the learnt one make on labels " +
			"that are left out, and whose status that would change. Only apply changes scores, and only if what was learnt is better; forget returns to the shipped " +
			"table. With fewer than 8 labels of each kind there is nothing to learn from, and the answer is 409.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[lesson](a)}}},
		Responses:   answers[index.Learning](a, "application/json"),
	}, s.learn)
}

// learn fits the table of factors to the labels.
func (s *Server) learn(w http.ResponseWriter, r *http.Request) error {
	var q lesson
	if err := s.readJSON(r, &q, `{"apply":false,"forget":false}`); err != nil {
		return err
	}
	if q.Apply && q.Forget {
		return badParam("apply or forget, not both")
	}
	if who, _ := access.From(r.Context()); q.Author == "" {
		q.Author = who.Name
	}
	got, err := s.ix.Learn(r.Context(), index.LearnOptions{Apply: q.Apply, Forget: q.Forget, Author: q.Author})
	if err != nil {
		return err
	}
	if got.Applied {
		access.Record(r.Context(), "learn", slog.Bool("forget", q.Forget), slog.Int("benign", got.Benign), slog.Int("confirmed", got.Confirmed), slog.String("author", q.Author))
	}
	return s.answer(w, got)
}
