package index

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
)

// accounts interns account names to 32-bit ids, counted from 1. Names stay on
// disk once sealed; memory keeps a keyed hash, three numbers and no text.
type accounts struct {
	seed   uint64
	ids    accountTable
	stats  []accountStat // by id - 1
	fresh  []string      // names not yet sealed, in id order
	chunks []uint32      // first id of every sealed chunk of names, ascending
}

type accountStat struct {
	first, last int64 // unix ms
	prompts     uint32
}

func newAccounts(seed uint64) *accounts {
	return &accounts{seed: seed}
}

func (a *accounts) hash(name string) uint64 {
	var d xxhash.Digest
	d.ResetWithSeed(a.seed)
	d.WriteString(name)
	return d.Sum64()
}

// intern returns the id of a name, which it remembers when it is new.
func (a *accounts) intern(name string) (id uint32, fresh bool) {
	h := a.hash(name)
	if id := a.ids.get(h); id != 0 {
		return id, false
	}
	a.stats = append(a.stats, accountStat{})
	id = uint32(len(a.stats))
	a.ids.add(h, id)
	a.fresh = append(a.fresh, strings.Clone(name))
	return id, true
}

func (a *accounts) find(name string) (uint32, bool) {
	id := a.ids.get(a.hash(name))
	return id, id != 0
}

// An accountTable maps hashes of names to ids: open addressing with linear
// probing, so that what is found waits for one line of memory.
type accountTable struct {
	slots []accountSlot // a power of two of them, or none; at most three quarters are taken
	n     int           // taken
}

type accountSlot struct {
	hash uint64
	id   uint32 // 0: free
}

// place returns the slot of a hash, or the free one where it belongs. There
// are slots.
func (t *accountTable) place(hash uint64) *accountSlot {
	mask := uint64(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		if s := &t.slots[i]; s.id == 0 || s.hash == hash {
			return s
		}
	}
}

// get returns the id of a hash, or 0.
func (t *accountTable) get(hash uint64) uint32 {
	if t.n == 0 {
		return 0
	}
	return t.place(hash).id
}

// add gives a hash that has none an id.
func (t *accountTable) add(hash uint64, id uint32) {
	if 4*(t.n+1) > 3*len(t.slots) {
		old := t.slots
		t.slots = make([]accountSlot, max(1<<10, 2*len(old)))
		for _, s := range old {
			if s.id != 0 {
				*t.place(s.hash) = s
			}
		}
	}
	*t.place(hash) = accountSlot{hash, id}
	t.n++
}

// touch loads what get will read, without waiting for it.
func (t *accountTable) touch(hash uint64) uint64 {
	if t.n == 0 {
		return 0
	}
	return t.slots[hash&uint64(len(t.slots)-1)].hash
}

func (a *accounts) len() int { return len(a.stats) }

// seen is the number of accounts with retained prompts.
func (a *accounts) seen() (n int) {
	for i := range a.stats {
		if a.stats[i].prompts > 0 {
			n++
		}
	}
	return n
}

// count adds n prompts of an account between first and last.
func (a *accounts) count(id uint32, first, last int64, n uint32) {
	a.stats[id-1].count(first, last, n)
}

func (s *accountStat) count(first, last int64, n uint32) {
	if s.prompts == 0 || first < s.first {
		s.first = first
	}
	if s.prompts == 0 || last > s.last {
		s.last = last
	}
	s.prompts += n
}

const nameChunk = 16 << 10 // bytes of names in one record, about

// seal returns the fresh names as records, and themselves: from now on they
// are pending, and on disk once the records are written.
func (a *accounts) seal() (puts []store.Put, sealed []string) {
	sealed, a.fresh = a.fresh, nil
	id := uint32(len(a.stats)-len(sealed)) + 1
	for i := 0; i < len(sealed); {
		first, chunk := id, []byte(nil)
		for i < len(sealed) && len(chunk) < nameChunk {
			chunk = binary.AppendUvarint(chunk, uint64(len(sealed[i])))
			chunk = append(chunk, sealed[i]...)
			i, id = i+1, id+1
		}
		a.chunks = append(a.chunks, first)
		puts = append(puts, store.Put{Table: store.TableAccount, Key: binary.BigEndian.AppendUint32(nil, first), Value: chunk})
	}
	return puts, sealed
}

// eachName calls fn for the names of one stored chunk.
func eachName(chunk []byte, fn func(name []byte) error) error {
	for len(chunk) > 0 {
		n, k := binary.Uvarint(chunk)
		if k <= 0 || n > uint64(len(chunk)-k) {
			return fmt.Errorf("%w: account names are cut short", ErrDamaged)
		}
		if err := fn(chunk[k : k+int(n)]); err != nil {
			return err
		}
		chunk = chunk[k+int(n):]
	}
	return nil
}

// load reads the names of every sealed chunk back.
func (a *accounts) load(st *store.Store) error {
	return st.Scan(store.TableAccount, nil, nil, func(key, value []byte) error {
		if len(key) != 4 || binary.BigEndian.Uint32(key) != uint32(len(a.stats))+1 {
			return fmt.Errorf("%w: account names are not in sequence", ErrDamaged)
		}
		a.chunks = append(a.chunks, binary.BigEndian.Uint32(key))
		return eachName(value, func(name []byte) error {
			a.stats = append(a.stats, accountStat{})
			a.ids.add(a.hash(string(name)), uint32(len(a.stats)))
			return nil
		})
	})
}

// A nameView resolves account ids as of one moment. The slices it shares with
// accounts only ever grow.
type nameView struct {
	chunks  []uint32
	pending []string // being sealed: right before the fresh ones
	fresh   []string
	n       int
}

func (a *accounts) view(pending []string) nameView {
	return nameView{a.chunks, pending, a.fresh, len(a.stats)}
}

// names resolves ids, which it sorts.
func (v nameView) names(r *store.Reader, ids []uint32) (map[uint32]string, error) {
	slices.Sort(ids)
	out := make(map[uint32]string, len(ids))
	freshFrom := uint32(v.n-len(v.fresh)) + 1
	pendingFrom := freshFrom - uint32(len(v.pending))
	for i := 0; i < len(ids); {
		id := ids[i]
		if id >= freshFrom {
			out[id] = v.fresh[id-freshFrom]
			i++
			continue
		}
		if id >= pendingFrom {
			out[id] = v.pending[id-pendingFrom]
			i++
			continue
		}
		c, ok := slices.BinarySearch(v.chunks, id)
		if !ok {
			c--
		}
		if c < 0 {
			return nil, fmt.Errorf("%w: no name for account number %d", ErrDamaged, id)
		}
		chunk, ok, err := r.Get(store.TableAccount, binary.BigEndian.AppendUint32(nil, v.chunks[c]))
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fmt.Errorf("%w: no names from account number %d", ErrDamaged, v.chunks[c])
		}
		at := v.chunks[c]
		err = eachName(chunk, func(name []byte) error {
			for i < len(ids) && ids[i] == at {
				out[at] = string(name)
				i++
			}
			at++
			return nil
		})
		if err != nil {
			return nil, err
		}
		if i < len(ids) && ids[i] == id {
			return nil, fmt.Errorf("%w: no name for account number %d", ErrDamaged, id)
		}
	}
	return out, nil
}
