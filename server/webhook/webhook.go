// Package webhook tells other systems of flags: it posts every flag of an index
// to the addresses of its hooks, signed as the Standard Webhooks specification
// says (https://www.standardwebhooks.com). Call [Start], and [Sender.Close]
// before the index is closed.
//
// A delivery has the flag and numbers of its template or campaign; no prompt's
// text and no account, unless a hook asks for patterns. Its webhook-id names the
// flag in this index and stays the same however often it is sent, so a
// receiver that remembers ids takes each flag once.
//
// A hook delivers at least once. Its position is kept in a file: flags wait in
// the index while a receiver is away or the process is down. What fails is tried
// again with growing, jittered pauses, or when the receiver says (Retry-After);
// meanwhile later flags go out, unless everything fails. After Options.Tries
// attempts a delivery is a dead letter, which [Sender.Replay] takes up again.
//
// Only the configured addresses are ever called; redirects are not followed.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// Options of Start.
type Options struct {
	Hooks   []Hook
	State   string        // the file for positions; by convention the index's with ".webhooks" appended
	Tries   int           // attempts before a delivery is a dead letter; 0: 12, which take about two days
	Timeout time.Duration // of one attempt; 0: 10 s
	Logger  *slog.Logger  // gets failures, without addresses; nil: nothing

	pause func(tries int) time.Duration // before the next attempt; nil: pause
}

// A Sender delivers the flags of an index to hooks. All methods may be called
// concurrently.
type Sender struct {
	ix     *index.Index
	o      Options
	client *http.Client
	queues []*queue
	cancel context.CancelFunc
	all    sync.WaitGroup

	mu    sync.Mutex // guards state and what queues hold of it
	state state
}

// Start begins to deliver. A hook that the state file does not know begins with
// the next flag that is recorded; one that it knows goes on where it was.
func Start(ix *index.Index, o Options) (*Sender, error) {
	if o.Tries <= 0 {
		o.Tries = 12
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.pause == nil {
		o.pause = pause
	}
	s := &Sender{ix: ix, o: o, client: newClient(o.Timeout)}
	if err := Check(o.Hooks); err != nil {
		return nil, err
	}
	for i := range o.Hooks {
		h := &o.Hooks[i]
		signers, err := h.check()
		if err != nil { // its secret's file has changed meanwhile
			return nil, fmt.Errorf("webhook: %w", err)
		}
		if h.plain() {
			o.Logger.Warn("webhook: flags travel in clear; use https", "hook", h.Name())
		}
		s.queues = append(s.queues, &queue{s: s, hook: h, signers: signers, again: make(chan struct{}, 1)})
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	if err := s.load(ctx); err != nil {
		cancel()
		return nil, err
	}
	for _, q := range s.queues {
		s.all.Go(func() { q.run(ctx) })
	}
	return s, nil
}

// Close lets attempts under way end, which takes Options.Timeout at most, and
// saves the positions.
func (s *Sender) Close() error {
	s.cancel()
	s.all.Wait()
	s.client.CloseIdleConnections()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.save()
}

// newClient makes a client that calls what it is told to and nothing else.
func newClient(timeout time.Duration) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 1
	t.MaxResponseHeaderBytes = 64 << 10
	return &http.Client{
		Transport:     t,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ErrUnknown reports a hook that there is not.
var ErrUnknown = errors.New("webhook: no such hook")
