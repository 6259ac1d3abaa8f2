package otelcol

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/seed-368d3dfa/chorus/testdata/testport"
)

var noQueue = configoptional.None[exporterhelper.QueueBatchConfig]()

// send sends n prompts, half of them as spans and half as events, over several
// connections, each request until the collector has taken it. acked counts
// what was taken.
func send(t *testing.T, s *sender, n int, acked *atomic.Int64) {
	t.Helper()
	var next atomic.Int64
	var senders sync.WaitGroup
	for range 6 {
		senders.Go(func() {
			for {
				first := int(next.Add(perRequest)) - perRequest
				if first >= n {
					return
				}
				var err error
				if first/perRequest%2 == 0 {
					err = s.traces.ConsumeTraces(t.Context(), spans(first, perRequest))
				} else {
					err = s.logs.ConsumeLogs(t.Context(), events(first, perRequest))
				}
				if err != nil {
					t.Error(err)
					return
				}
				acked.Add(perRequest)
			}
		})
	}
	senders.Wait()
}

func TestCollector(t *testing.T) {
	db := filepath.Join(t.TempDir(), "x.db")
	in, listen := testport.Free(t), testport.Free(t)
	c, err := newCollector(configure(t, in, listen, db))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	answers(t, in)
	s := newSender(t, in)
	n := many()
	var acked atomic.Int64
	began := time.Now()
	send(t, s, n, &acked)
	t.Logf("%.0f prompts/s", float64(n)/time.Since(began).Seconds())
	// Requests that come again count nothing.
	if err := s.traces.ConsumeTraces(t.Context(), spans(0, perRequest)); err != nil {
		t.Error(err)
	}
	if err := s.logs.ConsumeLogs(t.Context(), events(perRequest, perRequest)); err != nil {
		t.Error(err)
	}
	if status := get(t, "http://"+listen+"/v1/templates?limit=1"); status != 200 {
		t.Errorf("the index's API answers %d", status)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := stored(t, db); got != n {
		t.Errorf("%d prompts in the index, want %d", got, n)
	}
}

// TestKilled kills the collector while prompts arrive, several times. What it
// has acknowledged must be in the index each time, and in the end all, once.
func TestKilled(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(t.TempDir(), "x.db")
	in := testport.Free(t)
	config := configure(t, in, testport.Free(t), db)
	var log bytes.Buffer
	start := func() *exec.Cmd {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), "CHORUS_TEST_COLLECTOR="+config)
		cmd.Stderr = &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	cmd := start()
	answers(t, in)
	n := many()
	var acked atomic.Int64
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		send(t, newSender(t, in), n, &acked)
	}()
	for kill := 1; kill <= 3; kill++ {
		for int(acked.Load()) < n*kill/4 && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
		cmd.Process.Kill()
		cmd.Wait()
		confirmed := int(acked.Load())
		got := stored(t, db)
		if got < confirmed || got > n {
			t.Errorf("%d acknowledged, %d in the index", confirmed, got)
		}
		t.Logf("killed after %d were acknowledged, with %d in the index", confirmed, got)
		cmd = start()
	}
	<-sent
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the collector ends with %v\n%s", err, log.String())
	}
	if got := stored(t, db); got != n {
		t.Errorf("%d prompts in the index, want %d", got, n)
	}
	if strings.Contains(log.String(), "right one") {
		t.Error("the log has words of a prompt")
	}
}

func TestValidate(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "map.json")
	if err := os.WriteFile(bad, []byte(`{"acount":"x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]*Config{
		"path: name the file":  {},
		"missing port":         {Path: "x", Listen: "localhost"},
		"must not be negative": {Path: "x", SiftMiB: -1},
		"no such file":         {Path: "x", Map: filepath.Join(dir, "none")},
		"acount":               {Path: "x", Map: bad},
		"":                     {Path: "x", Listen: "127.0.0.1:0"},
	} {
		err := c.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
}
