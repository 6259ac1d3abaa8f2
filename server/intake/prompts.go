package intake

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
)

// Added is the answer to prompts.
type Added struct {
	Accepted     int         `json:"accepted"` // duplicates too
	Duplicates   int         `json:"duplicates"`
	SkippedCount int         `json:"skipped_count"`
	Skipped      []Skip      `json:"skipped"` // the first of them
	Placements   []Placement `json:"placements,omitempty"`
}

// A Skip is a line, or an array's element, that is no prompt.
type Skip struct {
	Line  int    `json:"line"`
	Error string `json:"error"`
}

// A Placement is an index.Placement.
type Placement struct {
	Prompt    uint64   `json:"prompt"`
	Templates []string `json:"templates"`
	Duplicate bool     `json:"duplicate"`
}

// MaxSkips is how many skipped lines an answer lists.
const MaxSkips = 100

// skip counts what was skipped and tells of each.
func (in *Intake) skip(a *Added, skips []promptlog.Skip) {
	for i := range skips {
		in.o.Skipped(&skips[i])
	}
	a.SkippedCount += len(skips)
	for _, s := range skips[:min(len(skips), MaxSkips-len(a.Skipped))] {
		a.Skipped = append(a.Skipped, Skip{s.Line, s.Reason})
	}
}

func (a *Added) accept(_ []int, places []index.Placement) {
	a.Accepted += len(places)
	for i := range places {
		if places[i].Duplicate {
			a.Duplicates++
		}
	}
}

// A PartError ended a stream of prompts of which some had been accepted.
type PartError struct {
	Added
	Err error
}

func (e *PartError) Error() string { return e.Err.Error() }
func (e *PartError) Unwrap() error { return e.Err }

// prompts adds what the body holds. It is answered when that is durable.
func (in *Intake) prompts(w http.ResponseWriter, r *http.Request) error {
	stream, err := IsStream(r)
	if err != nil {
		return err
	}
	o := in.options()
	mapped, err := fields(r, o)
	if err != nil {
		return err
	}
	if stream || mapped {
		o.MaxBytes = in.o.StreamBytes
		if !stream {
			o.MaxBytes = in.o.BodyBytes
		}
		return in.stream(w, r, Prompts, o)
	}
	body, err := ReadBody(r, in.o.BodyBytes)
	if err != nil {
		return err
	}
	prompts, skips, single, err := promptlog.Parse(body, o)
	if err != nil && (bytes.Contains(body, []byte("}\n{")) || bytes.Contains(body, []byte("}\r\n{"))) {
		return badRequest("%v; JSON lines need the header Content-Type: application/x-ndjson", err)
	}
	if err != nil {
		return badRequest("%v", err)
	}
	if single && len(skips) > 0 {
		return badRequest("%s", skips[0].Reason)
	}
	places, err := in.ix.Add(r.Context(), prompts...)
	if err != nil {
		return err
	}
	a := Added{Skipped: []Skip{}}
	in.skip(&a, skips)
	a.accept(nil, places)
	for _, p := range places {
		if p.Templates == nil {
			p.Templates = []string{}
		}
		a.Placements = append(a.Placements, Placement(p))
	}
	in.o.Count(Prompts, a.counts())
	return in.answer(w, &a)
}

// jsonline adds the lines of a body of any format.
func (in *Intake) jsonline(w http.ResponseWriter, r *http.Request) error {
	if err := checkEncoding(r); err != nil {
		return err
	}
	o := in.options()
	o.Format, o.ContentIDs, o.MaxBytes = "auto", true, in.o.StreamBytes
	if _, err := fields(r, o); err != nil {
		return err
	}
	return in.stream(w, r, JSONLine, o)
}

// stream adds the prompts of a body as they come, in bounded memory.
func (in *Intake) stream(w http.ResponseWriter, r *http.Request, protocol Protocol, o *promptlog.Options) error {
	a := Added{Skipped: []Skip{}}
	k := &sink{ix: in.ix, ctx: context.WithoutCancel(r.Context()), placed: a.accept}
	o.ChunkBytes = 256 << 10
	var err error
	for batch, e := range promptlog.Read(k.ctx, r.Body, o) {
		if err = e; err != nil {
			break
		}
		in.skip(&a, batch.Skipped)
		if len(batch.Prompts) == 0 {
			continue
		}
		if err = k.submit(batch.Prompts, nil); err != nil {
			break
		}
	}
	if e := k.settle(0); err == nil {
		err = e
	}
	in.o.Count(protocol, a.counts())
	if errors.Is(err, promptlog.ErrParquet) {
		err = badRequest("%v", err)
	}
	if err != nil {
		return &PartError{a, err}
	}
	return in.answer(w, &a)
}

func (a *Added) counts() Counts {
	return Counts{Accepted: a.Accepted, Duplicates: a.Duplicates, Skipped: a.SkippedCount}
}
