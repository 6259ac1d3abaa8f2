package server

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// handshakePause is how long failed handshakes are counted before the next line
// about them.
const handshakePause = time.Minute

// A serverLog takes what http.Server logs. Of TLS handshakes that failed, which
// port scanners and plain HTTP make by the thousand, it logs the first at once,
// and then how many more there were in each pause.
type serverLog struct {
	log    *slog.Logger
	failed func() // is told of each handshake

	mu    sync.Mutex
	more  int
	last  string
	timer *time.Timer // runs after a line about handshakes
}

// Write takes one line, as log.Logger gives it.
func (l *serverLog) Write(b []byte) (int, error) {
	line := string(bytes.TrimSuffix(b, []byte{'\n'}))
	// The only way in which http.Server tells them apart.
	if !strings.HasPrefix(line, "http: TLS handshake error") {
		l.log.Warn(line)
		return len(b), nil
	}
	l.failed()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.more++
		l.last = line
		return len(b), nil
	}
	l.log.Warn(line)
	l.timer = time.AfterFunc(handshakePause, l.pause)
	return len(b), nil
}

func (l *serverLog) pause() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil {
		return // closed meanwhile
	}
	if l.more == 0 {
		l.timer = nil
		return
	}
	l.report()
	l.timer = time.AfterFunc(handshakePause, l.pause)
}

func (l *serverLog) report() {
	if l.more > 0 {
		l.log.Warn("more TLS handshakes failed", "count", l.more, "last", l.last)
		l.more = 0
	}
}

// close logs what has been counted.
func (l *serverLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	l.report()
}
