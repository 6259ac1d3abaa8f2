package consume

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
)

// A record is one of a stream.
type record struct {
	place   string // in the stream: TOPIC/PARTITION/OFFSET, or STREAM/SEQUENCE
	id      string // place and time: a stream that is made anew counts from the start again
	at      time.Time
	key     []byte
	value   []byte
	subject string
	header  func(name string) string
	control bool // of the broker's own: there is nothing in it
	raw     any  // the source's
}

// A source is a connection to a broker.
type source interface {
	// next returns the records there are, none if there were none for a while.
	next(ctx context.Context) ([]record, error)

	// ack acknowledges records in the order in which next returned them.
	ack(records []record) error

	// bury keeps dead letters for good.
	bury(ctx context.Context, dead []DeadLetter) error

	// caughtUp reports whether all that was there at the start has been
	// acknowledged. Nothing is on its way.
	caughtUp(ctx context.Context) (bool, error)

	// close lets go of the broker; what was not acknowledged comes again.
	close()
}

// Bounds of what is on its way to the disk.
const (
	maxFlights = 8
	maxRecords = 2000     // of a flight
	maxBytes   = 64 << 20 // of all flights' records
)

// A flow takes records from a source to the index: one goroutine decodes and
// submits, another one waits until they are durable and acknowledges them, in
// order.
type flow struct {
	s      *Stream
	d      *promptlog.Decoder
	src    source
	queue  chan *flight
	bytes  atomic.Int64
	room   chan struct{} // one slot: bytes has fallen
	cancel context.CancelFunc
	failed error // settle's; to be read when it has ended
}

// A flight is a batch of records on its way.
type flight struct {
	records []record
	pending []*index.Pending
	skips   []promptlog.Skip
	dead    []DeadLetter
	bytes   int64
	barrier chan struct{} // not nil: no records, but to be closed when all before it are settled
}

// checkEvery is how often a stream that does not pause is asked if it has
// caught up.
const checkEvery = time.Second

// run takes records in until ctx is done, the source fails, or it has caught up.
func (f *flow) run(ctx context.Context) error {
	checked := time.Now()
	for {
		records, err := f.src.next(ctx)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if len(records) > 0 {
			if err := f.take(ctx, records); err != nil {
				return err
			}
		}
		if f.s.opts.UntilCaughtUp && (len(records) == 0 || time.Since(checked) > checkEvery) {
			f.drain(ctx)
			if done, err := f.src.caughtUp(ctx); done || err != nil {
				return err
			}
			checked = time.Now()
		}
	}
}

// take decodes records and hands their prompts to the index. It waits while too
// much is on its way.
func (f *flow) take(ctx context.Context, records []record) error {
	fl := &flight{records: records}
	var b promptlog.Batch
	for i := range records {
		r := &records[i]
		if r.control {
			continue
		}
		fl.bytes += int64(len(r.value))
		beside := promptlog.Beside{ID: r.id, Time: r.at}
		if f.s.c.account != nil {
			beside.Account = f.s.c.account(r)
		}
		before := len(b.Skipped)
		f.d.DecodeText(&b, r.value, &beside)
		if skips := b.Skipped[before:]; len(skips) > 0 {
			for j := range skips {
				skips[j].File = r.place
			}
			fl.dead = append(fl.dead, newDeadLetter(r, skips))
		}
	}
	prompts := b.Prompts
	fl.skips = b.Skipped
	for f.bytes.Load() > 0 && f.bytes.Load()+fl.bytes > maxBytes {
		select {
		case <-f.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for len(prompts) > 0 {
		n := min(len(prompts), index.MaxBatch)
		p, err := f.s.ix.Submit(ctx, prompts[:n]...)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &finalError{f.s.errorf("%w", err)}
		}
		fl.pending = append(fl.pending, p)
		prompts = prompts[n:]
	}
	f.bytes.Add(fl.bytes)
	select {
	case f.queue <- fl:
		return nil
	case <-ctx.Done():
		f.bytes.Add(-fl.bytes)
		return ctx.Err()
	}
}

// settle acknowledges flights that are durable. After a failure it acknowledges
// nothing more, as a later record's offset stands for all before it.
func (f *flow) settle(ctx context.Context) {
	for fl := range f.queue {
		if fl.barrier != nil {
			close(fl.barrier)
			continue
		}
		if f.failed == nil {
			if f.failed = f.land(ctx, fl); f.failed != nil {
				f.cancel()
			}
		}
		f.bytes.Add(-fl.bytes)
		select {
		case f.room <- struct{}{}:
		default:
		}
	}
}

// buryTimeout bounds how long dead letters may take to be kept.
const buryTimeout = 30 * time.Second

// land waits until a flight is durable, and acknowledges it.
func (f *flow) land(ctx context.Context, fl *flight) error {
	added, duplicates := 0, 0
	for _, p := range fl.pending {
		places, err := p.Wait()
		if err != nil {
			return &finalError{f.s.errorf("%w", err)}
		}
		for i := range places {
			if places[i].Duplicate {
				duplicates++
			} else {
				added++
			}
		}
	}
	if len(fl.dead) > 0 {
		if f.s.opts.DeadLetters != nil {
			if err := writeDeadLetters(f.s.opts.DeadLetters, fl.dead); err != nil {
				return &finalError{f.s.errorf("dead letters: %w", err)}
			}
		}
		if f.s.c.dead != "" {
			ctx, cancel := context.WithTimeout(ctx, buryTimeout)
			defer cancel()
			if err := f.src.bury(ctx, fl.dead); err != nil {
				return f.s.errorf("dead letters to %s: %w", f.s.c.dead, err)
			}
		}
	}
	if err := f.src.ack(fl.records); err != nil {
		return err
	}
	f.s.count(fl, added, duplicates)
	if len(fl.skips) > 0 && f.s.opts.OnSkip != nil {
		f.s.opts.OnSkip(fl.skips)
	}
	return nil
}

// drain waits until all that is on its way is settled and reports whether it is;
// ctx ends the wait.
func (f *flow) drain(ctx context.Context) bool {
	b := &flight{barrier: make(chan struct{})}
	select {
	case f.queue <- b:
	case <-ctx.Done():
		return false
	}
	select {
	case <-b.barrier:
		return true
	case <-ctx.Done():
		return false
	}
}
