package index

import (
	"cmp"
	"maps"
	"slices"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
)

// A snapshot is what a query takes from memory in one moment. What is sealed
// later it may find in the store too: prompts from unsealedFrom on are its own.
type snapshot struct {
	nameView
	mems         []*memtable // newest first; only valid under the lock
	unsealedFrom uint64
	flags        []Flag // the newest ones; those before are in the store
	unsealed     unsealed
	all          bool // set by locked: templates that leave memory must be in the store by then
}

// view takes a snapshot, calls locked under the read lock, then fn with a read
// transaction that began after the snapshot. Both may be nil.
func (ix *Index) view(locked func(*snapshot), fn func(*store.Reader, *snapshot) error) error {
	ix.closing.RLock()
	defer ix.closing.RUnlock()
	if ix.closed {
		return ErrClosed
	}
	var s snapshot
	ix.mu.RLock()
	s.mems = ix.memtables()
	s.unsealedFrom = s.mems[len(s.mems)-1].first
	var pending []string
	if len(s.mems) > 1 {
		pending = ix.sealing.names
	}
	s.nameView = ix.accounts.view(pending)
	s.flags, s.unsealed = ix.freshFlags, ix.unsealed()
	if locked != nil {
		locked(&s)
	}
	leaving := ix.sealing
	ix.mu.RUnlock()
	if s.all && len(s.mems) > 1 && leaving.leaving {
		<-leaving.done
	}
	if fn == nil {
		return nil
	}
	return wrap(ix.store.View(func(r *store.Reader) error { return fn(r, &s) }))
}

// memtables returns the memtables that are not in the store, newest first.
// The caller holds ix.mu.
func (ix *Index) memtables() []*memtable {
	if s := ix.sealing; s != nil && s.mem != nil {
		return []*memtable{ix.mem, s.mem}
	}
	return []*memtable{ix.mem}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
