package consume

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/testdata/testleak"
)

func TestMain(m *testing.M) {
	if url := os.Getenv("CHORUS_TEST_CONSUME"); url != "" {
		os.Exit(child(url, os.Getenv("CHORUS_TEST_DB")))
	}
	testleak.Main(m)
}

// child is the process that tests kill.
func child(url, db string) int {
	ix, err := index.Open(db, small)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s, err := Open(ix, url, &Options{UntilCaughtUp: true})
	if err == nil {
		err = s.Run(context.Background())
	}
	if err = errors.Join(err, ix.Close()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	json.NewEncoder(os.Stdout).Encode(s.Stats())
	return 0
}

var small = &index.Options{SiftBytes: 32 << 20, LockTimeout: 20 * time.Second}

// many is how many prompts a test sends.
func many(t *testing.T) int {
	if testing.Short() {
		return 5_000
	}
	return 100_000
}

// prompt is the JSON of the nth prompt of a stream; it has no id.
func prompt(n int) []byte {
	return fmt.Appendf(nil, `{"time":"2026-06-%02dT08:00:00Z","account":"acct-%04d","text":"Put these into order and say why it is the right one: %s %s"}`, n%20+1, n%4000, word(n%700), word(n))
}

// word spells n in letters, as digits count as any other digits.
func word(n int) string {
	return strings.Map(func(r rune) rune { return r - '0' + 'k' }, strconv.Itoa(n))
}

func openIndex(t *testing.T, db string) *index.Index {
	t.Helper()
	ix, err := index.Open(db, small)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ix.Check(context.Background()); err != nil && !errors.Is(err, index.ErrClosed) {
			t.Error(err)
		}
		ix.Close()
	})
	return ix
}

func prompts(t *testing.T, ix *index.Index) int {
	t.Helper()
	st, err := ix.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st.Prompts
}

func openStream(t *testing.T, ix *index.Index, url string, o *Options) *Stream {
	t.Helper()
	s, err := Open(ix, url, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// drained reads a stream until it has caught up.
func drained(t *testing.T, ix *index.Index, url string, o *Options) Stats {
	t.Helper()
	var opts Options
	if o != nil {
		opts = *o
	}
	opts.UntilCaughtUp = true
	s := openStream(t, ix, url, &opts)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	if err := s.Run(ctx); err != nil || ctx.Err() != nil {
		t.Fatal(err, ctx.Err())
	}
	return s.Stats()
}

// kill runs processes that read url and are killed, each a bit later than the
// one before. What acked says was acknowledged must be in the index each time,
// and in the end all n prompts, once.
func kill(t *testing.T, url string, n int, acked func() int) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(t.TempDir(), "x.db")
	killed, before := 0, 0
	for try := 1; ; try++ {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), "CHORUS_TEST_CONSUME="+url, "CHORUS_TEST_DB="+db)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		tick := time.NewTicker(5 * time.Millisecond)
		var ended error
		for running := true; running; {
			select {
			case ended = <-done:
				running = false
			case <-tick.C:
				if info, err := os.Stat(db); err == nil && try <= 3 && info.Size() > int64(try*n*60) {
					cmd.Process.Kill()
				}
			}
		}
		tick.Stop()
		confirmed := acked()
		ix := openIndex(t, db)
		have := prompts(t, ix)
		if err := ix.Close(); err != nil {
			t.Fatal(err)
		}
		if have < confirmed || have > n {
			t.Fatalf("%d acknowledged, %d in the index", confirmed, have)
		}
		t.Logf("run %d: %d acknowledged, %d in the index; %s", try, confirmed, have, strings.TrimSpace(out.String()))
		if ended != nil {
			if try > 3 {
				t.Fatal(ended, errs.String())
			}
			killed++
			before = have
			continue
		}
		if have != n {
			t.Errorf("%d prompts in the index, want %d", have, n)
		}
		var st Stats
		if err := json.Unmarshal(out.Bytes(), &st); err != nil || killed > 0 && int(st.Prompts) != n-before {
			t.Errorf("the last run counted %d prompts, want %d (%v)", st.Prompts, n-before, err)
		}
		break
	}
	if killed == 0 {
		t.Error("no run was killed")
	}
}
