package index

import (
	"context"
	"path/filepath"
	"testing"
	"time"
)

func TestTemplateCounts(t *testing.T) {
	for _, c := range []struct {
		name      string
		postings  int
		templates int
		pool      int
		prompts   int
		bytes     int
	}{
		{"one memtable", 4_000_000, 20, 40, 3000, 0},
		{"tiny memtables", 1000, 20, 40, 4000, 0},
		{"small memtables", 5000, 60, 100, 12000, 0},
		{"slow templates", 2000, 300, 12, 12000, 0},
		{"little memory", 2000, 300, 25, 16000, 64 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := tempIndex(t)
			o := small()
			o.MemtablePostings, o.TemplateBytes = c.postings, c.bytes
			g := newTraffic(1, c.templates, c.pool, 40*time.Second)
			ix := open(t, path, o)
			half := g.take(c.prompts / 2)
			addAll(t, ix, half, 17)
			g.compare(t, ix)
			closeIndex(t, ix)

			ix = open(t, path, o)
			g.compare(t, ix)
			addAll(t, ix, g.take(c.prompts/2), 33)
			g.compare(t, ix)

			// As after a crash: a copy of the file while it is open and idle.
			crashed := filepath.Join(t.TempDir(), "crashed.db")
			settle(t, ix)
			copyFile(t, path, crashed)
			g.compare(t, open(t, crashed, o))
			if o.TemplateBytes > 0 {
				ix.mu.RLock()
				if ix.templates.Out() == 0 {
					t.Error("no template left memory")
				}
				ix.mu.RUnlock()
			}
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// settle waits until nothing is being sealed or merged.
func settle(t testing.TB, ix *Index) {
	t.Helper()
	ix.mu.RLock()
	s := ix.sealing
	ix.mu.RUnlock()
	if s != nil {
		<-s.done
	}
	for did := true; did; {
		var err error
		if did, err = ix.store.Merge(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, postings := range []int{4_000_000, 2000} {
		path := tempIndex(t)
		o := small()
		o.MemtablePostings = postings
		g := newTraffic(2, 12, 60, 2*time.Minute)
		ix := open(t, path, o)
		addAll(t, ix, g.take(6000), 7)
		check := func(ix *Index) {
			t.Helper()
			flags := flagsOf(t, ix)
			all := templatesOf(t, ix, Filter{})
			for i, f := range flags {
				if f.Seq != uint64(i+1) {
					t.Errorf("flag %d has number %d", i+1, f.Seq)
				}
			}
			for _, p := range g.planted {
				at, crossed := p.crossed(20)
				found := p.find(all)
				if len(found) != 1 {
					t.Errorf("template %s was found %d times", p.name, len(found))
					continue
				}
				n := 0
				for _, f := range flags {
					if f.ID == found[0].ID {
						n++
						if !f.Time.Equal(at) || f.Accounts != 20 {
							t.Errorf("template %s was flagged at %v with %d accounts, not at %v", p.name, f.Time, f.Accounts, at)
						}
					}
				}
				if want := map[bool]int{true: 1}[crossed]; n != want {
					t.Errorf("template %s was flagged %d times, not %d", p.name, n, want)
				}
			}
		}
		check(ix)
		closeIndex(t, ix)
		ix = open(t, path, o)
		check(ix)
		addAll(t, ix, g.take(2000), 7)
		check(ix)
	}
}

func TestFlagsFollow(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	g := newTraffic(3, 10, 60, 2*time.Minute)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	done := make(chan []Flag)
	go func() {
		var got []Flag
		after := uint64(0)
		for len(got) < 9 {
			for f, err := range ix.Flags(ctx, after) { // resumes every third flag
				if err != nil {
					t.Error(err)
					close(done)
					return
				}
				got, after = append(got, f), f.Seq
				if len(got)%3 == 0 {
					break
				}
			}
			if ctx.Err() != nil {
				break
			}
		}
		done <- got
	}()
	addAll(t, ix, g.take(5000), 25)
	got := <-done
	if len(got) != 9 {
		t.Fatalf("%d flags came", len(got))
	}
	for i, f := range got {
		if f.Seq != uint64(i+1) {
			t.Errorf("flag %d came as number %d", f.Seq, i+1)
		}
	}
	ended := make(chan bool)
	go func() {
		for range ix.Flags(context.Background(), 1000) {
		}
		close(ended)
	}()
	time.Sleep(10 * time.Millisecond)
	closeIndex(t, ix)
	<-ended
}
