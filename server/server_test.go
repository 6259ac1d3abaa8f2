package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/intake"
	"github.com/seed-368d3dfa/chorus/server/internal/testlog"
	"github.com/seed-368d3dfa/chorus/testdata/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

// small are options that make an index cheap to open.
func small() *index.Options {
	return &index.Options{SiftBytes: 1 << 20, TemplateBytes: 1 << 20, MemtablePostings: 100_000, FlagAccounts: 5}
}

// A service is a server under test with its index and its log.
type service struct {
	t   testing.TB
	ix  *index.Index
	s   *Server
	url string
	log *testlog.Buffer
}

// marker is in every text that tests send; neither errors nor logs may have it.
const marker = "sesame"

// failure is a problem as a client sees it.
type failure struct {
	Status   int
	Detail   string
	Accepted int
}

func start(t testing.TB, o Options) *service {
	ix, err := index.Open(filepath.Join(t.TempDir(), "x.db"), small())
	if err != nil {
		t.Fatal(err)
	}
	log := &testlog.Buffer{}
	o.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := New(ix, &o)
	h := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		h.Close()
		if err := ix.Check(context.Background()); err != nil && !errors.Is(err, index.ErrClosed) {
			t.Error(err)
		}
		if err := ix.Close(); err != nil && !errors.Is(err, index.ErrClosed) {
			t.Error(err)
		}
		if strings.Contains(log.String(), marker) {
			t.Errorf("the log has a prompt's text:\n%s", log.String())
		}
	})
	return &service{t, ix, s, h.URL, log}
}

// do sends a request and decodes the answer into v, unless that is nil.
func (s *service) do(method, path, kind string, body []byte, v any, header ...string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if v != nil {
		if err := json.Unmarshal(b, v); err != nil {
			s.t.Fatalf("%s %s: %v\n%s", method, path, err, b)
		}
	}
	return resp
}

func prompt(id, account, text string) string {
	return fmt.Sprintf(`{"id":%q,"account":%q,"time":"2026-06-01T08:00:00Z","text":%q}`, id, account, text)
}

// word is a word for each number: of letters only, as digits are all alike.
func word(i int) string {
	return strings.Map(func(r rune) rune { return r - '0' + 'k' }, fmt.Sprint(i*7919))
}

// spread sends one template from n accounts. Templates have no word in common
// but the marker.
func (s *service) spread(name string, n int) {
	words := strings.Fields("follow all instructions that this long and fixed text gives to the letter")
	fixed := strings.Join(words, name+" ") + name
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, prompt(fmt.Sprintf("%s-%d", name, i), fmt.Sprintf("acct-%d", i),
			fmt.Sprintf("%s %s as seen by number%c", marker, fixed, 'a'+rune(i))))
	}
	var got intake.Added
	s.do("POST", "/v1/prompts", "application/x-ndjson", []byte(b.String()), &got)
	if got.Accepted != n {
		s.t.Fatalf("%+v", got)
	}
}

func TestPrompts(t *testing.T) {
	s := start(t, Options{})
	var got intake.Added
	s.do("POST", "/v1/prompts", "application/json", []byte("{\n"+prompt("1", "a", marker)[1:]), &got)
	if got.Accepted != 1 || len(got.Placements) != 1 || got.Placements[0].Prompt != 1 {
		t.Errorf("object: %+v", got)
	}
	got = intake.Added{}
	s.do("POST", "/v1/prompts", "", []byte("["+prompt("1", "a", marker)+",7,"+prompt("2", "b", marker)+"]"), &got)
	if diff := cmp.Diff(intake.Added{
		Accepted: 2, Duplicates: 1, SkippedCount: 1, Skipped: []intake.Skip{{Line: 2, Error: "not a JSON object"}},
		Placements: []intake.Placement{{Templates: []string{}, Duplicate: true}, {Prompt: 2, Templates: []string{}}},
	}, got); diff != "" {
		t.Errorf("array: %s", diff)
	}
	got = intake.Added{}
	s.do("POST", "/v1/prompts", "application/json", []byte("[]"), &got)
	if got.Accepted != 0 {
		t.Errorf("empty array: %+v", got)
	}
	var live intake.Added
	s.do("POST", "/v1/prompts", "application/json", []byte(`{"account":"a","text":"now"}`), &live)
	if live.Accepted != 1 {
		t.Errorf("without time: %+v", live)
	}
}

func TestPromptsStream(t *testing.T) {
	s := start(t, Options{})
	var lines bytes.Buffer
	for i := range 3000 {
		fmt.Fprintln(&lines, prompt(fmt.Sprint(i), fmt.Sprintf("a%d", i%50), fmt.Sprintf("%s %d words that are like no others %d", marker, i*7919, i*31)))
		if i%1000 == 500 {
			fmt.Fprintln(&lines, `{"account":7,"text":"`+marker+`"}`)
		}
	}
	var gz bytes.Buffer
	z := gzip.NewWriter(&gz)
	z.Write(lines.Bytes())
	z.Close()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	zst := enc.EncodeAll(lines.Bytes(), nil)
	skips := []intake.Skip{
		{Line: 502, Error: "account: not a string"},
		{Line: 1503, Error: "account: not a string"},
		{Line: 2504, Error: "account: not a string"},
	}
	for i, test := range []struct {
		encoding string
		body     []byte
	}{{"", lines.Bytes()}, {"gzip", gz.Bytes()}, {"zstd", zst}} {
		want := intake.Added{Accepted: 3000, SkippedCount: 3, Skipped: skips}
		if i > 0 {
			want.Duplicates = 3000
		}
		var got intake.Added
		s.do("POST", "/v1/prompts", "application/x-ndjson; charset=utf-8", test.body, &got, "Content-Encoding", test.encoding)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", test.encoding, diff)
		}
	}
	var got intake.Added
	s.do("POST", "/v1/prompts", "application/x-ndjson", gz.Bytes()[:gz.Len()/2], &got, "Content-Encoding", "gzip")
	if got.Accepted == 0 || !strings.Contains(got.Skipped[len(got.Skipped)-1].Error, "ends too early") {
		t.Errorf("truncated: %+v", got)
	}
	stats, err := s.ix.Stats(t.Context())
	if err != nil || stats.Prompts != 3000 {
		t.Errorf("%+v, %v", stats, err)
	}
}

func TestErrors(t *testing.T) {
	s := start(t, Options{BodyBytes: 2000, StreamBytes: 5000})
	big := bytes.Repeat([]byte(prompt("1", "a", marker)+"\n"), 100)
	for _, test := range []struct {
		method, path, kind, body string
		status                   int
		detail                   string
	}{
		{"GET", "/nothing", "", "", 404, "no such path"},
		{"GET", "/v1/nothing", "", "", 404, "no such path"},
		{"DELETE", "/v1/similar", "", "", 405, "this path takes GET, HEAD, POST"},
		{"GET", "/v1/prompts", "", "", 405, "this path takes POST"},
		{"POST", "/v1/prompts", "image/png", "x", 415, intake.ErrType.Error()},
		{"POST", "/v1/prompts", "application/json", marker, 400, "neither a JSON object nor an array"},
		{"POST", "/v1/prompts", "application/json", `{"account":"a","text":"` + marker, 400, "malformed JSON: the line ends too early"},
		{"POST", "/v1/prompts", "application/json", `{"account":"a","text":["` + marker + `"]}`, 400, "text: not a string"},
		{"POST", "/v1/prompts", "application/x-www-form-urlencoded", prompt("1", "a", marker) + "\n" + prompt("2", "a", marker), 400, fmt.Sprintf("malformed JSON at byte %d; JSON lines need the header Content-Type: application/x-ndjson", len(prompt("1", "a", marker))+2)},
		{"POST", "/v1/prompts", "application/json", `{"account":"a"}`, 400, "text and messages are empty"},
		{"POST", "/v1/prompts", "application/json", "\x1f\x8b" + marker + marker, 400, "gzip: gzip: invalid header"},
		{"POST", "/v1/prompts", "application/json", "[" + string(big), 413, "input is too large; after decompression a body of JSON may have 2000 bytes, one of JSON lines (application/x-ndjson) 5000 bytes"},
		{"POST", "/v1/prompts", "application/x-ndjson", string(big), 413, "input is too large; after decompression a body of JSON may have 2000 bytes, one of JSON lines (application/x-ndjson) 5000 bytes"},
		{"GET", "/v1/similar", "", "", 422, "text: required query parameter is missing"},
		{"GET", "/v1/similar?text=" + marker + "&min=2", "", "", 422, "min: expected number <= 1"},
		{"GET", "/v1/similar?text=" + marker + "&min=NaN", "", "", 422, "min: want a number from 0 to 1"},
		{"GET", "/v1/similar?text=" + marker + "&limit=0", "", "", 422, "limit: expected number >= 1"},
		{"POST", "/v1/similar", "application/json", `{"text":{"` + marker + `":1}}`, 400, `the body is not JSON like {"text":"…","min":0.5,"limit":20}`},
		{"GET", "/v1/templates?since=" + marker, "", "", 422, "since: invalid value: want a day like 2026-06-01, a time like 2026-06-01T08:00:00Z, or an age like 24h or 7d"},
		{"GET", "/v1/templates?members=" + marker, "", "", 422, "members: invalid boolean"},
		{"GET", "/v1/templates?cursor=x", "", "", 422, "invalid cursor: it is of no such list"},
		{"GET", "/v1/templates/t999", "", "", 404, "-"},
		{"GET", "/v1/accounts/nobody", "", "", 404, "-"},
		{"POST", "/v1/campaigns/import", "application/json", "{}", 422, "-"},
		{"GET", "/v1/flags?after=-1", "", "", 422, "after: want the number of a flag"},
	} {
		var p failure
		resp := s.do(test.method, test.path, test.kind, []byte(test.body), &p)
		name := test.method + " " + test.path
		if resp.StatusCode != test.status || p.Status != test.status {
			t.Errorf("%s: status %d, want %d: %+v", name, resp.StatusCode, test.status, p)
		}
		if kind := resp.Header.Get("Content-Type"); kind != "application/problem+json" {
			t.Errorf("%s: Content-Type %s", name, kind)
		}
		if test.detail != "-" && p.Detail != test.detail {
			t.Errorf("%s\ngot  %s\nwant %s", name, p.Detail, test.detail)
		}
		if strings.Contains(p.Detail, marker) {
			t.Errorf("%s: the error has the text: %s", name, p.Detail)
		}
		for _, pkg := range []string{"index: ", "search: ", "share: ", "promptlog: ", "store: "} {
			if strings.Contains(p.Detail, pkg) {
				t.Errorf("%s: the error names a package: %s", name, p.Detail)
			}
		}
	}
	var p failure
	if resp := s.do("POST", "/v1/prompts", "application/json", []byte("x"), &p, "Content-Encoding", "br"); resp.StatusCode != 415 {
		t.Errorf("brotli: %+v", p)
	}
	if resp := s.do("POST", "/v1/prompts", "application/json", []byte(prompt("1", "a", "x")), &p, "Sec-Fetch-Site", "cross-site"); resp.StatusCode != 403 {
		t.Errorf("another origin: %+v", p)
	}
}

// TestStatuses checks what an index's errors become.
func TestStatuses(t *testing.T) {
	for err, want := range map[error]int{
		index.ErrNotFound: 404, index.ErrInvalid: 422, index.ErrLocked: 503, index.ErrClosed: 503, index.ErrFailed: 503,
		index.ErrDamaged: 500, errors.New(marker): 500, context.DeadlineExceeded: 503,
	} {
		s := &Server{o: Options{Logger: slog.New(slog.DiscardHandler)}}
		w := httptest.NewRecorder()
		s.fail(w, httptest.NewRequest("GET", "/", nil), fmt.Errorf("%w: %s", err, "circumstances"))
		if w.Code != want {
			t.Errorf("%v: %d, want %d", err, w.Code, want)
		}
		if want >= 500 && strings.Contains(w.Body.String(), "circumstances") {
			t.Errorf("%v: the answer has internals: %s", err, w.Body)
		}
	}
}

func TestTemplates(t *testing.T) {
	s := start(t, Options{})
	for i, name := range []string{"albatross", "buffalo", "cormorant", "dromedary"} {
		s.spread(name, 5+2*i)
	}
	type page struct {
		Items []index.Template
		Next  string
	}
	var all page
	s.do("GET", "/v1/templates?min_accounts=5&members=true", "", nil, &all)
	if len(all.Items) < 4 || all.Next != "" {
		t.Fatalf("%d templates, next %q", len(all.Items), all.Next)
	}
	if top := all.Items[0]; top.Accounts != 11 || len(top.Members) != 11 || !strings.Contains(top.Pattern, "fixeddromedary textdromedary") {
		t.Errorf("%+v", top)
	}
	var ids []string
	for next, more := "", true; more; more = next != "" {
		var p page
		s.do("GET", "/v1/templates?min_accounts=5&limit=2&cursor="+next, "", nil, &p)
		for _, m := range p.Items {
			ids = append(ids, m.ID)
		}
		if next = p.Next; len(ids) > len(all.Items) {
			break
		}
	}
	for i, m := range all.Items {
		if i >= len(ids) || ids[i] != m.ID {
			t.Fatalf("pages have %v, item %d is %s", ids, i, m.ID)
		}
	}
	var one index.Template
	s.do("GET", "/v1/templates/"+all.Items[0].ID, "", nil, &one)
	if one.ID != all.Items[0].ID || one.Accounts != 11 {
		t.Errorf("%+v", one)
	}
	var none map[string]json.RawMessage
	s.do("GET", "/v1/templates?min_accounts=1000", "", nil, &none)
	if string(none["items"]) != "[]" || none["next"] != nil {
		t.Errorf("no templates: %s", none)
	}
	var account index.Account
	s.do("GET", "/v1/accounts/acct-10", "", nil, &account)
	if account.ID != "acct-10" || account.Prompts != 1 || len(account.Templates) == 0 {
		t.Errorf("%+v", account)
	}
}

func TestSimilar(t *testing.T) {
	s := start(t, Options{})
	text := marker + " is the word that opens the cave where forty thieves keep what they have taken from honest merchants"
	s.do("POST", "/v1/prompts", "application/json", []byte(prompt("p1", "a1", text)), nil)
	var got, posted page[index.Match]
	s.do("GET", "/v1/similar?min=0.9&text="+url.QueryEscape(text), "", nil, &got)
	if len(got.Items) != 1 || got.Items[0].ID != "p1" || got.Items[0].Similarity < 0.99 {
		t.Errorf("%+v", got)
	}
	body, _ := json.Marshal(map[string]any{"text": text, "min": 0.9, "limit": 3})
	s.do("POST", "/v1/similar", "application/json", body, &posted)
	if diff := cmp.Diff(got, posted); diff != "" {
		t.Error(diff)
	}
	var none map[string]json.RawMessage
	s.do("GET", "/v1/similar?text=nothing+like+it+was+ever+said", "", nil, &none)
	if string(none["items"]) != "[]" {
		t.Errorf("%s", none)
	}
}

// events reads server-sent events until n have come.
func events(t *testing.T, body io.Reader, n int) (ids, datas []string) {
	lines := bufio.NewScanner(body)
	for len(datas) < n && lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			ids = append(ids, id)
		}
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			datas = append(datas, data)
		}
	}
	if len(datas) < n {
		t.Fatalf("%d events, want %d: %v", len(datas), n, lines.Err())
	}
	return ids, datas
}

func (s *service) follow(last string) *http.Response {
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", s.url+"/v1/flags", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestFlags(t *testing.T) {
	s := start(t, Options{Pause: 200 * time.Millisecond}) // streams live on comments
	stream := s.follow("")
	if kind := stream.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("Content-Type %s", kind)
	}
	s.spread("albatross", 6)
	_, datas := events(t, stream.Body, 1)
	var first index.Flag
	if err := json.Unmarshal([]byte(datas[0]), &first); err != nil || first.Seq != 1 || first.Kind != "template" || first.Accounts != 5 {
		t.Errorf("%+v, %v", first, err)
	}
	s.spread("buffalo", 6)
	ids, _ := events(t, stream.Body, 1)
	if ids[0] != "2" {
		t.Errorf("second event has id %s", ids[0])
	}
	if ids, _ := events(t, s.follow("1").Body, 1); ids[0] != "2" {
		t.Errorf("resumed after 1 with %s", ids[0])
	}
	var page struct {
		Items []index.Flag
		Next  string
	}
	s.do("GET", "/v1/flags?limit=1", "", nil, &page)
	if len(page.Items) != 1 || page.Items[0].Seq != 1 || page.Next != "1" {
		t.Errorf("%+v", page)
	}
	s.do("GET", "/v1/flags?after=1&limit=1", "", nil, &page)
	if len(page.Items) != 1 || page.Items[0].Seq != 2 {
		t.Errorf("%+v", page)
	}
	s.s.Close()
	if _, err := io.Copy(io.Discard, stream.Body); err != nil {
		t.Errorf("the stream did not end cleanly: %v", err)
	}
}

func TestHealth(t *testing.T) {
	s := start(t, Options{})
	for _, path := range []string{"/healthz", "/readyz"} {
		if resp := s.do("GET", path, "", nil, nil); resp.StatusCode != 200 {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	s.s.Close()
	if resp := s.do("GET", "/readyz", "", nil, nil); resp.StatusCode != 503 {
		t.Errorf("closing: %d", resp.StatusCode)
	}
	if err := s.ix.Close(); err != nil {
		t.Fatal(err)
	}
	var p failure
	if resp := s.do("POST", "/v1/prompts", "application/json", []byte(prompt("1", "a", marker)), &p); resp.StatusCode != 503 {
		t.Errorf("closed index: %+v", p)
	}
}

// TestServe stops a server while an upload is under way: it is answered.
func TestServe(t *testing.T) {
	ix, err := index.Open(filepath.Join(t.TempDir(), "x.db"), small())
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	served := make(chan error, 1)
	go func() { served <- New(ix, nil).Serve(ctx, l) }()
	address := l.Addr().String()
	stream, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+address+"/v1/flags", nil)
	if err != nil {
		t.Fatal(err)
	}
	stream.Header.Set("Accept", "text/event-stream")
	following, err := http.DefaultClient.Do(stream)
	if err != nil {
		t.Fatal(err)
	}
	defer following.Body.Close()

	// An upload whose beginning the server has read, as its answer to
	// "Expect: 100-continue" shows.
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := prompt("1", "a", "first") + "\n" + prompt("2", "a", "second") + "\n"
	fmt.Fprintf(conn, "POST /v1/prompts HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n", len(body))
	r := bufio.NewReader(conn)
	if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("%q, %v", line, err)
	}
	r.ReadString('\n')
	io.WriteString(conn, body[:50])
	stop()
	if _, err := io.Copy(io.Discard, following.Body); err != nil { // streams end first
		t.Error(err)
	}
	io.WriteString(conn, body[50:])
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got intake.Added
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || got.Accepted != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("still listening")
	}
	if stats, err := ix.Stats(t.Context()); err != nil || stats.Prompts != 2 {
		t.Errorf("%+v, %v", stats, err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestSlowClient sends half a body and then nothing: the server gives up, and
// keeps what came.
func TestSlowClient(t *testing.T) {
	s := start(t, Options{Pause: time.Second})
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/prompts HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000\r\n\r\n%s\n{", prompt("1", "a", marker))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	var p failure
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || p.Status != 408 || p.Accepted != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}

// FuzzRequest sends anything as a body: no panic, no status of 500, no text in
// an error.
func FuzzRequest(f *testing.F) {
	f.Add("/v1/prompts", "application/json", []byte(prompt("1", "a", "x")))
	f.Add("/v1/prompts", "application/x-ndjson", []byte(prompt("1", "a", "x")+"\n\n{"))
	f.Add("/v1/prompts", "", []byte("\x1f\x8b\x08"))
	f.Add("/v1/similar", "application/json", []byte(`{"text":"x","min":1e9}`))
	f.Add("/v1/similar?text=%00&limit=1&min=0x1p-2", "", []byte(nil))
	f.Add("/v1/templates?since=2026-06-01&cursor=3&limit=1000", "", []byte(nil))
	f.Add("/v1/accounts/%2f", "", []byte(nil))
	ix, err := index.Open(filepath.Join(f.TempDir(), "x.db"), small())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { ix.Close() })
	s := New(ix, nil)
	f.Fuzz(func(t *testing.T, target, kind string, body []byte) {
		u, err := url.ParseRequestURI(target)
		if err != nil || u.Host != "" {
			return
		}
		for _, method := range []string{"GET", "POST"} {
			r := httptest.NewRequest(method, "/", bytes.NewReader(body))
			r.URL = u
			r.Header.Set("Content-Type", kind)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code >= 500 {
				t.Errorf("%s %q: %d %s", method, target, w.Code, w.Body)
			}
		}
	})
}

// BenchmarkStream posts NDJSON to a server on the loopback device.
func BenchmarkStream(b *testing.B) {
	ix, err := index.Open(filepath.Join(b.TempDir(), "x.db"), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer ix.Close()
	h := httptest.NewServer(New(ix, nil))
	defer h.Close()
	const n = 20000
	prompts := 0
	var body bytes.Buffer
	for b.Loop() {
		b.StopTimer()
		body.Reset()
		for i := range n {
			prompts++
			fmt.Fprintf(&body, `{"id":"p%d","time":"2026-06-01T08:00:00Z","account":"a%d","text":"request %d: the words number%d and thing%d of prompt%d are like no others that anybody%d has ever sent%d to us"}`+"\n",
				prompts, i%1000, i, prompts*7919, prompts*31, prompts, prompts*17, prompts*13)
		}
		b.StartTimer()
		resp, err := http.Post(h.URL+"/v1/prompts", "application/x-ndjson", &body)
		if err != nil {
			b.Fatal(err)
		}
		var got intake.Added
		if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || got.Accepted != n {
			b.Fatalf("%+v, %v", got, err)
		}
		resp.Body.Close()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "prompts/s")
}
