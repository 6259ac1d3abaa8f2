package webhook

import (
	"context"
	"errors"
	"slices"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/seed-368d3dfa/chorus/index"
)

const (
	maxRetries = 1000            // that wait at a time; then new flags wait in the index
	downAfter  = 3               // failures in a row after which a receiver counts as down
	longProbe  = 5 * time.Minute // between attempts at one that is down, at most
	saveEvery  = 1000            // flags that a hook did not ask for, between two saves
)

// A queue delivers to one hook, one delivery at a time.
type queue struct {
	s       *Sender
	hook    *Hook
	signers []*standardwebhooks.Webhook
	again   chan struct{} // something changed: look anew

	progress *progress // Sender.mu guards it and what follows
	failures int       // attempts in a row
	probe    time.Time // not before, when down
	stopped  bool      // the receiver wants no more
	unsaved  int
}

// run delivers until ctx is done.
func (q *queue) run(ctx context.Context) {
	flags := make(chan index.Flag)
	q.s.mu.Lock()
	position := q.progress.Position
	q.s.mu.Unlock()
	q.s.all.Go(func() { q.feed(ctx, position, flags) })
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		in, wait := q.plan(flags)
		timer.Reset(wait)
		var err error
		select {
		case <-ctx.Done():
			return
		case <-q.again:
		case f := <-in:
			err = q.take(context.WithoutCancel(ctx), f)
		case <-timer.C:
			err = q.retry(context.WithoutCancel(ctx))
		}
		if errors.Is(err, index.ErrClosed) {
			return
		}
		if err != nil {
			q.s.o.Logger.Error("webhook: what to deliver could not be read; trying again", "hook", q.hook.Name(), "error", err)
		}
	}
}

// feed hands on the flags after a position.
func (q *queue) feed(ctx context.Context, position uint64, flags chan<- index.Flag) {
	for f, err := range q.s.ix.Flags(ctx, position) {
		if err != nil {
			if !errors.Is(err, index.ErrClosed) {
				q.s.o.Logger.Error("webhook: the stream of flags ended; they wait for the next start", "hook", q.hook.Name(), "error", err)
			}
			return
		}
		select {
		case flags <- f:
		case <-ctx.Done():
			return
		}
	}
}

// plan says whether new flags are taken now, and when to look at retries.
func (q *queue) plan(flags chan index.Flag) (in chan index.Flag, wait time.Duration) {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	if q.stopped {
		return nil, time.Hour
	}
	now := time.Now()
	first := q.first()
	if first == nil {
		return flags, time.Hour
	}
	wait = max(0, first.Due.Sub(now))
	switch {
	case q.failures >= downAfter: // one attempt at a time shows whether it is back
		return nil, max(wait, q.probe.Sub(now))
	case len(q.progress.Retries) >= maxRetries:
		return nil, wait
	}
	return flags, wait
}

// first is the retry that is due first, or nil.
func (q *queue) first() (first *Letter) {
	for i := range q.progress.Retries {
		if l := &q.progress.Retries[i]; first == nil || l.Due.Before(first.Due) {
			first = l
		}
	}
	return first
}

// take makes the first attempt at a new flag.
func (q *queue) take(ctx context.Context, f index.Flag) error {
	body, err := q.s.payload(ctx, q.hook, f)
	if errors.Is(err, index.ErrClosed) {
		return err
	}
	o, tries := outcome{}, 1
	if err != nil {
		q.s.o.Logger.Error("webhook: what to deliver could not be read", "hook", q.hook.Name(), "flag", f.Seq, "error", err)
		o, tries = outcome{err: "the index could not be read"}, 0
	} else if body != nil {
		o = q.deliver(ctx, f.Seq, body)
	}
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	q.progress.Position = f.Seq
	if body == nil && err == nil {
		if q.unsaved++; q.unsaved < saveEvery {
			return nil
		}
	}
	q.settle(Letter{Seq: f.Seq, Tries: tries}, o, body != nil)
	return nil
}

// retry makes another attempt at what is due.
func (q *queue) retry(ctx context.Context) error {
	q.s.mu.Lock()
	l := q.first()
	if l == nil || q.stopped || l.Due.After(time.Now()) {
		q.s.mu.Unlock()
		return nil
	}
	letter := *l
	q.s.mu.Unlock()
	flags, err := q.s.ix.FlagsAfter(ctx, letter.Seq-1, 1)
	if err != nil || len(flags) == 0 {
		return q.later(letter, err)
	}
	body, err := q.s.payload(ctx, q.hook, flags[0])
	if err != nil {
		return q.later(letter, err)
	}
	o := outcome{}
	if body != nil {
		o = q.deliver(ctx, letter.Seq, body)
		letter.Tries++
	}
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	q.drop(letter.Seq)
	q.settle(letter, o, body != nil)
	return nil
}

// later puts a retry off that could not even be attempted.
func (q *queue) later(l Letter, err error) error {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	for i := range q.progress.Retries {
		if q.progress.Retries[i].Seq == l.Seq {
			q.progress.Retries[i].Due = time.Now().Add(q.s.o.pause(1))
		}
	}
	return err
}

func (q *queue) drop(seq uint64) {
	q.progress.Retries = slices.DeleteFunc(q.progress.Retries, func(l Letter) bool { return l.Seq == seq })
}

// settle notes the outcome of an attempt, or of none, and saves. The caller
// holds Sender.mu.
func (q *queue) settle(l Letter, o outcome, attempted bool) {
	log := q.s.o.Logger.With("hook", q.hook.Name(), "flag", l.Seq, "tries", l.Tries)
	now := time.Now()
	if attempted && o.err == "" {
		q.failures, q.probe = 0, time.Time{}
	} else if attempted {
		if q.failures++; q.failures >= downAfter {
			q.probe = now.Add(max(o.after, min(q.s.o.pause(q.failures-downAfter+1), longProbe)))
		}
	}
	l.Error = o.err
	switch {
	case o.err == "":
	case o.gone:
		q.stopped = true
		q.progress.Dead = append(q.progress.Dead, l)
		log.Error("webhook: the receiver is gone (410); it gets nothing more until a replay or the next start")
	case l.Tries >= q.s.o.Tries:
		q.progress.Dead = append(q.progress.Dead, l)
		log.Error("webhook: given up; POST /v1/webhooks/replay tries again", "error", o.err)
	default:
		l.Due = now.Add(max(o.after, q.s.o.pause(max(1, l.Tries))))
		q.progress.Retries = append(q.progress.Retries, l)
		log.Warn("webhook: not delivered; trying again", "error", o.err, "at", l.Due.UTC().Format(time.RFC3339))
	}
	q.unsaved = 0
	if err := q.s.save(); err != nil {
		log.Error("webhook: positions were not saved; deliveries may be repeated", "error", err)
	}
}
