package promptlog

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-368d3dfa/chorus/index"
)

// decodeAll decodes a log record by record.
func decodeAll(o *Options, records []string, beside *Beside) Batch {
	d := NewDecoder(o)
	var b Batch
	for _, r := range records {
		record := []byte(r)
		d.Decode(&b, record, beside)
		clear(record) // it may be reused
	}
	d.Flush(&b)
	return b
}

// TestDecoderReads compares what a Decoder makes of every golden log of lines
// with what Read makes of it: but for ids the same.
func TestDecoderReads(t *testing.T) {
	for name := range goldens {
		if !strings.HasSuffix(name, ".jsonl") {
			continue
		}
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		o := goldenOptions(t, name)
		o.Explain, o.Workers = false, 1
		prompts, skips, _ := readAll(t, b, o)
		got := decodeAll(o, strings.Split(strings.TrimSuffix(string(b), "\n"), "\n"), nil)
		if diff := cmp.Diff(show(prompts, nil), show(got.Prompts, nil)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if len(skips) != len(got.Skipped) {
			t.Errorf("%s: skipped %v, Read skips %v", name, got.Skipped, skips)
		}
	}
}

func TestDecoder(t *testing.T) {
	at := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	later := at.Add(time.Minute)
	native := `{"id":"p","time":"2026-06-01T08:00:00Z","account":"a","text":"sesame"}`
	for name, test := range map[string]struct {
		o      *Options
		record string
		beside *Beside
		want   index.Prompt
		reason string
	}{
		"native":               {record: native, beside: &Beside{Time: later, ID: "x", Fields: []Field{{"account", "b"}}}, want: index.Prompt{ID: "p", Account: "a", Time: at, Text: "sesame"}},
		"id and time beside":   {record: `{"account":"a","text":"sesame"}`, beside: &Beside{Time: later, ID: "x"}, want: index.Prompt{ID: "x", Account: "a", Time: later, Text: "sesame"}},
		"a shipper's time":     {record: `{"@timestamp":"2026-06-01T08:00:00Z","account":"a","text":"sesame"}`, beside: &Beside{Time: later}, want: index.Prompt{Account: "a", Time: at, Text: "sesame"}},
		"account beside":       {record: `{"time":"2026-06-01T08:00:00Z","text":"sesame"}`, beside: &Beside{Fields: []Field{{"account", "b"}}}, want: index.Prompt{Account: "b", Time: at, Text: "sesame"}},
		"text":                 {record: "sesame", beside: &Beside{Text: true, Time: at, Fields: []Field{{"user_id", "b"}, {"job", "j"}}}, want: index.Prompt{Account: "b", Time: at, Text: "sesame"}},
		"text by a map":        {o: &Options{Map: &Map{Account: Paths{"who"}, Text: Paths{"said"}}}, record: "sesame", beside: &Beside{Text: true, Time: at, Fields: []Field{{"who", "b"}, {"user_id", "c"}}}, want: index.Prompt{Account: "b", Time: at, Text: "sesame"}},
		"text like JSON":       {record: "{{x}} sesame", beside: &Beside{Text: true, Time: at, Fields: []Field{{"account", "b"}}}, want: index.Prompt{Account: "b", Time: at, Text: "{{x}} sesame"}},
		"JSON that is cut off": {record: `{"account":"a","text":"ses`, beside: &Beside{Text: true, Time: at, Fields: []Field{{"account", "b"}}}, reason: "malformed JSON: the line ends too early"},
		"a shipper's record":   {record: `{"@timestamp":"2026-06-01T08:01:00Z","host":{"name":"h"},"message":` + fmt.Sprintf("%q", native) + `}`, want: index.Prompt{ID: "p", Account: "a", Time: at, Text: "sesame"}},
		"only account mapped":  {o: &Options{Map: &Map{Account: Paths{"who"}}}, record: `{"time":"2026-06-01T08:00:00Z","who":"a","text":"sesame"}`, want: index.Prompt{Account: "a", Time: at, Text: "sesame"}},
		"content id":           {o: &Options{ContentIDs: true}, record: native[:1] + native[10:], want: index.Prompt{ID: "3oliEuK6deDGDA-D", Account: "a", Time: at, Text: "sesame"}},
		"no id without time":   {o: &Options{ContentIDs: true, TimeOptional: true}, record: `{"account":"a","text":"sesame"}`, want: index.Prompt{Account: "a", Text: "sesame"}},
		"strict types":         {record: `{"account":7,"text":"sesame","time":"2026-06-01T08:00:00Z"}`, reason: "account: not a string"},
		"unknown":              {record: `{"level":"info","text":"sesame"}`, reason: "account is missing"},
		"no object":            {record: `["sesame"]`, reason: "not a JSON object"},
		"no time":              {record: `{"account":"a","text":"sesame"}`, reason: "time is missing"},
		"not UTF-8":            {record: "{\"account\":\"a\",\"text\":\"\xff\"}", reason: "invalid UTF-8"},
		"too long":             {o: &Options{LineBytes: 10}, record: native, reason: "longer than 10 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			// After a record of another format, too.
			for _, before := range []string{"", `{"request_id":"r","startTime":"2026-06-01T08:00:00Z","spend":1}`} {
				d := NewDecoder(test.o)
				var b Batch
				if before != "" {
					d.Decode(&Batch{}, []byte(before), nil)
				}
				d.Decode(&b, []byte(test.record), test.beside)
				d.Flush(&b)
				if test.reason != "" {
					if len(b.Prompts) != 0 || len(b.Skipped) != 1 || b.Skipped[0].Reason != test.reason && before == "" {
						t.Errorf("%+v", b)
					}
					continue
				}
				if diff := cmp.Diff([]index.Prompt{test.want}, b.Prompts); diff != "" || len(b.Skipped) > 0 {
					t.Errorf("%s %v", diff, b.Skipped)
				}
			}
		})
	}
}

// TestContentIDs: an id depends on everything that makes a prompt, and on
// nothing else.
func TestContentIDs(t *testing.T) {
	record := `{"time":"2026-06-01T08:00:00Z","account":"a","model":"m","messages":[{"role":"user","content":"one"},{"role":"user","content":"two"}]}`
	o := &Options{ContentIDs: true}
	ids := make(map[string]string)
	for _, change := range [][2]string{{"", ""}, {"08:00:00Z", "08:00:00.000001Z"}, {`"a"`, `"b"`}, {`"m"`, `"n"`}, {"one", "One"}, {`"role":"user","content":"one"`, `"role":"system","content":"one"`}, {`one"},{"role":"user","content":"two`, `onetwo`}} {
		r := strings.Replace(record, change[0], change[1], 1)
		got := decodeAll(o, []string{r, "{}", r}, nil)
		if len(got.Prompts) != 2 || got.Prompts[0].ID != got.Prompts[1].ID || len(got.Prompts[0].ID) != 16 {
			t.Fatalf("%+v", got)
		}
		if other, ok := ids[got.Prompts[0].ID]; ok {
			t.Errorf("%s and %s have the same id", r, other)
		}
		ids[got.Prompts[0].ID] = r
		read, _, _ := readAll(t, []byte("\n"+r), o)
		if read[0].ID != got.Prompts[0].ID {
			t.Errorf("Read makes the id %s of %s, a Decoder %s", read[0].ID, r, got.Prompts[0].ID)
		}
	}
}

func BenchmarkDecoder(b *testing.B) {
	words := strings.Repeat("some words that people write to models ", 8)
	for name, record := range map[string]string{
		"native": `{"id":"p","time":"2026-06-01T08:00:00Z","account":"a","text":"` + words + `"}`,
		"openai": `{"time":"2026-06-01T08:00:00Z","id":"p","body":{"model":"m","user":"u","messages":[{"role":"user","content":"` + words + `"}]}}`,
		"fields": `{"timestamp":"2026-06-01T08:00:00Z","request_id":"p","user_id":"a","prompt":"` + words + `"}`,
	} {
		b.Run(name, func(b *testing.B) {
			d := NewDecoder(nil)
			var batch Batch
			for b.Loop() {
				batch.Prompts = batch.Prompts[:0]
				d.Decode(&batch, []byte(record), nil)
			}
			if len(batch.Prompts) != 1 {
				b.Fatal(batch.Skipped)
			}
			b.SetBytes(int64(len(record)))
		})
	}
}
