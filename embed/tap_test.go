package embed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

func TestAddKeepsOrderAndFields(t *testing.T) {
	f := &fake{}
	tap := newTap(t, f, &Options{BatchPrompts: 7, BatchDelay: -1})
	when := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	const n = 1000
	for i := range n {
		if !tap.Add(index.Prompt{Account: "a", Time: when, Text: fmt.Sprint(i), Model: "m"}) {
			t.Fatal("not taken")
		}
	}
	if s := closeTap(t, tap); s.Added != n {
		t.Fatalf("stats are %+v", s)
	}
	got := f.taken()
	for i, p := range got {
		if p.Text != fmt.Sprint(i) || p.Account != "a" || p.Model != "m" || !p.Time.Equal(when) {
			t.Fatalf("prompt %d is %+v", i, p)
		}
	}
	for _, b := range f.batches {
		if b > 7 {
			t.Errorf("a batch of %d", b)
		}
	}
}

func TestTimeIsOfAdd(t *testing.T) {
	f := &fake{gate: make(chan struct{})}
	tap := newTap(t, f, nil)
	before := time.Now()
	tap.Add(prompt("a", "t"))
	after := time.Now()
	close(f.gate)
	closeTap(t, tap)
	if got := f.taken()[0].Time; got.Before(before) || got.After(after) {
		t.Errorf("time is %v, not between %v and %v", got, before, after)
	}
}

func TestInvalid(t *testing.T) {
	f := &fake{}
	tap := newTap(t, f, nil)
	for _, p := range []index.Prompt{{}, {Account: "a"}, {Text: "secret"}, {Account: strings.Repeat("a", 2000), Text: "secret"}} {
		if tap.Add(p) {
			t.Errorf("took %+v", p)
		}
	}
	if s := closeTap(t, tap); s.Invalid != 4 || s.LastError == "" || strings.Contains(s.LastError, "secret") {
		t.Errorf("stats are %+v", s)
	}
}

func TestDuplicates(t *testing.T) {
	tap := newTap(t, &fake{}, nil)
	for range 3 {
		tap.Add(index.Prompt{ID: "1", Account: "a", Text: "t"})
	}
	if s := closeTap(t, tap); s.Added != 1 || s.Duplicates != 2 {
		t.Errorf("stats are %+v", s)
	}
}

// stalled returns a tap whose goroutine is inside Add with one prompt.
func stalled(t *testing.T, o Options) (*Tap, *fake) {
	t.Helper()
	f := &fake{gate: make(chan struct{}), busy: make(chan struct{}, 1)}
	o.BatchDelay = -1
	tap := newTap(t, f, &o)
	tap.Add(prompt("a", "first"))
	<-f.busy
	return tap, f
}

func texts(prompts []index.Prompt) string {
	var all []string
	for _, p := range prompts {
		all = append(all, p.Text)
	}
	return strings.Join(all, " ")
}

func TestPolicies(t *testing.T) {
	for _, test := range []struct {
		policy Policy
		want   string
		taken  int
	}{
		{DropNewest, "first 0 1 2", 3},
		{DropOldest, "first 3 4 5", 6},
	} {
		t.Run(test.policy.String(), func(t *testing.T) {
			tap, f := stalled(t, Options{Queue: 3, Policy: test.policy})
			taken := 0
			for i := range 6 {
				if tap.Add(prompt("a", fmt.Sprint(i))) {
					taken++
				}
			}
			s := tap.Stats()
			balanced(t, s)
			if taken != test.taken || s.Dropped != 3 || s.Queued != 4 {
				t.Errorf("%d taken, stats are %+v", taken, s)
			}
			close(f.gate)
			closeTap(t, tap)
			if got := texts(f.taken()); got != test.want {
				t.Errorf("index has %q, not %q", got, test.want)
			}
		})
	}
}

func TestBlockWaits(t *testing.T) {
	tap, f := stalled(t, Options{Queue: 2, Policy: Block})
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			if !tap.Add(prompt("a", fmt.Sprint(i))) {
				t.Error("not taken")
			}
		})
	}
	close(f.gate)
	wg.Wait()
	if s := closeTap(t, tap); s.Added != 11 {
		t.Errorf("stats are %+v", s)
	}
}

func TestBlockHeedsContextAndClose(t *testing.T) {
	tap, f := stalled(t, Options{Queue: 1, Policy: Block})
	tap.Add(prompt("a", "second"))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan bool)
	go func() { ended <- tap.AddContext(ctx, prompt("a", "cancelled")) }()
	cancel()
	if <-ended {
		t.Error("took a prompt without room")
	}
	go func() { ended <- tap.Add(prompt("a", "closed out")) }()
	time.Sleep(time.Millisecond) // it may wait by now, or find the tap closed
	cancelled, stop := context.WithCancel(context.Background())
	go func() { tap.Close(cancelled); ended <- true }()
	if <-ended {
		t.Error("took a prompt after Close")
	}
	close(f.gate)
	<-ended
	stop()
	if s := closeTap(t, tap); s.Added != 2 || s.Dropped != 2 {
		t.Errorf("stats are %+v", s)
	}
}

func TestQueueBytes(t *testing.T) {
	text := strings.Repeat("x", 99) // 100 bytes with the account
	for _, policy := range []Policy{DropNewest, DropOldest} {
		tap, f := stalled(t, Options{QueueBytes: 1000, Policy: policy}) // "first" takes 6
		for range 20 {
			tap.Add(prompt("a", text))
		}
		if s := tap.Stats(); s.Queued != 1+9 || s.Dropped != 11 {
			t.Errorf("%v: stats are %+v", policy, s)
		}
		if tap.Add(prompt("a", strings.Repeat("x", 1000))) {
			t.Errorf("%v: took a prompt larger than the queue", policy)
		}
		if s := tap.Stats(); s.TooLarge != 1 || s.Queued != 10 {
			t.Errorf("%v: stats are %+v", policy, s)
		}
		close(f.gate)
		closeTap(t, tap)
	}
}

func TestBatchHasAllOfQueueBytes(t *testing.T) {
	f := &fake{gate: make(chan struct{}), busy: make(chan struct{}, 1)}
	tap := newTap(t, f, &Options{QueueBytes: 100, Policy: DropOldest, BatchDelay: -1})
	tap.Add(prompt("a", strings.Repeat("x", 99)))
	<-f.busy
	if tap.Add(prompt("a", "no room, and nothing to drop")) {
		t.Error("taken")
	}
	close(f.gate)
}

// Who waits for bytes gets in when the batch that has them is done.
func TestBlockWaitsForBytes(t *testing.T) {
	f := &fake{gate: make(chan struct{}), busy: make(chan struct{}, 1)}
	tap := newTap(t, f, &Options{QueueBytes: 100, Policy: Block, BatchDelay: -1})
	tap.Add(prompt("a", strings.Repeat("x", 99)))
	<-f.busy
	ended := make(chan bool)
	go func() { ended <- tap.Add(prompt("a", "waits")) }()
	for waits := false; !waits; time.Sleep(time.Millisecond) {
		tap.mu.Lock()
		waits = tap.room != nil
		tap.mu.Unlock()
	}
	close(f.gate)
	if !<-ended {
		t.Error("not taken")
	}
}

func TestIndexThatFails(t *testing.T) {
	f := &fake{err: fmt.Errorf("disk: %w", index.ErrFailed)}
	var told []error
	tap := newTap(t, f, &Options{BatchPrompts: 2, BatchDelay: -1, OnError: func(err error) { told = append(told, err) }})
	for range 10 {
		if !tap.Add(prompt("a", "secret")) {
			t.Error("not taken")
		}
	}
	s := closeTap(t, tap)
	if s.Failed != 10 || !strings.Contains(s.LastError, "write failed") || len(told) != len(f.batches) {
		t.Errorf("stats are %+v, %d errors of %d batches", s, len(told), len(f.batches))
	}
	for _, err := range told {
		if !errors.Is(err, index.ErrFailed) || strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	}
	f.mu.Lock()
	f.err = nil
	f.mu.Unlock()
}

// strict refuses a batch if any of its prompts says "bad".
type strict struct{ fake }

func (f *strict) Add(ctx context.Context, prompts ...index.Prompt) ([]index.Placement, error) {
	for _, p := range prompts {
		if p.Text == "bad" {
			return nil, fmt.Errorf("%w: bad", index.ErrInvalid)
		}
	}
	return f.fake.Add(ctx, prompts...)
}

func TestOneInvalidSparesTheOthers(t *testing.T) {
	f := &strict{}
	tap := newTap(t, f, nil)
	for _, s := range []string{"one", "bad", "two"} {
		tap.Add(prompt("a", s))
	}
	if s := closeTap(t, tap); s.Added != 2 || s.Invalid != 1 || texts(f.taken()) != "one two" {
		t.Errorf("stats are %+v", s)
	}
}

func TestCloseGivesUp(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		f := &fake{gate: make(chan struct{}), busy: make(chan struct{}, 1), deaf: deaf}
		tap, err := New(f, &Options{BatchDelay: -1})
		if err != nil {
			t.Fatal(err)
		}
		tap.Add(prompt("a", "under way"))
		<-f.busy
		for range 5 {
			tap.Add(prompt("a", "left"))
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := tap.Close(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "5 prompts dropped") {
			t.Errorf("Close returned %v", err)
		}
		if deaf {
			if s := tap.Stats(); s.Queued != 1 || s.Dropped != 5 {
				t.Errorf("stats are %+v", s)
			}
			close(f.gate)
		}
		s := closeTap(t, tap)
		if want := (Stats{Received: 6, Dropped: 5, Failed: 1, LastError: "context canceled"}); !deaf && s != want {
			t.Errorf("stats are %+v, not %+v", s, want)
		}
		if tap.Add(prompt("a", "late")) {
			t.Error("took a prompt after Close")
		}
	}
}

func TestCloseOfIdle(t *testing.T) {
	tap := newTap(t, &fake{}, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := tap.Close(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	closeTap(t, tap)
	closeTap(t, tap)
}

func TestBadOptions(t *testing.T) {
	for _, o := range []Options{
		{Queue: -1}, {Queue: maxQueue + 1}, {QueueBytes: -1}, {BatchPrompts: -1}, {BatchPrompts: index.MaxBatch + 1}, {Policy: -1}, {Policy: Block + 1},
	} {
		if _, err := New(&fake{}, &o); err == nil {
			t.Errorf("New took %+v", o)
		}
	}
	if _, err := New(nil, nil); err == nil {
		t.Error("New took no index")
	}
}

// Whatever happens at the same time, the counters add up, what the queue took
// is in the index or counted as lost, and nothing is there twice.
func TestConcurrent(t *testing.T) {
	for _, policy := range []Policy{DropNewest, DropOldest, Block} {
		t.Run(policy.String(), func(t *testing.T) {
			f := &fake{}
			tap := newTap(t, f, &Options{Queue: 16, QueueBytes: 4096, BatchPrompts: 5, BatchDelay: time.Microsecond, Policy: policy})
			const callers, each = 8, 500
			var wg sync.WaitGroup
			for c := range callers {
				wg.Go(func() {
					r := rand.New(rand.NewPCG(1, uint64(c)))
					for i := range each {
						tap.Add(prompt(fmt.Sprint(c), fmt.Sprint(i, strings.Repeat(" x", r.IntN(40)))))
						if i%50 == 0 {
							balanced(t, tap.Stats())
						}
					}
				})
			}
			wg.Wait()
			s := closeTap(t, tap)
			if s.Received != callers*each || s.Added != uint64(len(f.prompts)) || policy == Block && s.Dropped > 0 {
				t.Errorf("%d in the index, stats are %+v", len(f.prompts), s)
			}
			last := map[string]int{}
			for _, p := range f.taken() {
				var i int
				if fmt.Sscan(p.Text, &i); i < last[p.Account] {
					t.Fatalf("account %s: %d after %d", p.Account, i, last[p.Account]-1)
				}
				last[p.Account] = i + 1
			}
		})
	}
}

func TestCloseWhileAdding(t *testing.T) {
	for range 50 {
		f := &fake{}
		tap := newTap(t, f, &Options{Queue: 4, Policy: Block, BatchDelay: -1})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for tap.Add(prompt("a", "t")) {
				}
			})
		}
		closeTap(t, tap)
		wg.Wait()
		if s := closeTap(t, tap); s.Dropped != 4 || s.Added != uint64(len(f.prompts)) {
			t.Fatalf("%d in the index, stats are %+v", len(f.prompts), s)
		}
	}
}
