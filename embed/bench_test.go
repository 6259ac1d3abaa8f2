package embed

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-368d3dfa/chorus/index"
)

// A sink takes everything at once.
type sink struct{}

func (sink) Add(context.Context, ...index.Prompt) ([]index.Placement, error) { return nil, nil }

// nothing stands for decoding where only the host's path is measured: the tap's
// goroutine must keep up for the queue to take what comes.
func nothing([]byte, *index.Prompt) error { return errIgnored }

var benchText = strings.Repeat("how many voices sing the same words? ", 20)

func benchTap(b *testing.B) *Tap {
	tap := newTap(b, sink{}, &Options{Queue: 1 << 16, QueueBytes: 1 << 30})
	b.Cleanup(func() {
		if s := tap.Stats(); s.Received > 0 {
			b.ReportMetric(100*float64(s.Dropped)/float64(s.Received), "%dropped")
		}
	})
	b.ReportAllocs()
	return tap
}

func BenchmarkAdd(b *testing.B) {
	tap := benchTap(b)
	p := prompt("acct-000017", benchText)
	for b.Loop() {
		tap.Add(p)
	}
}

func BenchmarkAddParallel(b *testing.B) {
	tap := benchTap(b)
	b.RunParallel(func(pb *testing.PB) {
		p := prompt("acct-000017", benchText)
		for pb.Next() {
			tap.Add(p)
		}
	})
}

// BenchmarkLog compares a slog call that goes nowhere, one whose record the tap
// takes, and the same with slog's own JSON handler.
func BenchmarkLog(b *testing.B) {
	run := func(name string, handler func(b *testing.B) slog.Handler) {
		b.Run(name, func(b *testing.B) {
			l := slog.New(handler(b)).With("service", "gateway")
			b.ReportAllocs()
			ctx := context.Background()
			for b.Loop() {
				l.LogAttrs(ctx, slog.LevelInfo, "chat", slog.String("account", "acct-000017"), slog.String("text", benchText), slog.String("model", "m"))
			}
		})
	}
	tapped := func(b *testing.B, next slog.Handler) slog.Handler {
		h, err := NewHandler(benchTap(b), next, &HandlerOptions{Level: slog.LevelInfo})
		if err != nil {
			b.Fatal(err)
		}
		return h
	}
	run("null", func(*testing.B) slog.Handler { return null{} })
	run("null+tap", func(b *testing.B) slog.Handler { return tapped(b, null{}) })
	run("json", func(*testing.B) slog.Handler { return slog.NewJSONHandler(io.Discard, nil) })
	run("json+tap", func(b *testing.B) slog.Handler { return tapped(b, slog.NewJSONHandler(io.Discard, nil)) })
}

// A null wants every record and does nothing with it.
type null struct{}

func (null) Enabled(context.Context, slog.Level) bool  { return true }
func (null) Handle(context.Context, slog.Record) error { return nil }
func (n null) WithAttrs([]slog.Attr) slog.Handler      { return n }
func (n null) WithGroup(string) slog.Handler           { return n }

func BenchmarkWriter(b *testing.B) {
	for _, line := range []struct{ name, text string }{
		{"prompt", fmt.Sprintf(`{"time":"2026-06-01T08:00:00Z","account":"acct-000017","text":"%s"}`+"\n", benchText)},
		{"other", `{"time":"2026-06-01T08:00:00Z","level":"INFO","msg":"request","path":"/v1/models","status":200,"ms":12}` + "\n"},
	} {
		b.Run(line.name, func(b *testing.B) {
			w, err := NewWriter(benchTap(b), io.Discard, nil)
			if err != nil {
				b.Fatal(err)
			}
			w.decode = nothing
			p := []byte(line.text)
			for b.Loop() {
				w.Write(p)
			}
		})
	}
}

// BenchmarkMiddleware has the cost of a request with and without the tap.
func BenchmarkMiddleware(b *testing.B) {
	body := fmt.Sprintf(`{"model":"m","messages":[{"role":"user","content":"%s"}]}`, benchText)
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	run := func(name string, handler func(b *testing.B) http.Handler) {
		b.Run(name, func(b *testing.B) {
			h, rw := handler(b), httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("POST", "/v1/chat/completions", strings.NewReader(body))
				r.Header.Set("Authorization", "Bearer sk-0123456789")
				h.ServeHTTP(rw, r)
			}
		})
	}
	run("bare", func(*testing.B) http.Handler { return bare })
	run("tap", func(b *testing.B) http.Handler {
		wrap, err := Middleware(benchTap(b), nil)
		if err != nil {
			b.Fatal(err)
		}
		return wrap(bare)
	})
}

// BenchmarkDecode is what the tap's goroutine does for a line or a body.
func BenchmarkDecode(b *testing.B) {
	line := fmt.Appendf(nil, `{"time":"2026-06-01T08:00:00Z","account":"acct-000017","text":"%s"}`, benchText)
	body := fmt.Appendf(nil, `{"model":"m","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"%s"}]}`, benchText)
	_, names, err := Fields{}.filled()
	if err != nil {
		b.Fatal(err)
	}
	d := lineDecoder{names: names}
	for _, test := range []struct {
		name   string
		raw    []byte
		decode func([]byte, *index.Prompt) error
	}{{"line", line, d.decode}, {"body", body, decodeBody}} {
		b.Run(test.name, func(b *testing.B) {
			b.SetBytes(int64(len(test.raw)))
			b.ReportAllocs()
			for b.Loop() {
				var p index.Prompt
				if err := test.decode(test.raw, &p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkIndexed is the whole way of a prompt into an index on disk, with a
// host that waits for room.
func BenchmarkIndexed(b *testing.B) {
	for _, test := range []struct {
		name string
		host func(b *testing.B, tap *Tap) func(i int)
	}{
		{"Add", func(b *testing.B, tap *Tap) func(int) {
			return func(i int) { tap.Add(prompt(fmt.Sprint("account-", i%5000), fmt.Sprintf("%d %s %d", i, benchText, i))) }
		}},
		{"Writer", func(b *testing.B, tap *Tap) func(int) {
			w, err := NewWriter(tap, io.Discard, nil)
			if err != nil {
				b.Fatal(err)
			}
			return func(i int) {
				fmt.Fprintf(w, `{"account":"account-%d","text":"%d %s %d"}`+"\n", i%5000, i, benchText, i)
			}
		}},
	} {
		b.Run(test.name, func(b *testing.B) {
			ix, err := index.Open(filepath.Join(b.TempDir(), "chorus.db"), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer ix.Close()
			tap := newTap(b, ix, &Options{Policy: Block})
			host := test.host(b, tap)
			i := 0
			for b.Loop() {
				host(i)
				i++
			}
			if s := closeTap(b, tap); s.Added != uint64(i) {
				b.Errorf("stats are %+v", s)
			}
			b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "prompts/s")
		})
	}
}
