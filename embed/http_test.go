package embed

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/seed-368d3dfa/chorus/index"
)

func msgs(pairs ...string) (m []index.Message) {
	for i := 0; i < len(pairs); i += 2 {
		m = append(m, index.Message{Role: pairs[i], Content: pairs[i+1]})
	}
	return m
}

var bodies = []struct {
	name, body string
	want       index.Prompt
	bad        bool
}{
	{name: "chat completions", body: `{"model":"m","user":"u","messages":[{"role":"developer","content":"be brief"},{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"x"}},{"type":"text","text":"here"}]},{"role":"assistant","content":null,"tool_calls":[]},{"role":"tool","content":"42"}]}`,
		want: index.Prompt{Account: "u", Model: "m", Messages: msgs("developer", "be brief", "user", "look\nhere", "tool", "42")}},
	{name: "safety identifier first", body: `{"user":"u","safety_identifier":"s","messages":[{"role":"user","content":"hi"}]}`,
		want: index.Prompt{Account: "s", Messages: msgs("user", "hi")}},
	{name: "responses, string", body: `{"model":"m","safety_identifier":"s","instructions":"be brief","input":"hello"}`,
		want: index.Prompt{Account: "s", Model: "m", Messages: msgs("system", "be brief", "user", "hello")}},
	{name: "responses, items", body: `{"user":"u","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"one"},{"type":"input_image"}]},{"type":"function_call_output","output":"no"},{"role":"assistant","content":[{"type":"output_text","text":"two"}]},{"role":"user","content":"three"}]}`,
		want: index.Prompt{Account: "u", Messages: msgs("user", "one", "assistant", "two", "user", "three")}},
	{name: "messages", body: ` {"model":"m","max_tokens":5,"system":"be brief","metadata":{"user_id":"u"},"messages":[{"role":"user","content":"hello"}]}`,
		want: index.Prompt{Account: "u", Model: "m", Messages: msgs("system", "be brief", "user", "hello")}},
	{name: "messages, blocks", body: `{"metadata":{"user_id":"{\"device_id\":\"d\",\"account_uuid\":\"u\",\"session_id\":\"s\"}"},"system":[{"type":"text","text":"be","cache_control":{"type":"ephemeral"}},{"type":"text","text":"brief"}],"messages":[{"role":"user","content":[{"type":"tool_result","content":"no"},{"type":"document","text":"no"},{"type":"text","text":"yes"}]}]}`,
		want: index.Prompt{Account: "u", Messages: msgs("system", "be\nbrief", "user", "yes")}},
	{name: "a session is no account", body: `{"metadata":{"user_id":"user_1_account_2_session_3"},"messages":[{"role":"user","content":"hi"}]}`,
		want: index.Prompt{Account: "user_1_account_2", Messages: msgs("user", "hi")}},
	{name: "odd types", body: `{"model":5,"user":{},"metadata":"x","system":7,"safety_identifier":"s","messages":[1,null,"x",{"role":3,"content":"no"},{"role":"user","content":{"text":"no"}},{"role":"user","content":["a",3,{"type":"text","text":4}]}]}`,
		want: index.Prompt{Account: "s", Messages: msgs("user", "a")}},
	{name: "completions", body: `{"model":"m","user":"u","prompt":"go on"}`, want: index.Prompt{Account: "u", Model: "m", Messages: msgs("user", "go on")}},
	{name: "completions, several", body: `{"user":"u","prompt":["one","",7,"two"]}`, want: index.Prompt{Account: "u", Messages: msgs("user", "one", "user", "two")}},
	{name: "completions, tokens", body: `{"user":"u","prompt":[[1,2],[3]]}`, bad: true},
	{name: "responses, a stored prompt", body: `{"user":"u","prompt":{"id":"pmpt_1"},"input":"hello"}`, want: index.Prompt{Account: "u", Messages: msgs("user", "hello")}},
	{name: "gemini", body: `{"labels":{"x":"y"},"user":"u","systemInstruction":{"parts":[{"text":"be"},{"text":"brief"}]},"contents":[{"role":"user","parts":[{"text":"look"},{"inlineData":{"data":"x"}},{"text":"here"}]},{"role":"model","parts":[{"text":"I see"}]},{"parts":[{"text":"and now?"}]},{"role":"user","parts":[{"functionResponse":{"response":{"text":"no"}}}]}]}`,
		want: index.Prompt{Account: "u", Messages: msgs("system", "be\nbrief", "user", "look\nhere", "assistant", "I see", "user", "and now?")}},
	{name: "gemini, the other spelling", body: `{"user":"u","system_instruction":{"parts":{"text":"no"}},"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`,
		want: index.Prompt{Account: "u", Messages: msgs("user", "hi")}},
	{name: "converse", body: `{"user":"u","system":[{"text":"be brief"}],"messages":[{"role":"user","content":[{"text":"hi"},{"image":{"format":"png"}},{"toolResult":{"content":[{"text":"no"}]}}]}]}`,
		want: index.Prompt{Account: "u", Messages: msgs("system", "be brief", "user", "hi")}},
	{name: "titan", body: `{"user":"u","inputText":"hi","textGenerationConfig":{}}`, want: index.Prompt{Account: "u", Messages: msgs("user", "hi")}},
	{name: "no account", body: `{"messages":[{"role":"user","content":"secret"}]}`, bad: true},
	{name: "no text", body: `{"user":"u","messages":[]}`, bad: true},
	{name: "another API's", body: `{"user":"u","to":"x"}`, bad: true},
	{name: "cut", body: `{"user":"u","messages":[{"role":"user","content":"secret`, bad: true},
	{name: "array", body: `[{"user":"u"}]`, bad: true},
	{name: "white space", body: "  \n", bad: true},
}

func TestDecodeBody(t *testing.T) {
	for _, test := range bodies {
		var got index.Prompt
		err := decodeBody([]byte(test.body), &got)
		if err == nil {
			err = got.Validate()
		}
		if test.bad {
			if err == nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", test.name, err, diff)
		}
	}
}

// A path says whether a request asks a model, and which.
func TestPaths(t *testing.T) {
	for path, want := range map[string]struct {
		asks  bool
		model string
	}{
		"/v1/chat/completions":                     {true, ""},
		"/v1/completions/":                         {true, ""},
		"/v1/responses":                            {true, ""},
		"/v1/messages":                             {true, ""},
		"/openai/deployments/d-1/chat/completions": {true, "d-1"},
		"/v1beta/models/gemini-2.0-flash:streamGenerateContent":                    {true, "gemini-2.0-flash"},
		"/v1/projects/p/locations/l/publishers/anthropic/models/claude:rawPredict": {true, "claude"},
		"/model/us.anthropic.claude-v1:0/converse-stream":                          {true, "us.anthropic.claude-v1:0"},
		"/model/arn:aws:bedrock:us-east-1:1:inference-profile/x/invoke":            {true, "arn:aws:bedrock:us-east-1:1:inference-profile/x"},
		"/v1/messages/count_tokens":                                                {},
		"/v1beta/models/gemini-2.0-flash:countTokens":                              {},
		"/v1/models":          {},
		"/model/x/converse/y": {},
		"/":                   {},
	} {
		r := httptest.NewRequest("POST", path, nil)
		if asksModel(r) != want.asks || modelIn(path) != want.model {
			t.Errorf("%s: %v %q", path, asksModel(r), modelIn(path))
		}
	}
	if asksModel(httptest.NewRequest("GET", "/v1/responses", nil)) {
		t.Error("a GET asks")
	}
}

func pack(t testing.TB, encoding, s string) []byte {
	var b bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zstd":
		w, _ = zstd.NewWriter(&b)
	default:
		return []byte(s)
	}
	io.WriteString(w, s)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const chat = `{"model":"m","user":"u","messages":[{"role":"user","content":"hello"}]}`

// Whatever the body, and however it comes, the handler gets it as it is.
func TestMiddleware(t *testing.T) {
	for _, test := range []struct {
		name, path, encoding, body string
		opts                       HTTPOptions
		header                     http.Header
		chunked                    bool
		read                       func(io.Reader) // nil: all
		want                       []index.Prompt
		stats                      Stats
	}{
		{name: "key", path: "/v1/chat/completions", body: chat, header: http.Header{"Authorization": {"Bearer sk-1"}},
			want: []index.Prompt{{Account: key("sk-1"), Model: "m", Messages: msgs("user", "hello")}}},
		{name: "other keys", path: "/v1/messages/", body: chat, header: http.Header{"X-Api-Key": {"sk-1"}, "Authorization": {"Bearer x"}},
			want: []index.Prompt{{Account: key("sk-1"), Model: "m", Messages: msgs("user", "hello")}}},
		{name: "body's account", path: "/openai/responses", body: chat, want: []index.Prompt{{Account: "u", Model: "m", Messages: msgs("user", "hello")}}},
		{name: "header, id and attributes", path: "/v1/messages", body: chat, header: http.Header{"X-Account": {"a"}, "X-Id": {"7"}},
			opts: HTTPOptions{Account: AccountFromHeader("X-Account"), ID: AccountFromHeader("X-Id"), Attrs: func(r *http.Request) map[string]string { return map[string]string{"path": r.URL.Path} }},
			want: []index.Prompt{{ID: "7", Account: "a", Model: "m", Messages: msgs("user", "hello"), Attrs: map[string]string{"path": "/v1/messages"}}}},
		{name: "gzip", path: "/v1/messages", encoding: "gzip", body: chat, want: []index.Prompt{{Account: "u", Model: "m", Messages: msgs("user", "hello")}}},
		{name: "zstd", path: "/v1/messages", encoding: "zstd", body: chat, want: []index.Prompt{{Account: "u", Model: "m", Messages: msgs("user", "hello")}}},
		{name: "bomb", path: "/v1/messages", encoding: "gzip", body: chat + strings.Repeat(" ", 10000), opts: HTTPOptions{BodyBytes: 1000}, stats: Stats{TooLarge: 1}},
		{name: "br", path: "/v1/messages", encoding: "br", body: chat, stats: Stats{Invalid: 1}},
		{name: "chunked", path: "/v1/messages", body: chat, chunked: true, want: []index.Prompt{{Account: "u", Model: "m", Messages: msgs("user", "hello")}}},
		{name: "too large", path: "/v1/messages", body: chat, opts: HTTPOptions{BodyBytes: len(chat) - 1}, stats: Stats{TooLarge: 1}},
		{name: "too large, chunked", path: "/v1/messages", body: chat, chunked: true, opts: HTTPOptions{BodyBytes: len(chat) - 1}, stats: Stats{TooLarge: 1}},
		{name: "just right", path: "/v1/messages", body: chat, chunked: true, opts: HTTPOptions{BodyBytes: len(chat)}, want: []index.Prompt{{Account: "u", Model: "m", Messages: msgs("user", "hello")}}},
		{name: "another path", path: "/v1/embeddings", body: chat},
		{name: "matched by the host", path: "/chat", body: chat, opts: HTTPOptions{Match: func(r *http.Request) bool { return r.URL.Path == "/chat" }}, want: []index.Prompt{{Account: "u", Model: "m", Messages: msgs("user", "hello")}}},
		{name: "not read", path: "/v1/messages", body: chat, read: func(io.Reader) {}},
		{name: "half read", path: "/v1/messages", body: chat, read: func(r io.Reader) { io.ReadFull(r, make([]byte, 30)) }},
		{name: "read to the brace", path: "/v1/messages", body: chat, chunked: true, read: func(r io.Reader) { io.ReadFull(r, make([]byte, len(chat))) }, want: []index.Prompt{{Account: "u", Model: "m", Messages: msgs("user", "hello")}}},
		{name: "decoded", path: "/v1/messages", body: chat, read: func(r io.Reader) { var v any; json.NewDecoder(r).Decode(&v) }, want: []index.Prompt{{Account: "u", Model: "m", Messages: msgs("user", "hello")}}},
		{name: "no body", path: "/v1/messages"},
		{name: "not JSON", path: "/v1/messages", body: "secret", stats: Stats{Invalid: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := &fake{}
			tap := newTap(t, f, nil)
			wrap, err := Middleware(tap, &test.opts)
			if err != nil {
				t.Fatal(err)
			}
			packed := pack(t, test.encoding, test.body)
			var seen []byte
			srv := httptest.NewServer(wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if test.read != nil {
					test.read(r.Body)
				} else if seen, err = io.ReadAll(iotest.OneByteReader(r.Body)); err != nil {
					t.Error(err)
				}
				if !test.chunked && r.ContentLength != int64(len(packed)) {
					t.Errorf("length is %d", r.ContentLength)
				}
			})))
			defer srv.Close()
			var body io.Reader = bytes.NewReader(packed)
			if test.chunked {
				body = io.MultiReader(body) // whose length net/http does not know
			}
			r, err := http.NewRequest("POST", srv.URL+test.path, body)
			if err != nil {
				t.Fatal(err)
			}
			if test.header != nil {
				r.Header = test.header
			}
			if test.encoding != "" {
				r.Header.Set("Content-Encoding", test.encoding)
			}
			resp, err := srv.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			srv.Close()
			if test.read == nil && !bytes.Equal(seen, packed) {
				t.Errorf("the handler read %q", seen)
			}
			s := closeTap(t, tap)
			got := f.taken()
			for i := range got {
				got[i].Time = time.Time{}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if s.Invalid != test.stats.Invalid || s.TooLarge != test.stats.TooLarge || s.Received != uint64(len(test.want))+s.Invalid+s.TooLarge || strings.Contains(s.LastError, "secret") {
				t.Errorf("stats are %+v", s)
			}
		})
	}
}

func key(k string) string {
	r := &http.Request{Header: http.Header{"Api-Key": {k}}}
	return AccountFromKey(nil)(r)
}

func TestAccountFromKey(t *testing.T) {
	got := map[string]bool{}
	for _, h := range []http.Header{{"Authorization": {"Bearer sk-1"}}, {"Authorization": {"bearer  sk-1 "}}, {"Authorization": {"sk-1"}}, {"X-Api-Key": {"sk-1"}}, {"Api-Key": {"sk-1"}}, {"X-Goog-Api-Key": {"sk-1"}}} {
		account := AccountFromKey(nil)(&http.Request{Header: h})
		got[account] = true
		if !strings.HasPrefix(account, "key-") || len(account) != 36 || strings.Contains(account, "sk-1") {
			t.Errorf("account is %q", account)
		}
	}
	got[AccountFromKey(nil)(httptest.NewRequest("POST", "/v1beta/models/m:generateContent?alt=sse&key=sk-1", nil))] = true
	if len(got) != 1 {
		t.Errorf("one key has %d accounts", len(got))
	}
	r := &http.Request{Header: http.Header{"Api-Key": {"sk-1"}}}
	if AccountFromKey([]byte("secret"))(r) == AccountFromKey(nil)(r) {
		t.Error("the secret changes nothing")
	}
	if a := AccountFromKey(nil)(&http.Request{Header: http.Header{"Authorization": {""}}}); a != "" {
		t.Errorf("no key has the account %q", a)
	}
}

// A handler that panics, as http.ErrAbortHandler has it, leaves nothing behind.
func TestMiddlewarePanic(t *testing.T) {
	tap := newTap(t, &fake{}, nil)
	wrap, _ := Middleware(tap, nil)
	h := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.ReadFull(r.Body, make([]byte, 10))
		panic(http.ErrAbortHandler)
	}))
	func() {
		defer func() {
			if recover() != http.ErrAbortHandler {
				t.Error("the panic is gone")
			}
		}()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/v1/messages", strings.NewReader(chat)))
	}()
	if s := closeTap(t, tap); s.Received != 0 {
		t.Errorf("stats are %+v", s)
	}
}

// A handler that reads as many bytes as the request says, and no end, has read it.
func TestMiddlewareByLength(t *testing.T) {
	for _, left := range []int{0, 1} {
		f := &fake{}
		tap := newTap(t, f, nil)
		wrap, _ := Middleware(tap, nil)
		h := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadFull(r.Body, make([]byte, int(r.ContentLength)-left)); err != nil {
				t.Error(err)
			}
		}))
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/v1/messages", strings.NewReader(chat)))
		if s := closeTap(t, tap); s.Received != uint64(1-left) || s.Added != s.Received {
			t.Errorf("%d bytes left: stats are %+v", left, s)
		}
	}
}

// In front of a reverse proxy bodies are read by another goroutine.
func TestMiddlewareBeforeProxy(t *testing.T) {
	got := make(chan string, 100)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- string(b)
	}))
	defer backend.Close()
	f := &fake{}
	tap := newTap(t, f, nil)
	target, _ := url.Parse(backend.URL)
	proxy := httputil.NewSingleHostReverseProxy(target)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	proxy.Transport = transport
	wrap, _ := Middleware(tap, nil)
	front := httptest.NewServer(wrap(proxy))
	defer front.Close()
	for range 50 {
		resp, err := front.Client().Post(front.URL+"/v1/chat/completions", "application/json", strings.NewReader(chat))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if b := <-got; b != chat {
			t.Fatalf("backend got %q", b)
		}
	}
	if s := closeTap(t, tap); s.Added != 50 || s.Received != 50 {
		t.Errorf("stats are %+v", s)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTransport(t *testing.T) {
	type ctxKey struct{}
	for _, test := range []struct {
		name    string
		body    io.Reader
		chunked bool
		opts    *HTTPOptions
		fail    bool
		want    Stats
		account string
	}{
		{name: "in memory", body: strings.NewReader(chat), want: Stats{Received: 1, Added: 1}, account: "u"},
		{name: "stream", body: io.MultiReader(strings.NewReader(chat)), want: Stats{Received: 1, Added: 1}, account: "u"},
		{name: "account", body: strings.NewReader(chat), opts: &HTTPOptions{Account: func(r *http.Request) string { return r.Context().Value(ctxKey{}).(string) }}, want: Stats{Received: 1, Added: 1}, account: "ctx"},
		{name: "failed", body: strings.NewReader(chat), fail: true},
		{name: "too large", body: strings.NewReader(chat), opts: &HTTPOptions{BodyBytes: 10}, want: Stats{Received: 1, TooLarge: 1, LastError: errBody.Error()}},
		{name: "too large a stream", body: io.MultiReader(strings.NewReader(chat)), opts: &HTTPOptions{BodyBytes: 10}, want: Stats{Received: 1, TooLarge: 1, LastError: errBody.Error()}},
		{name: "none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := &fake{}
			tap := newTap(t, f, nil)
			var sent string
			rt, err := NewTransport(tap, roundTrip(func(r *http.Request) (*http.Response, error) {
				if r.Body != nil {
					b, _ := io.ReadAll(r.Body)
					r.Body.Close()
					sent = string(b)
				}
				if test.fail {
					return nil, errors.New("refused")
				}
				return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
			}), test.opts)
			if err != nil {
				t.Fatal(err)
			}
			r, err := http.NewRequestWithContext(context.WithValue(context.Background(), ctxKey{}, "ctx"), "POST", "http://x/v1/messages", test.body)
			if err != nil {
				t.Fatal(err)
			}
			was := r.Body
			if _, err := rt.RoundTrip(r); (err != nil) != test.fail {
				t.Error(err)
			}
			if r.Body != was {
				t.Error("the request has changed")
			}
			if test.body != nil && sent != chat {
				t.Errorf("sent %q", sent)
			}
			s := closeTap(t, tap)
			if diff := cmp.Diff(test.want, s); diff != "" {
				t.Error(diff)
			}
			for _, p := range f.taken() {
				if p.Account != test.account {
					t.Errorf("account is %q", p.Account)
				}
			}
		})
	}
}

// A redirect sends the same prompt again; it is one prompt.
func TestTransportRedirect(t *testing.T) {
	var got []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = append(got, string(b))
		if r.URL.Path == "/a/messages" {
			http.Redirect(w, r, "/b/messages", http.StatusTemporaryRedirect)
		}
	}))
	defer srv.Close()
	tap := newTap(t, &fake{}, nil)
	next := &http.Transport{}
	defer next.CloseIdleConnections()
	rt, err := NewTransport(tap, next, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: rt}).Post(srv.URL+"/a/messages", "application/json", strings.NewReader(chat))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if s := closeTap(t, tap); s.Added != 1 || len(got) != 2 || got[0] != chat || got[1] != chat {
		t.Errorf("stats are %+v, the server got %q", s, got)
	}
}

func TestBadHTTPOptions(t *testing.T) {
	tap := newTap(t, &fake{}, nil)
	bad := &HTTPOptions{BodyBytes: -1}
	if _, err := Middleware(tap, bad); err == nil {
		t.Error("Middleware took bodies of -1 bytes")
	}
	if _, err := NewTransport(tap, nil, bad); err == nil {
		t.Error("NewTransport took bodies of -1 bytes")
	}
	if _, err := Middleware(nil, nil); err == nil {
		t.Error("Middleware took no tap")
	}
	if _, err := NewTransport(nil, nil, nil); err == nil {
		t.Error("NewTransport took no tap")
	}
	if rt, err := NewTransport(tap, nil, nil); err != nil || rt.(*transport).next != http.DefaultTransport {
		t.Error("NewTransport has no default")
	}
}
