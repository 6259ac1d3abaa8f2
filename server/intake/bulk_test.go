package intake

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// A bulkAnswer is the answer to a bulk request.
type bulkAnswer struct {
	Took   *int
	Errors *bool
	Items  []map[string]struct {
		Index  string `json:"_index"`
		ID     string `json:"_id"`
		Result string
		Status int
		Error  *struct{ Type, Reason string }
	}
}

func TestBulk(t *testing.T) {
	s := start(t, Options{})
	body := `{"create":{"_index":"logs","_id":"one"}}
` + native("", "a1", "first") + `

{"index":{}}
` + native("two", "a2", "second") + `
{"index":{"_id":3}}
{"@timestamp":"2026-06-01T08:00:00Z","user_id":"a3","prompt":"` + marker + `"}
{"update":{"_id":"one"}}
{"doc":{"text":"` + marker + `"}}
{"delete":{"_id":"one"}}
{"create":{}}
{"text":"` + marker + `","time":"2026-06-01T08:00:00Z"}
{"create":null}
` + strings.Replace(native("", "a4", "last"), "account", "organization_id", 1)
	var got bulkAnswer
	decode(t, s.post(200, "/_bulk", body, "Content-Type", "application/x-ndjson"), &got)
	var shown strings.Builder
	for _, it := range got.Items {
		for op, x := range it {
			fmt.Fprintf(&shown, "%s %s %s %d %s", op, x.Index, x.ID, x.Status, x.Result)
			if x.Error != nil {
				fmt.Fprintf(&shown, "%s: %s", x.Error.Type, x.Error.Reason)
			}
			shown.WriteByte('\n')
		}
	}
	want := `create logs one 201 created
index chorus #2 201 created
index chorus 3 201 created
update chorus one 400 illegal_argument_exception: chorus takes only create and index
delete chorus one 400 illegal_argument_exception: chorus takes only create and index
create chorus  400 document_parsing_exception: account is missing
create chorus #4 201 created
`
	if shown.String() != want || got.Took == nil || got.Errors == nil || !*got.Errors {
		t.Errorf("got\n%swant\n%s", shown.String(), want)
	}
	s.holds(4, 4)

	// All of it again, as shippers do after a time-out: nothing counts twice.
	for _, path := range []string{"/_bulk", "/logs/_bulk", "/elasticsearch/_bulk", "/elasticsearch/logs/_bulk"} {
		got = bulkAnswer{}
		decode(t, s.post(200, path, body), &got)
		if x := got.Items[0]["create"]; x.Status != 200 || x.Result != "noop" {
			t.Errorf("again: %+v", x)
		}
	}
	if status, _, answer := s.do("PUT", "/_bulk", []byte(body)); status != 200 {
		t.Errorf("PUT: %d %s", status, answer)
	}
	s.holds(4, 4)
	if n := s.counts[Bulk]; n != (Counts{Accepted: 24, Duplicates: 20, Skipped: 18}) {
		t.Errorf("counted %+v", n)
	}
}

func TestBulkFilter(t *testing.T) {
	s := start(t, Options{})
	body := "{\"create\":{}}\n" + native("1", "a", "x") + "\n{\"create\":{}}\n{}\n"
	for filter, want := range map[string]string{
		"errors,items.*.error":  `{"errors":true,"items":[{"create":{"error":{"type":"document_parsing_exception","reason":"account is missing"}}}]}`,
		"errors":                `{"errors":true}`,
		"items.*.status":        `{"items":[{"create":{"status":201}},{"create":{"status":400}}]}`,
		"items.*.error.type":    `{"items":[{"create":{"error":{"type":"document_parsing_exception","reason":"account is missing"}}}]}`,
		"items.create._index":   `{"items":[{"create":{"_index":"chorus"}},{"create":{"_index":"chorus"}}]}`,
		"errors,items.*.nothin": `{"errors":true,"items":[]}`,
	} {
		got := s.post(200, "/_bulk?filter_path="+filter, body)
		if got = strings.ReplaceAll(got, `"status":200`, `"status":201`); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", filter, got, want)
		}
	}
	for _, filter := range []string{"*", "items.*.*", "items"} {
		var got bulkAnswer
		if decode(t, s.post(200, "/_bulk?filter_path="+filter, body), &got); len(got.Items) != 2 || got.Items[0]["create"].ID != "" {
			t.Errorf("%s: %+v", filter, got)
		}
	}
}

// compressions are all that a body may be compressed with, and Content-Encoding.
func compressions(t testing.TB, b []byte) map[string][]byte {
	t.Helper()
	write := func(w io.WriteCloser) {
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var gz, zl, raw, framed, zs bytes.Buffer
	write(gzip.NewWriter(&gz))
	write(zlib.NewWriter(&zl))
	f, err := flate.NewWriter(&raw, 5)
	if err != nil {
		t.Fatal(err)
	}
	write(f)
	write(snappy.NewBufferedWriter(&framed))
	z, err := zstd.NewWriter(&zs)
	if err != nil {
		t.Fatal(err)
	}
	write(z)
	return map[string][]byte{
		"": b, "identity": b, "gzip": gz.Bytes(), "zstd": zs.Bytes(), "deflate": zl.Bytes(), "Deflate": raw.Bytes(),
		"snappy": snappy.Encode(nil, b), "x-snappy-framed": framed.Bytes(),
	}
}

func TestBulkCompressed(t *testing.T) {
	s := start(t, Options{})
	var body bytes.Buffer
	for i := range 3000 {
		fmt.Fprintf(&body, "{\"index\":{}}\n%s\n", native("", fmt.Sprint("a", i%50), fmt.Sprintf("%d words that are like no others %d", i*7919, i*31)))
	}
	for encoding, b := range compressions(t, body.Bytes()) {
		if got := s.post(200, "/_bulk?filter_path=errors", string(b), "Content-Encoding", encoding); got != `{"errors":false}` {
			t.Errorf("%q: %s", encoding, got)
		}
		if encoding != "" && encoding != "identity" {
			s.post(400, "/_bulk", string(b[:len(b)/2]), "Content-Encoding", encoding)
		}
	}
	s.holds(3000, 50)
	s.post(415, "/_bulk", "x", "Content-Encoding", "br")
}

// TestBombs: what is small on the wire and too large after it is refused.
func TestBombs(t *testing.T) {
	s := start(t, Options{BulkBytes: 1 << 20, PushBytes: 1 << 20, StreamBytes: 1 << 20})
	line := "{\"create\":{}}\n" + native("1", "a", "x") + "\n"
	body := []byte(line + strings.Repeat("\n", 4<<20))
	for encoding, b := range compressions(t, body) {
		for path, kind := range map[string]string{"/_bulk": "", "/loki/api/v1/push": jsonType, "/v1/logs": protoType, "/v1/traces": jsonType} {
			if len(b) > 1<<19 && encoding != "" && encoding != "identity" {
				t.Errorf("%s: %d bytes are no bomb", encoding, len(b))
			}
			s.post(413, path, string(b), "Content-Encoding", encoding, "Content-Type", kind)
		}
		if encoding == "gzip" || encoding == "zstd" {
			s.post(413, "/insert/jsonline", string(b), "Content-Encoding", encoding)
		}
	}
	s.post(413, "/loki/api/v1/push", string(snappy.Encode(nil, body)), "Content-Type", protoType)
	s.post(413, "/loki/api/v1/push", "\xff\xff\xff\xff\x0f", "Content-Type", protoType) // says it has 4 GiB
}

func TestBulkErrors(t *testing.T) {
	s := start(t, Options{})
	for body, want := range map[string]string{
		marker: "malformed action/metadata line [1]: expected an action like {\"create\":{}}",
		"{\"create\":{}}\n{}\n{\"" + marker + "\":{}}\n{}": "malformed action/metadata line [3]: expected create or index",
		"{\"create\":{},\"index\":{}}\n{}":                 "malformed action/metadata line [1]: expected an action like {\"create\":{}}",
		"{\"create\":{}}":                                  "line [2]: the action before it has no document",
		"{\"create\":{\"_id\":[1]}}\n{}":                   "malformed action/metadata line [1]: expected an action like {\"create\":{}}",
	} {
		var got struct {
			Error struct{ Type, Reason string }
		}
		if decode(t, s.post(400, "/_bulk", body), &got); got.Error.Reason != want || got.Error.Type != "illegal_argument_exception" {
			t.Errorf("%q: %+v", body, got)
		}
	}
	s.post(400, "/_bulk?format="+marker, "")
	s.post(400, "/_bulk?text_field=a,,b", "")
	s.post(400, "/_bulk?make_ids=perhaps", "")
	long := "{\"create\":{}}\n{\"text\":\"" + strings.Repeat("x", maxLine) + "\"}\n{\"create\":{}}\n" + native("1", "a", "x")
	if got := s.post(200, "/_bulk?filter_path=items.*.error,items.*.status", long); got != `{"items":[{"create":{"status":400,"error":{"type":"document_parsing_exception","reason":"longer than 16777216 bytes"}}},{"create":{"status":201}}]}` {
		t.Errorf("a long document: %s", got)
	}
	if got := s.post(200, "/_bulk?filter_path=errors,items", ""); got != `{"errors":false,"items":[]}` && !strings.Contains(got, `"items":[]`) {
		t.Errorf("nothing: %s", got)
	}
	var many strings.Builder
	for range maxItems + 1 {
		many.WriteString("{\"index\":{}}\n{}\n")
	}
	s.post(413, "/_bulk", many.String())
}

// TestGreeting makes the requests by which shippers find out what they talk to.
func TestGreeting(t *testing.T) {
	s := start(t, Options{})
	for _, method := range []string{"GET", "HEAD"} {
		for _, path := range []string{"/", "/elasticsearch", "/elasticsearch/"} {
			status, h, answer := s.do(method, path, nil, "Accept", "application/json")
			if status != 200 || h.Get("X-Elastic-Product") != "Elasticsearch" || method == "GET" && !strings.Contains(answer, `"number":"8.`) {
				t.Errorf("%s %s: %d %v %s", method, path, status, h, answer)
			}
		}
	}
	if status, _, _ := s.do("GET", "/", nil, "Accept", "text/html,*/*"); status != 404 {
		t.Errorf("a browser gets %d, not the page that the server has there", status)
	}
	for _, path := range []string{"/_license", "/_xpack", "/_nodes", "/_nodes/http", "/_cluster/health", "/_cat/health", "/_ilm/policy/filebeat", "/_index_template/x", "/_template/x", "/_data_stream/x", "/_ingest/pipeline/x"} {
		for _, root := range []string{"", "/elasticsearch"} {
			status, _, answer := s.do("GET", root+path, nil)
			if status != 200 {
				t.Errorf("GET %s: %d %s", root+path, status, answer)
			}
			if !strings.Contains(path, "_cat") {
				decode(t, answer, new(any))
			}
		}
	}
	_, h, _ := s.do("GET", "/", nil, "Accept", "application/vnd.elasticsearch+json;compatible-with=8")
	if got := h.Get("Content-Type"); got != "application/vnd.elasticsearch+json;compatible-with=8" {
		t.Errorf("Content-Type %s", got)
	}
	if err := s.ix.Close(); err != nil {
		t.Fatal(err)
	}
	status, h, answer := s.do("GET", "/_cluster/health", nil)
	if status != 503 || h.Get("Retry-After") == "" || !strings.Contains(answer, "unavailable") {
		t.Errorf("closed: %d %s", status, answer)
	}
}

// TestBusy: a shipper that is told to come again, and comes, loses nothing and
// has nothing counted twice.
func TestBusy(t *testing.T) {
	s := start(t, Options{Patience: 1}) // it may or may not be enough
	bulk := "{\"create\":{}}\n" + native("", "a", "x") + "\n"
	loki := `{"streams":[{"stream":{"account":"b"},"values":[["1780300800000000000","` + marker + `"]]}]}`
	otlp := otlpSpan("c", marker, "01")
	refused := make(map[string]int)
	for range 200 {
		for path, body := range map[string]string{"/_bulk": bulk, "/loki/api/v1/push": loki, "/v1/traces": otlp} {
			switch status, h, answer := s.do("POST", path, []byte(body), "Content-Type", jsonType); {
			case status == 429:
				if refused[path]++; h.Get("Retry-After") == "" {
					t.Errorf("%s: no Retry-After", path)
				}
			case status > 204:
				t.Errorf("%s: %d %s", path, status, answer)
			}
		}
	}
	if len(refused) != 3 {
		t.Errorf("refused %v", refused)
	}
	s.holds(3, 3)
	if err := s.ix.Close(); err != nil {
		t.Fatal(err)
	}
	for path, body := range map[string]string{"/_bulk": bulk, "/loki/api/v1/push": loki, "/v1/traces": otlp, "/insert/jsonline": native("", "a", "x"), "/v1/prompts": native("", "a", "x")} {
		s.post(503, path, body, "Content-Type", jsonType)
	}
}

func FuzzBulk(f *testing.F) {
	f.Add([]byte("{\"create\":{\"_id\":\"1\",\"_index\":\"x\"}}\n"+native("1", "a", "x")+"\n{\"delete\":{}}\n"), "errors")
	f.Add([]byte("{\"index\":{}}\n{\"message\":\"{\\\"account\\\":\\\"a\\\",\\\"text\\\":\\\"x\\\"}\"}\n\n"), "")
	f.Add([]byte("{\"update\":null}\n"), "items.*.error")
	s := start(f, Options{})
	h := handler(s.ix, Options{})
	f.Fuzz(func(t *testing.T, body []byte, filter string) {
		answer := fuzzPost(t, h, "/_bulk", "", body)
		if answer != "" && strings.Count(string(body), "\n") == 1 && strings.HasPrefix(string(body), "{\"index\":{}}\n") {
			var got bulkAnswer
			if decode(t, answer, &got); len(got.Items) != 1 || (got.Items[0]["index"].Status >= 400) != *got.Errors {
				t.Errorf("%s", answer)
			}
		}
		var out bytes.Buffer
		newFilter([]string{filter}).write(&out, []item{{op: "index", index: filter, reason: "r"}, {op: "create", id: filter, placed: true}}, 0)
		decode(t, out.String(), new(bulkAnswer))
	})
}
