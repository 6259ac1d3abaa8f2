package intake

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
)

// maxPending is how many batches of a request may be on their way to the disk.
const maxPending = 4

// A sink adds a request's prompts as they come. What came before a client left
// is kept: the body's end ends a request, no context.
type sink struct {
	ix       *index.Index
	ctx      context.Context
	patience time.Duration // with an index that takes no more; 0: without end
	pending  []flight
	placed   func(tags []int, places []index.Placement) // when they are durable
}

// A flight is a batch on its way to the disk, with what its prompts are to the
// caller.
type flight struct {
	*index.Pending
	tags []int
}

// submit takes a batch, which must not change any more. After an error nothing
// more is to be submitted. ErrBusy is one.
func (k *sink) submit(prompts []index.Prompt, tags []int) error {
	if err := k.settle(maxPending - 1); err != nil {
		return err
	}
	ctx := k.ctx
	if k.patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, k.patience)
		defer cancel()
	}
	p, err := k.ix.Submit(ctx, prompts...)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			err = ErrBusy
		}
		return err
	}
	k.pending = append(k.pending, flight{p, tags})
	return nil
}

// settle waits until at most n batches are under way. Of several errors the
// first one counts; all batches are waited for.
func (k *sink) settle(n int) (err error) {
	for len(k.pending) > n {
		f := k.pending[0]
		k.pending = k.pending[1:]
		places, e := f.Wait()
		if e != nil {
			if err == nil {
				err = e
			}
			continue
		}
		k.placed(f.tags, places)
	}
	return err
}

// A gatherer makes batches for a sink out of single records.
type gatherer struct {
	*sink
	*promptlog.Decoder
	Counts
	batch   promptlog.Batch
	tags    []int // of the batch's prompts: their records' numbers
	records []int // numbers of all that the decoder has had
	bytes   int
	skipped func(record int, s *promptlog.Skip)
	tell    func(s *promptlog.Skip) // Options.Skipped
}

// Bounds of a batch.
const batchPrompts, batchBytes = 1024, 512 << 10

func (in *Intake) newGatherer(r *http.Request, o *promptlog.Options, placed func(record int, p *index.Placement), skipped func(record int, s *promptlog.Skip)) *gatherer {
	g := &gatherer{Decoder: promptlog.NewDecoder(o), skipped: skipped, tell: in.o.Skipped}
	g.sink = &sink{ix: in.ix, ctx: context.WithoutCancel(r.Context()), patience: in.o.Patience}
	g.placed = func(tags []int, places []index.Placement) {
		g.Accepted += len(places)
		for i := range places {
			if places[i].Duplicate {
				g.Duplicates++
			}
			if placed != nil {
				placed(tags[i], &places[i])
			}
		}
	}
	return g
}

// take decodes the record of that number.
func (g *gatherer) take(number int, record []byte, beside *promptlog.Beside) error {
	g.Decode(&g.batch, record, beside)
	return g.taken(number, len(record))
}

// taken counts what the decoder has made of the record of that number, of about
// so many bytes.
func (g *gatherer) taken(record, size int) error {
	g.records = append(g.records, record)
	for len(g.tags) < len(g.batch.Prompts) {
		g.tags = append(g.tags, record)
	}
	g.skips()
	if g.bytes += size; g.bytes >= batchBytes || len(g.tags) >= batchPrompts {
		return g.send()
	}
	return nil
}

// refuse skips a record that the decoder is not to have.
func (g *gatherer) refuse(record int, reason string) {
	s := &promptlog.Skip{Reason: reason}
	g.Skipped++
	g.tell(s)
	g.skipped(record, s)
}

// skips counts what the decoder has skipped.
func (g *gatherer) skips() {
	for i := range g.batch.Skipped {
		s := &g.batch.Skipped[i]
		if s.Unrelated() {
			g.Unrelated++
		} else {
			g.Skipped++
			g.tell(s)
		}
		g.skipped(g.records[s.Line-1], s)
	}
	g.batch.Skipped = g.batch.Skipped[:0]
}

func (g *gatherer) send() error {
	prompts, tags := g.batch.Prompts, g.tags
	g.batch.Prompts, g.tags, g.bytes = nil, nil, 0
	for len(prompts) > 0 { // one record may have many
		n := min(len(prompts), index.MaxBatch)
		if err := g.submit(prompts[:n], tags[:n]); err != nil {
			return err
		}
		prompts, tags = prompts[n:], tags[n:]
	}
	return nil
}

// end waits until everything is durable. It is to be called after an error,
// too, which it returns.
func (g *gatherer) end(err error) error {
	if err == nil {
		g.Flush(&g.batch)
		for len(g.tags) < len(g.batch.Prompts) {
			g.tags = append(g.tags, g.records[len(g.records)-1])
		}
		g.skips()
		err = g.send()
	}
	if e := g.settle(0); err == nil {
		err = e
	}
	return err
}
