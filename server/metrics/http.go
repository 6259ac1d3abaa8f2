package metrics

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Wrap measures the requests that next answers, and logs each at debug level:
// its route, status, time and id, never its path, which may hold an account's id
// or a text. A route is the pattern that [http.ServeMux] left in Request.Pattern.
func (m *Metrics) Wrap(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		a := &answer{ResponseWriter: w, m: m}
		m.underway.Inc()
		defer func() {
			m.underway.Dec()
			took, route := time.Since(start), routeOf(r)
			m.requests.WithLabelValues(route, strconv.Itoa(a.code())).Inc()
			if a.stream {
				m.streams.Dec()
			} else {
				m.latency.WithLabelValues(route).Observe(took.Seconds())
			}
			log.Debug("request", "route", route, "status", a.code(), "ms", float64(took.Microseconds())/1000,
				"bytes", a.bytes, "id", w.Header().Get("X-Request-Id"))
		}()
		next.ServeHTTP(a, r)
	})
}

// routeOf names a request's route. Requests that no route took, or that were
// not let in, share one.
func routeOf(r *http.Request) string {
	if r.Pattern == "" || r.Pattern == "/" {
		return "none"
	}
	return r.Pattern
}

// An answer watches what is answered.
type answer struct {
	http.ResponseWriter
	m      *Metrics
	status int
	bytes  int64
	stream bool
}

// Unwrap lets http.ResponseController through.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK { // others are only informational
		a.status = status
		if strings.HasPrefix(a.Header().Get("Content-Type"), "text/event-stream") {
			a.stream = true
			a.m.streams.Inc()
		}
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

func (a *answer) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}
