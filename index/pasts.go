package index

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// pasts remembers what queries found of templates whose past has not been
// searched by a seal yet: the segments that it lies in do not change.
type pasts struct {
	known atomic.Pointer[map[pastKey][]template.Earlier]
}

// A pastKey says what was looked for.
type pastKey struct {
	template uint32
	before   uint64
	stamp    uint64 // of the core
	expired  int    // whole segments may be gone since
}

// pastOf is the key of a template's past, if there is one to be searched. The
// caller holds ix.mu.
func (ix *Index) pastOf(t *template.Template) (pastKey, bool) {
	if t.Past <= 1 {
		return pastKey{}, false
	}
	return pastKey{t.ID, t.Past, t.Stamp(), ix.expired}, true
}

// A waiting template has a past to be searched.
type waiting struct {
	t    *template.Template
	key  pastKey
	lost template.Lost // if nobody has searched
}

// pastsOf returns what the segments hold of the pasts of templates, in their
// order, beyond what is known. all says that no other templates have one.
func (ix *Index) pastsOf(r *store.Reader, known map[pastKey][]template.Earlier, those []waiting, all bool) ([]template.Found, error) {
	var lost []template.Lost
	for _, w := range those {
		if _, ok := known[w.key]; !ok {
			lost = append(lost, w.lost)
		}
	}
	fresh, err := ix.recallFrom(r, lost)
	if err != nil {
		return nil, err
	}
	next := make(map[pastKey][]template.Earlier, len(those))
	if !all {
		maps.Copy(next, known)
	}
	found := make([]template.Found, len(those))
	for i, w := range those {
		found[i] = template.Found{Template: w.key.template, Before: w.key.before}
		members, ok := known[w.key]
		if !ok {
			members, fresh = fresh[0].Members, fresh[1:]
		}
		found[i].Members = members
		if r.Sealed()+1 >= w.key.before { // or part of it is on its way to the disk
			next[w.key] = members
		}
	}
	ix.pasts.known.Store(&next)
	return found, nil
}

// dated returns a Found with what its members' accounts are like now. The caller
// holds ix.mu.
func (ix *Index) dated(f template.Found) template.Found {
	f.Members = slices.Clone(f.Members)
	ix.date(f.Members)
	return f
}

func (ix *Index) date(members []template.Earlier) {
	for i := range members {
		m := &members[i]
		m.Since, m.Opens = ix.since(m.Account), ix.opened(m.Account, m.Time)
	}
}
