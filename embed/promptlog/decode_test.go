package promptlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-368d3dfa/chorus/index"
)

// decode decodes one line as Read does.
func decode(line string, o *Options) (index.Prompt, string) {
	var p index.Prompt
	reason := newDecoder(o.filled()).prompt([]byte(line), &p)
	return p, reason
}

func TestPrompt(t *testing.T) {
	at := time.Date(2026, 6, 1, 8, 0, 0, 123e6, time.UTC)
	for _, test := range []struct {
		line string
		want index.Prompt
	}{
		{
			`{"id":"p1","time":"2026-06-01T08:00:00.123Z","account":"a1","text":"hello","model":"m","attrs":{"ip":"10.0.0.1","port":443,"new":true,"x":null}}`,
			index.Prompt{ID: "p1", Time: at, Account: "a1", Text: "hello", Model: "m", Attrs: map[string]string{"ip": "10.0.0.1", "port": "443", "new": "true"}},
		},
		{
			`{"time":"2026-06-01T10:00:00.123+02:00","account":"a1","messages":[{"role":"system","content":"be brief"},{"role":"user","content":[{"type":"text","text":"one"},{"type":"image_url","image_url":{"url":"x"},"text":"no"},{"text":"two","type":"text"}]},{"role":"assistant","content":null,"tool_calls":[{}]}]}`,
			index.Prompt{Time: at, Account: "a1", Messages: []index.Message{{Role: "system", Content: "be brief"}, {Role: "user", Content: "one\ntwo"}, {Role: "assistant"}}},
		},
		{
			" \t{ \"account\" : \"\\u0061\\t\\\"\\\\\\/\\u00e9\\ud83d\\ude00\\ud83d\" ,\"text\":\"x\",\"id\":null,\"extra\":[1,-2.5e+3,{\"a\":[]},\"\\n\",{}] } \r",
			index.Prompt{Account: "a\t\"\\/é😀\ufffd", Text: "x"},
		},
	} {
		got, reason := decode(test.line, &Options{TimeOptional: true})
		if reason != "" {
			t.Errorf("%s\nskipped: %s", test.line, reason)
		} else if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s\n%s", test.line, diff)
		}
	}
}

func TestPromptSkipped(t *testing.T) {
	const marker = "sesame" // stands for a prompt's text: no reason may have it
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, test := range []struct{ line, reason string }{
		{`sesame`, "not a JSON object"},
		{`["sesame"]`, "not a JSON object"},
		{`{"account":"a","text":"sesame"`, "malformed JSON: the line ends too early"},
		{`{"account":"a","text":"sesame}`, "malformed JSON: the line ends too early"},
		{`{"account":"a","text":"sesame" "id":"x"}`, "malformed JSON at byte 32"},
		{`{"account":"a","text":"sesame",}`, "malformed JSON at byte 32"},
		{`{"account":"a","text":"sesame"} x`, "malformed JSON at byte 33"},
		{"{\"account\":\"a\",\"text\":\"sesame\"}\x00", "malformed JSON at byte 32"},
		{`{"account":"a","text":"sesame\q"}`, "malformed JSON at byte 30"},
		{"{\"account\":\"a\",\"text\":\"sesame\x01\"}", "malformed JSON at byte 30"},
		{"{\"account\":\"a\",\"text\":\"sesame\xff\"}", "invalid UTF-8"},
		{`{"account":"a","text":"sesame","x":01}`, "malformed JSON at byte 37"},
		{`{"account":"a","text":"sesame","x":nul}`, "malformed JSON at byte 36"},
		{`{"text":"sesame"}`, "account is missing"},
		{`{"account":"","text":"sesame"}`, "account is missing"},
		{`{"account":7,"text":"sesame"}`, "account: not a string"},
		{`{"account":"a"}`, "text and messages are empty"},
		{`{"account":"a","messages":[]}`, "text and messages are empty"},
		{`{"account":"a","text":"sesame"}`, "time is missing"},
		{`{"account":"a","text":["sesame"]}`, "text: not a string"},
		{`{"account":"a","text":"sesame","text":"sesame"}`, "text: given twice"},
		{`{"account":"a","messages":"sesame"}`, "messages: not an array"},
		{`{"account":"a","messages":["sesame"]}`, "messages: an element is not an object"},
		{`{"account":"a","messages":[{"role":["sesame"]}]}`, "messages: role: not a string"},
		{`{"account":"a","messages":[{"content":7}]}`, "messages: content: neither a string nor an array of parts"},
		{`{"account":"a","messages":[{"content":[["sesame"]]}]}`, "messages: content: a part is not an object"},
		{`{"account":"a","messages":[{"content":[{"type":"text","text":{"sesame":1}}]}]}`, "messages: content: text: not a string"},
		{`{"account":"a","messages":[{"content":"x","content":"sesame"}]}`, "messages: content: given twice"},
		{`{"account":"a","text":"sesame","attrs":[]}`, "attrs: not an object"},
		{`{"account":"a","text":"sesame","attrs":{"sesame":{}}}`, "attrs: a value is neither a string nor a number"},
		{`{"account":"a","text":"sesame","attrs":{"sesame":"1","sesame":"2"}}`, "attrs: a name is given twice"},
		{`{"account":"a","text":"sesame","time":"yesterday"}`, "time: not as RFC 3339 has it, like 2026-06-01T08:00:00Z"},
		{`{"account":"a","text":"sesame","time":1780000000}`, "time: not a string"},
		{`{"account":"a","text":"sesame","time":"9999-01-01T00:00:00Z"}`, "time 9999-01-01T00:00:00Z is not between 1970 and 2200"},
		{`{"account":"a","text":"sesame","time":"1969-12-31T23:59:59Z"}`, "time 1969-12-31T23:59:59Z is not between 1970 and 2200"},
		{`{"account":"a","text":"sesame","time":"0001-01-01T00:00:00Z"}`, "time: the year 1 is too early"},
		{`{"account":"a","text":"sesame","x":` + deep(64) + `}`, "nested deeper than 64 levels"},
		{`{"account":"a","text":"sesame","x":` + deep(1e6) + `}`, "nested deeper than 64 levels"},
	} {
		_, reason := decode(test.line, nil)
		if len(test.line) > 200 {
			test.line = test.line[:200]
		}
		if reason != test.reason {
			t.Errorf("%s\ngot  %s\nwant %s", test.line, reason, test.reason)
		}
		if strings.Contains(reason, marker) {
			t.Errorf("%s\nthe reason has the text: %s", test.line, reason)
		}
	}
	if _, reason := decode(`{"account":"a","text":"sesame","time":"2026-06-01T08:00:00Z","x":`+deep(63)+`}`, nil); reason != "" {
		t.Errorf("63 levels: %s", reason)
	}
}

// slow decodes a line with encoding/json only.
func slow(line []byte, p *index.Prompt) error {
	if !utf8.Valid(line) {
		return fmt.Errorf("invalid UTF-8")
	}
	if !json.Valid(line) {
		return fmt.Errorf("malformed")
	}
	if bytes.Count(line, []byte("[")) >= maxDepth || bytes.Count(line, []byte("{")) >= maxDepth {
		return errDepth
	}
	*p = index.Prompt{}
	top, err := members(line, map[string]bool{"id": true, "time": true, "account": true, "text": true, "messages": true, "model": true, "attrs": true})
	if err != nil {
		return err
	}
	var when string
	for name, to := range map[string]*string{"id": &p.ID, "account": &p.Account, "text": &p.Text, "model": &p.Model, "time": &when} {
		if err := str(top[name], to); err != nil {
			return err
		}
	}
	if raw := top["time"]; raw != nil && string(raw) != "null" {
		if p.Time, err = time.Parse(time.RFC3339, when); err != nil {
			return err
		}
		p.Time = p.Time.UTC()
		if p.Time.IsZero() {
			return fmt.Errorf("the zero time")
		}
	}
	if raw := top["messages"]; raw != nil && string(raw) != "null" {
		var elems []json.RawMessage
		if err := json.Unmarshal(raw, &elems); err != nil {
			return err
		}
		for _, e := range elems {
			var m index.Message
			got, err := members(e, map[string]bool{"role": true, "content": true})
			if err != nil {
				return err
			}
			if err := str(got["role"], &m.Role); err != nil {
				return err
			}
			if err := str(got["content"], &m.Content); err != nil {
				var parts []json.RawMessage
				if err := json.Unmarshal(got["content"], &parts); err != nil {
					return err
				}
				var texts []string
				for _, part := range parts {
					got, err := members(part, map[string]bool{"type": true, "text": true})
					if err != nil {
						return err
					}
					var kind, text string
					if err := str(got["type"], &kind); err != nil {
						return err
					}
					if err := str(got["text"], &text); err != nil {
						return err
					}
					if kind == "text" && got["text"] != nil && string(got["text"]) != "null" {
						texts = append(texts, text)
					}
				}
				m.Content = strings.Join(texts, "\n")
			}
			p.Messages = append(p.Messages, m)
		}
	}
	if raw := top["attrs"]; raw != nil && string(raw) != "null" {
		got, err := members(raw, nil)
		if err != nil {
			return err
		}
		for name, raw := range got {
			if c := raw[0]; c == '{' || c == '[' {
				return fmt.Errorf("attrs: composite")
			} else if c == 'n' {
				continue
			}
			if p.Attrs == nil {
				p.Attrs = map[string]string{}
			}
			p.Attrs[name] = string(raw)
			if raw[0] == '"' {
				var s string
				if err := json.Unmarshal(raw, &s); err != nil {
					return err
				}
				p.Attrs[name] = s
			}
		}
	}
	return p.Validate()
}

var errDepth = fmt.Errorf("maybe too deep")

// members returns an object's members. Those named in once, or all for nil,
// may occur only once.
func members(raw json.RawMessage, once map[string]bool) (map[string]json.RawMessage, error) {
	if len(bytes.TrimSpace(raw)) == 0 || bytes.TrimSpace(raw)[0] != '{' {
		return nil, fmt.Errorf("not an object")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.Token()
	m := map[string]json.RawMessage{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		old, dup := m[key.(string)]
		if dup && (once == nil && string(old) != "null" || once[key.(string)]) {
			return nil, fmt.Errorf("duplicate")
		}
		m[key.(string)] = value
	}
	return m, nil
}

func str(raw json.RawMessage, to *string) error {
	if raw == nil || string(raw) == "null" {
		return nil
	}
	if raw[0] != '"' {
		return fmt.Errorf("not a string")
	}
	return json.Unmarshal(raw, to)
}

// FuzzPrompt holds the scanner against encoding/json.
func FuzzPrompt(f *testing.F) {
	for _, seed := range []string{
		`{"id":"p1","time":"2026-06-01T08:00:00.123Z","account":"a1","text":"hello","model":"m","attrs":{"ip":"10.0.0.1","n":1.5e-3,"t":true}}`,
		`{"account":"a","messages":[{"role":"user","content":[{"type":"text","text":"a\u00e9\ud83d\ude00"},{"type":"x"}]},{"content":"y"}]}`,
		`{"account":"a","text":"\ud800\u0041\"\\\/\b\f\n\r\t","x":[[[]],{"y":null}],"id":null}`,
		`{"account":"a","account":"b","text":"x"}`,
		`{"account":"a","text":"x","attrs":{"a":null,"a":false}}`,
		`{"account":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!","text":"` + strings.Repeat("wörd ", 40) + `"}`,
		"{\"account\":\"a\x7f\u2028\",\"text\":\"\x1f\"}",
		`{"account":"a","text":"x","n":-0.0E+12}`, `[]`, `{}`, ``, `{"":""}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var got, want index.Prompt
		d := newDecoder((&Options{TimeOptional: true}).filled())
		reason := d.prompt(line, &got)
		err := slow(line, &want)
		if err == errDepth {
			return
		}
		if (reason == "") != (err == nil) {
			t.Fatalf("scanner: %q, encoding/json: %v\n%q", reason, err, line)
		}
		if reason == "" {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%q\n%s", line, diff)
			}
		}
	})
}

// TestPlain tries every byte at every place of a word, after every other.
func TestPlain(t *testing.T) {
	for n := 0; n < 20; n++ {
		b := bytes.Repeat([]byte{'x'}, n)
		for i := range b {
			for c := 0; c < 256; c++ {
				for _, next := range []byte{'"', '\\', 0x1f, 0x20, '!', '#', '[', ']', 0xff, 0x80} {
					b[i] = byte(c)
					if i+1 < n {
						b[i+1] = next
					}
					want := bytes.IndexFunc(b, func(r rune) bool { return r == '"' || r == '\\' || r < ' ' })
					if want < 0 {
						want = n
					}
					if got := plain(b); got != want {
						t.Fatalf("plain(%q) = %d, want %d", b, got, want)
					}
				}
				b[i] = 'x'
				if i+1 < n {
					b[i+1] = 'x'
				}
			}
		}
	}
}

// sample returns n lines of about 300 bytes, as logs have them.
func sample(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"id":"p%d","time":"2026-06-01T%02d:%02d:%02d.123Z","account":"acct-%06d","text":"Please look at the following and say what \"you\" think of it, %d:\n%s","model":"large-2","attrs":{"ip":"10.0.%d.%d"}}`+"\n",
			i, i/3600%24, i/60%60, i%60, i*7919%100000, i, "a café is what the text is about, among other things that do not matter much here at all", i/256%256, i%256)
	}
	return b.Bytes()
}

func BenchmarkPrompt(b *testing.B) {
	lines := bytes.SplitAfter(sample(1000), []byte("\n"))
	lines = lines[:1000]
	d := newDecoder((&Options{}).filled())
	size := 0
	for _, l := range lines {
		size += len(l)
	}
	b.SetBytes(int64(size / len(lines)))
	b.ReportAllocs()
	var p index.Prompt
	for i := 0; b.Loop(); i++ {
		if reason := d.prompt(lines[i%len(lines)], &p); reason != "" {
			b.Fatal(reason)
		}
	}
}

// TestSkipStrict: of the fields that a map reads more loosely, and of no other,
// a skip tells which was read too strictly.
func TestSkipStrict(t *testing.T) {
	for line, want := range map[string]string{
		`{"account":7,"time":"2026-06-01T08:00:00Z","text":"x"}`:             "account",
		`{"account":"a","time":1780300800,"text":"x"}`:                       "time",
		`{"account":"a","time":"yesterday","text":"x"}`:                      "time",
		`{"account":"a","text":"x"}`:                                         "",
		`{"account":"a","time":"2026-06-01T08:00:00Z","text":7}`:             "",
		`{"account":"a","time":"2026-06-01T08:00:00Z","attrs":7,"text":"x"}`: "",
	} {
		for b, err := range Read(t.Context(), strings.NewReader(line+"\n"), nil) {
			if err != nil || len(b.Skipped) != 1 {
				t.Fatalf("%s: %v, %v", line, b.Skipped, err)
			}
			if got := b.Skipped[0].Strict(); got != want {
				t.Errorf("%s: %q, want %q (%s)", line, got, want, b.Skipped[0].Reason)
			}
		}
	}
}
