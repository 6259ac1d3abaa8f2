// Package server serves an index over HTTP.
//
// [New] makes an [http.Handler] of an [index.Index], for a program that has a
// server of its own; [Server.Serve] is a whole server with time-outs that shuts
// down cleanly. Options.Guard says who may do what; without it there is no
// authentication.
//
//	POST /v1/prompts        one JSON object, an array, or application/x-ndjson; gzip and zstd
//	POST /insert/jsonline, /_bulk, /loki/api/v1/push, /v1/logs, /v1/traces  what shippers of logs send, see package intake
//	GET  /v1/similar        ?text=…&min=0.5&limit=20; also POST {"text":"…","min":0.5,"limit":20}
//	GET  /v1/templates      ?status=alert,watch&min_score=&max_score=&min_accounts=&since=&until=&attr=model=NAME&q=&members=true&limit=20&cursor=
//	                        and &family=&bundle=&fold=true
//	GET  /v1/templates/{id} with its accounts
//	GET  /v1/templates/{id}/days  {"items":[{"day":"2026-06-01","prompts":n,"new_accounts":n},…]}
//	GET  /v1/campaigns      the same without the last three, and ?id=&template=
//	GET  /v1/campaigns/{id} with its accounts
//	GET  /v1/campaigns/{id}/matrix  ?limit=500: {"accounts":["…"],"templates":["t1"],
//	                        "cells":[[account, template, prompts],…],"members":n,"days":[…]}
//	GET  /v1/campaigns/{id}/export  ?format=stix|jsonl|csv&accounts=true: a file for others; account ids only
//	                        when asked for, which csv needs
//	POST /v1/campaigns/{id}/export  {"format":"stix","accounts":false,"key":"…"}: the same, with a key that both sides have
//	POST /v1/campaigns/import  {"bundle":{…},"key":"…"}: what of one's own another provider's bundle matches; nothing is kept
//	GET  /v1/accounts/{id}  with those it shares templates with; /v1/accounts?id= for ids that are no part of a path, like ".."
//	POST /v1/labels         one verdict, an array, or application/x-ndjson; ?force=true takes unknown ids
//	GET  /v1/labels         ?after=0&limit=100&campaign=&bundle=&template=: every verdict ever given, oldest first
//	POST /v1/learn          {"apply":false,"forget":false}: what the verdicts teach about the table of factors
//	GET  /v1/flags          ?after=0&limit=100; Accept: text/event-stream follows, Last-Event-ID resumes
//	GET  /v1/days           all traffic day by day
//	GET  /v1/stats          totals of the index
//	GET  /v1/search         ?q=WORDS&status=&min_score=&min_accounts=&since=&until=&limit=&cursor=: templates by their words, with Options.Search
//	GET  /v1/webhooks       how they are doing; POST /v1/webhooks/replay delivers dead letters anew; with Options.Webhooks
//	GET  /healthz, /readyz  the process answers; the index does
//	GET  /openapi.json, /openapi.yaml, /docs  all of this as OpenAPI 3.1, and a page that shows it
//	GET  /                  the investigator's pages, for browsers: see package console
//
// Lists are {"items":[…],"next":"cursor"}, without next on the last page. A
// cursor marks a place in the list's order: a page never repeats what stays in
// its place, whatever comes in meanwhile. GETs answer HEAD too. Single objects have
// an ETag: with If-None-Match the answer is 304 while they are the same.
//
// Errors are application/problem+json (RFC 9457): 400 for a body or query that
// cannot be read, 404, 405 with Allow, 413 and 415 for bodies too large or of
// another kind, 422 for a value that does not fit, 503 while the server stops.
// No prompt text goes to the log or into an error. Every request has an id,
// X-Request-Id, which the client may choose; the log and the problem's instance
// have it too.
//
// Requests that change something are refused when a browser sends them for a
// page of another origin.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/index/search"
	"github.com/seed-368d3dfa/chorus/server/access"
	"github.com/seed-368d3dfa/chorus/server/intake"
	"github.com/seed-368d3dfa/chorus/server/webhook"
)

// Options say how to serve. Nil means the defaults.
type Options struct {
	BodyBytes   int64         // of a JSON body after decompression; 0: 16 MiB
	StreamBytes int64         // of an NDJSON body after decompression; 0: 16 GiB
	Pause       time.Duration // a client may make in sending or receiving; 0: 30 s
	Drain       time.Duration // Serve waits for requests under way when it stops; 0: 30 s
	Logger      *slog.Logger  // gets failures; nil: nothing

	Search *search.Search // answers /v1/search; nil: there is no such path

	Webhooks *webhook.Sender // shown and replayed under /v1/webhooks; nil: there is no such path

	Guard  *access.Guard                   // says who may do what; nil: everybody everything
	Routes map[string]http.Handler         // more routes, by http.ServeMux's patterns, behind the guard
	Wrap   func(http.Handler) http.Handler // put around all of it, to measure; nil: nothing

	// Count gets what requests brought in, by protocol; nil: nothing.
	Count func(intake.Protocol, intake.Counts)

	// Handshake is told of each connection on which TLS could not be agreed; nil:
	// nothing is.
	Handshake func()

	// Skipped gets each record that should be a prompt and is not; nil: nothing.
	Skipped func(*promptlog.Skip)
}

// A Server is an http.Handler over an index. Safe for concurrent use.
type Server struct {
	ix      *index.Index
	o       Options
	handler http.Handler
	closing chan struct{} // closed by Close
	once    sync.Once
}

// New makes a server of an index, which it does not close.
func New(ix *index.Index, o *Options) *Server {
	s := &Server{ix: ix, closing: make(chan struct{})}
	if o != nil {
		s.o = *o
	}
	if s.o.BodyBytes <= 0 {
		s.o.BodyBytes = 16 << 20
	}
	if s.o.StreamBytes <= 0 {
		s.o.StreamBytes = 16 << 30
	}
	if s.o.Pause <= 0 {
		s.o.Pause = 30 * time.Second
	}
	if s.o.Drain <= 0 {
		s.o.Drain = 30 * time.Second
	}
	if s.o.Logger == nil {
		s.o.Logger = slog.New(slog.DiscardHandler)
	}
	if s.o.Handshake == nil {
		s.o.Handshake = func() {}
	}
	s.handler = s.routes()
	return s
}

// routes mounts everything, and documents what is chorus's own.
func (s *Server) routes() http.Handler {
	a := newAPI(s)
	in := s.mountIntake(a)
	s.mountQueries(a)
	s.mountCampaigns(a)
	s.mountSharing(a)
	s.mountLabels(a)
	s.mountLearn(a)
	s.mountFlags(a)
	s.mountSearch(a)
	s.mountWebhooks(a)
	s.mountTotals(a)
	s.mountDocs(a)
	mountPages(a.ServeMux)
	a.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, a.unrouted(r)) })

	for pattern, h := range s.o.Routes {
		a.ServeMux.Handle(pattern, h)
	}
	all := in.Greeting(a)
	if s.o.Guard != nil {
		all = s.o.Guard.Wrap(all)
	}
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, errOrigin) }))
	all = origins.Handler(all)
	if s.o.Wrap != nil {
		all = s.o.Wrap(all)
	}
	return all
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	s.deadline(w)
	r = identified(w, r)
	if !clean(r.URL.EscapedPath()) {
		s.fail(w, r, errPath)
		return
	}
	if r.Body != nil {
		r.Body = &patient{ReadCloser: r.Body, s: s, c: http.NewResponseController(w)}
	}
	watched := &watchedAnswer{ResponseWriter: w}
	defer s.rescue(watched, r)
	s.handler.ServeHTTP(watched, r)
}

// Close ends the streams of flags and makes /readyz fail. A program with an
// http.Server of its own registers it with RegisterOnShutdown.
func (s *Server) Close() { s.once.Do(func() { close(s.closing) }) }

// Serve answers the requests of l until ctx is done. Then it accepts no more,
// ends streams of flags, and waits for the requests under way, Options.Drain at
// most. It closes l; the index stays open.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	failures := &serverLog{log: s.o.Logger, failed: s.o.Handshake}
	defer failures.close()
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(failures, "", 0),
	}
	srv.RegisterOnShutdown(s.Close)
	var fresh lobby
	fresh.admit(srv)
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		s.Close()
		return errors.Join(err, srv.Close())
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.Drain)
	defer cancel()
	// Accept no more, then answer who was accepted. What is still in the socket's
	// queue gets whoever holds the socket next.
	err := l.Close()
	<-failed
	srv.SetKeepAlivesEnabled(false)
	fresh.wait(drain)
	if e := srv.Shutdown(drain); e != nil {
		err = errors.Join(errors.New("server: requests were still under way"), err, e, srv.Close())
	}
	return err
}

// deadline gives the client another pause to receive what is written next.
// Writers that know no deadlines do without.
func (s *Server) deadline(w http.ResponseWriter) {
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.o.Pause))
}

// A patient body gives the client a pause for every read. The write deadline
// moves along, so that a long upload is not cut off before its answer.
type patient struct {
	io.ReadCloser
	s   *Server
	c   *http.ResponseController
	set time.Time // when the deadlines were last set
}

func (p *patient) Read(b []byte) (int, error) {
	if now := time.Now(); now.Sub(p.set) > p.s.o.Pause/16 {
		p.set = now
		p.c.SetReadDeadline(now.Add(p.s.o.Pause))
		p.c.SetWriteDeadline(now.Add(2 * p.s.o.Pause))
	}
	n, err := p.ReadCloser.Read(b)
	if err != nil && err != io.EOF && !errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%w: %w", errBody, err)
	}
	return n, err
}
