package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDrillInterrupted: an interrupt ends a drill, and no temporary file stays.
func TestDrillInterrupted(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	entries := func() int {
		found, err := os.ReadDir(tmp)
		if err != nil {
			t.Error(err)
		}
		return len(found)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for entries() == 0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	many := strings.TrimSuffix(strings.Repeat("50,", 200), ",")
	code, stdout, stderr := call(ctx, nil, "drill", "--log", "../../testdata/demo.jsonl.gz", "--accounts", many)
	if code != exitFailed || stdout != "" || !strings.Contains(stderr, "interrupted; temporary files are removed") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if n := entries(); n > 0 {
		t.Errorf("%d temporary files are left", n)
	}
}

// TestDrillLeft: a drill names what a killed one has left, and leaves it alone,
// as it might not have ended.
func TestDrillLeft(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	left := filepath.Join(tmp, drillFolder+"1")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	_, _, stderr := call(t.Context(), nil, "drill", "--db", filepath.Join(tmp, "missing.db"))
	if strings.Count(stderr, left+" holds copies of a drill that was killed") != 1 {
		t.Error(stderr)
	}
	if _, err := os.Stat(left); err != nil {
		t.Error(err)
	}
}
