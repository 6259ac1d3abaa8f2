package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/access"
	"github.com/seed-368d3dfa/chorus/server/intake"
)

// labelled is the answer to verdicts.
type labelled struct {
	Accepted     int           `json:"accepted"`
	Templates    int           `json:"templates" doc:"How many templates of now the accepted ones are about"`
	SkippedCount int           `json:"skipped_count"`
	Skipped      []intake.Skip `json:"skipped"` // the first of them
}

func (l *labelled) skip(line int, reason string) {
	l.SkippedCount++
	if len(l.Skipped) < intake.MaxSkips {
		l.Skipped = append(l.Skipped, intake.Skip{Line: line, Error: reason})
	}
}

func (s *Server) mountLabels(a *api) {
	const tag = "Labels"
	one, anything := schemaOf[newLabel](a), &huma.Schema{Description: "A label; what is none is skipped"}
	a.plain(huma.Operation{
		OperationID: "label", Method: http.MethodPost, Path: "/v1/labels", Tags: []string{tag},
		Summary: "Give or withdraw verdicts",
		Description: "A label names exactly one of template, bundle, campaign and text. All that are valid are recorded, and durable when this is answered; " +
			"a single one that is not is an error. The body may be compressed with gzip or zstd.",
		Parameters: []*huma.Param{
			queryParam("force", "Take ids that the index does not know", &huma.Schema{Type: huma.TypeBoolean}),
		},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json":     {Schema: &huma.Schema{OneOf: []*huma.Schema{one, {Type: huma.TypeArray, Items: anything}}}},
			"application/x-ndjson": {Schema: &huma.Schema{Type: huma.TypeString, Description: "One label a line"}},
		}},
		Responses: answers[labelled](a, "application/json"),
	}, s.label)
	get(a, huma.Operation{
		OperationID: "labels", Path: "/v1/labels", Tags: []string{tag},
		Summary: "Every verdict ever given", Description: "The oldest first. Labels are never changed or deleted: together they are the audit trail.",
	}, s.labels)
}

// A newLabel is a label as clients give it: the index adds the rest.
type newLabel struct {
	Template string    `json:"template,omitempty" pattern:"^t[1-9][0-9]{0,8}$" doc:"A template's id"`
	Bundle   string    `json:"bundle,omitempty" pattern:"^b[1-9][0-9]{0,8}$" doc:"A bundle's id: its templates of now"`
	Campaign string    `json:"campaign,omitempty" pattern:"^c[1-9][0-9]{0,8}$" doc:"A campaign's id: its templates, and what joins it later"`
	Text     string    `json:"text,omitempty" minLength:"1" doc:"A text: every template, now or later, of whose core it contains at least 60 %"`
	Verdict  string    `json:"verdict" enum:"benign,confirmed,none" doc:"benign stops alerts, none withdraws"`
	Reason   string    `json:"reason,omitempty"`
	Author   string    `json:"author,omitempty"`
	Until    time.Time `json:"until,omitzero" doc:"In the prompts' own time; for good if absent"`
}

// TransformSchema adds that a label is of one thing.
func (newLabel) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	for _, name := range []string{"template", "bundle", "campaign", "text"} {
		s.OneOf = append(s.OneOf, &huma.Schema{Required: []string{name}})
	}
	return s
}

// label records the verdicts that the body holds: all that are valid, durable
// when it is answered. A single one that is not is an error.
func (s *Server) label(w http.ResponseWriter, r *http.Request) error {
	force, err := queryBool(r, "force")
	if err != nil {
		return err
	}
	stream, err := intake.IsStream(r)
	if err != nil {
		return err
	}
	body, err := intake.ReadBody(r, s.o.BodyBytes)
	if err != nil {
		return err
	}
	var lines []json.RawMessage
	single := false
	switch body = bytes.TrimSpace(body); {
	case stream:
		for line := range bytes.Lines(body) {
			lines = append(lines, line)
		}
	case len(body) > 0 && body[0] == '[':
		if err := json.Unmarshal(body, &lines); err != nil { // err might quote the text
			return badRequest("the body is not a JSON array")
		}
	default:
		lines, single = append(lines, body), true
	}
	a := labelled{Skipped: []intake.Skip{}}
	who, _ := access.From(r.Context())
	var labels []index.Label
	var at []int // their lines
	for i, line := range lines {
		if stream && len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		l, err := index.ParseLabel(line)
		if err != nil {
			if single {
				return err
			}
			a.skip(i+1, strings.TrimPrefix(err.Error(), index.ErrLabel.Error()+": "))
			continue
		}
		if l.Author == "" {
			l.Author = who.Name
		}
		labels, at = append(labels, l), append(at, i+1)
	}
	if !force {
		unknown, err := s.ix.Unknown(r.Context(), labels...)
		if err != nil {
			return err
		}
		if single && len(unknown) > 0 {
			return fmt.Errorf("%w: no template, bundle or campaign of that id", index.ErrNotFound)
		}
		kept := labels[:0]
		for i, l := range labels {
			if len(unknown) > 0 && unknown[0] == i {
				unknown = unknown[1:]
				a.skip(at[i], "no template, bundle or campaign of that id")
				continue
			}
			kept = append(kept, l)
		}
		labels = kept
	}
	if a.Templates, err = s.ix.Reach(r.Context(), labels...); err != nil { // before scores are of an earlier time
		return err
	}
	if err := s.ix.Label(r.Context(), labels...); err != nil {
		return err
	}
	for i := range labels {
		audit(r.Context(), &labels[i])
	}
	a.Accepted = len(labels)
	return s.answer(w, &a)
}

// A labelsInput is what GET /v1/labels takes.
type labelsInput struct {
	After    uint64 `query:"after" doc:"Number of the label after which to begin"`
	Cursor   uint64 `query:"cursor" doc:"next of the page before: the same as after"`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Items of a page"`
	Template string `query:"template" maxLength:"100" doc:"Only labels of this template, or of a bundle or campaign that had it"`
	Bundle   string `query:"bundle" maxLength:"100" doc:"Only labels of this bundle"`
	Campaign string `query:"campaign" maxLength:"100" doc:"Only labels of this campaign"`
}

// labels lists the verdicts ever given, oldest first.
func (s *Server) labels(ctx context.Context, in *labelsInput) (p page[index.Label], err error) {
	all, err := s.ix.Labels(ctx)
	if err != nil {
		return p, err
	}
	p.Items = []index.Label{}
	for _, l := range all[min(max(in.After, in.Cursor), uint64(len(all))):] { // numbered from 1 without gaps
		if in.Campaign != "" && l.Campaign != in.Campaign || in.Bundle != "" && l.Bundle != in.Bundle ||
			in.Template != "" && l.Template != in.Template && !slices.Contains(l.Templates, in.Template) {
			continue
		}
		if len(p.Items) == in.Limit {
			p.Next = strconv.FormatUint(p.Items[in.Limit-1].Seq, 10)
			break
		}
		p.Items = append(p.Items, l)
	}
	return p, nil
}
