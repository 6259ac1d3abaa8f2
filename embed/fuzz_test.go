package embed

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-368d3dfa/chorus/index"
)

// FuzzWriter: bytes pass unchanged; how they are cut into writes changes nothing;
// counters add up; a line that encoding/json reads as a prompt is one.
func FuzzWriter(f *testing.F) {
	for _, s := range []string{
		`{"account":"a","text":"hello"}` + "\n", `{"account":"a","messages":[{"role":"user","content":"hi"}]}`, "\n\n{\"text\"\n", `{"req":{"text":"x","account":5}}` + "\r\n",
		`{"req.text":"x","req":{"account":"a"},"time":1780300800.5,"ip":true}` + "\n", `{"account":"a","text":["x",{"text":"y"}]}` + "\n" + `{"account":"a","messages":"[]"}`,
	} {
		f.Add([]byte(s), uint8(3))
	}
	opts := []*WriterOptions{
		{LineBytes: 200},
		{LineBytes: 200, Fields: Fields{Account: "req.account", Text: "req.text", ID: "id", Attrs: []string{"ip"}}},
	}
	f.Fuzz(func(t *testing.T, in []byte, step uint8) {
		for _, o := range opts {
			run := func(step int) ([]index.Prompt, Stats) {
				fk := &fake{}
				tap := newTap(t, fk, &Options{Policy: Block, BatchDelay: -1})
				var out bytes.Buffer
				w, err := NewWriter(tap, &out, o)
				if err != nil {
					t.Fatal(err)
				}
				for rest := in; len(rest) > 0; {
					n := min(step, len(rest))
					if k, err := w.Write(rest[:n]); k != n || err != nil {
						t.Fatalf("Write returned %d, %v", k, err)
					}
					rest = rest[n:]
				}
				w.Flush()
				if !bytes.Equal(out.Bytes(), in) {
					t.Fatal("bytes have changed")
				}
				s := closeTap(t, tap)
				s.LastError = ""
				got := fk.taken()
				for i := range got {
					got[i].Time = got[i].Time.Truncate(1 << 62) // now, mostly
				}
				return got, s
			}
			all, stats := run(len(in) + 1)
			parts, again := run(1 + int(step))
			if diff := cmp.Diff(all, parts); diff != "" || stats != again {
				t.Fatalf("in steps of %d: %+v, not %+v\n%s", step, again, stats, diff)
			}
			var v struct {
				Account, Text *string
			}
			if o == opts[0] && bytes.Count(in, []byte("\n")) == 0 && len(in) < 200 && plainJSON(in, &v) && len(all) == 0 {
				t.Fatalf("%q is no prompt: %+v", in, stats)
			}
		}
	})
}

// plainJSON says whether in is an object with two strings, account and text,
// spelled as loggers do.
func plainJSON(in []byte, v any) bool {
	var m map[string]any
	if json.Unmarshal(in, &m) != nil || !bytes.Contains(in, []byte(`"text"`)) || len(m) != 2 {
		return false
	}
	account, _ := m["account"].(string)
	text, _ := m["text"].(string)
	return account != "" && text != "" && json.Unmarshal(in, v) == nil
}

// FuzzBody: whatever a request's body, the handler reads it unchanged, and the
// prompt is the same however it is cut into reads.
func FuzzBody(f *testing.F) {
	for _, b := range bodies {
		f.Add([]byte(b.body), uint8(5), uint8(0))
	}
	f.Add(pack(f, "gzip", chat), uint8(100), uint8(1))
	f.Add(pack(f, "zstd", chat), uint8(100), uint8(2))
	f.Fuzz(func(t *testing.T, in []byte, step, encoding uint8) {
		run := func(step int) ([]index.Prompt, Stats) {
			fk := &fake{}
			tap := newTap(t, fk, &Options{Policy: Block, BatchDelay: -1})
			wrap, err := Middleware(tap, &HTTPOptions{BodyBytes: 2000, Account: AccountFromHeader("X-Account")})
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			h := wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if _, err := io.CopyBuffer(struct{ io.Writer }{&out}, struct{ io.Reader }{r.Body}, make([]byte, step)); err != nil {
					t.Fatal(err)
				}
			}))
			r := httptest.NewRequest("POST", "/v1/messages", bytes.NewReader(in))
			r.Header.Set("Content-Encoding", []string{"", "gzip", "zstd", "x"}[encoding%4])
			h.ServeHTTP(httptest.NewRecorder(), r)
			if !bytes.Equal(out.Bytes(), in) {
				t.Fatal("the body has changed")
			}
			s := closeTap(t, tap)
			got := fk.taken()
			for i := range got {
				got[i].Time = got[i].Time.Truncate(1 << 62)
			}
			return got, s
		}
		all, stats := run(4096)
		parts, again := run(1 + int(step))
		if diff := cmp.Diff(all, parts); diff != "" || stats != again {
			t.Fatalf("in steps of %d: %+v, not %+v\n%s", step, again, stats, diff)
		}
		if !json.Valid(in) && encoding%4 == 0 && stats.Added > 0 {
			t.Fatal("a prompt from what is no JSON")
		}
	})
}

// FuzzHandler: attributes of any name and value neither panic nor change what
// the next handler gets.
func FuzzHandler(f *testing.F) {
	f.Add("g", "text", "hello", "account", "a", `[{"role":"user","content":"x"}]`)
	f.Add("", "g.text", "", "g", "", "[")
	f.Fuzz(func(t *testing.T, group, k1, v1, k2, v2, raw string) {
		tap := newTap(t, &fake{}, &Options{BatchDelay: -1})
		var plain, passed strings.Builder
		h, err := NewHandler(tap, slog.NewJSONHandler(&passed, timeless), &HandlerOptions{Fields: Fields{Text: "g.text", Messages: "m", Attrs: []string{"x", "g.y"}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range []slog.Handler{h, slog.NewJSONHandler(&plain, timeless)} {
			l := slog.New(h)
			l.Info("one", k1, v1, k2, v2, "m", raw, slog.Group(group, k1, v1, k2, []byte(v2), k1+k2, 5))
			l.With(k1, v1).WithGroup(group).Info("two", k2, v2, "m", json.RawMessage(raw), "account", true)
		}
		if plain.String() != passed.String() {
			t.Errorf("next got %q, not %q", &passed, &plain)
		}
	})
}
