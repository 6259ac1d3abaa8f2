package promptlog

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		text, ids, skips, err string
		single                bool
	}{
		{text: " {\n \"id\":\"1\",\"account\":\"a\",\"text\":\"x\"\n}\n", ids: "1", single: true},
		{text: `{"id":"1","account":"a"}`, skips: "1 text and messages are empty", single: true},
		{text: `[]`},
		{text: `[{"id":"1","account":"a","text":"x"}, 7, {"id":"3","account":"a","text":"x"} ]`, ids: "1 3", skips: "2 not a JSON object"},
		{text: `[{"id":"1","account":"a","text":"x"}] x`, err: "promptlog: malformed JSON at byte 39"},
		{text: `[{"id":"1","account":"a","text":"x"}`, err: "promptlog: malformed JSON: the line ends too early"},
		{text: `7`, err: "promptlog: neither a JSON object nor an array"},
		{text: ``, err: "promptlog: neither a JSON object nor an array"},
		{text: "[\"\xff\"]", err: "promptlog: invalid UTF-8"},
		{text: strings.Repeat("[", 1e6), err: "promptlog: nested deeper than 64 levels"},
	} {
		prompts, skipped, single, err := Parse([]byte(test.text), &Options{TimeOptional: true})
		var ids, skips []string
		for _, p := range prompts {
			ids = append(ids, p.ID)
		}
		for _, s := range skipped {
			skips = append(skips, string(rune('0'+s.Line))+" "+s.Reason)
		}
		got := []string{strings.Join(ids, " "), strings.Join(skips, ", "), ""}
		if err != nil {
			got[2] = err.Error()
		}
		if diff := cmp.Diff([]string{test.ids, test.skips, test.err}, got); diff != "" || single != test.single {
			t.Errorf("%.100s: single %v\n%s", test.text, single, diff)
		}
	}
}

func TestMaxBytes(t *testing.T) {
	data := sample(1000)
	for _, in := range [][]byte{data, gz(data), zst(t, data)} {
		exact := &Options{MaxBytes: int64(len(data)), ChunkBytes: 5000}
		less := &Options{MaxBytes: int64(len(data)) - 1, ChunkBytes: 5000}
		if ids, skips, _, err := all(t, bytes.NewReader(in), exact); err != nil || len(ids) != 1000 || len(skips) > 0 {
			t.Errorf("exact: %d, %v, %v", len(ids), skips, err)
		}
		if ids, skips, _, err := all(t, bytes.NewReader(in), less); !errors.Is(err, ErrTooLarge) || len(ids) != 999 || len(skips) > 0 {
			t.Errorf("one less: %d, %v, %v", len(ids), skips, err)
		}
		if b, err := Decompress(bytes.NewReader(in), exact); err != nil || !bytes.Equal(b, data) {
			t.Errorf("exact: %d bytes, %v", len(b), err)
		}
		if _, err := Decompress(bytes.NewReader(in), less); !errors.Is(err, ErrTooLarge) {
			t.Errorf("one less: %v", err)
		}
	}
}
