package access

import (
	"context"
	"math"
	"mime"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// Limits bound what all requests together take at a time. Who finds no room
// waits a little, and is then told to come back.
type Limits struct {
	IngestBytes int64         // of bodies that bring prompts, under way; they take about four times as much memory; 0: 256 MiB
	Queries     int           // other requests below /v1/ under way; 0: 32
	Followers   int           // streams of flags; 0: 1,000
	Patience    time.Duration // how long a request waits for room; 0: two seconds
}

func (l Limits) filled() Limits {
	if l.IngestBytes <= 0 {
		l.IngestBytes = 256 << 20
	}
	if l.Queries <= 0 {
		l.Queries = 32
	}
	if l.Followers <= 0 {
		l.Followers = 1000
	}
	if l.Patience <= 0 {
		l.Patience = 2 * time.Second
	}
	return l
}

const (
	streamBytes = 1 << 20  // that a body read as a stream holds at a time
	wholeBytes  = 16 << 20 // that a body of /v1/prompts may have whose size is unknown
	pushBytes   = 32 << 20 // that one of Loki's or OTLP's may have
	leastBytes  = 64 << 10
	maxWaiting  = 1024 // requests that wait for room
)

type gates struct {
	ingest, queries, followers gate
}

func (g *gates) init(l Limits) {
	g.ingest = newGate(l.IngestBytes, l.Patience)
	g.queries = newGate(int64(l.Queries), l.Patience)
	g.followers = newGate(int64(l.Followers), 0)
}

// enter waits for room for a request. done gives it back.
func (g *gates) enter(r *http.Request, n need) (done func(), refused *refusal) {
	switch {
	case n.role == Ingest:
		return g.ingest.enter(r.Context(), ingestCost(r))
	case !strings.HasPrefix(r.URL.Path, "/v1/"):
		return func() {}, nil
	case r.URL.Path == "/v1/flags" && strings.Contains(r.Header.Get("Accept"), "text/event-stream"):
		return g.followers.enter(r.Context(), 1)
	}
	return g.queries.enter(r.Context(), 1)
}

// ingestCost is how many bytes a body will hold at a time, about.
func ingestCost(r *http.Request) int64 {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/stream+json":
		return streamBytes
	}
	most := int64(pushBytes)
	if r.URL.Path == "/v1/prompts" {
		most = wholeBytes
	}
	hidden := strings.HasPrefix(r.URL.Path, "/loki/") && kind != "application/json" // compressed, and does not say so
	if r.ContentLength < 0 || r.Header.Get("Content-Encoding") != "" || hidden {
		return most
	}
	return min(max(r.ContentLength, leastBytes), most)
}

// A gate has room for so much at a time.
type gate struct {
	room     *semaphore.Weighted
	size     int64
	waiting  *atomic.Int64
	patience time.Duration
}

func newGate(size int64, patience time.Duration) gate {
	return gate{semaphore.NewWeighted(size), size, new(atomic.Int64), patience}
}

func (g *gate) enter(ctx context.Context, n int64) (done func(), refused *refusal) {
	n = min(n, g.size)
	if !g.room.TryAcquire(n) {
		if g.patience == 0 || g.waiting.Add(1) > maxWaiting && g.leave() {
			return nil, overloaded
		}
		defer g.waiting.Add(-1)
		ctx, cancel := context.WithTimeout(ctx, g.patience)
		defer cancel()
		if g.room.Acquire(ctx, n) != nil {
			return nil, overloaded
		}
	}
	return func() { g.room.Release(n) }, nil
}

func (g *gate) leave() bool { g.waiting.Add(-1); return true }

var overloaded = &refusal{status: http.StatusTooManyRequests, after: 2 * time.Second,
	detail: "the server has as many requests under way as it takes; nothing of this one was taken"}

// A meter holds one token to its limits.
type meter struct {
	rate       *rate.Limiter // nil: no limit
	concurrent int64         // 0: no limit
	under      *atomic.Int64 // requests under way
}

// meter makes the meter of a token. A pause is saved up for two seconds' worth.
func (g *Guard) meter(t *Token) meter {
	m := meter{under: new(atomic.Int64)}
	perSecond := t.Rate
	if perSecond == 0 {
		perSecond = g.o.Rate
	}
	if perSecond > 0 {
		m.rate = rate.NewLimiter(rate.Limit(perSecond), int(max(1, math.Ceil(min(2*perSecond, 1e6)))))
	}
	if m.concurrent = int64(t.Concurrent); m.concurrent == 0 {
		m.concurrent = int64(g.o.Concurrent)
	}
	return m
}

// enter counts a request in, or refuses it. done counts it out.
func (m *meter) enter() (done func(), refused *refusal) {
	if m.concurrent > 0 && m.under.Add(1) > m.concurrent {
		m.under.Add(-1)
		return nil, &refusal{status: http.StatusTooManyRequests, after: time.Second,
			detail: "the token has as many requests under way as it may; nothing of this one was taken"}
	}
	done = func() {
		if m.concurrent > 0 {
			m.under.Add(-1)
		}
	}
	if m.rate != nil {
		now := time.Now()
		slot := m.rate.ReserveN(now, 1)
		if wait := slot.DelayFrom(now); wait > 0 {
			slot.CancelAt(now)
			done()
			return nil, &refusal{status: http.StatusTooManyRequests, after: wait,
				detail: "the token makes more requests a second than it may; nothing of this one was taken"}
		}
	}
	return done, nil
}
