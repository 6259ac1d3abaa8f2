package intake

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-368d3dfa/chorus/index"
)

// BenchmarkIntake posts short prompts by every way in to a server on the
// loopback device, in requests of the size that senders of that way make.
func BenchmarkIntake(b *testing.B) {
	text := func(i int) string {
		return fmt.Sprintf("request %d: the words number%d and thing%d of prompt%d are like no others that anybody%d has ever sent%d to us", i%20000, i*7919, i*31, i, i*17, i*13)
	}
	line := func(i int) string {
		return fmt.Sprintf(`{"id":"p%d","time":"2026-06-01T08:00:00Z","account":"a%d","text":"%s"}`+"\n", i, i%1000, text(i))
	}
	message := func(i int) string {
		return `[{"role":"user","parts":[{"type":"text","content":"` + text(i) + `"}]}]`
	}
	at := func(i int) time.Time { return noon.Add(time.Duration(i) * time.Microsecond) }
	for _, way := range []struct {
		name, path, kind string
		size             int
		body             func(out *bytes.Buffer, first, n int)
	}{
		{"prompts", "/v1/prompts", "application/x-ndjson", 20000, func(out *bytes.Buffer, first, n int) {
			for i := range n {
				out.WriteString(line(first + i))
			}
		}},
		{"jsonline", "/insert/jsonline?text_field=_msg&time_field=_time&account_field=who", "application/x-ndjson", 1000, func(out *bytes.Buffer, first, n int) {
			for i := first; i < first+n; i++ {
				fmt.Fprintf(out, `{"_time":%q,"who":"a%d","_msg":"%s"}`+"\n", at(i).Format(time.RFC3339Nano), i%1000, text(i))
			}
		}},
		{"bulk", "/_bulk", "application/x-ndjson", 1000, func(out *bytes.Buffer, first, n int) {
			for i := range n {
				out.WriteString("{\"index\":{\"_index\":\"prompts\"}}\n" + line(first+i))
			}
		}},
		{"loki-json", "/loki/api/v1/push", jsonType, 1000, func(out *bytes.Buffer, first, n int) {
			out.WriteString(`{"streams":[{"stream":{"app":"gateway"},"values":[`)
			for i := range n {
				if i > 0 {
					out.WriteByte(',')
				}
				fmt.Fprintf(out, `["%d",%q]`, at(first+i).UnixNano(), line(first+i))
			}
			out.WriteString(`]}]}`)
		}},
		{"loki-proto", "/loki/api/v1/push", protoType, 1000, func(out *bytes.Buffer, first, n int) {
			var entries [][]byte
			for i := first; i < first+n; i++ {
				entries = append(entries, lokiEntry(at(i), text(i), "user_id", "a"+strconv.Itoa(i%1000)))
			}
			out.Write(snappy.Encode(nil, lokiPush(`{app="gateway"}`, entries...)))
		}},
		{"otlp-json", "/v1/traces", jsonType, 512, func(out *bytes.Buffer, first, n int) {
			out.WriteString(`{"resourceSpans":[{"scopeSpans":[{"spans":[`)
			for i := first; i < first+n; i++ {
				if i > first {
					out.WriteByte(',')
				}
				fmt.Fprintf(out, `{"traceId":"%032x","spanId":"%016x","name":"chat","startTimeUnixNano":"%d","attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"m"}},{"key":"user.id","value":{"stringValue":"a%d"}},{"key":"gen_ai.input.messages","value":{"stringValue":%q}}]}`,
					i, i+1, at(i).UnixNano(), i%1000, message(i))
			}
			out.WriteString(`]}]}]}`)
		}},
		{"otlp-proto", "/v1/traces", protoType, 512, func(out *bytes.Buffer, first, n int) {
			var spans []byte
			for i := first; i < first+n; i++ {
				id := protowire.AppendFixed64(nil, uint64(i))
				start := protowire.AppendFixed64(protowire.AppendTag(nil, 7, protowire.Fixed64Type), uint64(at(i).UnixNano()))
				spans = append(spans, field(2, join(field(1, append(id, id...)), field(2, id), field(5, []byte("chat")), start,
					field(9, keyValue("gen_ai.request.model", "m")), field(9, keyValue("user.id", "a"+strconv.Itoa(i%1000))), field(9, keyValue("gen_ai.input.messages", message(i)))))...)
			}
			out.Write(field(1, field(2, spans)))
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			ix, err := index.Open(filepath.Join(b.TempDir(), "x.db"), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer ix.Close()
			h := httptest.NewServer(handler(ix, Options{}))
			defer h.Close()
			sent := 0
			var body bytes.Buffer
			for b.Loop() {
				b.StopTimer()
				body.Reset()
				way.body(&body, sent, way.size)
				sent += way.size
				b.StartTimer()
				resp, err := http.Post(h.URL+way.path, way.kind, &body)
				if err != nil {
					b.Fatal(err)
				}
				answer, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode >= 300 {
					b.Fatalf("%d %s %v", resp.StatusCode, answer, err)
				}
			}
			b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "prompts/s")
			if stats, err := ix.Stats(b.Context()); err != nil || stats.Prompts != sent {
				b.Errorf("sent %d, counted %d (%v)", sent, stats.Prompts, err)
			}
		})
	}
}
