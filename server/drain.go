package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// A lobby knows the connections whose first request has not been taken yet. When
// it shuts down, [http.Server] drops requests that it is just reading; so whoever
// has been let in is waited for before.
type lobby struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

type connKey struct{}

// admit makes srv tell the lobby of its connections.
func (l *lobby) admit(srv *http.Server) {
	l.conns = make(map[net.Conn]struct{})
	srv.ConnState = func(c net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			l.mu.Lock()
			l.conns[c] = struct{}{}
			l.mu.Unlock()
		case http.StateClosed, http.StateHijacked:
			l.leave(c)
		}
	}
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) }
	next := srv.Handler
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(net.Conn); ok {
			l.leave(c)
		}
		next.ServeHTTP(w, r)
	})
}

func (l *lobby) leave(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

func (l *lobby) empty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns) == 0
}

// wait returns when nobody is in the lobby any more, or when those who are have
// had a second.
func (l *lobby) wait(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !l.empty() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
