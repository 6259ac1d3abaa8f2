package otelcol

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server"
	"github.com/seed-368d3dfa/chorus/server/access"
	"github.com/seed-368d3dfa/chorus/server/listen"
)

// A web is the index over HTTP.
type web struct {
	guard *access.Guard
	stop  context.CancelFunc
	done  chan error
}

// serve answers at Listen. Who comes from elsewhere needs a token.
func (s *store) serve(ix *index.Index) (*web, error) {
	l, err := net.Listen("tcp", s.c.Listen)
	if err != nil {
		return nil, err
	}
	o := &access.Options{Logger: s.slog}
	local := listen.Local(l.Addr())
	if local {
		o.Anonymous = access.Local
	}
	path := s.c.Tokens
	if path == "" {
		path = s.c.Path + ".tokens"
	}
	guard, err := access.Open(path, o)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if valid, _ := guard.Tokens(); valid == 0 && !local {
		guard.Close()
		return nil, errors.Join(fmt.Errorf("listen: other machines reach %s, and %s has no valid token: make one with \"chorus token create\", or listen on 127.0.0.1", l.Addr(), path), l.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	w := &web{guard: guard, stop: stop, done: make(chan error, 1)}
	go func() { w.done <- server.New(ix, &server.Options{Logger: s.slog, Guard: guard}).Serve(ctx, l) }()
	s.log.Info("serving the index at http://" + l.Addr().String())
	return w, nil
}

func (w *web) close() error {
	w.stop()
	err := <-w.done
	w.guard.Close()
	return err
}
