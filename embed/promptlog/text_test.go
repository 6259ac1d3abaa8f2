package promptlog

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-368d3dfa/chorus/index"
)

func decodeText(t *testing.T, o *Options, text string, e Beside) ([]index.Prompt, []string) {
	t.Helper()
	var b Batch
	NewDecoder(o).DecodeText(&b, []byte(text), &e)
	var reasons []string
	for _, s := range b.Skipped {
		reasons = append(reasons, s.Reason)
	}
	return b.Prompts, reasons
}

func TestDecodeText(t *testing.T) {
	auto := &Options{Format: "auto"}
	at, sent := time.Unix(1780300800, 0).UTC(), time.Unix(1780300900, 0).UTC()
	e := Beside{ID: "t/0/7", Time: sent, Account: "key"}
	said := func(id, account string, at time.Time, text string) index.Prompt {
		return index.Prompt{ID: id, Account: account, Time: at, Text: text}
	}
	user := func(account, text string) index.Prompt {
		return index.Prompt{ID: "t/0/7", Account: account, Time: sent, Messages: []index.Message{{Role: "user", Content: text}}}
	}
	withSystem := user("key", "hi")
	withSystem.Messages = append([]index.Message{{Role: "system", Content: "be kind"}}, withSystem.Messages...)
	for _, test := range []struct {
		name, text string
		o          *Options
		want       []index.Prompt
		reasons    []string
	}{
		{"native", `{"id":"p1","time":"2026-06-01T08:00:00Z","account":"a","text":"x"}`, auto, []index.Prompt{said("p1", "a", at, "x")}, nil},
		{"envelope", `{"text":"x"}`, auto, []index.Prompt{said("t/0/7", "key", sent, "x")}, nil},
		{"an array", `[{"account":"a","text":"x"},{"account":"b"},{"account":"c","text":"z"}]`, auto,
			[]index.Prompt{said("t/0/7", "a", sent, "x"), said("t/0/7.3", "c", sent, "z")}, []string{"text and messages are empty"}},
		{"lines", "{\"account\":\"a\",\"text\":\"x\"}\n\n{\"account\":\"b\",\"text\":\"y\"}\r\n", auto,
			[]index.Prompt{said("t/0/7", "a", sent, "x"), said("t/0/7.2", "b", sent, "y")}, nil},
		{"formats mixed", `[{"account":"a","text":"x"},{"user_id":"u","timestamp":1780300800,"prompt":"y"}]`, auto,
			[]index.Prompt{said("t/0/7", "a", sent, "x"), said("t/0/7.2", "u", at, "y")}, nil},
		{"the body's user before the key", `{"model":"m","messages":[{"role":"user","content":"hi"}],"safety_identifier":"s"}`, &Options{Format: "openai"},
			[]index.Prompt{func() index.Prompt { p := user("s", "hi"); p.Model = "m"; return p }()}, nil},
		{"a system prompt is not missed", `{"system":"be kind","messages":[{"role":"user","content":"hi"}]}`, auto, []index.Prompt{withSystem}, nil},
		{"a map", `{"who":"w","said":"x"}`, &Options{Format: "auto", Map: &Map{Account: Paths{"who"}, Text: Paths{"said"}}}, []index.Prompt{said("t/0/7", "w", sent, "x")}, nil},
		{"cut", `{"account":"a","text":"x"`, auto, nil, []string{"malformed JSON: the line ends too early"}},
		{"cut behind a good one", `[{"account":"a","text":"x"},{"acc`, auto, []index.Prompt{said("t/0/7", "a", sent, "x")}, []string{"malformed JSON: the line ends too early"}},
		{"no JSON", `secret`, auto, nil, []string{"neither a JSON object nor an array"}},
		{"a number in an array", `[1]`, auto, nil, []string{"not a JSON object"}},
		{"empty", " \n", auto, nil, []string{"no JSON object"}},
		{"a tombstone", "", auto, nil, []string{"no JSON object"}},
		{"a zero byte", "\x00{}", auto, nil, []string{"malformed JSON at byte 1"}},
		{"invalid UTF-8 beside a good one", "[{\"account\":\"a\",\"text\":\"\xff\"},{\"account\":\"b\",\"text\":\"y\"}]", auto,
			[]index.Prompt{said("t/0/7.2", "b", sent, "y")}, []string{"invalid UTF-8"}},
		{"too long", `{"account":"a","text":"x"}`, &Options{LineBytes: 20}, nil, []string{"longer than 20 bytes"}},
	} {
		got, reasons := decodeText(t, test.o, test.text, e)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
		if diff := cmp.Diff(test.reasons, reasons); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
	if _, reasons := decodeText(t, auto, `{"text":"x"}`, Beside{}); len(reasons) != 1 || reasons[0] != "account is missing" {
		t.Errorf("without an envelope: %q", reasons)
	}
}

// Prompts that several records make up are put together within a text.
func TestDecodeTextJoins(t *testing.T) {
	b, err := os.ReadFile("testdata/otlp-events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	want, skips, _ := readAll(t, b, &Options{Format: "auto"})
	var all Batch
	NewDecoder(nil).DecodeText(&all, b, &Beside{ID: "x"})
	got, skipped := all.Prompts, all.Skipped
	if len(got) != len(want) || len(skipped) != len(skips) {
		t.Errorf("%d prompts and %d skips, want %d and %d", len(got), len(skipped), len(want), len(skips))
	}
	for i := range got {
		if strings.HasPrefix(got[i].ID, "x") {
			t.Errorf("prompt %d got the id %s beside its own", i, got[i].ID)
		}
	}
}

// FuzzDecodeText: what comes out can be added, ids differ, and every object of a
// text is a prompt or a skip.
func FuzzDecodeText(f *testing.F) {
	for name := range goldens {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, true)
	}
	f.Add([]byte(`[{"text":"x"},{"text":"y"}]`), true)
	f.Add([]byte(`{"text":"x"}{"text":"y"}`), false)
	f.Fuzz(func(t *testing.T, in []byte, auto bool) {
		o := &Options{ContentIDs: true}
		if !auto {
			o.Format = nativeName
		}
		var b Batch
		NewDecoder(o).DecodeText(&b, in, &Beside{ID: "e", Time: time.Unix(1, 0), Account: "a"})
		prompts, skipped := b.Prompts, b.Skipped
		if len(prompts)+len(skipped) == 0 {
			t.Fatal("neither a prompt nor a skip")
		}
		lent := make(map[string]bool)
		for i := range prompts {
			p := &prompts[i]
			if err := p.Validate(); err != nil || p.Time.IsZero() || p.ID == "" {
				t.Fatalf("prompt %d: id %q, %v", i, p.ID, err)
			}
			if strings.HasPrefix(p.ID, "e") && !strings.Contains(string(in), `"`+p.ID) {
				if lent[p.ID] {
					t.Fatalf("id %s twice", p.ID)
				}
				lent[p.ID] = true
			}
		}
	})
}
