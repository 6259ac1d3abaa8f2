package metrics

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/testdata/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

// scrape returns the lines of our own metrics.
func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func mustHave(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
	if t.Failed() {
		t.Logf("%s", text)
	}
}

// TestNames holds names and helps against Prometheus's conventions.
func TestNames(t *testing.T) {
	m := New()
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "chorus_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestIndex(t *testing.T) {
	m := New()
	ix, err := index.Open(filepath.Join(t.TempDir(), "x.db"), &index.Options{SiftBytes: 1 << 20, Observe: m.Work})
	if err != nil {
		t.Fatal(err)
	}
	stop := m.Watch(ix)
	at := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	for i := range 30 {
		p := index.Prompt{ID: fmt.Sprint(i), Account: fmt.Sprint("a", i), Time: at, Text: "the very same words that all accounts send " + string(rune('a'+i))}
		if _, err := ix.Add(context.Background(), p, p); err != nil {
			t.Fatal(err)
		}
	}
	text := scrape(t, m)
	mustHave(t, text, "chorus_ingested_prompts_total 30", "chorus_duplicate_prompts_total 30", "chorus_prompts 30", "chorus_accounts 30",
		"chorus_templates 1", "chorus_flags_total 1", "chorus_segments 0", "chorus_unsealed_prompts 30", "chorus_queue_requests 0",
		`chorus_index_work_seconds_count{kind="commit"} 30`, `chorus_index_failures_total{kind="commit"} 0`, "chorus_newest_prompt_timestamp_seconds 1.7803008e+09")
	for !strings.Contains(text, `chorus_campaigns{status="benign"} 0`) { // counted beside the scrape
		time.Sleep(time.Millisecond)
		text = scrape(t, m)
	}
	m.Work(index.Work{Kind: "seal", Err: errors.New("disk full")})
	stop()
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	text = scrape(t, m)
	mustHave(t, text, `chorus_index_failures_total{kind="seal"} 1`)
	if strings.Contains(text, "chorus_segments") {
		t.Error("figures of an index that is closed")
	}
}

func TestHTTP(t *testing.T) {
	m := New()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/accounts/{id}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	mux.HandleFunc("POST /v1/prompts", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
	inside, leave := make(chan bool), make(chan bool)
	mux.HandleFunc("GET /v1/flags", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, ":\n\n")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		inside <- true
		<-leave
	})
	mux.HandleFunc("GET /nothing", func(w http.ResponseWriter, r *http.Request) {})
	mux.HandleFunc("GET /panic", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	var log bytes.Buffer
	h := m.Wrap(mux, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	do := func(method, path string) {
		w := httptest.NewRecorder()
		w.Header().Set("X-Request-Id", "r1")
		defer func() { recover() }()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	}
	do("GET", "/v1/accounts/sesame")
	do("POST", "/v1/prompts")
	do("GET", "/sesame?text=sesame")
	do("GET", "/nothing")
	do("GET", "/panic")
	done := make(chan bool)
	go func() { do("GET", "/v1/flags"); done <- true }()
	<-inside
	mustHave(t, scrape(t, m), "chorus_http_streams 1", "chorus_http_requests_underway 1")
	leave <- true
	<-done
	m.Refused(http.StatusUnauthorized)
	m.Records("bulk", 10, 3, 2, 1)
	for i := range 200 {
		m.Skipped("account is missing")
		m.Skipped(fmt.Sprint("reason ", i))
	}
	text := scrape(t, m)
	mustHave(t, text, `chorus_skipped_records_total{reason="account is missing"} 200`, `chorus_skipped_records_total{reason="another"} 101`)
	mustHave(t, text, "chorus_http_streams 0", "chorus_http_requests_underway 0",
		`chorus_http_requests_total{code="200",route="GET /v1/accounts/{id}"} 1`, `chorus_http_requests_total{code="429",route="POST /v1/prompts"} 1`,
		`chorus_http_requests_total{code="404",route="none"} 1`, `chorus_http_requests_total{code="200",route="GET /nothing"} 1`,
		`chorus_http_requests_total{code="200",route="GET /v1/flags"} 1`, `chorus_http_request_seconds_count{route="POST /v1/prompts"} 1`,
		`chorus_http_refused_total{code="401"} 1`, `chorus_records_total{outcome="accepted",protocol="bulk"} 7`, `chorus_records_total{outcome="skipped",protocol="bulk"} 2`)
	if strings.Contains(text, `chorus_http_request_seconds_count{route="GET /v1/flags"}`) {
		t.Error("the time of a stream")
	}
	if strings.Contains(text, "sesame") || strings.Contains(log.String(), "sesame") {
		t.Error("a path is in the metrics or in the log")
	}
	if want := `msg=request route="GET /v1/accounts/{id}" status=200 ms=`; !strings.Contains(log.String(), want) || !strings.Contains(log.String(), "id=r1") {
		t.Errorf("%s", &log)
	}
}

// TestAlerts holds the rules that we ship against the metrics that there are.
func TestAlerts(t *testing.T) {
	m := New()
	m.Records("bulk", 1, 0, 0, 0)
	m.Skipped("account is missing")
	m.Refused(http.StatusTooManyRequests)
	m.requests.WithLabelValues("none", "404")
	m.latency.WithLabelValues("none")
	ix, err := index.Open(filepath.Join(t.TempDir(), "x.db"), &index.Options{SiftBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	defer m.Watch(ix)()
	text := scrape(t, m)
	for _, file := range []string{"../../docs/deploy/prometheus/alerts.yml", "../../docs/operate.md"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`\bchorus_[a-z_]+[a-z]`).FindAllString(string(b), -1)
		if len(names) < 8 {
			t.Errorf("%s: %d metrics", file, len(names))
		}
		for _, name := range names {
			if name != "chorus_campaigns" && !regexp.MustCompile(`(?m)^`+name+`[ {]`).MatchString(text) &&
				!strings.Contains(text, "# TYPE "+name+" ") {
				t.Errorf("%s: there is no %s", file, name)
			}
		}
	}
}
