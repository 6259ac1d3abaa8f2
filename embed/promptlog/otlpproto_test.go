package promptlog

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// toProto turns a request in OTLP's JSON encoding into protobuf, by the
// project's own generated code. That reads ids as base64, so they are changed.
func toProto(t testing.TB, request []byte, m proto.Message) []byte {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(request))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	rewriteIDs(t, v)
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := protojson.Unmarshal(b, m); err != nil {
		t.Fatal(err)
	}
	if b, err = proto.Marshal(m); err != nil {
		t.Fatal(err)
	}
	return b
}

// nothing is done between records.
func nothing() error { return nil }

func rewriteIDs(t testing.TB, v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			rewriteIDs(t, e)
		}
	case map[string]any:
		for name, e := range v {
			if s, ok := e.(string); ok && (name == "traceId" || name == "spanId" || name == "parentSpanId") {
				id, err := hex.DecodeString(s)
				if err != nil {
					t.Fatal(err)
				}
				v[name] = base64.StdEncoding.EncodeToString(id)
			} else {
				rewriteIDs(t, e)
			}
		}
	}
}

// TestOTLPProto reads the golden logs of OTLP in both encodings.
func TestOTLPProto(t *testing.T) {
	for _, name := range []string{"otlp-spans.json", "otlp-events.jsonl"} {
		file, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		o := &Options{}
		plain, binary := NewDecoder(o), NewDecoder(o)
		var want, got Batch
		d := json.NewDecoder(bytes.NewReader(file))
		for d.More() {
			var request json.RawMessage
			if err := d.Decode(&request); err != nil {
				t.Fatal(err)
			}
			if err := plain.OTLPJSON(&want, request, nothing); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(request), "resourceSpans") {
				err = binary.OTLPTraces(&got, toProto(t, request, &tracepb.TracesData{}), nothing)
			} else {
				err = binary.OTLPLogs(&got, toProto(t, request, &logspb.LogsData{}), nothing)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		plain.Flush(&want)
		binary.Flush(&got)
		if len(want.Prompts) < 3 || len(want.Skipped) == 0 {
			t.Errorf("%s: %+v", name, want)
		}
		if diff := cmp.Diff(show(want.Prompts, want.Skipped), show(got.Prompts, got.Skipped)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestOTLPEmpty(t *testing.T) {
	d := NewDecoder(nil)
	var b Batch
	if err := d.OTLPTraces(&b, nil, nothing); err != nil || len(b.Skipped)+len(b.Prompts) > 0 {
		t.Errorf("%+v, %v", b, err)
	}
	for _, bad := range []string{"\x0a\xff", "\x0a\x05\x0a\x03abc", "{}x", "[]", "{\"resourceSpans\":[{\"\xff\":1}]}"} {
		if err := d.OTLPLogs(&b, []byte(bad), nothing); err == nil && !strings.HasPrefix(bad, "\x0a\x05") {
			t.Errorf("%q as protobuf: no error", bad)
		}
		if err := d.OTLPJSON(&b, []byte(bad), nothing); err == nil {
			t.Errorf("%q as JSON: no error", bad)
		}
	}
}

// FuzzOTLPProto compares with the project's own generated code: what that
// accepts is read, and gives the same whatever the order of its fields.
func FuzzOTLPProto(f *testing.F) {
	for _, name := range []string{"otlp-spans.json", "otlp-events.jsonl"} {
		file, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(file))
		for d.More() {
			var request json.RawMessage
			if err := d.Decode(&request); err != nil {
				f.Fatal(err)
			}
			if name == "otlp-spans.json" {
				f.Add(toProto(f, request, &tracepb.TracesData{}), true)
			} else {
				f.Add(toProto(f, request, &logspb.LogsData{}), false)
			}
		}
	}
	f.Fuzz(func(t *testing.T, request []byte, traces bool) {
		read := func(request []byte) (Batch, error) {
			d := NewDecoder(&Options{ContentIDs: true, TimeOptional: true})
			var b Batch
			var err error
			if traces {
				err = d.OTLPTraces(&b, request, nothing)
			} else {
				err = d.OTLPLogs(&b, request, nothing)
			}
			d.Flush(&b)
			return b, err
		}
		var m proto.Message = &logspb.LogsData{}
		if traces {
			m = &tracepb.TracesData{}
		}
		if proto.Unmarshal(request, m) != nil {
			read(request) // must not panic
			return
		}
		again, err := proto.Marshal(m)
		if err != nil {
			t.Skip()
		}
		want, err1 := read(again)
		got, err2 := read(request)
		if (err1 == nil) != (err2 == nil) {
			t.Fatalf("%v, but encoded anew %v", err2, err1)
		}
		if len(want.Prompts) != len(got.Prompts) {
			t.Errorf("%d prompts, but encoded anew %d", len(got.Prompts), len(want.Prompts))
		}
	})
}

// TestOTLPUnknownTime: a log record without a time of its own has the one at
// which it was observed.
func TestOTLPUnknownTime(t *testing.T) {
	const request = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"0","observedTimeUnixNano":"1780300800000000000","eventName":"gen_ai.client.inference.operation.details",
		"attributes":[{"key":"user.id","value":{"stringValue":"a"}},{"key":"gen_ai.input.messages","value":{"stringValue":"[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"x\"}]}]"}}]}]}]}]}`
	var b Batch
	if err := NewDecoder(nil).OTLPJSON(&b, []byte(request), nothing); err != nil || len(b.Prompts) != 1 || b.Prompts[0].Time.Unix() != 1780300800 {
		t.Errorf("%+v, %v", b, err)
	}
}

// TestOTLPFile reads files as the Collector writes them in protobuf, whole and
// cut off anywhere.
func TestOTLPFile(t *testing.T) {
	for _, name := range []string{"otlp-spans.json", "otlp-events.jsonl"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var file []byte
		d := json.NewDecoder(bytes.NewReader(text))
		for d.More() {
			var request json.RawMessage
			if err := d.Decode(&request); err != nil {
				t.Fatal(err)
			}
			var m proto.Message = &logspb.LogsData{}
			if strings.Contains(string(request), "resourceSpans") {
				m = &tracepb.TracesData{}
			}
			b := toProto(t, request, m)
			file = append(binary.BigEndian.AppendUint32(file, uint32(len(b))), b...)
		}
		o := &Options{Format: "auto"}
		want, wantSkips, _ := readAll(t, text, o)
		got, skips, last := readAll(t, file, o)
		if diff := cmp.Diff(show(want, nil), show(got, nil)); diff != "" || len(skips) != len(wantSkips) {
			t.Errorf("%s: %s %v", name, diff, skips)
		}
		if last.Format != "otlp" || last.Container != inProto {
			t.Errorf("%s: %s, %s", name, last.Format, last.Container)
		}
		for n := 6; n < len(file); n += 7 {
			cut, skips, _ := readAll(t, file[:n], o)
			if len(skips) == 0 && len(cut) < len(want) && !endsWhole(file, n) {
				t.Fatalf("%s cut at %d: %d prompts and no skip", name, n, len(cut))
			}
		}
	}
}

// endsWhole reports whether the first n bytes of a file are whole requests.
func endsWhole(file []byte, n int) bool {
	at := 0
	for at < n {
		at += 4 + int(binary.BigEndian.Uint32(file[at:]))
	}
	return at == n
}

// BenchmarkOTLP decodes requests of 512 spans with short prompts.
func BenchmarkOTLP(b *testing.B) {
	const spans = 512
	span := `{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b173","name":"chat m","startTimeUnixNano":"1780300800000000000","attributes":[
		{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.request.model","value":{"stringValue":"m"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"12"}},
		{"key":"user.id","value":{"stringValue":"a1"}},{"key":"gen_ai.input.messages","value":{"stringValue":"[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"` +
		strings.Repeat("some words that people write to models ", 8) + `\"}]}]"}}]}`
	text := []byte(`{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"scopeSpans":[{"spans":[` + span + strings.Repeat(","+span, spans-1) + `]}]}]}`)
	binary := toProto(b, text, &tracepb.TracesData{})
	run := func(name string, request []byte, decode func(*Decoder, *Batch, []byte, func() error) error) {
		b.Run(name, func(b *testing.B) {
			d := NewDecoder(nil)
			var batch Batch
			for b.Loop() {
				batch.Prompts = batch.Prompts[:0]
				if err := decode(d, &batch, request, nothing); err != nil || len(batch.Prompts) != spans {
					b.Fatal(err, batch.Skipped)
				}
			}
			b.SetBytes(int64(len(request)))
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/spans, "ns/span")
		})
	}
	run("json", text, (*Decoder).OTLPJSON)
	run("proto", binary, (*Decoder).OTLPTraces)
}
