// Package testport finds addresses for tests whose servers must know theirs
// beforehand, or come back at the one they had.
package testport

import (
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
)

// Ports are outside the range from which systems commonly pick for whoever
// leaves the choice to them: 32768 and more. A port from that range may belong
// to another test by the time that a server wants it.
const first, count = 10_000, 20_000

// turn differs between processes that run at the same time; 7919 and count have
// no divisor in common.
var turn atomic.Uint32

func init() { turn.Store(uint32(os.Getpid()) * 7919) }

// Free returns an address of this machine, HOST:PORT, that nobody listens on and
// that nobody else is given while the test runs.
func Free(t testing.TB) string {
	t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(first+int(turn.Add(1)%count)))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l.Addr().String()
	}
	t.Fatal("no port is free")
	return ""
}
