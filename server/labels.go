package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/access"
	"github.com/seed-368d3dfa/chorus/server/intake"
)

// labelled is the answer to verdicts.
type labelled struct {
	Accepted     int           `json:"accepted"`
	SkippedCount int           `json:"skipped_count"`
	Skipped      []intake.Skip `json:"skipped"` // the first of them
}

func (l *labelled) skip(line int, reason string) {
	l.SkippedCount++
	if len(l.Skipped) < intake.MaxSkips {
		l.Skipped = append(l.Skipped, intake.Skip{Line: line, Error: reason})
	}
}

// label records the verdicts that the body holds: all that are valid, durable
// when it is answered. A single one that is not is an error.
func (s *Server) label(w http.ResponseWriter, r *http.Request) error {
	p := params{Values: r.URL.Query()}
	force := p.bool("force")
	if p.err != nil {
		return p.err
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
			return fmt.Errorf("%w: no template or campaign of that id", index.ErrNotFound)
		}
		kept := labels[:0]
		for i, l := range labels {
			if len(unknown) > 0 && unknown[0] == i {
				unknown = unknown[1:]
				a.skip(at[i], "no template or campaign of that id")
				continue
			}
			kept = append(kept, l)
		}
		labels = kept
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

// labels lists every verdict ever given, oldest first.
func (s *Server) labels(w http.ResponseWriter, r *http.Request) error {
	p := params{Values: r.URL.Query()}
	after := p.int("after", 0, 0, 1<<31-1)
	limit := p.int("limit", 100, 1, maxLimit)
	if p.err != nil {
		return p.err
	}
	labels, err := s.ix.Labels(r.Context())
	if err != nil {
		return err
	}
	labels = labels[min(after, len(labels)):] // numbered from 1 without gaps
	var page list[index.Label]
	if len(labels) > limit {
		labels = labels[:limit]
		page.Next = strconv.FormatUint(labels[limit-1].Seq, 10)
	}
	page.Items = full(labels)
	return s.answer(w, page)
}
