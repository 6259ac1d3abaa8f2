package index

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// A pick is a template that a filter selects, with its accounts in the window.
type pick struct {
	t        *template.Template
	accounts int
}

// Templates returns the templates that f selects, those of most accounts
// first. Its errors include ErrCursor and ErrAttr.
func (ix *Index) Templates(ctx context.Context, f Filter) ([]Template, error) {
	from, to := f.days()
	only, ok := f.only()
	if !ok {
		return []Template{}, nil
	}
	least := f.MinAccounts
	if f.Fold { // narrower ones may count together
		least = min(least, kinAccounts)
	}
	var picks []pick
	out := []Template{}
	now, k, err := ix.assessKin()
	if err != nil {
		return nil, err
	}
	var sought sought
	err = ix.viewTemplates(least, only, func(*snapshot) { sought = ix.attrs.seek(f.Attrs) }, func(t *template.Template, past []template.Earlier) bool {
		return t.AccountCount()+len(past) >= least
	}, func(t *template.Template) {
		n := t.AccountCount() // which is that of all days
		if n >= least && (from > 0 || to < 1<<30) {
			n = t.Spread(from, to)
		}
		if n > 0 && n >= least && sought.in(t, from, to) {
			picks = append(picks, pick{t, n})
		}
	}, func(r *store.Reader, s *snapshot) (err error) {
		if sought.err != nil {
			return sought.err
		}
		if picks, err = ix.selected(now, k, picks, &f); err != nil {
			return err
		}
		out, err = ix.describeSome(ctx, r, s, now, k, picks, &f)
		return err
	})
	return out, err
}

// describeSome describes picks until there are enough that the filter's text
// selects.
func (ix *Index) describeSome(ctx context.Context, r *store.Reader, s *snapshot, now *assessments, k *kin, picks []pick, f *Filter) ([]Template, error) {
	from, to := f.days()
	out := []Template{}
	picks = ix.likely(picks, f)
	share := len(picks)
	if f.Limit > 0 {
		share = f.Limit
	}
	for len(picks) > 0 && (f.Limit == 0 || len(out) < f.Limit) {
		some := picks[:min(share, len(picks))]
		picks = picks[len(some):]
		described, err := ix.describe(ctx, r, s, some, from, to, f.Members)
		if err != nil {
			return nil, err
		}
		kept := some[:0]
		for i := range described {
			if f.text(described[i].Pattern) {
				kept, described[len(kept)] = append(kept, some[i]), described[i]
			}
		}
		described = described[:len(kept)]
		if err := ix.judgeAll(ctx, now, kept, described); err != nil {
			return nil, err
		}
		k.relate(kept, described)
		out = append(out, described...)
	}
	if f.Limit > 0 && len(out) > f.Limit {
		out = out[:f.Limit]
	}
	return out, nil
}

// Template returns one template with its members, or ErrNotFound.
func (ix *Index) Template(ctx context.Context, id string) (Template, error) {
	all, err := ix.Templates(ctx, Filter{ID: id, Members: true})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%w: no template %q", ErrNotFound, id)
	}
	if err != nil {
		return Template{}, err
	}
	return all[0], nil
}

// days turns the filter's window into days, inclusive.
func (f *Filter) days() (from, to int32) {
	from, to = 0, 1<<30
	if !f.Since.IsZero() {
		from = template.DayOf(f.Since.UnixMilli())
	}
	if !f.Until.IsZero() {
		to = template.DayOf(f.Until.UnixMilli())
	}
	return from, to
}

// only is the number of the one template selected, or 0 for all; false if there
// is none of that id.
func (f *Filter) only() (uint32, bool) {
	if f.ID == "" {
		return 0, true
	}
	id, ok := parseTemplateID(f.ID)
	return id, ok && id != 0
}

// viewTemplates calls locked under the lock, then fn for every template with
// its past counted in (under the lock if it is one in memory, so many at a time
// that adding prompts does not wait long), then last. Of those on disk it takes
// only those with at least so many accounts, of those with a past only those
// that wants says so of; nil: all.
func (ix *Index) viewTemplates(minAccounts int, only uint32, locked func(*snapshot), wants func(*template.Template, []template.Earlier) bool,
	fn func(*template.Template), last func(*store.Reader, *snapshot) error) error {
	var inMemory []uint64 // one bit a template
	var all []*template.Template
	anyOut := false
	return ix.view(func(s *snapshot) {
		s.all = true
		anyOut = ix.templates.Out() > 0
		if locked != nil {
			locked(s)
		}
		if only != 0 {
			if t := ix.templates.Get(only); t != nil {
				all = append(all, t)
			}
		} else {
			all = make([]*template.Template, 0, ix.templates.Len())
			ix.templates.Each(func(t *template.Template) { all = append(all, t) })
		}
		inMemory = make([]uint64, ix.templates.NextID()/64+1)
		for _, t := range all {
			inMemory[t.ID/64] |= 1 << (t.ID % 64)
		}
	}, func(r *store.Reader, s *snapshot) error {
		if err := ix.eachInMemory(r, all, only == 0, wants, fn); err != nil {
			return err
		}
		if !anyOut {
			return last(r, s)
		}
		if err := eachOut(r, minAccounts, only, func(t *template.Template) {
			if i := int(t.ID / 64); i >= len(inMemory) || inMemory[i]>>(t.ID%64)&1 == 0 { // those came back, and are out of date on disk
				fn(t)
			}
		}); err != nil {
			return err
		}
		return last(r, s)
	})
}

const lookShare = 1024 // templates looked at under one lock

// eachInMemory calls fn for templates in memory, every says that they are all
// there are.
func (ix *Index) eachInMemory(r *store.Reader, all []*template.Template, every bool,
	wants func(*template.Template, []template.Earlier) bool, fn func(*template.Template)) error {
	var pending []waiting
	var known map[pastKey][]template.Earlier
	if m := ix.pasts.known.Load(); m != nil {
		known = *m
	}
	for some := range slices.Chunk(all, lookShare) {
		ix.mu.RLock()
		for _, t := range some {
			key, ok := ix.pastOf(t)
			if !ok {
				fn(t)
				continue
			}
			w := waiting{t: t, key: key}
			if _, ok := known[key]; !ok {
				w.lost, _ = t.Lost()
			}
			pending = append(pending, w)
		}
		ix.mu.RUnlock()
	}
	found, err := ix.pastsOf(r, known, pending, every)
	if err != nil {
		return err
	}
	for len(pending) > 0 {
		n := min(len(pending), lookShare)
		ix.mu.RLock()
		for i, w := range pending[:n] {
			t := w.t
			if wants != nil && !wants(t, found[i].Members) {
				continue
			}
			if t.Past == found[i].Before && len(found[i].Members) > 0 {
				t = t.With(ix.dated(found[i]))
			}
			fn(t)
		}
		ix.mu.RUnlock()
		pending, found = pending[n:], found[n:]
	}
	return nil
}

// eachOut calls fn for the templates on disk with at least so many accounts.
func eachOut(r *store.Reader, minAccounts int, only uint32, fn func(*template.Template)) error {
	var from, to []byte
	if only != 0 {
		from, to = templateKey(only), templateKey(only+1)
	}
	return r.Scan(store.TableStat, from, to, func(key, value []byte) error {
		stat, err := template.DecodeStat(value)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if !stat.Out || stat.Accounts < minAccounts {
			return nil
		}
		t, err := loadTemplate(r, key, value)
		if err == nil {
			fn(t)
		}
		return err
	})
}

// describe turns picks into results.
func (ix *Index) describe(ctx context.Context, r *store.Reader, s *snapshot, picks []pick, from, to int32, withMembers bool) ([]Template, error) {
	out := make([]Template, len(picks))
	members := make([][]template.Member, len(picks))
	cores := make([][]uint64, len(picks))
	unsealed := make([][]string, len(picks))
	stamps, kept := make([]uint64, len(picks)), make([]int, len(picks))
	var ids []uint32
	ix.mu.RLock()
	for i, p := range picks {
		t := p.t
		out[i] = Template{
			ID: templateID(t.ID), Accounts: p.accounts, Prompts: int(t.PromptsIn(from, to)), Status: "none",
			FirstSeen: timeOf(t.First), LastSeen: timeOf(t.Last),
			Slots: []Slot{}, Factors: []Factor{}, Exemplars: []string{},
		}
		cores[i], unsealed[i] = t.Core(), s.unsealed.of(t.ID)
		stamps[i], kept[i] = t.Stamp(), len(t.Exemplars)
		out[i].Attrs = ix.attrs.tally(from, to, t)
		if withMembers {
			members[i] = slices.DeleteFunc(t.Members(from, to), func(m template.Member) bool {
				return int(m.Account) > s.n // newer than the snapshot, which cannot name it
			})
			out[i].Accounts = len(members[i])
			for _, m := range members[i] {
				ids = append(ids, m.Account)
			}
		}
	}
	ix.mu.RUnlock()
	names, err := s.names(r, ids)
	if err != nil {
		return nil, err
	}
	k := ix.sketchers.get()
	defer ix.sketchers.put(k)
	for i := range out {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t := &out[i]
		texts, err := exemplarTexts(r, picks[i].t.ID, unsealed[i])
		if err != nil {
			return nil, err
		}
		p := template.MakePattern(k.Sketcher, cores[i], texts)
		if len(texts) == kept[i] { // none was added after the snapshot
			ix.lowered.put(picks[i].t.ID, stamps[i], p.Text)
		}
		t.Pattern, t.FixedWords, t.Exemplars = p.Text, p.FixedWords, append(t.Exemplars, texts...)
		for _, sl := range p.Slots {
			t.Slots = append(t.Slots, Slot(sl))
		}
		for _, m := range members[i] {
			t.Members = append(t.Members, Member{Account: names[m.Account], Prompts: int(m.Prompts)})
		}
	}
	return out, nil
}

// Stats returns the index's totals.
func (ix *Index) Stats(ctx context.Context) (Stats, error) {
	st := Stats{Scheme: ix.scheme, Bytes: ix.store.Size()}
	err := ix.view(func(*snapshot) {
		st.Prompts, st.Accounts = int(ix.prompts), ix.accounts.seen()
		st.Duplicates, st.Flags, st.Queued = int(ix.duplicates), int(ix.flagSeq), len(ix.queue)
		for _, m := range ix.memtables() {
			st.Unsealed += len(m.records)
		}
		st.AttrValues, st.AttrOthers = ix.attrs.values, int(ix.attrs.others)
		st.Templates, st.Memory = ix.templates.Len()+ix.templates.Out(), ix.templates.Bytes()
		if ix.prompts > 0 {
			st.First, st.Last = timeOf(ix.first), timeOf(ix.last)
		}
	}, func(r *store.Reader, _ *snapshot) error {
		st.Segments, st.Runs = len(r.Segments()), r.Runs()
		return nil
	})
	return st, err
}
