package embed

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A host that logs while the index is stuck does not notice: no call waits, not
// even for a moment, once the queue is full. In the bubble a call that waits for
// the index, which moves only when all calls have returned, would never return,
// and one that waits for time would let it go by.
func TestStalledIndexDoesNotSlowLogging(t *testing.T) {
	for _, policy := range []Policy{DropNewest, DropOldest} {
		t.Run(policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const calls = 2000
				tap, f := stalled(t, Options{Queue: 100, Policy: policy})
				defer close(f.gate)
				h, err := NewHandler(tap, slog.NewJSONHandler(io.Discard, nil), nil)
				if err != nil {
					t.Fatal(err)
				}
				l := slog.New(h)
				text := strings.Repeat("how many voices sing the same words? ", 30)
				before := time.Now()
				for range calls {
					l.Info("chat", "account", "a", "text", text, "model", "m")
				}
				if d := time.Since(before); d > 0 {
					t.Errorf("the host waited %v", d)
				}
				if s := tap.Stats(); s.Dropped != calls-100 || s.Added > 0 {
					t.Errorf("the index was not stalled: %+v", s)
				}
			})
		})
	}
}

// One allocation a record, at most, is what a tap costs its host.
func TestAllocations(t *testing.T) {
	tap := newTap(t, sink{}, &Options{Queue: 1 << 16})
	h, err := NewHandler(tap, slog.DiscardHandler, &HandlerOptions{Level: slog.LevelInfo})
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWriter(tap, io.Discard, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.decode = nothing // the tap's goroutine has its own costs
	full, f := stalled(t, Options{Queue: 100, Policy: DropOldest})
	defer close(f.gate)
	fh, err := NewHandler(full, slog.DiscardHandler, &HandlerOptions{Level: slog.LevelInfo})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "chat", 0)
	r.AddAttrs(slog.String("account", "a"), slog.String("text", "hello"), slog.String("model", "m"))
	j := slog.NewRecord(time.Now(), slog.LevelInfo, "chat", 0)
	j.AddAttrs(slog.String("account", "a"), slog.String("messages", `[{"role":"user","content":"hello"}]`))
	p := prompt("a", "hello")
	line := []byte(`{"account":"a","text":"hello"}` + "\n")
	other := []byte(`{"level":"info","msg":"started"}` + "\n")
	for _, test := range []struct {
		name string
		most float64
		f    func()
	}{
		{"Add", 0, func() { tap.Add(p) }},
		{"Handler", 0, func() { h.Handle(ctx, r) }},
		{"Handler, the index is stalled", 0, func() { fh.Handle(ctx, r) }},
		{"Handler, messages", 1, func() { h.Handle(ctx, j) }},
		{"Writer", 1, func() { w.Write(line) }},
		{"Writer, another line", 0, func() { w.Write(other) }},
	} {
		if n := testing.AllocsPerRun(500, test.f); n > test.most && !raceEnabled {
			t.Errorf("%s: %v allocations", test.name, n)
		}
	}
}
