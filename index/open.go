package index

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/seed-368d3dfa/chorus/index/internal/campaign"
	"github.com/seed-368d3dfa/chorus/index/internal/sift"
	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
	"github.com/seed-368d3dfa/chorus/minhash"
)

const (
	metaScheme = "scheme"
	auxCounts  = 'c' // → counters
)

// entropy is where secret seeds are from; tests have the same ones every time.
var entropy = rand.Reader

// openScheme reads the index's scheme, or makes one with a secret seed.
func (ix *Index) openScheme() error {
	b, err := ix.store.Meta(metaScheme)
	if err != nil {
		return err
	}
	if b == nil {
		if ix.opts.ReadOnly {
			ix.scheme = minhash.NewScheme(0)
			return nil
		}
		var seed [8]byte
		if _, err := io.ReadFull(entropy, seed[:]); err != nil {
			return fmt.Errorf("index: making a seed: %w", err)
		}
		ix.scheme = minhash.NewScheme(binary.LittleEndian.Uint64(seed[:]))
		if b, err = ix.scheme.MarshalBinary(); err != nil {
			return err
		}
		return ix.store.SetMeta(metaScheme, b)
	}
	if err := ix.scheme.UnmarshalBinary(b); err != nil {
		return fmt.Errorf("%w: %w", ErrScheme, err)
	}
	return nil
}

// counters is the record of the index's own numbers.
func (ix *Index) counters() store.Put {
	var b []byte
	for _, v := range []uint64{
		uint64(ix.templates.NextID()), uint64(ix.templates.Out()), ix.flagSeq, ix.duplicates, ix.attrs.others,
	} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return store.Put{Table: store.TableAux, Key: []byte{auxCounts}, Value: b}
}

func (ix *Index) restoreCounters(r *store.Reader) error {
	b, ok, err := r.Get(store.TableAux, []byte{auxCounts})
	if err != nil || !ok {
		return err
	}
	c := cutter{b: b}
	ix.templates.SetNextID(uint32(c.uint64()))
	ix.templates.SetOut(int(c.uint64()))
	ix.flagSeq, ix.duplicates = c.uint64(), c.uint64()
	if len(c.b) > 0 { // older records end before
		ix.attrs.others = c.uint64()
	}
	if c.bad || len(c.b) > 0 {
		return fmt.Errorf("%w: the counters are malformed", ErrDamaged)
	}
	return nil
}

// total sets the totals to those of segments.
func (ix *Index) total(segments []store.Segment) {
	ix.prompts, ix.first, ix.last = 0, math.MaxInt64, math.MinInt64
	for _, s := range segments {
		ix.prompts += uint64(s.N)
		ix.first, ix.last = min(ix.first, s.MinTime), max(ix.last, s.MaxTime)
	}
}

// restore brings memory back to the last checkpoint. The sift table is
// rebuilt from postings where it will be needed.
func (ix *Index) restore() error {
	if err := ix.accounts.load(ix.store); err != nil {
		return err
	}
	err := ix.store.View(func(r *store.Reader) error {
		if err := ix.restoreCounters(r); err != nil {
			return err
		}
		if err := ix.restoreAttrs(r); err != nil {
			return err
		}
		ix.total(r.Segments())
		if err := eachSealedUse(r, ix.accounts.stats); err != nil {
			return err
		}
		ix.populate()
		if err := ix.restoreLabels(r); err != nil {
			return err
		}
		if err := ix.restoreLearnt(r); err != nil {
			return err
		}
		ix.mem = newMemtable(r.Sealed()+1, ix.scheme.Rows, ix.opts.MemtablePostings)
		sifting := !ix.opts.ReadOnly
		if !sifting {
			if err := r.Journal(func(uint64, []byte) error { sifting = true; return nil }); err != nil {
				return err
			}
		}
		if sifting {
			if ix.prompts >= manyPrompts {
				ix.warm()
			}
			if err := rebuildSift(r, ix.sift); err != nil {
				return err
			}
			if err := markOut(r, ix.sift); err != nil {
				return err
			}
			if err := ix.rebuildIDs(r); err != nil {
				return err
			}
		}
		inMemory := func(s template.Stat) bool { return !s.Out }
		return eachStored(r, inMemory, func(t *template.Template) error {
			ix.templates.Restore(t)
			if t.Raised != 0 {
				ix.raised = append(ix.raised, t.ID)
			}
			if s := t.Sketch(); len(s) == len(campaign.Sketch{}) {
				ix.suspects.Put(t.ID, campaign.Sketch(s))
			}
			return nil
		})
	})
	if err != nil {
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

// rebuildSift observes all postings on disk.
func rebuildSift(r *store.Reader, table *sift.Table) error {
	accounts, err := promptAccounts(r)
	if err != nil {
		return err
	}
	if len(accounts.of) == 0 {
		return nil
	}
	const batch = 256
	keys, who := make([]uint64, 0, batch), make([]uint32, 0, batch)
	for shard := range store.Shards {
		err := r.ScanRuns(store.KindShingle, shard, func(key, n uint64) error {
			if a := accounts.get(n); a != 0 {
				keys, who = append(keys, key), append(who, a)
				if len(keys) == batch {
					table.Load(keys, who)
					keys, who = keys[:0], who[:0]
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	table.Load(keys, who)
	return nil
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

// numbered maps prompt numbers to accounts; 0: expired.
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
		if err := r.ScanRuns(store.KindID, shard, func(key, _ uint64) error {
			ix.idFilter.add(key)
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// replay counts the journal's prompts in again.
func (ix *Index) replay() error {
	var e entry
	return ix.store.Journal(func(seq uint64, value []byte) error {
		c := cutter{b: value}
		for len(c.b) > 0 {
			if err := readEntry(&c, &e, ix.scheme.Rows); err != nil {
				return err
			}
			if err := ix.replayEntry(&e, seq); err != nil {
				return err
			}
		}
		return nil
	})
}

func (ix *Index) replayEntry(e *entry, seq uint64) error {
	ix.journaled.Store(seq)
	if e.label != nil {
		var l Label
		if err := json.Unmarshal(e.label, &l); err != nil {
			return fmt.Errorf("%w: a label in the journal is malformed", ErrDamaged)
		}
		ix.mu.Lock()
		ix.recordLabel(l)
		ix.mu.Unlock()
		ix.replayed(e, seq)
		return nil
	}
	ix.mu.Lock() // recalls may be under way
	err := ix.replayAccount(e)
	if err == nil {
		err = ix.attrs.replay(&e.sketch)
	}
	ix.mu.Unlock()
	if err != nil {
		return err
	}
	s := sketched{keys: append([]uint64(nil), e.sketch.keys...), signature: append([]byte(nil), e.sketch.signature...),
		shingles: e.sketch.shingles, scale: e.sketch.scale, turn: e.sketch.turn, network: e.sketch.network, payment: e.sketch.payment,
		values: e.sketch.values}
	if len(s.signature) > 0 {
		s.bands = ix.own.Bands(nil, s.signature)
	}
	if e.prompt.ID != "" {
		s.idKey = ix.own.idKey(e.prompt.ID)
	}
	i := 0
	ix.mu.Lock()
	ix.apply(&e.prompt, &s, e.account, e.time, func(template.Match) string {
		i++
		if i > len(e.texts) {
			return ""
		}
		return e.texts[i-1]
	})
	ix.mu.Unlock()
	ix.replayed(e, seq)
	return nil
}

// replayAccount takes an entry's account in. The caller holds ix.mu.
func (ix *Index) replayAccount(e *entry) error {
	if e.name != "" {
		if id, fresh := ix.accounts.intern(e.name); !fresh || id != e.account {
			return fmt.Errorf("%w: the journal names account %d twice", ErrDamaged, e.account)
		}
	}
	if e.account == 0 || int(e.account) > ix.accounts.len() {
		return fmt.Errorf("%w: the journal holds an unknown account", ErrDamaged)
	}
	return nil
}

// replayed seals what is full, where it was when the entries were made.
func (ix *Index) replayed(e *entry, seq uint64) {
	if e.last && !ix.opts.ReadOnly {
		if s := ix.rotateIfFull(); s != nil {
			s.cut = seq
			ix.seals <- s
		}
	}
}

// checkRecords verifies what the store cannot know: that records make sense.
func (ix *Index) checkRecords(ctx context.Context) error {
	return wrap(ix.store.View(func(r *store.Reader) error {
		numbered := newAttrs(nil)
		if err := loadAttrs(r, numbered); err != nil {
			return err
		}
		if err := eachLearnt(r, func(*Learnt) {}); err != nil {
			return err
		}
		every := func(template.Stat) bool { return true }
		return eachStored(r, every, func(t *template.Template) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			for _, m := range t.Members(0, math.MaxInt32) {
				if m.Account == 0 || int(m.Account) > ix.accounts.len() {
					return fmt.Errorf("%w: template %d has an unknown account", ErrDamaged, t.ID)
				}
			}
			var err error
			t.EachValue(0, math.MaxInt32, func(u template.ValueUse) {
				if err == nil && !numbered.defined(u.Value) {
					err = fmt.Errorf("%w: template %d has an unknown attribute", ErrDamaged, t.ID)
				}
			})
			return err
		})
	}))
}
