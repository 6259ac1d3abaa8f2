package intake

import (
	"context"
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

func (a *Added) skip(skips []promptlog.Skip) {
	a.SkippedCount += len(skips)
	for _, s := range skips[:min(len(skips), MaxSkips-len(a.Skipped))] {
		a.Skipped = append(a.Skipped, Skip{s.Line, s.Reason})
	}
}

func (a *Added) accept(places []index.Placement) {
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
	o := &promptlog.Options{TimeOptional: true, WindowBytes: WindowBytes}
	if stream {
		o.MaxBytes = in.o.StreamBytes
		o.ChunkBytes = 256 << 10
		return in.stream(w, r, o)
	}
	body, err := ReadBody(r, in.o.BodyBytes)
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
	places, err := in.ix.Add(r.Context(), prompts...)
	if err != nil {
		return err
	}
	a := Added{Skipped: []Skip{}}
	a.skip(skips)
	a.accept(places)
	for _, p := range places {
		if p.Templates == nil {
			p.Templates = []string{}
		}
		a.Placements = append(a.Placements, Placement(p))
	}
	return in.answer(w, &a)
}

// maxPending is how many batches of a stream may be on their way to the disk.
const maxPending = 4

// stream adds the prompts of an NDJSON body as they come, in bounded memory.
// What came before a client left is kept: the body's end ends it, no context.
func (in *Intake) stream(w http.ResponseWriter, r *http.Request, o *promptlog.Options) error {
	ctx := context.WithoutCancel(r.Context())
	a := Added{Skipped: []Skip{}}
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
		if p, err = in.ix.Submit(ctx, batch.Prompts...); err != nil {
			break
		}
		pending = append(pending, p)
	}
	if e := settle(0); err == nil {
		err = e
	}
	if err != nil {
		return &PartError{a, err}
	}
	return in.answer(w, &a)
}
