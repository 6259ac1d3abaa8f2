package index

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// A Digest is what changes of a template with its prompts, and a stamp of the
// rest, for those who keep a copy of templates elsewhere.
type Digest struct {
	ID        string
	Stamp     uint64 // another one when the pattern or the exemplars may have changed; never 0; lasts
	Accounts  int
	Prompts   int
	FirstSeen time.Time
	LastSeen  time.Time
	Score     float64
	Status    string
}

// Changes tells what has become of templates since it was last asked. It must
// not be used from several goroutines at once.
type Changes struct {
	ix     *Index
	known  map[uint32]known
	labels labelled
	round  uint32 // counts what labels has been
}

// known is how a template was when Changes told of it last.
type known struct {
	prompts   uint64
	score     float64
	status    string
	keys      uint32
	round     uint32 // of those that only a label can give a status
	exemplars uint16
	out       bool
}

// labelled is how many labels there are, and how many of them have run out.
type labelled struct{ given, lapsed int }

// Changes returns a Changes that will tell of every template first.
func (ix *Index) Changes() *Changes {
	return &Changes{ix: ix, known: make(map[uint32]known)}
}

// Next calls changed for the templates that are new or have changed since it
// told of them last, those of most accounts first, then gone for those that
// there are no more. It tells of about limit at a time (0: of all) and reports
// whether there are more.
//
// A call scores what has changed as Campaigns does, and looks at every
// template: about 5 ms for 100,000 in memory, during which nothing is counted in.
func (c *Changes) Next(ctx context.Context, limit int, changed func(Digest), gone func(id string)) (more bool, err error) {
	ix := c.ix
	if limit <= 0 {
		limit = math.MaxInt
	}
	now, err := ix.assessAll()
	if err != nil {
		return false, err
	}
	var fresh []told
	seen := make(map[uint32]bool, len(c.known))
	err = ix.view(func(s *snapshot) {
		s.all = true
		if l := ix.labelled(); l != c.labels {
			c.labels = l
			c.round++
		}
		ix.templates.Each(func(t *template.Template) {
			seen[t.ID] = true
			k := known{prompts: t.Prompts, keys: uint32(t.Keys()), exemplars: uint16(len(t.Exemplars))}
			c.judge(&k, now, t.ID)
			if c.known[t.ID] != k {
				fresh = append(fresh, told{t, t.AccountCount(), k})
			}
		})
	}, func(r *store.Reader, _ *snapshot) error {
		if len(fresh) > limit {
			slices.SortFunc(fresh, func(a, b told) int { return cmp.Or(cmp.Compare(b.accounts, a.accounts), cmp.Compare(a.t.ID, b.t.ID)) })
			fresh, more = fresh[:limit], true
		}
		for _, f := range fresh {
			if err := ctx.Err(); err != nil {
				return err
			}
			changed(ix.digest(f.t, now))
			c.known[f.t.ID] = f.known
		}
		return c.out(ctx, r, now, limit-len(fresh), seen, changed, &more)
	})
	if err != nil {
		return false, err
	}
	for id := range c.known {
		if !seen[id] {
			gone(templateID(id))
			delete(c.known, id)
		}
	}
	return more, nil
}

type told struct {
	t        *template.Template
	accounts int
	known    known
}

// judge notes what assessments say of a template. Where they say nothing, a
// label may: then a new round asks for another look.
func (c *Changes) judge(k *known, now *assessments, id uint32) {
	if a := now.byID[id]; a != nil {
		k.status, k.score = now.status(a.verdict, a), a.alone
	} else {
		k.round = c.round
	}
}

// out tells of the templates on disk.
func (c *Changes) out(ctx context.Context, r *store.Reader, now *assessments, limit int, seen map[uint32]bool, changed func(Digest), more *bool) error {
	return r.Scan(store.TableStat, nil, nil, func(key, value []byte) error {
		id := templateNumber(key)
		if seen[id] {
			return nil // in memory
		}
		stat, err := template.DecodeStat(value)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		seen[id] = true
		if !stat.Out {
			return nil // came to memory after the snapshot: it is told of next time
		}
		k := known{prompts: stat.Prompts, out: true}
		c.judge(&k, now, id)
		if c.known[id] == k {
			return nil
		}
		if limit--; limit < 0 {
			*more = true
			return nil
		}
		t, err := loadTemplate(r, key, value)
		if err != nil {
			return err
		}
		changed(c.ix.digest(t, now))
		c.known[id] = k
		return ctx.Err()
	})
}

// labelled counts labels. The caller holds ix.mu.
func (ix *Index) labelled() labelled {
	l := labelled{given: len(ix.labels.all)}
	for i := range ix.labels.all {
		if at := ix.labels.all[i].Until; !at.IsZero() && ix.last >= at.UnixMilli() {
			l.lapsed++
		}
	}
	return l
}

func (ix *Index) digest(t *template.Template, now *assessments) Digest {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	d := Digest{
		ID: templateID(t.ID), Stamp: t.Stamp(), Accounts: t.AccountCount(), Prompts: int(t.Prompts),
		FirstSeen: timeOf(t.First), LastSeen: timeOf(t.Last),
	}
	a := now.byID[t.ID]
	d.Status = now.status(ix.verdict(t), a)
	if a != nil {
		d.Score = math.Round(10*a.alone) / 10
	}
	return d
}

// Lookup returns the templates of the given ids as Templates does, in that
// order, without those that there are not. It costs only what it returns:
// status and factors are as of the last time that all templates were scored.
func (ix *Index) Lookup(ctx context.Context, ids ...string) ([]Template, error) {
	now, err := ix.assessedLately()
	if err != nil {
		return nil, err
	}
	return ix.lookup(ctx, ids, true, func(picks []pick, out []Template) error { return ix.judgeAll(ctx, now, picks, out) })
}

// assessedLately returns the last assessments, or those of now if there are
// none yet. The caller holds no lock.
func (ix *Index) assessedLately() (*assessments, error) {
	if last := ix.assessor.last.Load(); last != nil {
		return last, nil
	}
	return ix.assessAll()
}

// Texts is Lookup without status, score and factors, and without what is yet
// to be found of the past: for those who only need words.
func (ix *Index) Texts(ctx context.Context, ids ...string) ([]Template, error) {
	return ix.lookup(ctx, ids, false, func([]pick, []Template) error { return nil })
}

func (ix *Index) lookup(ctx context.Context, ids []string, past bool, judge func([]pick, []Template) error) (out []Template, err error) {
	numbers := make([]uint32, 0, len(ids))
	for _, s := range ids {
		if id, ok := parseTemplateID(s); ok {
			numbers = append(numbers, id)
		}
	}
	found := make(map[uint32]*template.Template, len(numbers))
	pending := make(map[uint32]template.Lost)
	err = ix.view(func(s *snapshot) {
		s.all = true
		for _, id := range numbers {
			if t := ix.templates.Get(id); t != nil {
				found[id] = t
				if l, ok := t.Lost(); ok && past {
					pending[id] = l
				}
			}
		}
	}, func(r *store.Reader, s *snapshot) error {
		if err := ix.fetch(r, numbers, found, pending); err != nil {
			return err
		}
		var picks []pick
		ix.mu.RLock()
		for _, id := range numbers {
			if t := found[id]; t != nil {
				picks = append(picks, pick{t, t.AccountCount()})
			}
		}
		ix.mu.RUnlock()
		if out, err = ix.describe(ctx, r, s, picks, 0, 1<<30, false); err != nil {
			return err
		}
		return judge(picks, out)
	})
	return out, err
}

// fetch adds to found the templates on disk, and counts in the past of the
// pending ones.
func (ix *Index) fetch(r *store.Reader, numbers []uint32, found map[uint32]*template.Template, pending map[uint32]template.Lost) error {
	for _, id := range numbers {
		if found[id] != nil {
			continue
		}
		t, err := findTemplate(r, id)
		if err != nil {
			return err
		}
		if t != nil {
			found[id] = t
		}
	}
	var lost []template.Lost
	for _, id := range sortedKeys(pending) {
		lost = append(lost, pending[id])
	}
	past, err := ix.recallFrom(r, lost)
	if err != nil {
		return err
	}
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	for i, l := range lost {
		if t := found[l.Template]; t.Past == past[i].Before && len(past[i].Members) > 0 {
			found[l.Template] = t.With(ix.dated(past[i]))
		}
	}
	return nil
}
