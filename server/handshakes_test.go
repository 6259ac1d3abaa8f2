package server

import (
	"fmt"
	"log"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-368d3dfa/chorus/server/internal/testlog"
)

// TestHandshakes: of many failed handshakes the first is logged, and all are
// counted; what else the server says is logged as it is.
func TestHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out testlog.Buffer
		failed := 0
		l := &serverLog{log: slog.New(slog.NewTextHandler(&out, nil)), failed: func() { failed++ }}
		logger := log.New(l, "", 0)
		said := func(want ...string) {
			t.Helper()
			synctest.Wait()
			got := out.Take()
			lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
			if len(want) == 0 && got != "" || len(want) > 0 && len(lines) != len(want) {
				t.Errorf("%d lines, want %d:\n%s", len(lines), len(want), got)
			}
			for i := range want {
				if i < len(lines) && (!strings.Contains(lines[i], want[i]) || !strings.Contains(lines[i], "level=WARN")) {
					t.Errorf("%s\nwant %s", lines[i], want[i])
				}
			}
		}
		fail := func(n int) {
			for i := range n {
				logger.Printf("http: TLS handshake error from 192.0.2.1:%d: EOF", i)
			}
		}
		fail(1000)
		said("192.0.2.1:0: EOF")
		logger.Print("http: Accept error: too many open files")
		said("too many open files")
		time.Sleep(handshakePause)
		said("count=999 last=" + fmt.Sprintf("%q", "http: TLS handshake error from 192.0.2.1:998: EOF")[:20])
		fail(5)
		said()
		time.Sleep(handshakePause)
		said("count=5")
		time.Sleep(handshakePause)
		said()
		fail(3)
		said("192.0.2.1:0: EOF")
		l.close()
		said("count=2")
		time.Sleep(2 * handshakePause)
		said()
		if failed != 1008 {
			t.Errorf("%d counted", failed)
		}
	})
}
