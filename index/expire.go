package index

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// Expire forgets what lies before a time: whole segments whose prompts are all
// older, and whole days (UTC) of templates. It returns how many prompts are no
// longer retained. Flags, labels and account ids stay.
func (ix *Index) Expire(ctx context.Context, before time.Time) (removed int, err error) {
	if ix.opts.ReadOnly {
		return 0, fmt.Errorf("index: Expire: opened read-only")
	}
	r := &request{done: make(chan struct{})}
	r.exclusive = func() error {
		removed, err = ix.expire(before)
		return err
	}
	if err := ix.enqueue(ctx, r); err != nil {
		return 0, err
	}
	<-r.done
	return removed, wrap(r.err)
}

// expire runs between requests, with everything before it durable. A crash
// within leaves some of it undone: the same Expire then completes it.
func (ix *Index) expire(before time.Time) (removed int, err error) {
	if ix.hasUnsealed() {
		s := ix.rotate()
		s.cut = ix.journaled.Load()
		ix.seals <- s
	}
	ix.awaitSealing()
	if err := ix.failure(); err != nil {
		return 0, err
	}
	segments, err := ix.store.Segments()
	if err != nil {
		return 0, err
	}
	cutoff := before.UnixMilli()
	var firsts []uint64
	var kept []store.Segment
	to := &recorder{}
	for _, s := range segments {
		if s.MaxTime >= cutoff {
			kept = append(kept, s)
			continue
		}
		firsts = append(firsts, s.First)
		removed += s.N
		if err := ix.store.Scan(store.TableAux, accountUsesKey(s.First, 0), accountUsesKey(s.First+1, 0), func(key, _ []byte) error {
			to.put(store.TableAux, append([]byte(nil), key...), nil)
			return nil
		}); err != nil {
			return 0, err
		}
	}
	if err := ix.expireTemplates(template.DayOf(cutoff), to); err != nil {
		return 0, ix.fail(err) // memory may have expired already
	}
	if err := ix.store.Write(to.puts); err != nil {
		return 0, ix.fail(err)
	}
	if len(firsts) > 0 {
		if err := ix.store.Expire(firsts...); err != nil {
			return 0, ix.fail(err)
		}
	}
	uses := make([]accountStat, ix.accounts.len())
	if err := ix.store.View(func(r *store.Reader) error { return eachSealedUse(r, uses) }); err != nil {
		return 0, ix.fail(err)
	}
	ix.mu.Lock()
	ix.accounts.stats = uses
	ix.populate()
	ix.total(kept)
	ix.expired++
	ix.mu.Unlock()
	return removed, nil
}

// expireTemplates forgets days in memory and collects what that changes on disk.
func (ix *Index) expireTemplates(day int32, to *recorder) error {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.expired++
	ix.countRecalled() // it may reach into days that now go
	ix.templates.Expire(day, to)
	ix.templates.Changed(to)
	used := make(map[template.Value]bool)
	uses := func(t *template.Template) {
		t.EachValue(0, math.MaxInt32, func(u template.ValueUse) { used[u.Value] = true })
	}
	ix.templates.Each(uses)
	if err := ix.expireOut(day, to, uses); err != nil {
		return err
	}
	to.puts = append(to.puts, ix.attrs.drop(used)...)
	to.puts = append(append(to.puts, ix.unsealedFlags...), ix.counters())
	ix.unsealedFlags = nil
	return nil
}

// expireOut does for templates on disk what Set.Expire does for those in
// memory, then calls left with each.
func (ix *Index) expireOut(day int32, to *recorder, left func(*template.Template)) error {
	if ix.templates.Out() == 0 {
		return nil
	}
	return ix.store.View(func(r *store.Reader) error {
		return eachOut(r, 0, 0, func(t *template.Template) {
			if ix.templates.Get(t.ID) == nil {
				ix.templates.ExpireOut(t, day, to)
				left(t)
			}
		})
	})
}
