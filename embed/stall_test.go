package embed

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

// A host that logs while the index is stuck hardly notices: the 99th percentile
// of its log calls stays within twice what it is without a tap. Calls with and
// without alternate, so that the machine's other work hits both; one of a few
// attempts has to do, as a tap that waits for the index fails them all.
func TestStalledIndexDoesNotSlowLogging(t *testing.T) {
	for _, policy := range []Policy{DropNewest, DropOldest} {
		t.Run(policy.String(), func(t *testing.T) {
			tap, f := stalled(t, Options{Queue: 100, Policy: policy})
			defer close(f.gate)
			next := slog.NewJSONHandler(io.Discard, nil)
			h, err := NewHandler(tap, next, nil)
			if err != nil {
				t.Fatal(err)
			}
			with, without := slog.New(h), slog.New(next)
			text := strings.Repeat("how many voices sing the same words? ", 30)
			var ratio float64
			for range 5 {
				if ratio = compare(func(l *slog.Logger) { l.Info("chat", "account", "a", "text", text, "model", "m") }, with, without); ratio <= 2 {
					break
				}
			}
			if s := tap.Stats(); s.Dropped == 0 || s.Added > 0 {
				t.Errorf("the index was not stalled: %+v", s)
			}
			t.Logf("99th percentile with a stalled index: %.2f times that without", ratio)
			if ratio > 2 {
				t.Error("a stalled index slows its host")
			}
		})
	}
}

// compare returns the ratio of the 99th percentiles of two loggers' calls: the
// median of several rounds.
func compare(log func(*slog.Logger), with, without *slog.Logger) float64 {
	const rounds, calls = 11, 2000
	var ratios []float64
	for range rounds {
		var took [2][]time.Duration
		for i := range 2 * calls {
			l := with
			if i%2 == 1 {
				l = without
			}
			start := time.Now()
			log(l)
			took[i%2] = append(took[i%2], time.Since(start))
		}
		p99 := func(d []time.Duration) float64 {
			slices.Sort(d)
			return float64(d[len(d)*99/100])
		}
		ratios = append(ratios, p99(took[0])/p99(took[1]))
	}
	slices.Sort(ratios)
	return ratios[rounds/2]
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
		{"Handler, messages", 1, func() { h.Handle(ctx, j) }},
		{"Writer", 1, func() { w.Write(line) }},
		{"Writer, another line", 0, func() { w.Write(other) }},
	} {
		if n := testing.AllocsPerRun(500, test.f); n > test.most && !raceEnabled {
			t.Errorf("%s: %v allocations", test.name, n)
		}
	}
}
