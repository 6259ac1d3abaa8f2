package store

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const fullEnv = "STORE_TEST_FULL"

// TestDiskFull lets the file reach a size that it may not exceed, in a process of its own, and
// then gives it room again.
func TestDiskFull(t *testing.T) {
	if os.Getenv(fullEnv) == "" {
		exe, err := os.Executable()
		must(t, err)
		cmd := exec.Command(exe, "-test.run=^TestDiskFull$", "-test.v")
		cmd.Env = append(os.Environ(), fullEnv+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	for _, size := range []uint64{0, 5_000, 17_000} { // no room to create one: nothing of it stays
		dir := t.TempDir()
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: limit.Max}))
		_, err := Open(filepath.Join(dir, "new.db"), Options{})
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
		if err == nil || !strings.Contains(err.Error(), syscall.EFBIG.Error()) || errors.Is(err, ErrNotStore) || errors.Is(err, ErrDamaged) {
			t.Fatalf("creating within %d bytes: %v", size, err)
		}
		left, err := os.ReadDir(dir)
		must(t, err)
		if len(left) > 0 {
			t.Fatalf("%v is left", left)
		}
	}
	s, err := openScript(filepath.Join(t.TempDir(), "a.db"), Options{})
	must(t, err)
	ref, err := openScript(filepath.Join(t.TempDir(), "b.db"), Options{})
	must(t, err)
	c, r := &script{m: newModel()}, &script{m: newModel()}
	for _, size := range []uint64{400_000, 700_000} {
		for failed := 0; failed < 5; {
			must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: limit.Max}))
			err := c.step(s, 3)
			must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
			if err == nil {
				must(t, r.step(ref, 3))
				continue
			}
			failed++
			t.Log(err)
			must(t, s.Check(ctx))
			got, err := dump(s)
			must(t, err)
			want, err := dump(ref)
			must(t, err)
			if got != want {
				// It took effect, and failed only to delete what is left over.
				must(t, r.step(ref, 3))
				want, err = dump(ref)
				must(t, err)
				if got != want {
					t.Fatalf("step %d: holds something else", c.i)
				}
				*c.m, c.i = *r.m, r.i
			}
		}
	}
	sound(t, s)
	must(t, s.Close())
	must(t, ref.Close())
}
