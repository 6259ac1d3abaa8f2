package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// TestCompactKilled kills a compaction at moments spread over its whole run: the
// index is always there, whole, with everything it had.
func TestCompactKilled(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "x.db")
	if code, _, stderr := call(t.Context(), bytes.NewReader(lines(20_000)), "load", "--db", db, "-"); code != exitDone {
		t.Fatal(stderr)
	}
	_, want, _ := call(t.Context(), nil, "templates", "--json", "--members", "--db", db)
	if !strings.Contains(want, "minutes") {
		t.Fatalf("%q", want)
	}
	began := time.Now()
	if err := exec.Command("chorus", "compact", "--db", db).Run(); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(began)
	const kills = 20
	killed := 0
	for i := range kills {
		cmd := exec.Command("chorus", "compact", "--db", db)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(whole * time.Duration(i) / kills)
		cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
		if code, stdout, stderr := call(t.Context(), nil, "check", "--db", db); code != exitDone || stdout != "ok\n" {
			t.Fatalf("kill %d: exit code %d\n%s%s", i, code, stdout, stderr)
		}
		if _, got, _ := call(t.Context(), nil, "templates", "--json", "--members", "--db", db); got != want {
			t.Fatalf("kill %d: other templates", i)
		}
	}
	if killed == 0 {
		t.Error("none was killed on its way")
	}
	if code, _, stderr := call(t.Context(), nil, "compact", "--db", db); code != exitDone {
		t.Fatal(stderr)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v: want the index only", left, err)
	}
}

// TestCompactWaiting lets an Open wait for the lock while the file is replaced: it
// must open the new one, or what it adds is lost.
func TestCompactWaiting(t *testing.T) {
	db := filepath.Join(t.TempDir(), "x.db")
	if code, _, stderr := call(t.Context(), bytes.NewReader(lines(5000)), "load", "--db", db, "-"); code != exitDone {
		t.Fatal(stderr)
	}
	const n = 3
	done := make(chan error)
	go func() {
		for did := 0; did < n; {
			_, _, err := index.Compact(context.Background(), db)
			switch {
			case err == nil:
				did++
			case !errors.Is(err, index.ErrLocked):
				done <- err
				return
			}
		}
		done <- nil
	}()
	added := 0
	for compacting := true; compacting || added < n; added++ {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			compacting = false
		default:
		}
		ix, err := index.Open(db, &index.Options{SiftBytes: 1 << 20, LockTimeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ix.Add(t.Context(), index.Prompt{Account: "a", Text: "some words"}); err != nil {
			t.Error(err)
		}
		if err := ix.Close(); err != nil {
			t.Error(err)
		}
	}
	ix, err := index.Open(db, &index.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	if stats, err := ix.Stats(t.Context()); err != nil || stats.Prompts != 5000+added {
		t.Errorf("%d prompts, want %d, %v", stats.Prompts, 5000+added, err)
	}
}
