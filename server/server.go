// Package server serves an index over HTTP.
//
// [New] makes an [http.Handler] of an [index.Index], for a program that has a
// server of its own; [Server.Serve] is a whole server with time-outs that shuts
// down cleanly. Options.Guard says who may do what; without it there is no
// authentication.
//
//	POST /v1/prompts        one JSON object, an array, or application/x-ndjson; gzip and zstd
//	GET  /v1/similar        ?text=…&min=0.5&limit=20; also POST {"text":"…","min":0.5,"limit":20}
//	GET  /v1/templates      ?min_accounts=&status=&since=&until=&limit=20&members=true&cursor=
//	GET  /v1/templates/{id} with its accounts
//	GET  /v1/campaigns      ?id=&status=&min_accounts=&limit=20&members=true&cursor=
//	GET  /v1/campaigns/{id} with its accounts
//	GET  /v1/campaigns/{id}/matrix  ?limit=500: {"accounts":["…"],"templates":["t1"],
//	                        "cells":[[account, template, prompts],…],"members":n,"days":[…]}
//	GET  /v1/campaigns/{id}/export  ?format=stix|jsonl|csv&accounts=true: a file for others; account ids only
//	                        when asked for, which csv needs
//	GET  /v1/templates/{id}/days  {"items":[{"day":"2026-06-01","prompts":n,"new_accounts":n},…]}
//	GET  /v1/days           the same of all traffic
//	GET  /v1/stats          totals of the index
//	GET  /v1/accounts/{id}  with those it shares templates with
//	POST /v1/labels         one verdict, an array, or application/x-ndjson; ?force=true takes unknown ids
//	GET  /v1/labels         ?after=0&limit=100: every verdict ever given, oldest first
//	GET  /v1/flags          ?after=0&limit=100; Accept: text/event-stream follows, Last-Event-ID resumes
//	GET  /healthz, /readyz  the process answers; the index does
//
// Lists are {"items":[…],"next":"cursor"}, without next on the last page. Errors
// are application/problem+json (RFC 9457). No prompt text goes to the log or
// into an error.
//
// Requests that change something are refused when a browser sends them for a
// page of another origin.
package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/access"
)

// Options say how to serve. Nil means the defaults.
type Options struct {
	BodyBytes   int64         // of a JSON body after decompression; 0: 16 MiB
	StreamBytes int64         // of an NDJSON body after decompression; 0: 16 GiB
	Pause       time.Duration // a client may make in sending or receiving; 0: 30 s
	Drain       time.Duration // Serve waits for requests under way when it stops; 0: 30 s
	Logger      *slog.Logger  // gets failures; nil: nothing

	Guard  *access.Guard                   // says who may do what; nil: everybody everything
	Routes map[string]http.Handler         // more routes, by http.ServeMux's patterns, behind the guard
	Wrap   func(http.Handler) http.Handler // put around all of it, to measure; nil: nothing
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
	s.handler = s.routes()
	return s
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, f := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /v1/similar":        s.similar,
		"POST /v1/similar":       s.similarTo,
		"GET /v1/templates":      s.templates,
		"GET /v1/templates/{id}": s.template,
		"GET /v1/campaigns":      s.campaigns,
		"GET /v1/campaigns/{id}": s.campaign,
		"GET /v1/accounts/{id}":  s.account,

		"GET /v1/stats":                 s.stats,
		"GET /v1/days":                  s.days,
		"GET /v1/templates/{id}/days":   s.templateDays,
		"GET /v1/campaigns/{id}/matrix": s.matrix,
		"GET /v1/campaigns/{id}/export": s.export,

		"POST /v1/labels": s.label,
		"GET /v1/labels":  s.labels,
		"GET /v1/flags":   s.flags,
		"GET /healthz":    s.health,
		"GET /readyz":     s.ready,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := f(w, r); err != nil {
				s.fail(w, r, err)
			}
		})
	}
	s.mountIntake(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, unrouted(mux, r)) })

	for pattern, h := range s.o.Routes {
		mux.Handle(pattern, h)
	}
	var guarded http.Handler = mux
	if s.o.Guard != nil {
		guarded = s.o.Guard.Wrap(mux)
	}
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, errOrigin) }))
	all := origins.Handler(guarded)
	if s.o.Wrap != nil {
		all = s.o.Wrap(all)
	}
	return all
}

// unrouted is the error of a request that no route takes: its path, or only
// its method, is unknown.
func unrouted(mux *http.ServeMux, r *http.Request) error {
	var allowed methodError
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		return allowed
	}
	return errNoRoute
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	s.deadline(w)
	if r.Body != nil {
		r.Body = &patient{ReadCloser: r.Body, s: s, c: http.NewResponseController(w)}
	}
	s.handler.ServeHTTP(w, r)
}

// Close ends the streams of flags and makes /readyz fail. A program with an
// http.Server of its own registers it with RegisterOnShutdown.
func (s *Server) Close() { s.once.Do(func() { close(s.closing) }) }

// Serve answers the requests of l until ctx is done. Then it accepts no more,
// ends streams of flags, and waits for the requests under way, Options.Drain at
// most. It closes l; the index stays open.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelWarn),
	}
	srv.RegisterOnShutdown(s.Close)
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
	err := srv.Shutdown(drain)
	if err != nil {
		err = errors.Join(errors.New("server: requests were still under way"), err, srv.Close())
	}
	<-failed
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
	return p.ReadCloser.Read(b)
}
