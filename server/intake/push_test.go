package intake

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/snappy"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
)

// fuzzPost posts a body to a handler, wants no failure, and returns the body of
// a success.
func fuzzPost(t testing.TB, h http.Handler, path, kind string, body []byte) string {
	r := httptest.NewRequest("POST", path, bytes.NewReader(body))
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code >= 500 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w.Code >= 300 {
		return ""
	}
	return w.Body.String()
}

// Messages of Loki's push protocol as senders write them.
func field(n protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), b)
}

func lokiEntry(at time.Time, line string, meta ...string) []byte {
	var ts []byte
	ts = protowire.AppendVarint(protowire.AppendTag(ts, 1, protowire.VarintType), uint64(at.Unix()))
	ts = protowire.AppendVarint(protowire.AppendTag(ts, 2, protowire.VarintType), uint64(at.Nanosecond()))
	e := append(field(1, ts), field(2, []byte(line))...)
	for i := 0; i < len(meta); i += 2 {
		e = append(e, field(3, append(field(1, []byte(meta[i])), field(2, []byte(meta[i+1]))...))...)
	}
	return e
}

func lokiPush(labels string, entries ...[]byte) []byte {
	s := field(1, []byte(labels))
	for _, e := range entries {
		s = append(s, field(2, e)...)
	}
	s = append(s, protowire.AppendVarint(protowire.AppendTag(nil, 3, protowire.VarintType), 17)...) // hash
	return field(1, s)
}

var noon = time.Date(2026, 6, 1, 12, 0, 0, 123, time.UTC)

func TestLoki(t *testing.T) {
	s := start(t, Options{})
	asJSON := `{"streams":[
		{"stream":{"app":"gateway","account":"a1"},"values":[["1780315200000000123","` + marker + ` in plain"],["1780315200000000124","` + marker + ` too",{"model":"m"}]]},
		{"stream":{"app":"gateway"},"values":[
			["1780315200000000125",` + fmt.Sprintf("%q", native("", "a2", "record")) + `],
			["1780315200000000126","` + marker + `",{"user_id":"a3"}],
			["1780315200000000127","{\"account\":\"a4\",\"text\":\"without a time\"}"]]}]}`
	asProto := append(
		lokiPush(`{app="gateway", account="a1"}`, lokiEntry(noon, marker+" in plain"), lokiEntry(noon.Add(1), marker+" too", "model", "m")),
		lokiPush(`{app="gate\"way",}`, lokiEntry(noon.Add(2), native("", "a2", "record")), lokiEntry(noon.Add(3), marker, "user_id", "a3"),
			lokiEntry(noon.Add(4), `{"account":"a4","text":"without a time"}`))...)
	s.post(204, "/loki/api/v1/push", asJSON, "Content-Type", "application/json", "X-Scope-OrgID", "someone")
	s.holds(5, 4)
	// The same in another encoding, and sent again, counts once: times and words are the same.
	s.post(204, "/loki/api/v1/push", string(snappy.Encode(nil, asProto)), "Content-Type", "application/x-protobuf")
	s.post(204, "/loki/api/v1/push", string(snappy.Encode(nil, asProto)), "Content-Type", "application/x-protobuf", "Content-Encoding", "snappy")
	for encoding, b := range compressions(t, []byte(asJSON)) {
		s.post(204, "/loki/api/v1/push", string(b), "Content-Type", "application/json", "Content-Encoding", encoding)
	}
	s.holds(5, 4)
	if n := s.sent("a1"); n != 2 {
		t.Errorf("a1 has %d prompts", n)
	}

	// A mapped label, and lines that are no prompts beside one that is.
	s.post(204, "/loki/api/v1/push?account_field=tenant", `{"streams":[{"stream":{"tenant":"a5","account":"x"},"values":[["1780315200000000000","`+marker+`"]]}]}`, "Content-Type", "application/json")
	got := s.post(400, "/loki/api/v1/push", `{"streams":[{"stream":{},"values":[["1","`+marker+`"],["1780315200000000000",`+fmt.Sprintf("%q", native("", "a6", "good"))+`],["x","y"],[1],["1",2]]}]}`, "Content-Type", "application/json")
	if want := "4 of 5 lines are no prompts and were left out, the others were taken; the first: account is missing\n"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
	s.holds(7, 6)
	for body, kind := range map[string]string{
		"[" + marker: "application/json", marker: "application/x-protobuf",
		string(snappy.Encode(nil, []byte("\x0a\xff"))):                          "application/x-protobuf",
		string(snappy.Encode(nil, lokiPush(`{`+marker+`=`))):                    "application/x-protobuf",
		string(snappy.Encode(nil, lokiPush(`{a="b"`, lokiEntry(noon, marker)))): "",
	} {
		s.post(400, "/loki/api/v1/push", body, "Content-Type", kind)
	}
	if got, want := s.post(415, "/loki/api/v1/push", "x", "Content-Type", "text/plain"), "Content-Type: want application/json or application/x-protobuf\n"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
	if got, want := s.post(415, "/loki/api/v1/push", "x", "Content-Type", "application/json", "Content-Encoding", "br"), "Content-Encoding: want gzip, zstd, deflate or snappy\n"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
}

func TestParseLabels(t *testing.T) {
	got, err := parseLabels(`{ a="b", c = "d\"\n}" ,e="",} `)
	if diff := cmp.Diff([]promptlog.Field{{Name: "a", Value: "b"}, {Name: "c", Value: "d\"\n}"}, {Name: "e"}}, got); diff != "" || err != nil {
		t.Errorf("%s %v", diff, err)
	}
}

// otlpSpan is a request with one span, by the newest conventions.
func otlpSpan(account, text, id string) string {
	return `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"scopeSpans":[{"spans":[
	{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b1` + id + `","name":"chat m","startTimeUnixNano":"1780300800000000000","endTimeUnixNano":"1780300801000000000","attributes":[
		{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.request.model","value":{"stringValue":"m"}},
		{"key":"enduser.id","value":{"stringValue":"` + account + `"}},
		{"key":"gen_ai.input.messages","value":{"stringValue":"[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"` + text + `\"}]}]"}}]},
	{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"aaa19b7ec3c1b1` + id + `","name":"GET /","startTimeUnixNano":"1780300800000000000","attributes":[{"key":"http.method","value":{"stringValue":"GET"}}]}]}]}]}`
}

// keyValue and others write OTLP's protobuf.
func keyValue(key, value string) []byte {
	return append(field(1, []byte(key)), field(2, field(1, []byte(value)))...)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// protoSpan is a request with one span in protobuf.
func protoSpan(account, text string, n byte) []byte {
	start := protowire.AppendFixed64(protowire.AppendTag(nil, 7, protowire.Fixed64Type), uint64(noon.UnixNano()))
	span := join(field(1, bytes.Repeat([]byte{7}, 16)), field(2, []byte{1, 2, 3, 4, 5, 6, 7, n}), field(5, []byte("chat m")), start,
		field(9, keyValue("gen_ai.request.model", "m")), field(9, keyValue("gen_ai.input.messages", `[{"role":"user","parts":[{"type":"text","content":"`+text+`"}]}]`)))
	if account != "" {
		span = append(span, field(9, keyValue("user.id", account))...)
	}
	return field(1, join(field(1, field(1, keyValue("service.name", "s"))), field(2, field(2, span))))
}

// protoEvent is a request with one log record in protobuf, whose messages are
// structured.
func protoEvent(account, text string, n byte) []byte {
	kv := func(list ...[]byte) []byte { // an AnyValue that is a list of pairs
		var all []byte
		for _, e := range list {
			all = append(all, field(1, e)...)
		}
		return field(6, all)
	}
	array := func(e []byte) []byte { return field(5, field(1, e)) }
	pair := func(key string, value []byte) []byte { return append(field(1, []byte(key)), field(2, value)...) }
	message := kv(keyValue("role", "user"), pair("parts", array(kv(keyValue("type", "text"), keyValue("content", text)))))
	at := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), uint64(noon.UnixNano()))
	record := join(at, field(6, keyValue("user.id", account)), field(6, pair("gen_ai.input.messages", array(message))),
		field(9, bytes.Repeat([]byte{8}, 16)), field(10, []byte{1, 2, 3, 4, 5, 6, 7, n}), field(12, []byte("gen_ai.client.inference.operation.details")))
	return field(1, field(2, field(2, record)))
}

func TestOTLP(t *testing.T) {
	s := start(t, Options{})
	for range 2 { // sent again, it counts once
		for encoding, b := range compressions(t, []byte(otlpSpan("a1", marker, "01"))) {
			if got := s.post(200, "/v1/traces", string(b), "Content-Type", "application/json", "Content-Encoding", encoding); got != "{}" {
				t.Errorf("%s: %s", encoding, got)
			}
		}
		for encoding, b := range compressions(t, append(protoSpan("a2", marker, 1), protoSpan("a2", marker, 2)...)) {
			if got := s.post(200, "/v1/traces", string(b), "Content-Type", "application/x-protobuf", "Content-Encoding", encoding); got != "" {
				t.Errorf("%s: %q", encoding, got)
			}
		}
		s.post(200, "/v1/logs", string(protoEvent("a3", marker, 1)), "Content-Type", "application/x-protobuf")
	}
	s.holds(4, 3)
	if got, err := s.ix.Similar(t.Context(), marker, 0.9, 0); err != nil || len(got) != 4 {
		t.Errorf("%+v, %v", got, err)
	}

	// What should be a prompt and is not is rejected, in the request's encoding.
	if got, want := s.post(200, "/v1/traces", otlpSpan("", marker, "02"), "Content-Type", "application/json"),
		`{"partialSuccess":{"rejectedSpans":"1","errorMessage":"1 spans are no prompts and were left out; the first: account is missing"}}`; got != want {
		t.Errorf("got %s want %s", got, want)
	}
	got := s.post(200, "/v1/traces", string(append(protoSpan("", marker, 3), protoSpan("a4", marker, 4)...)), "Content-Type", "application/x-protobuf")
	var rejected uint64
	var words string
	if err := eachField([]byte(got), func(_ protowire.Number, _ uint64, b []byte) error {
		return eachField(b, func(n protowire.Number, v uint64, b []byte) error {
			if n == 1 {
				rejected = v
			} else {
				words = string(b)
			}
			return nil
		})
	}); err != nil || rejected != 1 || !strings.Contains(words, "account is missing") {
		t.Errorf("%d %q %v", rejected, words, err)
	}
	s.holds(5, 4)
	s.post(200, "/v1/traces?account_field=gen_ai.request.model", string(protoSpan("", marker, 5)), "Content-Type", "application/x-protobuf")
	s.holds(6, 5)
	if n := s.counts[OTLP]; n.Skipped != 2 || n.Unrelated == 0 {
		t.Errorf("counted %+v", n)
	}

	s.post(200, "/v1/logs", "", "Content-Type", "application/x-protobuf")
	s.post(200, "/v1/logs", "{}", "Content-Type", "application/json")
	s.post(400, "/v1/logs", marker, "Content-Type", "application/x-protobuf")
	if got, want := s.post(415, "/v1/logs", marker, "Content-Type", "text/plain"), `{"code":3,"message":"Content-Type: want application/json or application/x-protobuf"}`; got != want {
		t.Errorf("got %s want %s", got, want)
	}
	if got, want := s.post(400, "/v1/traces", "{"+marker, "Content-Type", "application/json"), `{"code":3,"message":"OTLP: malformed JSON at byte 2"}`; got != want {
		t.Errorf("got %s want %s", got, want)
	}
}

func TestJSONLine(t *testing.T) {
	s := start(t, Options{})
	lines := native("", "a1", "one") + "\n" + native("p", "a1", "two") + "\n" + `{"_msg":"` + marker + `","_time":"2026-06-01T08:00:00Z","who":{"key":"a2"},"mid":7}`
	var got Added
	for range 2 {
		got = Added{}
		decode(t, s.post(200, "/insert/jsonline", native("", "a1", "one")+"\n"+native("p", "a1", "two"), "Content-Type", "text/plain"), &got)
	}
	if got.Accepted != 2 || got.Duplicates != 2 {
		t.Errorf("%+v", got)
	}
	s.holds(2, 1)
	// VictoriaLogs' names for fields, in the query and in headers.
	line := lines[strings.LastIndexByte(lines, '\n')+1:]
	for range 2 {
		s.post(200, "/insert/jsonline?_msg_field=nothing,_msg&_time_field=_time&account_field=who.org,who.key&_stream_fields=x", line)
		s.post(200, "/insert/jsonline", line, "VL-Msg-Field", "_msg", "VL-Time-Field", "_time", "X-Chorus-Account-Field", "who.key")
		s.post(200, "/v1/prompts", line, "Content-Type", "application/x-ndjson", "X-Chorus-Text-Field", "_msg", "X-Chorus-Time-Field", "_time", "X-Chorus-Account-Field", "who.key", "X-Chorus-Make-Ids", "true")
		s.post(200, "/v1/prompts?make_ids=true&text_field=_msg&time_field=_time&account_field=who.key", "["+line+"]", "Content-Type", "application/json")
	}
	s.holds(3, 2)
	s.post(200, "/insert/jsonline?text_field=_msg&time_field=_time&account_field=who.key&id_field=mid", line)
	s.post(200, "/insert/jsonline?text_field=_msg&time_field=_time&account_field=who.key&make_ids=false&ip_field=mid", line)
	s.holds(5, 2)
	for _, format := range []string{"auto", "anthropic"} {
		decode(t, s.post(200, "/v1/prompts?format="+format, `{"timestamp":"2026-06-01T08:00:00Z","body":{"model":"claude-x","system":"s","metadata":{"user_id":"a3"},"messages":[{"role":"user","content":"`+marker+`"}]}}`, "Content-Type", "application/x-ndjson"), &got)
	}
	s.holds(7, 3)
	s.post(400, "/v1/prompts?format=sideways", "", "Content-Type", "application/x-ndjson")
	s.post(415, "/insert/jsonline", "", "Content-Encoding", "deflate")
}

func FuzzLokiProto(f *testing.F) {
	f.Add(lokiPush(`{a="b",c="d"}`, lokiEntry(noon, "line", "account", "x")))
	f.Add(lokiPush(`{}`, lokiEntry(noon, native("", "a", "x")), []byte("\x0a\x00")))
	s := start(f, Options{})
	h := handler(s.ix, Options{})
	f.Fuzz(func(t *testing.T, push []byte) {
		fuzzPost(t, h, "/loki/api/v1/push", protoType, push)
		fuzzPost(t, h, "/loki/api/v1/push", protoType, snappy.Encode(nil, push))
		fuzzPost(t, h, "/loki/api/v1/push", jsonType, push)
	})
}

func FuzzOTLP(f *testing.F) {
	f.Add(protoSpan("a", "x", 1), false)
	f.Add(protoEvent("a", "x", 1), false)
	f.Add([]byte(otlpSpan("a", "x", "01")), true)
	s := start(f, Options{})
	h := handler(s.ix, Options{})
	f.Fuzz(func(t *testing.T, request []byte, asJSON bool) {
		kind := protoType
		if asJSON {
			kind = jsonType
		}
		fuzzPost(t, h, "/v1/logs", kind, request)
		fuzzPost(t, h, "/v1/traces", kind, request)
	})
}

// TestBounds sends bodies that are small on the wire and would take much memory
// if all that they hold were held.
func TestBounds(t *testing.T) {
	s := start(t, Options{})
	many := func(unit string, n int) string { return strings.Repeat(unit, n) }
	good := native("", "a", "good")
	zeros := `{"account":"a","text":"` + marker + `","x":[0` + many(",0", maxValues) + `]}`
	if got := s.post(200, "/_bulk?filter_path=items.*.error.reason,items.*.status", "{\"index\":{}}\n"+zeros+"\n{\"index\":{}}\n"+good, "Content-Type", "application/x-ndjson"); !strings.Contains(got, `"status":201`) {
		t.Errorf("%s", got)
	}
	mixed := `{"request_id":"r","x":[0` + many(",0", maxValues) + `]}`
	if got := s.post(200, "/_bulk?filter_path=items.*.error", "{\"index\":{}}\n"+mixed, "Content-Type", "application/x-ndjson"); !strings.Contains(got, "more than 262144 JSON values") {
		t.Errorf("%s", got)
	}
	if got := s.post(200, "/insert/jsonline", mixed+"\n"+strings.Replace(good, `"account"`, `"user_id"`, 1)); !strings.Contains(got, `"accepted":1`) {
		t.Errorf("%s", got)
	}
	if got := s.post(400, "/insert/jsonline", "PAR1"+marker); !strings.Contains(got, "Parquet is read from files only") {
		t.Errorf("%s", got)
	}
	if got := s.post(400, "/_bulk", `{"index":{}`+many(" ", maxAction)+"}\n"+good); !strings.Contains(got, "longer than") {
		t.Errorf("%s", got)
	}
	push := "/loki/api/v1/push"
	s.post(413, push, `{"streams":[{}`+many(",{}", maxItems)+`]}`, "Content-Type", jsonType)
	s.post(413, push, `{"streams":[{"values":[[]`+many(",[]", maxItems)+`]}]}`, "Content-Type", jsonType)
	s.post(413, push, string(snappy.Encode(nil, []byte(many("\x0a\x00", maxItems+1)))), "Content-Type", protoType)
	s.post(413, push, string(snappy.Encode(nil, lokiPush("{}", bytes.Split(bytes.Repeat([]byte{0xff}, maxItems), []byte{0xff})...))), "Content-Type", protoType)
	s.post(400, push, string(snappy.Encode(nil, lokiPush("{"+many(`a="b",`, maxLabels+1)+"}"))), "Content-Type", protoType)
	meta := make([]string, 2*maxLabels+2)
	s.post(400, push, string(snappy.Encode(nil, lokiPush("{}", lokiEntry(noon, good, meta...)))), "Content-Type", protoType)
	s.post(413, "/v1/traces", string(field(1, field(2, []byte(many("\x12\x00", maxItems+1))))), "Content-Type", protoType)
	if got := s.post(200, "/v1/traces", string(append(field(1, field(2, field(2, []byte(many("\x4a\x00", maxValues+1))))), protoSpan("a9", marker, 9)...)), "Content-Type", protoType); !strings.Contains(got, "more than 262144 JSON values") {
		t.Errorf("%q", got)
	}
	if n := s.sent("a9"); n != 1 {
		t.Errorf("the span beside it counts %d times", n)
	}
}
