package embed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-368d3dfa/chorus/index"
)

type turnOf struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type panics struct{}

func (panics) MarshalJSON() ([]byte, error) { panic("secret") }

type later struct{ v slog.Value }

func (l later) LogValue() slog.Value { return l.v }

func TestHandler(t *testing.T) {
	conversation := []index.Message{{Role: "system", Content: "be brief"}, {Role: "user", Content: "hello"}}
	const asJSON = `[{"role":"system","content":"be brief"},{"role":"user","content":[{"type":"text","text":"hello"}]}]`
	for _, test := range []struct {
		name   string
		fields Fields
		log    func(l *slog.Logger)
		want   []index.Prompt
		bad    uint64
	}{
		{name: "none", log: func(l *slog.Logger) { l.Info("started", "account", "a", "port", 80) }},
		{name: "text", log: func(l *slog.Logger) { l.Info("chat", "account", "a", "text", "hello", "model", "m", "id", "7") },
			want: []index.Prompt{{Account: "a", Text: "hello", Model: "m"}}},
		{name: "id when asked for", fields: Fields{ID: "id"}, log: func(l *slog.Logger) { l.Info("chat", "account", 5, "text", "hello", "id", 7) },
			want: []index.Prompt{{ID: "7", Account: "5", Text: "hello"}}},
		{name: "no account", log: func(l *slog.Logger) { l.Info("chat", "text", "hello"); l.Info("chat", "messages", asJSON) }, bad: 2},
		{name: "with", log: func(l *slog.Logger) { l.With("account", "a", "model", "m").Info("chat", "text", "hello") },
			want: []index.Prompt{{Account: "a", Text: "hello", Model: "m"}}},
		{name: "the last counts", log: func(l *slog.Logger) {
			l.With("account", "a").Info("chat", "account", "b", "text", "one", "text", "two")
		}, want: []index.Prompt{{Account: "b", Text: "two"}}},
		{name: "groups", fields: Fields{Account: "req.user", Text: "req.llm.prompt"}, log: func(l *slog.Logger) {
			l.WithGroup("req").With("user", "a").WithGroup("llm").Info("chat", "prompt", "one")
			l.Info("chat", slog.Group("req", "user", "b", slog.Group("llm", "prompt", "two")))
			l.Info("chat", slog.Group("req", "user", "c", "llm.prompt", "three"))
			l.Info("chat", "req.user", "d", "req.llm.prompt", "four")
			l.Info("chat", "req.user", "e", slog.Group("", slog.Group("req.llm", "prompt", "five")))
			l.WithGroup("other").Info("chat", "req.user", "f", "req.llm.prompt", "six")
		}, want: []index.Prompt{{Account: "a", Text: "one"}, {Account: "b", Text: "two"}, {Account: "c", Text: "three"}, {Account: "d", Text: "four"}, {Account: "e", Text: "five"}}},
		{name: "messages", log: func(l *slog.Logger) {
			l = l.With("account", "a")
			l.Info("chat", "messages", conversation)
			l.Info("chat", "messages", asJSON)
			l.Info("chat", "messages", []byte(asJSON))
			l.Info("chat", "messages", json.RawMessage(asJSON))
			l.Info("chat", "messages", []turnOf{{"system", "be brief"}, {"user", "hello"}})
			l.Info("chat", "messages", later{slog.AnyValue(conversation)})
		}, want: []index.Prompt{{Account: "a", Messages: conversation}, {Account: "a", Messages: conversation}, {Account: "a", Messages: conversation},
			{Account: "a", Messages: conversation}, {Account: "a", Messages: conversation}, {Account: "a", Messages: conversation}}},
		{name: "odd messages", log: func(l *slog.Logger) {
			l = l.With("account", "a")
			for _, m := range []any{"", "hello", "[", `{"role":"user"}`, 5, true, make(chan int), panics{}, []byte{}, slog.GroupValue(slog.Int("x", 1)), nil} {
				l.Info("chat", "messages", m)
			}
			l.Info("chat", "messages", panics{}, "text", "hello")
		}, want: []index.Prompt{{Account: "a", Text: "hello"}}, bad: 9},
		{name: "odd texts", log: func(l *slog.Logger) {
			l = l.With("account", "a")
			l.Info("chat", "text", []byte("bytes"))
			l.Info("chat", "text", json.RawMessage(`"quoted"`))
			l.Info("chat", "text", later{slog.StringValue("later")})
			l.Info("chat", "text", errors.New("error"))
			l.Info("chat", "text", slog.GroupValue(slog.Int("x", 1)))
		}, want: []index.Prompt{{Account: "a", Text: "bytes"}, {Account: "a", Text: "quoted"}, {Account: "a", Text: "later"}, {Account: "a", Text: "error"}}},
		{name: "attrs", fields: Fields{Attrs: []string{"ip", "req.country"}}, log: func(l *slog.Logger) {
			l = l.With("account", "a", "ip", "::1")
			l.Info("chat", "text", "one", slog.Group("req", "country", "X"))
			l.Info("chat", "text", "two", "ip", "::2")
			l.Info("chat", "text", "three")
		}, want: []index.Prompt{{Account: "a", Text: "one", Attrs: map[string]string{"ip": "::1", "req.country": "X"}},
			{Account: "a", Text: "two", Attrs: map[string]string{"ip": "::2"}}, {Account: "a", Text: "three", Attrs: map[string]string{"ip": "::1"}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := &fake{}
			tap := newTap(t, f, nil)
			var plain, passed bytes.Buffer
			h, err := NewHandler(tap, slog.NewJSONHandler(&passed, timeless), &HandlerOptions{Fields: test.fields})
			if err != nil {
				t.Fatal(err)
			}
			before := time.Now()
			test.log(slog.New(h))
			s := closeTap(t, tap)
			got := f.taken()
			for i := range got {
				if got[i].Time.Before(before.Round(0).Add(-time.Millisecond)) || got[i].Time.After(time.Now()) {
					t.Errorf("time is %v", got[i].Time)
				}
				got[i].Time = time.Time{}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if s.Invalid != test.bad || s.Received != test.bad+uint64(len(test.want)) || strings.Contains(s.LastError, "hello") {
				t.Errorf("stats are %+v", s)
			}
			test.log(slog.New(slog.NewJSONHandler(&plain, timeless)))
			if plain.String() != passed.String() {
				t.Errorf("next got\n%s, not\n%s", &passed, &plain)
			}
		})
	}
}

var timeless = &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}}

// A copy is made of what the host may change after it has logged it.
func TestHandlerCopies(t *testing.T) {
	f := &fake{gate: make(chan struct{})}
	tap := newTap(t, f, nil)
	h, _ := NewHandler(tap, slog.DiscardHandler, &HandlerOptions{Level: slog.LevelInfo})
	messages, raw := []index.Message{{Role: "user", Content: "one"}}, []byte(`[{"role":"user","content":"two"}]`)
	slog.New(h).Info("chat", "account", "a", "messages", messages)
	slog.New(h).Info("chat", "account", "a", "messages", raw)
	messages[0].Content = "changed"
	clear(raw)
	close(f.gate)
	closeTap(t, tap)
	if got := f.taken(); len(got) != 2 || got[0].Messages[0].Content != "one" || got[1].Messages[0].Content != "two" {
		t.Errorf("index has %+v", got)
	}
}

func TestHandlerLevel(t *testing.T) {
	f := &fake{}
	tap := newTap(t, f, nil)
	var out bytes.Buffer
	h, err := NewHandler(tap, slog.NewTextHandler(&out, nil), &HandlerOptions{Level: slog.LevelDebug})
	if err != nil {
		t.Fatal(err)
	}
	l := slog.New(h)
	l.Debug("chat", "account", "a", "text", "unprinted")
	l.Info("chat", "account", "a", "text", "printed")
	l.Log(context.Background(), slog.LevelDebug-1, "chat", "account", "a", "text", "unseen")
	closeTap(t, tap)
	if got := texts(f.taken()); got != "unprinted printed" || strings.Contains(out.String(), "unprinted") || !strings.Contains(out.String(), "printed") {
		t.Errorf("index has %q, log is %q", got, &out)
	}
}

type failing struct{ slog.Handler }

func (failing) Handle(context.Context, slog.Record) error { return io.ErrShortWrite }

func TestHandlerPassesErrorsOn(t *testing.T) {
	f := &fake{}
	tap := newTap(t, f, nil)
	h, _ := NewHandler(tap, failing{slog.NewTextHandler(io.Discard, nil)}, nil)
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "chat", 0)
	r.Add("account", "a", "text", "hello")
	if err := h.Handle(context.Background(), r); err != io.ErrShortWrite {
		t.Errorf("error is %v", err)
	}
	if s := closeTap(t, tap); s.Added != 1 {
		t.Errorf("stats are %+v", s)
	}
}

// A Handler before slog's own is as good a handler as that.
func TestHandlerConforms(t *testing.T) {
	tap := newTap(t, &fake{}, nil)
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		h, err := NewHandler(tap, slog.NewJSONHandler(&out, nil), &HandlerOptions{Fields: Fields{Account: "G.c", Text: "a", Messages: "G.d"}})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}, func(t *testing.T) map[string]any {
		var m map[string]any
		if err := json.Unmarshal(out.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		return m
	})
}

func TestBadFields(t *testing.T) {
	tap := newTap(t, &fake{}, nil)
	for _, f := range []Fields{
		{Text: "account"}, {Account: ".a"}, {Account: "a."}, {Attrs: []string{""}}, {Attrs: []string{"x", "x"}}, {Text: strings.Repeat("a.", 40) + "b"}, {ID: "model"},
	} {
		if _, err := NewHandler(tap, slog.DiscardHandler, &HandlerOptions{Fields: f}); err == nil {
			t.Errorf("NewHandler took %+v", f)
		}
		if _, err := NewWriter(tap, io.Discard, &WriterOptions{Fields: f}); err == nil {
			t.Errorf("NewWriter took %+v", f)
		}
	}
	if _, err := NewHandler(nil, slog.DiscardHandler, nil); err == nil {
		t.Error("NewHandler took no tap")
	}
	if _, err := NewHandler(tap, nil, nil); err == nil {
		t.Error("NewHandler took no handler")
	}
	if _, err := NewWriter(nil, io.Discard, nil); err == nil {
		t.Error("NewWriter took no tap")
	}
	if _, err := NewWriter(tap, nil, nil); err == nil {
		t.Error("NewWriter took no writer")
	}
	if _, err := NewWriter(tap, io.Discard, &WriterOptions{LineBytes: -1}); err == nil {
		t.Error("NewWriter took lines of -1 bytes")
	}
}
