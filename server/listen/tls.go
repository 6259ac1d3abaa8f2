package listen

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// checkEvery is how often the files are looked at.
const checkEvery = 10 * time.Second

// A certificate is warned of once a day when it ends within soon.
const soon, warnEvery = 8 * 24 * time.Hour, 24 * time.Hour

// A TLS is a certificate with its key, from files that may change while it is
// used. Safe for concurrent use.
type TLS struct {
	cert, key string
	logger    *slog.Logger
	current   atomic.Pointer[tls.Certificate]
	stop      context.CancelFunc
	stopped   chan struct{}

	mu   sync.Mutex // held by Reload
	seen [2]stamp   // of the files that were last read
	warn time.Time  // when to look at the certificate's days again
}

// A stamp tells whether a file has changed.
type stamp struct {
	time time.Time
	size int64
}

// NewTLS reads a certificate, with those of its issuers behind it, and its key,
// both PEM, and reads them again when they change. Failures to do so are logged,
// and that the certificate has expired, does so within days, or is not valid yet;
// nil logger: they are not. Close it.
func NewTLS(cert, key string, logger *slog.Logger) (*TLS, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	t := &TLS{cert: cert, key: key, logger: logger, stopped: make(chan struct{})}
	if err := t.Reload(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	t.stop = stop
	go t.watch(ctx)
	return t, nil
}

// Close stops looking at the files.
func (t *TLS) Close() {
	t.stop()
	<-t.stopped
}

// Reload reads the files now. If they cannot be used, the certificate read before
// stays.
func (t *TLS) Reload() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, err := t.stamps()
	if err != nil {
		return fmt.Errorf("listen: TLS: %w", err)
	}
	t.seen = now
	c, err := tls.LoadX509KeyPair(t.cert, t.key)
	if err != nil {
		return fmt.Errorf("listen: TLS: %s with %s: %w", t.cert, t.key, err)
	}
	t.current.Store(&c)
	t.checkDays()
	return nil
}

// checkDays logs that clients will not take the certificate, or soon will not.
// mu is held.
func (t *TLS) checkDays() {
	now, leaf := time.Now(), t.current.Load().Leaf
	t.warn = now.Add(warnEvery)
	switch {
	case now.After(leaf.NotAfter):
		t.logger.Warn("the certificate has expired, and clients will refuse it: put a new one in its place", "file", t.cert, "expired", leaf.NotAfter.UTC())
	case now.Add(soon).After(leaf.NotAfter):
		t.logger.Warn("the certificate expires soon: put a new one in its place", "file", t.cert, "expires", leaf.NotAfter.UTC())
	case now.Before(leaf.NotBefore):
		t.logger.Warn("the certificate is not valid yet, and clients will refuse it: see whether the clock is right", "file", t.cert, "from", leaf.NotBefore.UTC())
	}
}

// remind checks the days again when they were last checked a day ago.
func (t *TLS) remind() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !time.Now().Before(t.warn) {
		t.checkDays()
	}
}

func (t *TLS) stamps() (s [2]stamp, err error) {
	for i, name := range []string{t.cert, t.key} {
		info, err := os.Stat(name) // follows links: Kubernetes swaps those
		if err != nil {
			return s, err
		}
		s[i] = stamp{info.ModTime(), info.Size()}
	}
	return s, nil
}

func (t *TLS) changed() bool {
	now, err := t.stamps()
	t.mu.Lock()
	defer t.mu.Unlock()
	return err == nil && now != t.seen
}

func (t *TLS) watch(ctx context.Context) {
	defer close(t.stopped)
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !t.changed() {
			t.remind()
			continue
		}
		if err := t.Reload(); err != nil {
			t.logger.Error("certificate not reloaded; the one read before stays", "error", err)
		} else {
			t.logger.Info("certificate reloaded", "file", t.cert)
		}
	}
}

// Listener returns l with TLS 1.2 or newer, for HTTP/1.1 and HTTP/2.
func (t *TLS) Listener(l net.Listener) net.Listener {
	return tls.NewListener(l, &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return t.current.Load(), nil
		},
	})
}
