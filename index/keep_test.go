package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
)

func TestExpire(t *testing.T) {
	path := tempIndex(t)
	o := small()
	ix := open(t, path, o)
	g := newTraffic(41, 8, 30, 5*time.Minute) // 288 prompts a day
	prompts := g.take(4000)
	addAll(t, ix, prompts, 25)
	flags := flagsOf(t, ix)
	ctx := context.Background()
	cutoff := trafficStart.AddDate(0, 0, 7)
	removed, err := ix.Expire(ctx, cutoff)
	if err != nil || removed < 1500 || removed > 7*288 {
		t.Fatalf("Expire removed %d prompts, %v", removed, err)
	}
	check := func(ix *Index) {
		t.Helper()
		st := stats(t, ix)
		if st.Prompts != 4000-removed || st.First.Before(cutoff.AddDate(0, 0, -1)) || !st.Last.Equal(prompts[3999].Time) {
			t.Errorf("stats are %+v after %d were removed", st, removed)
		}
		if got := flagsOf(t, ix); len(got) != len(flags) {
			t.Errorf("%d flags, not %d", len(got), len(flags))
		}
		all := templatesOf(t, ix, Filter{Members: true})
		for _, p := range g.planted {
			accounts, n := make(map[string]bool), 0
			for i, at := range p.at {
				if !at.Before(cutoff) {
					accounts[p.who[i]] = true
					n++
				}
			}
			if found := p.find(all); len(found) != 1 || found[0].Accounts != len(accounts) || found[0].Prompts != n || found[0].FirstSeen.Before(cutoff) {
				t.Errorf("template %s is %+v; it has %d accounts, %d prompts since", p.name, found, len(accounts), n)
			}
		}
		if got, err := ix.Similar(ctx, prompts[3].Text, .9, 10); err != nil || len(got) != 0 {
			t.Errorf("an expired prompt is found: %v, %v", got, err)
		}
		if got, err := ix.Similar(ctx, prompts[3990].Text, .9, 10); err != nil || len(got) == 0 {
			t.Errorf("a retained prompt is not found: %v", err)
		}
		if got := add(t, ix, prompts[3990]); !got[0].Duplicate {
			t.Error("a retained prompt's id is not known")
		}
	}
	check(ix)
	if n, err := ix.Expire(ctx, cutoff); err != nil || n != 0 {
		t.Errorf("the same Expire again removed %d, %v", n, err)
	}
	closeIndex(t, ix)
	ix = open(t, path, o)
	check(ix)
	if n, err := ix.Expire(ctx, cutoff.AddDate(1, 0, 0)); err != nil || n != 4000-removed {
		t.Errorf("expiring all removed %d of %d, %v", n, 4000-removed, err)
	}
	if st := stats(t, ix); st.Prompts != 0 || st.Accounts != 0 || st.Templates != 0 || !st.First.IsZero() || !st.Last.IsZero() {
		t.Errorf("stats of nothing are %+v", st)
	}
	if got := add(t, ix, prompts[3]); got[0].Duplicate || got[0].Prompt != 4001 {
		t.Errorf("an expired prompt added again is %+v", got)
	}
}

// Expire while memtables are sealed beside it.
func TestExpireWhileSealing(t *testing.T) {
	ix := open(t, tempIndex(t), &Options{MemtablePostings: 1000, SiftBytes: 1 << 20, NoSync: true})
	g := newTraffic(42, 8, 30, 5*time.Minute)
	total := 0
	for range 60 {
		batch := g.take(1 + g.rng.IntN(60))
		add(t, ix, batch...)
		total += len(batch)
		n, err := ix.Expire(context.Background(), g.at.AddDate(0, 0, -2))
		if err != nil {
			t.Fatal(err)
		}
		if total -= n; stats(t, ix).Prompts != total {
			t.Fatalf("%d prompts, not %d", stats(t, ix).Prompts, total)
		}
	}
}

func TestBackupWhileWriting(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	g := newTraffic(43, 10, 30, time.Minute)
	before := g.take(2000)
	addAll(t, ix, before, 40)
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := ix.Add(context.Background(), g.take(30)...); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	var copied bytes.Buffer
	err := ix.Backup(context.Background(), &copied)
	close(stop)
	<-stopped
	if err != nil {
		t.Fatal(err)
	}
	path := tempIndex(t)
	if err := os.WriteFile(path, copied.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	b := open(t, path, small())
	if st := stats(t, b); st.Prompts < len(before) {
		t.Errorf("the backup has %d prompts of %d", st.Prompts, len(before))
	}
	for i, p := range addAll(t, b, before, 100) {
		if !p.Duplicate {
			t.Errorf("the backup does not know prompt %d", i)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := ix.Backup(ctx, discard{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled Backup: %v", err)
	}
}

// A flipped byte is found, or changes nothing.
func TestDamaged(t *testing.T) {
	flips := 150
	if testing.Short() {
		flips = 30
	}
	for _, closed := range []bool{true, false} {
		path := tempIndex(t)
		o := &Options{MemtablePostings: 4000, SiftBytes: 64 << 10, NoSync: true}
		ix, err := Open(path, o)
		if err != nil {
			t.Fatal(err)
		}
		g := newTraffic(44, 3, 12, time.Hour)
		g.share = .5
		addAll(t, ix, g.take(250), 20)
		settle(t, ix)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		closeIndex(t, ix)
		if closed {
			if whole, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		answers := func(path string) (out string, err error) {
			ro := *o
			ro.ReadOnly = true
			ix, err := Open(path, &ro)
			if err != nil {
				return "", err
			}
			defer ix.Close()
			if err := ix.Check(context.Background()); err != nil {
				return "", err
			}
			st, err := ix.Stats(context.Background())
			if err != nil {
				return "", err
			}
			ts, err := ix.Templates(context.Background(), Filter{Members: true})
			if err != nil {
				return "", err
			}
			similar, err := ix.Similar(context.Background(), g.planted[0].suffix[0], 0, 10)
			return fmt.Sprint(st.Prompts, st.Accounts, st.Templates, ts, similar), err
		}
		bad := tempIndex(t)
		if err := os.WriteFile(bad, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		want, err := answers(bad)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(44, 2))
		found := 0
		for range flips {
			at, bit := rng.IntN(len(whole)), byte(1)<<rng.IntN(8)
			whole[at] ^= bit
			if err := os.WriteFile(bad, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := answers(bad)
			whole[at] ^= bit
			switch {
			case err == nil && got != want:
				t.Errorf("a flipped bit of byte %d changed answers unnoticed", at)
			case err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNotIndex) && !errors.Is(err, ErrVersion) && !errors.Is(err, ErrScheme):
				t.Errorf("a flipped bit of byte %d: %v", at, err)
			case err != nil:
				found++
			}
		}
		t.Logf("closed %v: %d of %d flipped bits of %d bytes were noticed", closed, found, flips, len(whole))
		if closed && found != flips {
			t.Errorf("%d flipped bits of a closed file were not noticed", flips-found)
		}
	}
}

func TestOtherFiles(t *testing.T) {
	path := tempIndex(t)
	if err := os.WriteFile(path, bytes.Repeat([]byte("not an index\n"), 4000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, nil); !errors.Is(err, ErrNotIndex) {
		t.Errorf("a text file: %v", err)
	}
	path = tempIndex(t)
	ix, err := Open(path, small())
	if err != nil {
		t.Fatal(err)
	}
	if err := ix.store.SetMeta(metaScheme, []byte{9, 0, 1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	closeIndex(t, ix)
	if _, err := Open(path, small()); !errors.Is(err, ErrScheme) {
		t.Errorf("another scheme: %v", err)
	}
}

// When writes fail, nothing more is taken, queries go on, and reopening finds
// what was acknowledged.
func TestFailedWrites(t *testing.T) {
	for after := range 12 {
		path := tempIndex(t)
		o := small()
		o.MemtablePostings = 1000
		ix := open(t, path, o)
		left, full := after*3, errors.New("no space left")
		armed := make(chan bool)
		closeIndex(t, ix)
		ix = openFailing(t, path, o, func() error {
			select {
			case <-armed:
				if left--; left < 0 {
					return full
				}
			default:
			}
			return nil
		})
		g := newTraffic(45, 3, 10, time.Minute)
		close(armed)
		var acknowledged []Prompt
		var err error
		for range 200 {
			batch := g.take(20)
			var got []Placement
			if got, err = ix.Add(context.Background(), batch...); err != nil {
				if got != nil {
					t.Error("placements of a failed Add")
				}
				break
			}
			acknowledged = append(acknowledged, batch...)
		}
		if !errors.Is(err, ErrFailed) || !errors.Is(err, full) {
			t.Fatalf("Add after the disk is full: %v", err)
		}
		if _, err := ix.Add(context.Background(), g.next()); !errors.Is(err, ErrFailed) {
			t.Errorf("the next Add: %v", err)
		}
		templatesOf(t, ix, Filter{})
		if _, err := ix.Similar(context.Background(), "one two three four five", 0, 5); err != nil {
			t.Error(err)
		}
		if err := ix.Close(); !errors.Is(err, ErrFailed) {
			t.Errorf("Close: %v", err)
		}
		ix = open(t, path, o)
		if st := stats(t, ix); st.Prompts != len(acknowledged) {
			t.Errorf("%d prompts, %d were acknowledged", st.Prompts, len(acknowledged))
		}
		for _, p := range addAll(t, ix, acknowledged, 100) {
			if !p.Duplicate {
				t.Error("an acknowledged prompt is not known")
			}
		}
		closeIndex(t, ix)
	}
}

// openFailing opens an index whose commits ask before first.
func openFailing(t *testing.T, path string, o *Options, before func() error) *Index {
	t.Helper()
	opts, err := o.filled()
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(path, store.Options{NoSync: true, BeforeCommit: before})
	if err != nil {
		t.Fatal(err)
	}
	ix := newIndex(opts, st)
	if err := ix.start(); err != nil {
		t.Fatal(err)
	}
	return ix
}

// TestOnePrompt reopens an index whose segments have one prompt each, until they
// are merged.
func TestOnePrompt(t *testing.T) {
	path := tempIndex(t)
	g := newTraffic(5, 1, 1, time.Minute)
	for n := range 20 {
		ix, err := Open(path, small())
		if err != nil {
			t.Fatal(err)
		}
		if got := stats(t, ix).Prompts; got != n {
			t.Fatalf("%d prompts, want %d", got, n)
		}
		add(t, ix, Prompt{Account: fmt.Sprint(n), Text: strings.Join(g.some(300, 300), " ")})
		closeIndex(t, ix)
	}
	verify(t, path)
}
