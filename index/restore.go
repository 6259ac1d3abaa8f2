package index

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/seed-368d3dfa/chorus/index/internal/campaign"
	"github.com/seed-368d3dfa/chorus/index/internal/sift"
	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// restore brings memory back to the last checkpoint.
func (ix *Index) restore() error {
	if err := ix.accounts.load(ix.store); err != nil {
		return err
	}
	if err := ix.store.View(ix.restoreFrom); err != nil {
		return err
	}
	if lost := ix.templates.Lost(); len(lost) > 0 && !ix.opts.ReadOnly {
		s := &sealing{recalls: lost, stored: make(chan struct{}), done: make(chan struct{})}
		close(s.stored)
		ix.sealing = s
		go func() {
			defer close(s.done)
			ix.recall(s)
		}()
	}
	return nil
}

// restoreFrom restores what is in tables, while the sift table is rebuilt from
// postings where it will be needed: that takes longest.
func (ix *Index) restoreFrom(r *store.Reader) (err error) {
	sifting := !ix.opts.ReadOnly
	if !sifting {
		if err := r.Journal(func(uint64, []byte) error { sifting = true; return nil }); err != nil {
			return err
		}
	}
	ix.total(r.Segments())
	sifted := make(chan error, 1)
	if sifting {
		go func() { sifted <- ix.store.View(ix.rebuild) }()
	} else {
		sifted <- nil
	}
	templates, err := ix.restoreTables(r)
	if failed := <-sifted; err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	for _, t := range templates { // they take their keys out of the sift table
		ix.templates.Restore(t)
		if t.Raised != 0 {
			ix.raised = append(ix.raised, t.ID)
		}
		if s := t.Sketch(); len(s) == len(campaign.Sketch{}) {
			ix.suspects.Put(t.ID, campaign.Sketch(s))
		}
	}
	return nil
}

// restoreTables restores everything but the sift table and the templates, which
// it returns.
func (ix *Index) restoreTables(r *store.Reader) (templates []*template.Template, err error) {
	if err := ix.restoreCounters(r); err != nil {
		return nil, err
	}
	if err := ix.restoreAttrs(r); err != nil {
		return nil, err
	}
	if err := eachSealedUse(r, ix.accounts.stats); err != nil {
		return nil, err
	}
	ix.populate()
	if err := ix.restoreLabels(r); err != nil {
		return nil, err
	}
	if err := ix.restoreLearnt(r); err != nil {
		return nil, err
	}
	ix.mem = newMemtable(r.Sealed()+1, ix.scheme.Rows, ix.opts.memtablePostings(r.Sealed()))
	inMemory := func(s template.Stat) bool { return !s.Out }
	err = eachStored(r, inMemory, func(t *template.Template) error {
		templates = append(templates, t)
		return nil
	})
	return templates, err
}

// rebuild fills the sift table and the filter of ids.
func (ix *Index) rebuild(r *store.Reader) error {
	if ix.prompts >= manyPrompts {
		ix.warm()
	}
	if err := rebuildSift(r, ix.sift); err != nil {
		return err
	}
	if err := markOut(r, ix.sift); err != nil {
		return err
	}
	return ix.rebuildIDs(r)
}

func templateNumber(key []byte) uint32 {
	if len(key) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(key)
}

// populate counts the accounts with retained prompts.
func (ix *Index) populate() {
	ix.population = campaign.Population{Weights: ix.population.Weights}
	for i := range ix.accounts.stats {
		if st := &ix.accounts.stats[i]; st.prompts > 0 {
			ix.population.Put(st.prompts, template.DayOf(st.first))
		}
	}
}

// eachSealedUse counts what is sealed into stats, by account.
func eachSealedUse(r *store.Reader, stats []accountStat) error {
	return r.Scan(store.TableAux, []byte{auxUses}, []byte{auxUses + 1}, func(_, value []byte) error {
		return eachAccountUse(value, len(stats), func(id uint32, first, last int64, n uint32) {
			stats[id-1].count(first, last, n)
		})
	})
}

// eachAccountUse decodes one record of accountUses; accounts are at most so many.
func eachAccountUse(b []byte, accounts int, fn func(id uint32, first, last int64, n uint32)) error {
	c := cutter{b: b}
	id := uint64(0)
	for len(c.b) > 0 && !c.bad {
		step := c.uvarint()
		n := c.uvarint()
		first := c.uvarint()
		last := first + c.uvarint()
		if id += step; c.bad || step == 0 || step > uint64(accounts) || id > uint64(accounts) || n == 0 || n > math.MaxUint32 {
			return fmt.Errorf("%w: a segment's accounts are malformed", ErrDamaged)
		}
		fn(uint32(id), int64(first), int64(last), uint32(n))
	}
	return nil
}

// rebuildSift observes all postings on disk: one goroutine reads them, another one
// waits for the table's memory.
func rebuildSift(r *store.Reader, table *sift.Table) error {
	accounts, err := promptAccounts(r)
	if err != nil {
		return err
	}
	if len(accounts.of) == 0 {
		return nil
	}
	const share = 4096
	type batch struct {
		keys []uint64
		who  []uint32
	}
	full, empty := make(chan batch, 2), make(chan batch, 4)
	for range cap(empty) {
		empty <- batch{make([]uint64, 0, share), make([]uint32, 0, share)}
	}
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		for b := range full {
			table.Load(b.keys, b.who)
			empty <- batch{b.keys[:0], b.who[:0]}
		}
	}()
	b := <-empty
	for shard := 0; shard < store.Shards && err == nil; shard++ {
		err = r.ScanPostings(store.KindShingle, shard, func(keys, numbers []uint64) error {
			b.keys = append(b.keys, keys...)
			for _, n := range numbers {
				b.who = append(b.who, accounts.get(n))
			}
			if len(b.keys) >= share {
				full <- b
				b = <-empty
			}
			return nil
		})
	}
	full <- b
	close(full)
	<-loaded
	return err
}

// markOut makes the keys of templates on disk prevalent, as they were when
// the templates left memory: that is how they come back.
func markOut(r *store.Reader, table *sift.Table) error {
	return r.Scan(store.TableAux, []byte{auxOut}, []byte{auxOut + 1}, func(key, _ []byte) error {
		if len(key) != len(outKey(0, 0)) {
			return fmt.Errorf("%w: a key of a template on disk is malformed", ErrDamaged)
		}
		table.Mark(binary.BigEndian.Uint64(key[1:]))
		return nil
	})
}

// numbered maps prompt numbers to accounts; 0: none of that number is retained.
type numbered struct {
	first uint64
	of    []uint32
}

func (a numbered) get(n uint64) uint32 {
	if n < a.first || n-a.first >= uint64(len(a.of)) {
		return 0
	}
	return a.of[n-a.first]
}

func promptAccounts(r *store.Reader) (a numbered, err error) {
	segments := r.Segments()
	if len(segments) == 0 {
		return a, nil
	}
	a.first = segments[0].First
	a.of = make([]uint32, segments[len(segments)-1].End()-a.first)
	err = r.Records(a.first, segments[len(segments)-1].End()-1, func(n uint64, rec *store.Record) error {
		a.of[n-a.first] = rec.Account
		return nil
	})
	return a, err
}

func (ix *Index) rebuildIDs(r *store.Reader) error {
	for shard := range store.Shards {
		if err := r.ScanPostings(store.KindID, shard, func(keys, _ []uint64) error {
			for _, key := range keys {
				ix.idFilter.add(key)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}
