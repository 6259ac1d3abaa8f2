package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/internal/testlog"
	"github.com/seed-368d3dfa/chorus/testdata/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

// marker is in every text that tests send; no answer and no log may have it.
const marker = "sesame"

// A service is an intake under test with its index and its log.
type service struct {
	t      testing.TB
	ix     *index.Index
	url    string
	log    *testlog.Buffer
	counts map[Protocol]Counts
}

// statusOf is what a server makes of errors.
func statusOf(err error) int {
	var bad RequestError
	switch {
	case errors.As(err, &bad):
		return http.StatusBadRequest
	case errors.Is(err, promptlog.ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrEncoding), errors.Is(err, ErrType):
		return http.StatusUnsupportedMediaType
	case errors.Is(err, ErrBusy):
		return http.StatusTooManyRequests
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout
	case errors.Is(err, io.ErrUnexpectedEOF):
		return http.StatusBadRequest
	case errors.Is(err, index.ErrClosed), errors.Is(err, index.ErrFailed):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func handler(ix *index.Index, o Options) http.Handler {
	o.Status = statusOf
	o.Fail = func(w http.ResponseWriter, _ *http.Request, err error) { http.Error(w, err.Error(), statusOf(err)) }
	in := New(ix, &o)
	mux := http.NewServeMux()
	for pattern, h := range in.Routes() {
		mux.HandleFunc(pattern, h)
	}
	return in.Greeting(mux)
}

// small are options that make an index cheap to open.
func small() *index.Options {
	return &index.Options{SiftBytes: 1 << 20, TemplateBytes: 1 << 20, MemtablePostings: 100_000, FlagAccounts: 5}
}

func start(t testing.TB, o Options) *service {
	ix, err := index.Open(filepath.Join(t.TempDir(), "x.db"), small())
	if err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, ix: ix, log: &testlog.Buffer{}, counts: make(map[Protocol]Counts)}
	o.Logger = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Count = func(p Protocol, n Counts) {
		c := s.counts[p]
		s.counts[p] = Counts{c.Accepted + n.Accepted, c.Duplicates + n.Duplicates, c.Skipped + n.Skipped, c.Unrelated + n.Unrelated}
	}
	h := httptest.NewServer(handler(ix, o))
	s.url = h.URL
	t.Cleanup(func() {
		h.Close()
		if err := ix.Check(context.Background()); err != nil && !errors.Is(err, index.ErrClosed) {
			t.Error(err)
		}
		if err := ix.Close(); err != nil && !errors.Is(err, index.ErrClosed) {
			t.Error(err)
		}
		if strings.Contains(s.log.String(), marker) {
			t.Errorf("the log has a prompt's text:\n%s", s.log.String())
		}
	})
	return s
}

// do sends a request with headers given in pairs and returns the answer.
func (s *service) do(method, path string, body []byte, header ...string) (status int, h http.Header, answer string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
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
	if strings.Contains(string(b), marker) {
		s.t.Errorf("%s %s: the answer has a prompt's text: %s", method, path, b)
	}
	return resp.StatusCode, resp.Header, string(b)
}

// post is do that wants a status.
func (s *service) post(want int, path, body string, header ...string) (answer string) {
	s.t.Helper()
	status, _, answer := s.do("POST", path, []byte(body), header...)
	if status != want {
		s.t.Errorf("POST %s: %d %s, want %d", path, status, answer, want)
	}
	return answer
}

// holds checks how many prompts and accounts the index has.
func (s *service) holds(prompts, accounts int) {
	s.t.Helper()
	stats, err := s.ix.Stats(s.t.Context())
	if err != nil || stats.Prompts != prompts || stats.Accounts != accounts {
		s.t.Errorf("%d prompts of %d accounts, want %d and %d (%v)", stats.Prompts, stats.Accounts, prompts, accounts, err)
	}
}

// sent returns how many prompts an account has.
func (s *service) sent(account string) int {
	s.t.Helper()
	a, err := s.ix.Account(s.t.Context(), account)
	if err != nil {
		s.t.Errorf("%s: %v", account, err)
	}
	return a.Prompts
}

// native returns a prompt in chorus's own format; without an id if that is "".
func native(id, account, text string) string {
	if id != "" {
		id = fmt.Sprintf(`"id":%q,`, id)
	}
	return fmt.Sprintf(`{%s"account":%q,"time":"2026-06-01T08:00:00Z","text":%q}`, id, account, marker+" "+text)
}

func decode(t testing.TB, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}
