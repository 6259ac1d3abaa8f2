package server

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
)

// added is the answer to prompts.
type added struct {
	Accepted     int         `json:"accepted"` // duplicates too
	Duplicates   int         `json:"duplicates"`
	SkippedCount int         `json:"skipped_count"`
	Skipped      []skip      `json:"skipped"` // the first of them
	Placements   []placement `json:"placements,omitempty"`
}

// A skip is a line, or an array's element, that is no prompt.
type skip struct {
	Line  int    `json:"line"`
	Error string `json:"error"`
}

// A placement is an index.Placement.
type placement struct {
	Prompt    uint64   `json:"prompt"`
	Templates []string `json:"templates"`
	Duplicate bool     `json:"duplicate"`
}

// maxSkips is how many skipped lines an answer lists.
const maxSkips = 100

func (a *added) skip(skips []promptlog.Skip) {
	a.SkippedCount += len(skips)
	for _, s := range skips[:min(len(skips), maxSkips-len(a.Skipped))] {
		a.Skipped = append(a.Skipped, skip{s.Line, s.Reason})
	}
}

func (a *added) accept(places []index.Placement) {
	a.Accepted += len(places)
	for i := range places {
		if places[i].Duplicate {
			a.Duplicates++
		}
	}
}

// A partError ended a stream of prompts of which some had been accepted.
type partError struct {
	added
	err error
}

func (e *partError) Error() string { return e.err.Error() }
func (e *partError) Unwrap() error { return e.err }

// windowBytes is what zstd content may ask for over HTTP (RFC 9659).
const windowBytes = 8 << 20

// prompts adds what the body holds. It is answered when that is durable.
func (s *Server) prompts(w http.ResponseWriter, r *http.Request) error {
	stream, err := bodyKind(r)
	if err != nil {
		return err
	}
	o := &promptlog.Options{TimeOptional: true, WindowBytes: windowBytes, MaxBytes: s.o.BodyBytes}
	if stream {
		o.MaxBytes = s.o.StreamBytes
		o.ChunkBytes = 256 << 10
		return s.stream(w, r, o)
	}
	body, err := readBody(r, o)
	if err != nil {
		return err
	}
	prompts, skips, single, err := promptlog.Parse(body, o)
	if err != nil {
		return badRequest("%v", err)
	}
	if single && len(skips) > 0 {
		return badRequest("%s", skips[0].Reason)
	}
	places, err := s.ix.Add(r.Context(), prompts...)
	if err != nil {
		return err
	}
	a := added{Skipped: []skip{}}
	a.skip(skips)
	a.accept(places)
	for _, p := range places {
		if p.Templates == nil {
			p.Templates = []string{}
		}
		a.Placements = append(a.Placements, placement(p))
	}
	return s.answer(w, &a)
}

// readBody reads a JSON body. The client learns of damaged compression.
func readBody(r *http.Request, o *promptlog.Options) ([]byte, error) {
	body := &blamed{r: r.Body}
	b, err := promptlog.Decompress(body, o)
	if err != nil && body.err == nil && !errors.Is(err, promptlog.ErrTooLarge) {
		err = badRequest("%v", err)
	}
	return b, err
}

// A blamed reader remembers that it was the one that failed.
type blamed struct {
	r   io.Reader
	err error
}

func (b *blamed) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// bodyKind says whether the body is a stream of lines. Decompression goes by
// the content; here only what cannot be decompressed is refused.
func bodyKind(r *http.Request) (stream bool, err error) {
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity", "gzip", "x-gzip", "zstd":
	default:
		return false, errEncoding
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return true, nil
	case "", "application/json", "text/json", "application/x-www-form-urlencoded": // the last is curl's default
		return false, nil
	}
	return false, errType
}

// maxPending is how many batches of a stream may be on their way to the disk.
const maxPending = 4

// stream adds the prompts of an NDJSON body as they come, in bounded memory.
// What came before a client left is kept: the body's end ends it, no context.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, o *promptlog.Options) error {
	ctx := context.WithoutCancel(r.Context())
	a := added{Skipped: []skip{}}
	var pending []*index.Pending
	settle := func(n int) error {
		for len(pending) > n {
			places, err := pending[0].Wait()
			pending = pending[1:]
			if err != nil {
				return err
			}
			a.accept(places)
		}
		return nil
	}
	var err error
	for batch, e := range promptlog.Read(ctx, r.Body, o) {
		if err = e; err != nil {
			break
		}
		a.skip(batch.Skipped)
		if len(batch.Prompts) == 0 {
			continue
		}
		if err = settle(maxPending - 1); err != nil {
			break
		}
		var p *index.Pending
		if p, err = s.ix.Submit(ctx, batch.Prompts...); err != nil {
			break
		}
		pending = append(pending, p)
	}
	if e := settle(0); err == nil {
		err = e
	}
	if err != nil {
		return &partError{a, err}
	}
	return s.answer(w, &a)
}
