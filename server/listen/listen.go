// Package listen opens the sockets that a server answers on: one of its own, or
// those that systemd holds for it, so that a restart refuses nobody; and puts TLS
// with files that may change in front of them.
//
// Call [Open], then [NewTLS] and [TLS.Listener] if there is a certificate.
package listen

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/coreos/go-systemd/v22/activation"
)

// Open returns the sockets that systemd passed to this process (sd_listen_fds(3)),
// or, if there are none, one that listens on address.
func Open(address string) ([]net.Listener, error) {
	passed, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("listen: sockets of systemd: %w", err)
	}
	if len(passed) > 0 {
		if slices.Contains(passed, nil) {
			return nil, errors.Join(errors.New("listen: systemd passed something that is no stream socket: use ListenStream="), Close(passed))
		}
		return passed, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return []net.Listener{l}, nil
}

// Close closes listeners; those that are nil it passes over.
func Close(all []net.Listener) error {
	var errs []error
	for _, l := range all {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// Local reports whether only this machine reaches an address: it is one of
// loopback, or a Unix socket.
func Local(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}
