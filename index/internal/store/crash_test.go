package store

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

type boltTx = bolt.Tx

const crashEnv = "STORE_TEST_CRASH"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		if err := scribble(path); err != nil {
			fmt.Println(err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// A script is an endless sequence of operations, always the same for a seed.
type script struct {
	m *model
	i uint64
}

// step applies the next operation; an error leaves the script where it was.
func (c *script) step(s *Store, seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, c.i))
	was := len(c.m.records)
	var err error
	switch what := rng.IntN(10); {
	case what < 4:
		var last uint64
		if last, err = s.Append([][]byte{bytes.Repeat([]byte{byte(c.i)}, rng.IntN(3000)), fmt.Append(nil, c.i)}); err == nil {
			c.m.last = last
		}
	case what < 7:
		cut := c.m.last - min(c.m.last, rng.Uint64N(4))
		err = s.Seal(c.m.segment(rng, 20+rng.IntN(300)), func() []Put {
			return []Put{
				{TableStat, []byte{byte(c.i % 5)}, fmt.Append(nil, c.i)}, {TableUse, []byte{byte(c.i % 7)}, nil},
				{TableUse, []byte{byte(c.i % 3)}, bytes.Repeat([]byte{byte(c.i)}, int(c.i%11)*300)},
			}
		}, cut)
	case what < 9:
		_, err = s.Merge()
	default:
		var segments []Segment
		if segments, err = s.Segments(); err == nil && len(segments) > 1 {
			err = s.Expire(segments[0].First, segments[len(segments)/2].First)
		}
	}
	if err != nil {
		c.m.records, c.m.signatures = c.m.records[:was], c.m.signatures[:was]
		return err
	}
	c.i++
	return nil
}

func openScript(path string, o Options) (*Store, error) {
	o.NoSync = true
	s, err := Open(path, o)
	if err == nil {
		s.maxTransaction, s.maxSweep, s.fanIn = 3000, 5, 2
	}
	return s, err
}

// scribble writes until it is killed, and says what it has done.
func scribble(path string) error {
	s, err := openScript(path, Options{})
	if err != nil {
		return err
	}
	seed, err := strconv.ParseUint(os.Getenv(crashEnv+"_SEED"), 10, 64)
	if err != nil {
		return err
	}
	c := &script{m: newModel()}
	for {
		if err := c.step(s, seed); err != nil {
			return err
		}
		fmt.Println(c.i)
	}
}

func TestKill(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	must(t, err)
	rounds := 25
	if testing.Short() {
		rounds = 4
	}
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for range rounds {
		seed := rng.Uint64N(1000)
		delay := time.Duration(rng.IntN(60_000)) * time.Microsecond
		path := filepath.Join(t.TempDir(), "a.db")
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), crashEnv+"="+path, crashEnv+"_SEED="+strconv.FormatUint(seed, 10))
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		done := uint64(0)
		lines := bufio.NewScanner(out)
		killed := false
		for lines.Scan() {
			n, err := strconv.ParseUint(lines.Text(), 10, 64)
			if err != nil {
				t.Fatal("child: ", lines.Text())
			}
			done = n
			if !killed {
				killed = true
				time.AfterFunc(delay, func() { _ = cmd.Process.Kill() })
			}
		}
		_ = cmd.Wait()

		// What it had done must be there, and all or nothing of what it was doing.
		ref, err := openScript(filepath.Join(t.TempDir(), "b.db"), Options{})
		must(t, err)
		c := &script{m: newModel()}
		for c.i < done {
			must(t, c.step(ref, seed))
		}
		want, err := dump(ref)
		must(t, err)
		for _, ro := range []bool{true, false, true} {
			got, err := openCheck(path, Options{ReadOnly: ro})
			if err != nil {
				t.Fatalf("seed %d, killed after %d: %v", seed, done, err)
			}
			if got != want {
				must(t, c.step(ref, seed))
				want, err = dump(ref)
				must(t, err)
				if got != want {
					t.Fatalf("seed %d, killed after %d: holds something else", seed, done)
				}
			}
		}
		must(t, ref.Close())
		s := try(t, path, Options{})
		must(t, s.read(func(tx *bolt.Tx) error {
			if k, _ := tx.Bucket(bucketNames[tagGarbage]).Cursor().First(); k != nil {
				t.Errorf("garbage %x is left", k)
			}
			return nil
		}))
		if done > 5 {
			sound(t, s)
		}
		must(t, s.Close())
	}
}

// TestFailedWrites lets every commit of every operation fail once.
func TestFailedWrites(t *testing.T) {
	full := errors.New("disk full")
	left := -1
	s, err := openScript(filepath.Join(t.TempDir(), "a.db"), Options{BeforeCommit: func() error {
		if left--; left == -1 {
			return full
		}
		return nil
	}})
	must(t, err)
	defer s.Close()
	c := &script{m: newModel()}
	failures := 0
	for c.i < 40 {
		before, err := dump(s)
		must(t, err)
		for n := 0; ; n++ {
			left = n
			i := c.i
			err := c.step(s, 7)
			hit := left < 0
			left = -1
			if err == nil && !hit {
				break
			}
			if err == nil {
				t.Fatal("a failed commit went unnoticed")
			}
			if !errors.Is(err, full) {
				t.Fatal(err)
			}
			failures++
			must(t, s.Check(ctx))
			got, err := dump(s)
			must(t, err)
			if got == before {
				continue
			}
			// It failed after the commit that counts, while deleting what is
			// left over; then the next operation makes up for it.
			c.i = i
			ref := &script{m: newModel()}
			r, err := openScript(filepath.Join(t.TempDir(), "b.db"), Options{})
			must(t, err)
			for ref.i <= c.i {
				must(t, ref.step(r, 7))
			}
			want, err := dump(r)
			must(t, err)
			must(t, r.Close())
			if got != want {
				t.Fatalf("step %d, commit %d failed: half of it is there", c.i, n)
			}
			c.m, c.i = ref.m, ref.i
			break
		}
	}
	sound(t, s)
	t.Log(failures, "failures")
}

func TestTogether(t *testing.T) {
	s := try(t, filepath.Join(t.TempDir(), "a.db"), Options{})
	s.maxTransaction, s.maxSweep, s.fanIn = 5000, 20, 3
	var stop atomic.Bool
	var wg sync.WaitGroup
	var appended atomic.Uint64
	for range 2 {
		wg.Go(func() {
			for !stop.Load() {
				last, err := s.Append([][]byte{make([]byte, 100), make([]byte, 1000)})
				if err != nil {
					t.Error(err)
					return
				}
				for old := appended.Load(); last > old && !appended.CompareAndSwap(old, last); old = appended.Load() {
				}
			}
		})
	}
	wg.Go(func() {
		for !stop.Load() {
			if _, err := s.Merge(); err != nil {
				t.Error(err)
			}
		}
	})
	for range 2 {
		wg.Go(func() {
			for !stop.Load() {
				if _, err := dump(s); err != nil {
					t.Error(err)
				}
				if err := s.Check(ctx); err != nil {
					t.Error(err)
				}
				var b bytes.Buffer
				if err := s.Backup(ctx, &b); err != nil {
					t.Error(err)
				}
			}
		})
	}
	rng := rand.New(rand.NewPCG(9, 9))
	m := newModel()
	for i := range 15 {
		must(t, s.Seal(m.segment(rng, 200), func() []Put { return []Put{{TableUse, []byte("k"), []byte{byte(i)}}} }, appended.Load()))
		if i%4 == 3 {
			segments, err := s.Segments()
			must(t, err)
			m.expire(segments, segments[1].First)
			must(t, s.Expire(segments[1].First))
		}
	}
	stop.Store(true)
	wg.Wait()
	must(t, s.Seal(nil, func() []Put { return []Put{{TableUse, []byte("k"), nil}} }, appended.Load()))
	m.last, m.cut = appended.Load(), appended.Load()
	m.compare(t, s)
}
