// Package metrics measures a server and its index for Prometheus.
//
// Call [New]; give [Metrics.Work] to index.Options.Observe, the index itself to
// [Metrics.Watch] and [Metrics.Wrap] to whoever serves; mount [Metrics.Handler] at
// /metrics. Names begin with chorus_, save those of Go and of the process; no
// label holds anything that came with a prompt.
package metrics

import (
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed-368d3dfa/chorus/index"
)

// Metrics are one process's. Safe for concurrent use.
type Metrics struct {
	registry   *prometheus.Registry
	prompts    prometheus.Counter
	duplicates prometheus.Counter
	records    *prometheus.CounterVec   // by protocol and outcome
	skipped    *prometheus.CounterVec   // by reason
	work       *prometheus.HistogramVec // by kind
	failures   *prometheus.CounterVec   // by kind
	requests   *prometheus.CounterVec   // by route and code
	latency    *prometheus.HistogramVec // by route
	underway   prometheus.Gauge
	streams    prometheus.Gauge
	refused    *prometheus.CounterVec // by code
	handshakes prometheus.Counter

	mu      sync.Mutex
	reasons map[string]bool // of skipped
}

// Buckets of durations, in seconds.
var (
	workBuckets    = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	requestBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60}
)

// New makes metrics that have measured nothing yet.
func New() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), reasons: make(map[string]bool)}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		m.registry.MustRegister(c)
		return c
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		m.registry.MustRegister(g)
		return g
	}
	histograms := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		m.registry.MustRegister(h)
		return h
	}
	m.prompts = counter("chorus_ingested_prompts_total", "Prompts made durable since the process began.")
	m.duplicates = counter("chorus_duplicate_prompts_total", "Prompts not counted because their id had been seen before.")
	m.records = counters("chorus_records_total", "Records that came in, by way in and by what became of them.", "protocol", "outcome")
	m.skipped = counters("chorus_skipped_records_total", "Records that should be prompts and are not, by reason.", "reason")
	m.work = histograms("chorus_index_work_seconds", "Time of the index's work on the disk: commit, seal, merge.", workBuckets, "kind")
	m.failures = counters("chorus_index_failures_total", "Work on the disk that failed.", "kind")
	for _, kind := range []string{"commit", "seal", "merge"} {
		m.work.WithLabelValues(kind)
		m.failures.WithLabelValues(kind)
	}
	m.requests = counters("chorus_http_requests_total", "Requests answered, by route and status.", "route", "code")
	m.latency = histograms("chorus_http_request_seconds", "Time of requests, by route, without streams.", requestBuckets, "route")
	m.underway = gauge("chorus_http_requests_underway", "Requests that are being answered, streams among them.")
	m.streams = gauge("chorus_http_streams", "Streams of server-sent events that are open.")
	m.refused = counters("chorus_http_refused_total", "Requests that the guard did not let in: 401, 403, 421 and 429.", "code")
	for _, code := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests} {
		m.refused.WithLabelValues(strconv.Itoa(code))
	}
	m.handshakes = counter("chorus_tls_handshake_failures_total", "Connections on which TLS could not be agreed.")
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo())
	return m
}

// buildInfo is 1, with the version as a label.
func buildInfo() prometheus.Collector {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chorus_build_info", Help: "1, with the version of chorus.", ConstLabels: prometheus.Labels{"version": version},
	}, func() float64 { return 1 })
}

// Handler answers scrapes, in the text format or OpenMetrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, EnableOpenMetrics: true})
}

// Register adds a metric of another package.
func (m *Metrics) Register(c prometheus.Collector) error { return m.registry.Register(c) }

// Work counts what an index did on the disk.
func (m *Metrics) Work(w index.Work) {
	if w.Err != nil {
		m.failures.WithLabelValues(w.Kind).Inc()
		return
	}
	m.work.WithLabelValues(w.Kind).Observe(w.Took.Seconds())
	m.prompts.Add(float64(w.Prompts))
	m.duplicates.Add(float64(w.Duplicates))
}

// Records counts what a request brought in by one protocol: prompts accepted
// (with duplicates), records skipped as no prompts, and records that are about
// something else.
func (m *Metrics) Records(protocol string, accepted, duplicates, skipped, unrelated int) {
	for outcome, n := range map[string]int{
		"accepted": accepted - duplicates, "duplicate": duplicates, "skipped": skipped, "unrelated": unrelated,
	} {
		m.records.WithLabelValues(protocol, outcome).Add(float64(n))
	}
}

// maxReasons is how many reasons are told apart.
const maxReasons = 100

// Skipped counts a record that should be a prompt and is not. A reason has
// nothing of the record.
func (m *Metrics) Skipped(reason string) {
	m.mu.Lock()
	if !m.reasons[reason] && len(m.reasons) >= maxReasons {
		reason = "another"
	} else {
		m.reasons[reason] = true
	}
	m.mu.Unlock()
	m.skipped.WithLabelValues(reason).Inc()
}

// Refused counts a request that was not let in.
func (m *Metrics) Refused(status int) { m.refused.WithLabelValues(strconv.Itoa(status)).Inc() }

// Handshake counts a connection on which TLS could not be agreed.
func (m *Metrics) Handshake() { m.handshakes.Inc() }
