package embed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-368d3dfa/chorus/index"
)

func TestWriter(t *testing.T) {
	when := time.Date(2026, 6, 1, 8, 0, 0, 500e6, time.UTC)
	hello := []index.Message{{Role: "user", Content: "hello"}}
	for _, test := range []struct {
		name    string
		fields  Fields
		in      string
		want    []index.Prompt
		invalid uint64
		ignored uint64
	}{
		{name: "chorus's own", in: `{"id":"p1","time":"2026-06-01T08:00:00.5Z","account":"a","text":"hello","model":"m","attrs":{"ip":"::1"}}` + "\r\n" +
			`{"time":"2026-06-01T10:00:00.5+02:00","account":"a","messages":[{"role":"user","content":"hello"}]}` + "\n",
			want: []index.Prompt{{Account: "a", Time: when, Text: "hello", Model: "m"}, {Account: "a", Time: when, Messages: hello}}},
		{name: "times", in: `{"time":1780300800.5,"account":1,"text":"s"}` + "\n" + `{"time":1780300800500,"account":1,"text":"ms"}` + "\n" +
			`{"time":"1780300800500000","account":1,"text":"us"}` + "\n" + `{"time":1780300800500000000,"account":1,"text":"ns"}` + "\n" +
			`{"time":"2026-06-01T10:00:00.500+0200","account":1,"text":"zap"}` + "\n",
			want: []index.Prompt{{Account: "1", Time: when, Text: "s"}, {Account: "1", Time: when, Text: "ms"}, {Account: "1", Time: when, Text: "us"}, {Account: "1", Time: when, Text: "ns"}, {Account: "1", Time: when, Text: "zap"}}},
		{name: "mapped", fields: Fields{Account: "req.user", Text: "req.llm.prompt", Messages: "req.llm.messages", ID: "req.id", Model: "m", Time: "ts", Attrs: []string{"req.ip", "n", "none", "o"}},
			in: `{"ts":"2026-06-01T08:00:00.5Z","m":"x","n":5,"o":{},"req":{"id":9,"user":"a","ip":"::1","llm":{"prompt":"hello","messages":null}}}` + "\n" +
				`{"ts":"2026-06-01T08:00:00.5Z","req.user":"a","req":{"llm.messages":"[{\"role\":\"user\",\"content\":\"hello\"}]"}}` + "\n",
			want: []index.Prompt{{ID: "9", Account: "a", Time: when, Text: "hello", Model: "x", Attrs: map[string]string{"req.ip": "::1", "n": "5"}}, {Account: "a", Time: when, Messages: hello}}},
		{name: "none", in: "\n  \nplain\n{}\n" + `{"msg":"text messages \"text\""}` + "\n" + `{"level":"info","context":"x"}` + "\n"},
		{name: "looks like one", in: `{"format":"text","account":"a"}` + "\n" + `{"text":null}` + "\n" + `"text"` + "\n" + `["messages"]` + "\n", ignored: 4},
		{name: "invalid", in: `{"text":"hello"}` + "\n" + `{"account":"a","text":5}` + "\n" + `{"account":"a","text":"hel` + "\n" + `{"account":"a","messages":"hello"}` + "\n" +
			`{"account":"a","messages":[1,{"role":5,"content":"x"}]}` + "\n" + `{"account":{"a":1},"text":"hello"}` + "\n", invalid: 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			for step := range 40 { // split at every place, and all at once
				f := &fake{}
				tap := newTap(t, f, nil)
				var out bytes.Buffer
				w, err := NewWriter(tap, &out, &WriterOptions{Fields: test.fields})
				if err != nil {
					t.Fatal(err)
				}
				in := []byte(test.in)
				for len(in) > 0 {
					n := len(in)
					if step > 0 {
						n = min(step, n)
					}
					chunk := bytes.Clone(in[:n]) // the writer must not keep it
					if k, err := w.Write(chunk); k != n || err != nil {
						t.Fatalf("Write returned %d, %v", k, err)
					}
					clear(chunk)
					in = in[n:]
				}
				s := closeTap(t, tap)
				got := f.taken()
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Fatalf("in steps of %d: %s", step, diff)
				}
				if s.Invalid != test.invalid || s.Ignored != test.ignored || strings.Contains(s.LastError, "hel") {
					t.Fatalf("in steps of %d: stats are %+v", step, s)
				}
				if out.String() != test.in {
					t.Fatal("bytes have changed")
				}
			}
		})
	}
}

func TestWriterLongLines(t *testing.T) {
	line := func(n int) string {
		s := `{"account":"a","text":""}`
		return strings.Replace(s, `""`, `"`+strings.Repeat("x", n-len(s))+`"`, 1) + "\n"
	}
	for _, step := range []int{1, 7, 99, 100, 101, 1000} {
		f := &fake{}
		tap := newTap(t, f, nil)
		w, _ := NewWriter(tap, io.Discard, &WriterOptions{LineBytes: 100})
		in := line(100) + line(101) + line(5000) + line(100) + line(99)
		for len(in) > 0 {
			n := min(step, len(in))
			w.Write([]byte(in[:n]))
			if len(w.rest) > 100 {
				t.Fatalf("%d bytes kept", len(w.rest))
			}
			in = in[n:]
		}
		if s := closeTap(t, tap); s.Added != 3 || s.TooLarge != 2 {
			t.Errorf("in steps of %d: stats are %+v", step, s)
		}
	}
}

func TestWriterFlush(t *testing.T) {
	f := &fake{}
	tap := newTap(t, f, nil)
	w, _ := NewWriter(tap, io.Discard, nil)
	w.Flush()
	io.WriteString(w, `{"account":"a","text":"no line break"}`)
	w.Flush()
	w.Flush()
	if s := closeTap(t, tap); s.Added != 1 || s.Received != 1 {
		t.Errorf("stats are %+v", s)
	}
}

// An odd is a writer that does not do as it is told.
type odd struct {
	n   int
	err error
}

func (o odd) Write([]byte) (int, error) { return o.n, o.err }

func TestWriterPassesResultsOn(t *testing.T) {
	line := []byte(`{"account":"a","text":"hello"}` + "\n")
	full := errors.New("disk full")
	for _, test := range []struct {
		odd
		added uint64
	}{{odd{0, full}, 0}, {odd{10, full}, 0}, {odd{len(line), full}, 1}, {odd{-5, full}, 0}, {odd{1000, nil}, 1}} {
		tap := newTap(t, &fake{}, nil)
		w, _ := NewWriter(tap, test.odd, nil)
		if n, err := w.Write(line); n != test.n || err != test.err {
			t.Errorf("Write returned %d, %v", n, err)
		}
		if s := closeTap(t, tap); s.Added != test.added {
			t.Errorf("%+v: stats are %+v", test.odd, s)
		}
	}
}

type locked struct {
	sync.Mutex
	bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(p)
}

func TestWriterConcurrent(t *testing.T) {
	f := &fake{}
	tap := newTap(t, f, &Options{Policy: Block, Queue: 10})
	var out locked
	w, _ := NewWriter(tap, &out, nil)
	var wg sync.WaitGroup
	for c := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(c)))
			for range 200 {
				fmt.Fprintf(w, `{"account":"a%d","text":"%s"}`+"\n", c, strings.Repeat("x ", 1+r.IntN(50)))
			}
		})
	}
	wg.Wait()
	if s := closeTap(t, tap); s.Added != 800 || bytes.Count(out.Bytes(), []byte("\n")) != 800 {
		t.Errorf("stats are %+v", s)
	}
}
