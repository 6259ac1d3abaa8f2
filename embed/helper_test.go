package embed

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/testdata/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

// A fake is an Adder that keeps what it gets.
type fake struct {
	gate chan struct{} // nil: open; else Add waits until it is closed or ctx ends
	deaf bool          // Add does not heed ctx
	busy chan struct{} // gets a value when an Add begins, if it has room

	mu      sync.Mutex
	err     error
	prompts []index.Prompt
	batches []int
	ids     map[string]bool
}

func (f *fake) Add(ctx context.Context, prompts ...index.Prompt) ([]index.Placement, error) {
	select {
	case f.busy <- struct{}{}:
	default:
	}
	if f.gate != nil {
		done := ctx.Done()
		if f.deaf {
			done = nil
		}
		select {
		case <-f.gate:
		case <-done:
			return nil, ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batches = append(f.batches, len(prompts))
	if f.err != nil {
		return nil, f.err
	}
	for i := range prompts {
		if err := prompts[i].Validate(); err != nil {
			return nil, err
		}
	}
	placed := make([]index.Placement, len(prompts))
	for i, p := range prompts {
		if f.ids == nil {
			f.ids = make(map[string]bool)
		}
		placed[i].Duplicate = p.ID != "" && f.ids[p.ID]
		f.ids[p.ID] = true
		if !placed[i].Duplicate {
			f.prompts = append(f.prompts, p)
		}
	}
	return placed, nil
}

// taken returns what the fake has.
func (f *fake) taken() []index.Prompt {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]index.Prompt(nil), f.prompts...)
}

func newTap(t testing.TB, ix Adder, o *Options) *Tap {
	t.Helper()
	tap, err := New(ix, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeTap(t, tap) })
	return tap
}

// closeTap drains a tap and checks that its counters add up.
func closeTap(t testing.TB, tap *Tap) Stats {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := tap.Close(ctx); err != nil {
		t.Error(err)
	}
	s := tap.Stats()
	if s.Queued != 0 {
		t.Errorf("closed with %d queued", s.Queued)
	}
	balanced(t, s)
	tap.mu.Lock()
	defer tap.mu.Unlock()
	if tap.bytes != 0 || tap.count != 0 {
		t.Errorf("closed with %d bytes and %d items", tap.bytes, tap.count)
	}
	return s
}

func balanced(t testing.TB, s Stats) {
	t.Helper()
	if sum := s.Queued + s.Added + s.Duplicates + s.Ignored + s.Invalid + s.TooLarge + s.Dropped + s.Failed; sum != s.Received {
		t.Errorf("received %d, but the counters have %d: %+v", s.Received, sum, s)
	}
}

func prompt(account, text string) index.Prompt { return index.Prompt{Account: account, Text: text} }
