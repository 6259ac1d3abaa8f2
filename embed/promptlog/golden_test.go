package promptlog

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/seed-368d3dfa/chorus/index"
)

var update = flag.Bool("update", false, "write testdata's golden and Parquet files anew")

// goldens are the logs of testdata and the format that each is detected as.
var goldens = map[string]string{
	"openai.jsonl": "openai", "responses.jsonl": "responses", "anthropic.jsonl": "anthropic",
	"litellm-spend.jsonl": "litellm", "litellm-payload.jsonl": "litellm",
	"langfuse.jsonl": "langfuse", "langfuse.parquet": "langfuse",
	"helicone.jsonl": "helicone", "bedrock.jsonl": "bedrock", "azure-apim.jsonl": "azure-apim", "vertex.jsonl": "vertex", "kong.json": "kong",
	"otlp-spans.json": "otlp", "otlp-events.jsonl": "otlp", "openinference.jsonl": "otel",
	"wildchat.jsonl": "wildchat", "wildchat.parquet": "wildchat",
	"fields.csv": "native", "fields.tsv": "fields", "map.jsonl": "map",
}

// goldenOptions are those that a log of testdata is read with.
func goldenOptions(t testing.TB, name string) *Options {
	o := &Options{Name: name, Format: "auto", Explain: true}
	if strings.HasPrefix(name, "map.") {
		b, err := os.ReadFile("testdata/map.json")
		if err != nil {
			t.Fatal(err)
		}
		if o.Map, err = ParseMap(b); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// readAll reads b whole.
func readAll(t testing.TB, b []byte, o *Options) (prompts []index.Prompt, skips []Skip, last Batch) {
	t.Helper()
	for batch, err := range Read(t.Context(), bytes.NewReader(b), o) {
		if err != nil {
			t.Fatal(err)
		}
		prompts = append(prompts, batch.Prompts...)
		skips = append(skips, batch.Skipped...)
		last = batch
	}
	return prompts, skips, last
}

// show writes what a log held, for people.
func show(prompts []index.Prompt, skips []Skip) string {
	var b strings.Builder
	for _, p := range prompts {
		fmt.Fprintf(&b, "%s  %s  id=%s model=%s", p.Time.Format(time.RFC3339Nano), p.Account, p.ID, p.Model)
		if len(p.Attrs) > 0 {
			attrs, _ := json.Marshal(p.Attrs)
			fmt.Fprintf(&b, " %s", attrs)
		}
		b.WriteByte('\n')
		if p.Text != "" {
			fmt.Fprintf(&b, "    %q\n", p.Text)
		}
		for _, m := range p.Messages {
			fmt.Fprintf(&b, "    %-9s %q\n", m.Role, m.Content)
		}
	}
	for _, s := range skips {
		fmt.Fprintf(&b, "line %d: %s\n", s.Line, s.Reason)
	}
	return b.String()
}

// TestGolden reads the logs of testdata. What they hold was written by hand
// from the formats' documentation, and the golden files were checked by hand.
func TestGolden(t *testing.T) {
	if *update {
		writeParquet(t)
	}
	for name, format := range goldens {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile("testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			prompts, skips, last := readAll(t, b, goldenOptions(t, name))
			if last.Format != format {
				t.Errorf("detected as %q, want %q", last.Format, format)
			}
			got := show(prompts, skips)
			golden := "testdata/" + name + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".golden"); goldens[name] == "" && name != "map.json" && name != "fuzz" {
			t.Errorf("%s is not read", f)
		}
	}
}

// TestGoldenContainers reads each log of lines as an array, pretty and not, and
// by chunks of any size.
func TestGoldenContainers(t *testing.T) {
	for name, format := range goldens {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		o := goldenOptions(t, name)
		want, wantSkips, _ := readAll(t, b, o)
		for _, size := range []int{64, 500, 3000} {
			small := *o
			small.ChunkBytes, small.Workers = size, 3
			got, skips, _ := readAll(t, b, &small)
			if diff := cmp.Diff(show(want, wantSkips), show(got, skips)); diff != "" {
				t.Errorf("%s in chunks of %d:\n%s", name, size, diff)
			}
		}
		if !strings.HasSuffix(name, ".jsonl") {
			continue
		}
		lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, slicesJoin(lines), " ", "  "); err != nil {
			t.Fatal(err)
		}
		var objects bytes.Buffer
		for _, line := range lines {
			if err := json.Indent(&objects, line, "", "\t"); err != nil {
				t.Fatal(err)
			}
			objects.WriteByte('\n')
		}
		for kind, in := range map[string][]byte{"array": slicesJoin(lines), "pretty array": pretty.Bytes(), "pretty objects": objects.Bytes()} {
			got, skips, last := readAll(t, in, o)
			if last.Container != inValues || last.Format != format {
				t.Errorf("%s as %s: %s, %s", name, kind, last.Container, last.Format)
			}
			if kind == "array" { // elements are numbered
				if diff := cmp.Diff(show(want, wantSkips), show(got, skips)); diff != "" {
					t.Errorf("%s as %s:\n%s", name, kind, diff)
				}
			} else if len(got) != len(want) || len(skips) != len(wantSkips) || show(want, nil) != show(got, nil) {
				t.Errorf("%s as %s: %s", name, kind, cmp.Diff(show(want, wantSkips), show(got, skips)))
			}
		}
	}
}

func slicesJoin(lines [][]byte) []byte {
	return append(append([]byte("["), bytes.Join(lines, []byte(","))...), ']')
}

// TestDamaged cuts and damages every log. Nothing may panic or be lost without
// a word.
func TestDamaged(t *testing.T) {
	step := 3
	if testing.Short() {
		step = 19
	}
	for name := range goldens {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		o := goldenOptions(t, name)
		o.TimeOptional, o.Workers = true, 1
		whole, wholeSkips, _ := readAll(t, b, o)
		trimmed := bytes.TrimRight(b, "\r\n")
		for n := 1; n < len(trimmed); n += step {
			got, skips, _ := readAll(t, b[:n], o)
			last := b[n-1]
			// A CSV row that is cut inside its last column is still a row, and a cut between lines is none.
			if strings.HasSuffix(name, "sv") || b[n] == '\n' || last == '\n' {
				continue
			}
			if len(skips) == 0 {
				t.Fatalf("%s cut to %d of %d bytes: %d prompts, nothing skipped", name, n, len(b), len(got))
			}
		}
		for i := 0; i < len(b); i += step {
			c := "\x00\"x}\xff\n"[i/step%6]
			old := b[i]
			b[i] = c
			got, skips, _ := readAll(t, b, o)
			b[i] = old
			if n := len(got) + len(skips); n == 0 {
				t.Fatalf("%s with %q at %d: nothing read, nothing skipped", name, c, i)
			}
		}
		if len(whole) == 0 || len(wholeSkips) == 0 && !strings.HasSuffix(name, "parquet") {
			t.Errorf("%s: %d prompts, %d skipped", name, len(whole), len(wholeSkips))
		}
	}
}

type wildTurn struct {
	Role     string  `parquet:"role"`
	Content  string  `parquet:"content"`
	HashedIP *string `parquet:"hashed_ip,optional"`
}

type wildRow struct {
	Hash         string     `parquet:"conversation_hash"`
	Model        string     `parquet:"model"`
	Timestamp    time.Time  `parquet:"timestamp,timestamp(microsecond)"`
	Conversation []wildTurn `parquet:"conversation,list"`
	Turn         int64      `parquet:"turn"`
	Toxic        bool       `parquet:"toxic"`
	Scores       []float64  `parquet:"scores,list"`
}

type langfuseRow struct {
	ID        string            `parquet:"id"`
	TraceID   string            `parquet:"trace_id"`
	Type      string            `parquet:"type,dict"`
	StartTime int64             `parquet:"start_time,timestamp(millisecond:local)"`
	Model     *string           `parquet:"provided_model_name,optional"`
	User      *string           `parquet:"user_id,optional"`
	Metadata  map[string]string `parquet:"metadata"`
	Input     *string           `parquet:"input,optional"`
}

// writeParquet writes the Parquet files of testdata.
func writeParquet(t *testing.T) {
	at := time.Date(2026, 6, 1, 8, 0, 0, 123456000, time.UTC)
	ptr := func(s string) *string { return &s }
	save(t, "wildchat.parquet", []wildRow{
		{Hash: "h1", Model: "gpt-4", Timestamp: at, Conversation: []wildTurn{{"user", "Write a \"limerick\".", ptr("ip1")}, {"assistant", "There once …", nil}, {"user", "Another.", ptr("ip1")}}, Scores: []float64{0.5, 0.25}},
		{Hash: "h2", Model: "gpt-4", Timestamp: at.Add(time.Second), Conversation: []wildTurn{{"user", "Hello.", ptr("ip2")}}, Toxic: true},
		{Hash: "h3", Model: "gpt-4", Timestamp: at.Add(2 * time.Second)},
		{Hash: "h4", Model: "gpt-4", Timestamp: at.Add(3 * time.Second), Conversation: []wildTurn{{"user", "Bye.", nil}, {"user", "Now.", ptr("ip4")}}},
	})
	save(t, "langfuse.parquet", []langfuseRow{
		{ID: "o1", TraceID: "t1", Type: "GENERATION", StartTime: at.UnixMilli(), Model: ptr("gpt-4o"), User: ptr("u1"), Input: ptr(`[{"role":"user","content":"In a table."}]`)},
		{ID: "o2", TraceID: "t1", Type: "SPAN", StartTime: at.UnixMilli(), Input: ptr("{}")},
		{ID: "o3", TraceID: "t2", Type: "GENERATION", StartTime: at.UnixMilli() + 1000, Metadata: map[string]string{"user_id": "u3"}, Input: ptr("plain")},
		{ID: "o4", TraceID: "t3", Type: "GENERATION", StartTime: at.UnixMilli() + 2000, User: ptr("u4")},
	})
}

func save[T any](t *testing.T, name string, rows []T) {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b, parquet.Compression(&parquet.Zstd))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata/"+name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
