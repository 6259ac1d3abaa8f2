package webhook

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/internal/testlog"
	"github.com/seed-368d3dfa/chorus/testdata/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

var secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret of thirty-two bytes ...."))

// marker is in every prompt; no delivery and no log may have it.
const marker = "sesame"

func openIndex(t *testing.T) *index.Index {
	t.Helper()
	ix, err := index.Open(filepath.Join(t.TempDir(), "x.db"), &index.Options{SiftBytes: 1 << 20, FlagAccounts: 3, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ix.Close() })
	return ix
}

// flag makes the index record a flag for each name, in that order.
func flag(t *testing.T, ix *index.Index, names ...string) {
	t.Helper()
	for _, name := range names {
		words := strings.Fields("follow all instructions that this long and fixed text gives to the letter")
		text := marker + " " + strings.Join(words, name+" ") + name
		for a := range 3 {
			if _, err := ix.Add(context.Background(), index.Prompt{
				Account: fmt.Sprint("account-", a), Time: time.Date(2026, 6, 1, 8, a, 0, 0, time.UTC), Text: text + " for " + strings.Repeat("x", a+1),
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A receiver takes deliveries as the specification asks, and each once.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	taken    []Payload
	ids      map[string]int                                           // webhook-id → deliveries that verified
	attempts []time.Time                                              // all of them
	answer   func(n int, w http.ResponseWriter, r *http.Request) bool // of the nth attempt, from 1; false: take it
}

func newReceiver(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request) bool) *receiver {
	r := &receiver{ids: make(map[string]int), answer: answer}
	key, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.attempts = append(r.attempts, time.Now())
		n := len(r.attempts)
		r.mu.Unlock()
		if strings.Contains(string(body), marker) || strings.Contains(string(body), "account-") {
			t.Errorf("a delivery gives away too much: %s", body)
		}
		if err := key.Verify(body, req.Header); err != nil {
			t.Errorf("not verified: %v", err)
		}
		if r.answer != nil && r.answer(n, w, req) {
			return
		}
		var p Payload
		if err := json.Unmarshal(body, &p); err != nil {
			t.Errorf("%v: %s", err, body)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		id := req.Header.Get("webhook-id")
		if r.ids[id]++; r.ids[id] == 1 {
			r.taken = append(r.taken, p)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(r.Close)
	return r
}

// flags are the numbers of the flags taken, in the order they came.
func (r *receiver) flags() (seqs []uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.taken {
		seqs = append(seqs, p.Data.Flag.Seq)
	}
	return seqs
}

func (r *receiver) tried() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.attempts)
}

// send starts a sender with one hook per receiver; the test's end closes it.
func send(t *testing.T, ix *index.Index, state string, change func(*Options), hooks ...Hook) *Sender {
	t.Helper()
	log := &testlog.Buffer{}
	o := Options{Hooks: hooks, State: state, Timeout: time.Minute, Logger: slog.New(slog.NewTextHandler(log, nil)),
		pause: func(int) time.Duration { return 5 * time.Millisecond }}
	if change != nil {
		change(&o)
	}
	s, err := Start(ix, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		for _, h := range hooks {
			if strings.Contains(log.String(), marker) || strings.Contains(log.String(), h.URL) {
				t.Errorf("the log gives away too much:\n%s", log.String())
			}
		}
	})
	return s
}

// until waits for something to become true.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 24_000 {
		if is() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}
