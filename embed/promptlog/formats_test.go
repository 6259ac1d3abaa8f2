package promptlog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

func TestWhen(t *testing.T) {
	riga, err := time.LoadLocation("Europe/Riga")
	if err != nil {
		t.Skip(err)
	}
	at := func(nanos int) time.Time { return time.Date(2026, 6, 1, 8, 0, 0, nanos, time.UTC) }
	for _, test := range []struct {
		json, layout string
		zone         *time.Location
		want         time.Time
	}{
		{`1780300800`, "", time.UTC, at(0)},
		{`1780300800.25`, "", time.UTC, at(250e6)},
		{`1.7803008e9`, "", time.UTC, at(0)},
		{`1780300800123`, "", time.UTC, at(123e6)},
		{`1780300800123.5`, "", time.UTC, at(123.5e6)},
		{`1780300800123456`, "", time.UTC, at(123456e3)},
		{`1780300800123456789`, "", time.UTC, at(123456789)},
		{`"1780300800123456789"`, "", riga, at(123456789)},
		{`"2026-06-01T10:00:00+02:00"`, "", time.UTC, at(0)},
		{`"2026-06-01T08:00:00.1234567Z"`, "", time.UTC, at(123456700)},
		{`"2026-06-01 08:00:00.5+00"`, "", riga, at(500e6)},
		{`"2026-06-01 08:00:00 UTC"`, "", riga, at(0)},
		{`"2026-06-01 08:00:00,250"`, "", time.UTC, at(250e6)},
		{`"2026-06-01T11:00:00"`, "", riga, at(0)},
		{`"2026-06-01 11:00:00.000001"`, "", riga, at(1000)},
		{`"01/Jun/2026:08:00:00 +0000"`, "", riga, at(0)},
		{`"6/1/2026, 8:00:00.123 AM"`, "", time.UTC, at(123e6)},
		{`"Mon, 01 Jun 2026 08:00:00 GMT"`, "", time.UTC, at(0)},
		{`"2026-06-01"`, "", time.UTC, at(0).Add(-8 * time.Hour)},
		{`"1780300800"`, "unix", riga, at(0)},
		{`17803008`, "unix", riga, time.Unix(17803008, 0)},
		{`1780300800000`, "unix_ms", riga, at(0)},
		{`17803008000`, "unix_ms", riga, time.UnixMilli(17803008000)},
		{`"01.06.26 11h"`, "02.01.06 15h", riga, at(0)},
	} {
		v, reason := newDecoder((&Options{}).filled()).tree.parse([]byte(test.json))
		if reason != "" {
			t.Fatal(reason)
		}
		got, reason := when(&v, test.layout, test.zone)
		if reason != "" || !got.Equal(test.want) {
			t.Errorf("%s %s: %v, %s; want %v", test.json, test.layout, got, reason, test.want)
		}
	}
	for _, bad := range []string{`"yesterday"`, `""`, `"-"`, `1e400`, `99999999999999999999`, `{}`, `true`, `"2026-06-01 08:00:00 CEST"`, `"0001-01-01T00:00:00Z"`, `"NaN"`, `"Inf"`} {
		v, _ := newDecoder((&Options{}).filled()).tree.parse([]byte(bad))
		if got, reason := when(&v, "", time.UTC); reason == "" {
			t.Errorf("%s: %v", bad, got)
		}
	}
}

func TestFind(t *testing.T) {
	d := newDecoder((&Options{}).filled())
	v, reason := d.tree.parse([]byte(`{"a":{"b.c":{"d":1},"b":{"c":2},"n":null},"a.b":{"x":3},"list":[{"y":4},{"z":5}],"s":"{\"in\":{\"deep\":\"[6]\"}}","k":7,"k":8}`))
	if reason != "" {
		t.Fatal(reason)
	}
	for path, want := range map[string]string{
		"a.b.c.d": "1", "a.b.x": "3", "list.0.y": "4", "list.1.z": "5", "list.*.z": "5", "list.2.y": "", "list.-1.y": "", "list.x": "",
		"s.in.deep.0": "6", "s.in.none": "", "a.n": "", "a.n.x": "", "none": "", "k": "8", "a.": "", ".": "", "a..b": "",
	} {
		if got := d.tree.find(&v, path).scalar(); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestParseMap(t *testing.T) {
	for _, bad := range []string{``, `[]`, `{"acount":"a"}`, `{"account":7}`, `{"account":""}`, `{"time_zone":"Nowhere"}`, `{"time_layout":"YYYY-MM-DD"}`, `{} {}`} {
		if _, err := ParseMap([]byte(bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
	m, err := ParseMap([]byte(`{"account":["a","b"],"text":"t","time_layout":"unix_ms","attrs":{"ip":"x"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Paths{"a", "b"}, m.Account); diff != "" {
		t.Error(diff)
	}
}

// TestMakeIDs reads logs again after they have grown, been compressed, and in
// other chunks: the same prompts must get the same ids, others different ones.
func TestMakeIDs(t *testing.T) {
	line := func(i int) string {
		return fmt.Sprintf(`{"time":"2026-06-01T08:00:00Z","account":"a","text":"number %d"}`+"\n", i/2)
	}
	var log strings.Builder
	for i := range 3000 {
		log.WriteString(line(i))
	}
	ids := func(in []byte, o Options) []string {
		o.MakeIDs = true
		var ids []string
		prompts, skips, _ := readAll(t, in, &o)
		if len(skips) > 0 {
			t.Fatal(skips[0])
		}
		for _, p := range prompts {
			ids = append(ids, p.ID)
		}
		return ids
	}
	whole := []byte(log.String())
	want := ids(whole, Options{})
	seen := map[string]bool{}
	for _, id := range want {
		if seen[id] || len(id) != 11 {
			t.Fatalf("%q is no id or given twice", id)
		}
		seen[id] = true
	}
	for name, got := range map[string][]string{
		"auto": ids(whole, Options{Format: "auto"}), "small chunks": ids(whole, Options{ChunkBytes: 100, Workers: 3}),
		"gzip": ids(gz(whole), Options{Format: "auto"}), "shorter": ids(whole[:bytes.LastIndexByte(whole[:len(whole)/3], '\n')+1], Options{}),
	} {
		if len(got) == 0 || name != "shorter" && len(got) != len(want) {
			t.Fatalf("%s: %d ids", name, len(got))
		}
		if diff := cmp.Diff(want[:len(got)], got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	other := ids(append([]byte(`{"time":"2026-06-01T08:00:00Z","account":"b","text":"another log"}`+"\n"), whole[len(line(0)):]...), Options{})
	for i, id := range other {
		if seen[id] {
			t.Fatalf("prompt %d of another log has an id of this one", i+1)
		}
	}
	p, _, _ := readAll(t, []byte(`{"id":"own","time":"2026-06-01T08:00:00Z","account":"a","text":"x"}`), &Options{MakeIDs: true})
	if len(p) != 1 || p[0].ID != "own" {
		t.Errorf("%+v", p)
	}
}

// TestJoinBounded splits requests over rows that lie as far apart as a joiner
// remembers, and further.
func TestJoinBounded(t *testing.T) {
	const n = maxGroups + 1000
	row := func(b *bytes.Buffer, i, part int, text string) {
		messages, _ := json.Marshal(text)
		fmt.Fprintf(b, `{"CorrelationId":"c%d","TimeGenerated":"2026-06-01T08:00:00Z","SequenceNumber":%d,"ApimSubscriptionId":"s","RequestMessages":%s}`+"\n", i, part, messages)
	}
	for _, test := range []struct{ apart, prompts, skips int }{{maxGroups - 1, n, 0}, {maxGroups + 1, 0, 2 * n}} {
		var b bytes.Buffer
		for i := range n + test.apart {
			if i < n {
				row(&b, i, 0, `[{"role":"user","content":"half `)
			}
			if i >= test.apart {
				row(&b, i-test.apart, 1, fmt.Sprintf(`of %d"}]`, i))
			}
		}
		prompts, skips, _ := readAll(t, b.Bytes(), &Options{Format: "auto"})
		if len(prompts) != test.prompts || len(skips) != test.skips {
			t.Errorf("%d apart: %d prompts, %d skipped; want %d, %d", test.apart, len(prompts), len(skips), test.prompts, test.skips)
		}
	}
}

// TestReasons checks that no reason has any of a record's text.
func TestReasons(t *testing.T) {
	const marker = "sesame"
	for _, line := range []string{
		`{"account":"sesame","time":"sesame","prompt":"sesame"}`,
		`{"CorrelationId":"sesame","TimeGenerated":"2026-06-01T08:00:00Z","SequenceNumber":"sesame","RequestMessages":"sesame"}`,
		`{"CorrelationId":"sesame","TimeGenerated":"2026-06-01T08:00:00Z","SequenceNumber":1,"ApimSubscriptionId":"a","RequestMessages":"[sesame"}`,
		`[{"sesame":1}, sesame, "sesame`,
		"[\n\x00sesame\n]",
		"account,time,text\nsesame,sesame,sesame\nsesame,\"sesame\"sesame,x\nse\"same,,\nsesame\n\"sesame",
		`{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"sesame","startTimeUnixNano":"sesame","attributes":[{"key":"gen_ai.prompt","value":{"stringValue":"sesame"}}]}]}]}]}`,
		"PAR1sesamesesamePAR1",
	} {
		_, skips, _ := readAll(t, []byte(line), &Options{Format: "auto"})
		if len(skips) == 0 {
			t.Errorf("%s: nothing skipped", line)
		}
		for _, s := range skips {
			if strings.Contains(s.Reason, marker) {
				t.Errorf("%s\n%s", line, s.Reason)
			}
		}
	}
}

func TestArrayRecovers(t *testing.T) {
	rec := func(i int) string {
		return fmt.Sprintf("  {\n    \"account\": \"a%d\",\n    \"time\": \"2026-06-01T08:00:00Z\",\n    \"text\": \"x {[\\\"\"\n  }", i)
	}
	good := func() string { return "[\n" + rec(1) + ",\n" + rec(2) + ",\n" + rec(3) + "\n]\n" }
	for name, in := range map[string]string{
		"a quote is missing":      strings.Replace(good(), `"a2"`, `"a2`, 1),
		"a brace is missing":      strings.Replace(good(), "  },\n  {\n    \"account\": \"a3\"", "\n  {\n    \"account\": \"a3\"", 1),
		"an element is no object": strings.Replace(good(), rec(2), "  7", 1),
	} {
		prompts, skips, _ := readAll(t, []byte(in), &Options{Format: "auto"})
		if len(prompts) != 2 || len(skips) == 0 {
			t.Errorf("%s: %d prompts, %v", name, len(prompts), skips)
		}
	}
	prompts, skips, _ := readAll(t, []byte(strings.TrimSuffix(good(), "]\n")), &Options{Format: "auto"})
	if len(prompts) != 3 || len(skips) != 1 || skips[0].Reason != "the array is not closed: the input ends too early" {
		t.Errorf("not closed: %d prompts, %v", len(prompts), skips)
	}
	_, skips, _ = readAll(t, []byte("[\n{},\n\n{\n\n},\n7]"), &Options{Format: "auto"})
	var lines []int
	for _, s := range skips {
		lines = append(lines, s.Line)
	}
	if diff := cmp.Diff([]int{2, 4, 7}, lines); diff != "" {
		t.Error(diff)
	}
}

// FuzzFormats feeds every decoder and container. Chunks of any size must give
// the same prompts.
func FuzzFormats(f *testing.F) {
	for name, format := range goldens {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		for i, known := range Formats() {
			if known == format {
				f.Add(b, byte(i), uint16(300))
			}
		}
		f.Add(b, byte(255), uint16(50))
	}
	f.Fuzz(func(t *testing.T, in []byte, which byte, chunk uint16) {
		if len(in) > 1<<16 {
			return
		}
		o := &Options{Format: "auto", TimeOptional: true, MakeIDs: true, Workers: 1, Explain: true, WindowBytes: 1 << 20}
		if names := Formats(); int(which) < len(names) {
			o.Format = names[which]
		}
		want, skips, _ := readAll(t, in, o)
		for i := range want {
			if err := want[i].Validate(); err != nil {
				t.Fatal(err)
			}
		}
		if o.Format == "auto" {
			return // the first chunk decides
		}
		small := *o
		small.ChunkBytes, small.Workers = 1+int(chunk), 2
		got, skips2, _ := readAll(t, in, &small)
		if diff := cmp.Diff(show(want, skips), show(got, skips2)); diff != "" {
			t.Error(diff)
		}
	})
}

// FuzzCSV holds rows against what was written.
func FuzzCSV(f *testing.F) {
	f.Add("a", "text, with \"quotes\"\r\nand lines", "x")
	f.Add("\\t", "\t", "\n\n")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		var in, want bytes.Buffer
		in.WriteString("k,l,m\n")
		for i, s := range []string{a, b, c} {
			if i > 0 {
				in.WriteByte(',')
			}
			in.WriteString(`"` + strings.ReplaceAll(s, `"`, `""`) + `"`)
		}
		in.WriteString("\n")
		want.WriteByte('{')
		for i, s := range []string{a, b, c} {
			if i > 0 {
				want.WriteByte(',')
			}
			want.WriteString(`"` + "klm"[i:i+1] + `":`)
			quote(&want, []byte(strings.ReplaceAll(s, "\r\n", "\n")))
		}
		want.WriteByte('}')
		o := (&Options{}).filled()
		got := new(bytes.Buffer)
		if _, err := got.ReadFrom(newRows(bufio.NewReader(&in), ',', o)); err != nil {
			t.Fatal(err)
		}
		if g := strings.Trim(got.String(), "\n"); g != want.String() {
			t.Errorf("%q\n%q", g, want.String())
		}
	})
}

// flat is a row as a gateway's export has it.
type flat struct {
	ID      string    `parquet:"id"`
	Time    time.Time `parquet:"time,timestamp(microsecond)"`
	Account string    `parquet:"account"`
	Text    string    `parquet:"text"`
	Model   string    `parquet:"model,dict"`
}

func BenchmarkFormats(b *testing.B) {
	const n = 20000
	data := sample(n)
	prompts, _, _ := readAll(b, data, &Options{})
	var rows []flat
	var anthropic, csv bytes.Buffer
	csv.WriteString("id,time,account,text,model\n")
	for _, p := range prompts {
		rows = append(rows, flat{p.ID, p.Time, p.Account, p.Text, p.Model})
		text, _ := json.Marshal(p.Text)
		fmt.Fprintf(&anthropic, `{"timestamp":%q,"request_id":%q,"body":{"model":%q,"max_tokens":100,"metadata":{"user_id":%q},"system":"Be kind.","messages":[{"role":"user","content":%s}]}}`+"\n", p.Time.Format(time.RFC3339Nano), p.ID, p.Model, p.Account, text)
		fmt.Fprintf(&csv, "%s,%s,%s,\"%s\",%s\n", p.ID, p.Time.Format(time.RFC3339Nano), p.Account, strings.ReplaceAll(p.Text, `"`, `""`), p.Model)
	}
	var table bytes.Buffer
	w := parquet.NewGenericWriter[flat](&table, parquet.Compression(&parquet.Snappy))
	if _, err := w.Write(rows); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	for name, in := range map[string][]byte{"anthropic": gz(anthropic.Bytes()), "csv": gz(csv.Bytes()), "parquet": table.Bytes(), "native": gz(data)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				got := 0
				for batch, err := range Read(b.Context(), bytes.NewReader(in), &Options{Format: "auto", MakeIDs: true}) {
					if err != nil {
						b.Fatal(err)
					}
					if len(batch.Skipped) > 0 {
						b.Fatal(batch.Skipped[0])
					}
					got += len(batch.Prompts)
				}
				if got != n {
					b.Fatal(got)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "prompts/s")
		})
	}
}
