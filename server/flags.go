package server

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-368d3dfa/chorus/index"
)

func (s *Server) mountFlags(a *api) {
	ok := answers[page[index.Flag]](a, "application/json")
	ok["200"].Content["text/event-stream"] = &huma.MediaType{Schema: &huma.Schema{
		Type: huma.TypeString, Description: "Events called flag: id is the flag's number, data the flag as JSON",
	}}
	number := &huma.Schema{Type: huma.TypeInteger, Format: "int64", Minimum: new(float64)}
	a.plain(huma.Operation{
		OperationID: "flags", Method: http.MethodGet, Path: "/v1/flags", Tags: []string{"Flags"},
		Summary: "The moments at which templates and campaigns crossed a threshold",
		Description: "The oldest first. With Accept: text/event-stream they follow as they are recorded, as server-sent events; " +
			"Last-Event-ID resumes.",
		Parameters: []*huma.Param{
			queryParam("after", "Number of the flag after which to begin", number),
			queryParam("cursor", "next of the page before: the same as after", number),
			queryParam("limit", "Items of a page", intSchema(100, 1, maxLimit)),
			{Name: "Last-Event-ID", In: "header", Description: "Number of the last event that a stream's reader has seen", Schema: number},
		},
		Responses: ok,
	}, s.flags)
}

func (s *Server) flags(w http.ResponseWriter, r *http.Request) error {
	from := cmp.Or(r.URL.Query().Get("cursor"), r.URL.Query().Get("after"))
	follow := strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	if id := r.Header.Get("Last-Event-ID"); follow && id != "" {
		from = id // a client that resumes knows better than the address it began with
	}
	var after uint64
	if from != "" {
		var err error
		if after, err = strconv.ParseUint(from, 10, 64); err != nil {
			return badParam("after: want the number of a flag")
		}
	}
	limit, err := queryInt(r, "limit", 100, 1, maxLimit)
	if err != nil {
		return err
	}
	if follow {
		return s.follow(w, r, after)
	}
	flags, err := s.ix.FlagsAfter(r.Context(), after, limit+1)
	if err != nil {
		return err
	}
	var p page[index.Flag]
	if len(flags) > limit {
		flags = flags[:limit]
		p.Next = strconv.FormatUint(flags[limit-1].Seq, 10)
	}
	p.Items = full(flags)
	return s.answer(w, p)
}

// follow streams flags as server-sent events until the client leaves or the
// server closes. Comments in between keep the connection alive.
func (s *Server) follow(w http.ResponseWriter, r *http.Request, after uint64) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	flags := make(chan index.Flag)
	go func() {
		defer close(flags)
		for f, err := range s.ix.Flags(ctx, after) {
			if err != nil {
				if ctx.Err() == nil {
					s.o.Logger.Warn("stream of flags ended", "error", err)
				}
				return
			}
			select {
			case flags <- f:
			case <-ctx.Done():
				return
			}
		}
	}()

	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return nil
	}
	c := http.NewResponseController(w)
	beat := time.NewTicker(s.o.Pause / 2)
	defer beat.Stop()
	text := ": chorus\n\n"
	for {
		s.deadline(w)
		if _, err := w.Write([]byte(text)); err != nil {
			return nil // the client has gone
		}
		if err := c.Flush(); err != nil {
			return nil
		}
		select {
		case f, ok := <-flags:
			if !ok {
				return nil
			}
			data, err := json.Marshal(&f)
			if err != nil {
				return nil
			}
			text = fmt.Sprintf("id: %d\nevent: flag\ndata: %s\n\n", f.Seq, data)
		case <-beat.C:
			text = ":\n\n"
		case <-s.closing:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}
