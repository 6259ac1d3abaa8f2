package embed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// An Adder takes prompts in: all of them, or none if it returns an error. It
// must not keep the slice. *index.Index is one.
type Adder interface {
	Add(ctx context.Context, prompts ...index.Prompt) ([]index.Placement, error)
}

// A Tap takes prompts from its host and adds them to an index behind its back.
// All its methods may be called concurrently.
type Tap struct {
	ix     Adder
	opts   Options
	cancel context.CancelFunc // of Add, when Close gives up
	wake   chan struct{}      // one slot: the goroutine has something to look at
	done   chan struct{}      // closed when the goroutine has ended

	mu     sync.Mutex
	ring   []item // the queue: count items from head on
	head   int
	count  int
	bytes  int           // of items in the ring and in the batch being added
	room   chan struct{} // closed when items leave the ring; nil if nobody waits
	closed bool
	stats  Stats
}

// Stats are a tap's counters since New. At any moment
//
//	Received = Queued + Added + Duplicates + Ignored + Invalid + TooLarge + Dropped + Failed
type Stats struct {
	Received   uint64 `json:"received"`   // all that was offered
	Queued     uint64 `json:"queued"`     // waiting or being added now
	Added      uint64 `json:"added"`      // durable in the index
	Duplicates uint64 `json:"duplicates"` // their ID was in the index before
	Ignored    uint64 `json:"ignored"`    // JSON lines that looked like a prompt and were none
	Invalid    uint64 `json:"invalid"`    // without account or text, out of bounds, or unreadable
	TooLarge   uint64 `json:"too_large"`  // beyond LineBytes, BodyBytes or QueueBytes
	Dropped    uint64 `json:"dropped"`    // the queue was full, or the tap closed
	Failed     uint64 `json:"failed"`     // the index did not take them

	// LastError says why a prompt was last counted as Invalid, TooLarge or
	// Failed. It has no prompt text.
	LastError string `json:"last_error,omitempty"`
}

// New starts a tap that adds to ix. The host closes the tap first and the index
// after it.
func New(ix Adder, o *Options) (*Tap, error) {
	if ix == nil {
		return nil, errors.New("embed: New without an index")
	}
	opts, err := o.filled()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	t := &Tap{
		ix: ix, opts: opts, cancel: cancel,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		ring: make([]item, opts.Queue),
	}
	go t.run(ctx)
	return t, nil
}

// Add queues a prompt and reports whether the queue took it. It never waits
// unless the policy is Block. A zero Time becomes now. The prompt's Messages and
// Attrs must not change afterwards.
func (t *Tap) Add(p index.Prompt) bool { return t.AddContext(context.Background(), p) }

// AddContext is Add; under Block, ctx ends the wait for room.
func (t *Tap) AddContext(ctx context.Context, p index.Prompt) bool {
	if err := p.Validate(); err != nil {
		t.refuse(&t.stats.Invalid, err)
		return false
	}
	return t.offer(ctx, &item{prompt: p})
}

// Close takes no more prompts and waits until those queued are in the index. If
// ctx ends first, it drops what is left and returns an error that wraps ctx's.
//
// Its goroutine has ended when Close returns nil. After an error it ends as soon
// as the index returns from the Add under way.
func (t *Tap) Close(ctx context.Context) error {
	t.mu.Lock()
	t.closed = true
	t.letIn()
	t.mu.Unlock()
	t.signal()
	select {
	case <-t.done:
		return nil
	default:
	}
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
	}
	left := t.abandon()
	return fmt.Errorf("embed: Close: %d prompts dropped: %w", left, ctx.Err())
}

// Stats returns the counters, all of one moment.
func (t *Tap) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stats
}

// refuse counts one prompt that is not queued. counter is a field of t.stats.
func (t *Tap) refuse(counter *uint64, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Received++
	*counter++
	t.stats.LastError = err.Error()
}

// now is the time of prompts that come without one.
func now() time.Time { return time.Now().UTC() }
