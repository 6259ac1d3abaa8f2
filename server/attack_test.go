package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/intake"
)

// serving starts Server.Serve itself, whose limits an httptest.Server lacks.
// When the test ends the server must still take a prompt, and have let go of
// everybody.
func serving(t *testing.T, o Options) (s *service, address string) {
	s = start(t, o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.s.Serve(ctx, l) }()
	s.url = "http://" + l.Addr().String()
	if raw(t, l.Addr().String(), "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") == nil { // once it answers, all its goroutines are there
		t.Fatal("the server does not answer")
	}
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		s.alive()
		http.DefaultClient.CloseIdleConnections()
		for i := 0; runtime.NumGoroutine() > before+2; i++ {
			if i == 6000 {
				b := make([]byte, 1<<20)
				t.Errorf("%d goroutines more than before:\n%s", runtime.NumGoroutine()-before, b[:runtime.Stack(b, true)])
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s, l.Addr().String()
}

// alive checks that the server takes a prompt and counts it.
func (s *service) alive() {
	s.t.Helper()
	var before, after index.Stats
	get := func(v any) {
		resp, err := http.Get(s.url + "/v1/stats")
		if err != nil {
			s.t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
			s.t.Fatal(err)
		}
	}
	get(&before)
	resp, err := http.Post(s.url+"/v1/prompts", "application/json", strings.NewReader(fmt.Sprintf(`{"account":"alive","text":"still there %d"}`, before.Prompts)))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		s.t.Errorf("the server answers %d", resp.StatusCode)
	}
	if get(&after); after.Prompts != before.Prompts+1 {
		s.t.Errorf("%d prompts, want %d", after.Prompts, before.Prompts+1)
	}
}

// raw sends bytes and returns the answer, nil if the server hung up without one.
func raw(t *testing.T, address, request string) *http.Response {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	go io.WriteString(c, request) // the server may answer before it has read all
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil
	}
	b, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(b))
	return resp
}

// refused checks that an answer is a problem of a status, without any text.
func refused(t *testing.T, name string, resp *http.Response, status int) {
	t.Helper()
	if resp == nil {
		t.Errorf("%s: no answer", name)
		return
	}
	body, _ := io.ReadAll(resp.Body)
	var p failure
	if err := json.Unmarshal(body, &p); err != nil || resp.StatusCode != status || p.Status != status || resp.Header.Get("Content-Type") != problemKind {
		t.Errorf("%s: %d %s, want %d", name, resp.StatusCode, body, status)
	}
	if bytes.Contains(body, []byte(marker)) || len(body) > 2000 {
		t.Errorf("%s: the answer repeats what was sent: %.200s", name, body)
	}
}

func compressed(t *testing.T, kind string, n int, unit string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if kind == "zstd" {
		var err error
		if w, err = zstd.NewWriter(&b, zstd.WithWindowSize(1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	chunk := strings.Repeat(unit, 1<<20/len(unit))
	for range n {
		if _, err := io.WriteString(w, chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestBombs sends little that becomes much: it is refused before it has taken
// memory, and the good lines before the bound are kept and counted.
func TestBombs(t *testing.T) {
	s, _ := serving(t, Options{BodyBytes: 1 << 20, StreamBytes: 8 << 20})
	var peak, before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for _, kind := range []string{"gzip", "zstd"} {
		spaces := compressed(t, kind, 64, " ")
		for _, path := range []string{"/v1/prompts", "/v1/similar", "/v1/labels"} {
			var p failure
			resp := s.do("POST", path, "application/json", spaces, &p, "Content-Encoding", kind)
			if resp.StatusCode != 413 || p.Status != 413 {
				t.Errorf("%s %s: %d %+v", kind, path, resp.StatusCode, p)
			}
		}
		var p struct {
			failure
			intake.Added
		}
		s.do("POST", "/v1/prompts", "application/x-ndjson", compressed(t, kind, 16, prompt("", "a", marker)+"\n"), &p, "Content-Encoding", kind)
		if p.Status != 413 || p.Added.Accepted == 0 {
			t.Errorf("%s lines: %+v", kind, p)
		}
		one := compressed(t, kind, 32, "x")
		resp := s.do("POST", "/v1/prompts", "application/x-ndjson", one, nil, "Content-Encoding", kind)
		if resp.StatusCode != 413 {
			t.Errorf("%s one line: %d", kind, resp.StatusCode)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&peak)
	if grown := int64(peak.HeapAlloc) - int64(before.HeapAlloc); grown > 200<<20 {
		t.Errorf("the heap has grown by %d MiB", grown>>20)
	}
	nested := s.do("POST", "/v1/prompts", "application/json", []byte(strings.Repeat("[", 500_000)), nil)
	if nested.StatusCode != 400 {
		t.Errorf("nested: %d", nested.StatusCode)
	}
	nested = s.do("POST", "/v1/similar", "application/json", []byte(`{"text":"x","more":`+strings.Repeat(`{"a":`, 100_000)), nil)
	if nested.StatusCode != 400 {
		t.Errorf("nested objects: %d", nested.StatusCode)
	}
}

// TestMalformed sends bodies that are not what they say.
func TestMalformed(t *testing.T) {
	s, address := serving(t, Options{Pause: time.Second})
	gz := compressed(t, "gzip", 1, "{}")
	broken := bytes.Clone(gz)
	broken[len(broken)/2] ^= 0xff
	for _, test := range []struct {
		name, path, kind string
		body             []byte
		status           int
	}{
		{"cut gzip", "/v1/prompts", "application/json", gz[:len(gz)/2], 400},
		{"broken gzip", "/v1/prompts", "application/json", broken, 400},
		{"cut gzip", "/v1/labels", "application/json", gz[:len(gz)/2], 400},
		{"not gzip", "/v1/prompts", "application/json", []byte("\x1f\x8b" + marker), 400},
		{"not zstd", "/v1/prompts", "application/json", []byte("\x28\xb5\x2f\xfd" + marker), 400},
		{"nothing", "/v1/prompts", "application/json", nil, 400},
		{"nothing", "/v1/similar", "application/json", nil, 400},
		{"nothing", "/v1/labels", "application/json", nil, 422},
		{"NUL", "/v1/prompts", "application/json", []byte("{\x00" + marker + "}"), 400},
		{"UTF-16", "/v1/prompts", "application/json", []byte("\xff\xfe{\x00}\x00"), 400},
		{"a lone surrogate", "/v1/similar", "application/json", []byte(`{"text":["\ud800 ` + marker + `"]}`), 400},
		{"multipart", "/v1/prompts", "multipart/form-data; boundary=x", []byte("--x--"), 415},
		{"XML", "/v1/labels", "text/xml", []byte("<!DOCTYPE x [<!ENTITY a '" + marker + "'>]>"), 415},
		{"a bad kind", "/v1/prompts", "application/json; charset", []byte("{}"), 400},
	} {
		var b bytes.Buffer
		b.Write(test.body)
		r, err := http.NewRequest("POST", s.url+test.path, &b)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", test.kind)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, test.name+" to "+test.path, resp, test.status)
		resp.Body.Close()
	}
	for name, request := range map[string]string{
		"a cut body":        "POST /v1/prompts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"a bad chunk":       "POST /v1/prompts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"two lengths":       "POST /v1/prompts HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
		"smuggling":         "POST /v1/prompts HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
		"no host":           "GET /v1/stats HTTP/1.1\r\n\r\n",
		"no HTTP":           "\x16\x03\x01" + marker + "\r\n\r\n",
		"a bad header":      "GET /v1/stats HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n",
		"a header with NUL": "GET /v1/stats HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n",
	} {
		resp := raw(t, address, request)
		if resp != nil && (resp.StatusCode < 400 || resp.StatusCode >= 500 && resp.StatusCode != 501) {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
}

// TestSlow has clients that send a little at a time, or nothing more: each is
// let go after a pause, and what whole lines they sent is kept.
func TestSlow(t *testing.T) {
	s, address := serving(t, Options{Pause: time.Second})
	for name, request := range map[string]string{
		"body":  "POST /v1/prompts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"account\":",
		"query": "POST /v1/similar HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"text\":",
		"label": "POST /v1/labels HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
	} {
		refused(t, name, raw(t, address, request), 408)
	}
	lines := prompt("slow-1", "a", marker) + "\n" + prompt("slow-2", "b", marker) + "\n" + prompt("slow-3", "c", marker)[:40]
	resp := raw(t, address, fmt.Sprintf("POST /v1/prompts HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(lines), lines))
	if resp == nil {
		t.Fatal("a slow stream: no answer")
	}
	var p struct {
		failure
		intake.Added
	}
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || p.Status != 408 || p.Added.Accepted != 2 {
		t.Errorf("a slow stream: %+v, %v", p, err)
	}
	stats, err := s.ix.Stats(t.Context())
	if err != nil || stats.Prompts != 2 {
		t.Errorf("%d prompts, %v", stats.Prompts, err)
	}

	// A client that never reads its answer holds up nobody else.
	s.spread("albatross", 26)
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 50 {
		if _, err := io.WriteString(c, "GET /v1/templates?members=true&limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			break // it has hung up
		}
	}
	s.alive()
}

// TestSlowHeaders opens many connections that never finish their headers.
func TestSlowHeaders(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for time-outs")
	}
	s, address := serving(t, Options{})
	var all []net.Conn
	for range 200 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "GET /v1/stats HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		all = append(all, c)
	}
	s.alive()
	for _, c := range all {
		c.SetReadDeadline(time.Now().Add(2 * time.Minute))
		if _, err := io.Copy(io.Discard, c); err != nil { // the server hangs up
			t.Fatalf("a connection is still open: %v", err)
		}
	}
}

// TestHeaderFlood sends more headers than the server reads.
func TestHeaderFlood(t *testing.T) {
	_, address := serving(t, Options{})
	var many strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&many, "X-%d: %s\r\n", i, marker)
	}
	for name, headers := range map[string]string{
		"many": many.String(), "long": "X-Long: " + strings.Repeat("x", 10<<20) + "\r\n", "a long cookie": "Cookie: " + strings.Repeat("a=b; ", 1<<20) + "\r\n",
	} {
		resp := raw(t, address, "GET /v1/stats HTTP/1.1\r\nHost: x\r\n"+headers+"\r\n")
		if resp == nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: %v", name, resp)
		}
	}
	if resp := raw(t, address, "GET /v1/similar?text="+strings.Repeat("x", 10<<20)+" HTTP/1.1\r\nHost: x\r\n\r\n"); resp == nil || resp.StatusCode/100 != 4 {
		t.Errorf("a long query: %v", resp)
	}
}

// TestPaths tries paths that mean to lead elsewhere.
func TestPaths(t *testing.T) {
	s, address := serving(t, Options{})
	long := strings.Repeat("x", 50_000)
	for path, status := range map[string]int{
		"/v1/templates/../stats":            404,
		"/v1/./stats":                       404,
		"//v1/stats":                        404,
		"/v1//stats":                        404,
		"/../../etc/passwd":                 404,
		"/docs/../../etc/passwd":            404,
		"/docs/%2e%2e/%2e%2e/etc/passwd":    404,
		"/docs/..%2f..%2fserver.go":         404,
		"/docs/docs.go":                     404,
		"/v1/templates/..%2f..%2fetc":       404,
		"/v1/templates/%2e%2e":              404,
		"/v1/templates/t1%00":               404,
		"/v1/templates/" + long:             404,
		"/v1/campaigns/" + long + "/matrix": 404,
		"/v1/campaigns/c1%2fmatrix":         404,
		"/v1/campaigns/c1%0d%0aX:%20y":      404,
		"/v1/campaigns/c01":                 404,
		"/v1/accounts/a%2fb":                404,
		"/v1/accounts/%00":                  404,
		"/v1/accounts/%ff%fe":               404,
		"/v1/accounts/" + url.PathEscape(`"><script>alert(1)</script>`): 404,
		"/v1/stats/": 404,
		"/v1/Stats":  404,
		"/%zz":       400,
	} {
		resp := raw(t, address, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if status == 404 {
			refused(t, path[:min(len(path), 60)], resp, status)
		} else if resp == nil || resp.StatusCode != status {
			t.Errorf("%s: %v", path, resp)
		}
	}
	for _, target := range []string{"http://evil.example/v1/stats", "*", "evil.example:80"} {
		if resp := raw(t, address, "GET "+target+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); resp != nil && resp.StatusCode >= 300 && resp.StatusCode < 400 {
			t.Errorf("%s: %d to %s", target, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
	// An account's id may be anything; escaped it is found.
	for _, id := range []string{"a/b", "..", "a b?c#d%", "ü\u202e", `"><script>`} {
		body, _ := json.Marshal(map[string]string{"account": id, "text": "hello"})
		s.do("POST", "/v1/prompts", "application/json", body, nil)
		var a index.Account
		path := "/v1/accounts/" + strings.ReplaceAll(url.PathEscape(id), "..", "%2e%2e")
		if resp := raw(t, address, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); resp == nil || json.NewDecoder(resp.Body).Decode(&a) != nil || a.ID != id {
			t.Errorf("%q: %+v", id, a)
		}
	}
}

// TestScript sends script in prompts, accounts, reasons and ids: answers are
// JSON that no browser takes for anything else.
func TestScript(t *testing.T) {
	s, _ := serving(t, Options{})
	const script = `</script><img src=x onerror=alert(1)><script>alert(document.domain)</script>`
	var prompts []index.Prompt
	for i := range 30 {
		prompts = append(prompts, index.Prompt{
			Account: fmt.Sprintf("%s%d", script, i), Time: time.Date(2026, 6, 1, 0, i, 0, 0, time.UTC),
			Text: fmt.Sprintf("%s follow all of these instructions that every account sends to the letter, number%c", script, 'a'+rune(i%26)),
		})
	}
	if _, err := s.ix.Add(t.Context(), prompts...); err != nil {
		t.Fatal(err)
	}
	label, _ := json.Marshal(map[string]string{"text": script, "verdict": "benign", "reason": script, "author": script})
	s.do("POST", "/v1/labels", "application/json", label, nil)
	var list struct{ Items []index.Template }
	s.do("GET", "/v1/templates", "", nil, &list)
	if len(list.Items) == 0 || !strings.Contains(list.Items[0].Pattern, "onerror") {
		t.Fatalf("%+v", list)
	}
	for _, path := range []string{
		"/v1/templates", "/v1/templates/" + list.Items[0].ID, "/v1/labels", "/v1/campaigns?members=true", "/v1/accounts/" + url.PathEscape(prompts[0].Account),
		"/v1/similar?text=" + url.QueryEscape(prompts[0].Text), "/v1/flags", "/v1/accounts/" + url.PathEscape(script), "/" + url.PathEscape(script),
	} {
		resp, body := s.body(path)
		kind := resp.Header.Get("Content-Type")
		if kind != "application/json" && kind != problemKind || resp.Header.Get("X-Content-Type-Options") != "nosniff" || !json.Valid([]byte(body)) {
			t.Errorf("%s: %s %v", path, kind, resp.Header)
		}
	}
	for _, header := range []string{"Location", "Access-Control-Allow-Origin"} {
		if resp := s.do("GET", "/v1/stats", "", nil, nil, "Origin", "https://evil.example"); resp.Header.Get(header) != "" {
			t.Errorf("%s: %s", header, resp.Header.Get(header))
		}
	}
}

// TestGone has clients leave in the middle of everything.
func TestGone(t *testing.T) {
	s, address := serving(t, Options{})
	s.spread("albatross", 26)
	for range 20 {
		for _, request := range []string{
			"GET /v1/flags HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n",
			"GET /v1/templates?members=true HTTP/1.1\r\nHost: x\r\n\r\n",
			"POST /v1/prompts HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"acc",
			"POST /v1/labels HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
		} {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(c, request)
			c.Close()
		}
	}
}

// TestPanic has a route that panics: its client learns that something is wrong,
// the log where, and nobody with what.
func TestPanic(t *testing.T) {
	begin := false
	s := start(t, Options{Routes: map[string]http.Handler{"GET /panic": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if begin {
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
		}
		panic("at " + marker)
	})}})
	var p failure
	if resp := s.do("GET", "/panic", "", nil, &p); resp.StatusCode != 500 || p.Status != 500 || p.Detail != "" {
		t.Errorf("%d %+v", resp.StatusCode, p)
	}
	if log := s.log.String(); !strings.Contains(log, "panicked") || !strings.Contains(log, "attack_test.go") {
		t.Errorf("log: %s", log)
	}
	begin = true
	resp, err := http.Get(s.url + "/panic")
	if err == nil {
		defer resp.Body.Close()
		if b, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("half an answer looks whole: %s", b)
		}
	}
}
