package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

func (s *Server) flags(w http.ResponseWriter, r *http.Request) error {
	p := params{Values: r.URL.Query()}
	from := p.Get("after")
	follow := strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	if id := r.Header.Get("Last-Event-ID"); follow && id != "" {
		from = id // a client that resumes knows better than the address it began with
	}
	var after uint64
	if from != "" {
		var err error
		if after, err = strconv.ParseUint(from, 10, 64); err != nil {
			return badRequest("after: want the number of a flag")
		}
	}
	limit := p.int("limit", 100, 1, maxLimit)
	if p.err != nil {
		return p.err
	}
	if follow {
		return s.follow(w, r, after)
	}
	flags, err := s.ix.FlagsAfter(r.Context(), after, limit+1)
	if err != nil {
		return err
	}
	var page list[index.Flag]
	if len(flags) > limit {
		flags = flags[:limit]
		page.Next = strconv.FormatUint(flags[limit-1].Seq, 10)
	}
	page.Items = full(flags)
	return s.answer(w, page)
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
