package index

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// A sealing is a full memtable on its way to disk, with everything that
// changed beside it: the checkpoint.
type sealing struct {
	mem       *memtable
	exemplars map[uint32][]string
	names     []string // of accounts first seen in it
	puts      []store.Put
	cut       uint64           // last journal entry that it covers
	final     bool             // the index is being closed: nobody will count recalls in
	leaving   bool             // templates left memory with it
	recalls   []template.Lost  // members to look for in older segments
	recalled  []template.Found // those found; set before done is closed
	stored    chan struct{}    // closed when it is on disk, or never will be
	done      chan struct{}    // closed after that, when recalled is complete
}

// rotateIfFull starts a new memtable when the current one is full, and returns
// the old one for sealing. It waits while an earlier one is being sealed.
func (ix *Index) rotateIfFull() *sealing {
	if !ix.mem.full() {
		return nil
	}
	return ix.rotate()
}

func (ix *Index) rotate() *sealing {
	ix.awaitSealing()
	ix.warm()
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.countRecalled()
	s := &sealing{mem: ix.mem, exemplars: ix.exemplars, stored: make(chan struct{}), done: make(chan struct{})}
	s.puts, s.names = ix.accounts.seal()
	for _, id := range sortedKeys(ix.exemplars) {
		s.puts = append(s.puts, exemplarPuts(id, ix.exemplarCount(id), ix.exemplars[id])...)
	}
	to := &recorder{puts: s.puts}
	s.leaving = len(ix.templates.Evict(ix.opts.TemplateBytes, uint64(len(ix.mem.records)/8), to)) > 0
	s.puts = append(to.puts, ix.unsealedFlags...)
	ix.unsealedFlags = nil
	s.puts = append(append(s.puts, ix.labels.unsealed...), ix.attrs.seal()...)
	ix.labels.unsealed = nil
	s.puts = append(s.puts, ix.counters())
	s.recalls = ix.templates.Lost()
	ix.sealing = s
	bound := ix.opts.memtablePostings(s.mem.next() - 1)
	if ix.mem = ix.spare; ix.mem != nil && ix.mem.bound == bound {
		ix.mem.reset(s.mem.next())
	} else {
		ix.mem = newMemtable(s.mem.next(), s.mem.width, bound)
	}
	ix.spare = nil
	ix.exemplars = make(map[uint32][]string)
	return s
}

// awaitSealing waits until nothing is being sealed. Without ix.mu, which
// sealing takes at its end.
func (ix *Index) awaitSealing() {
	if old := ix.sealing; old != nil {
		<-old.done
	}
}

// countRecalled counts in what the last sealing found of the past: between
// requests only, at places that a replayed journal meets again. The caller
// holds ix.mu, after awaitSealing.
func (ix *Index) countRecalled() {
	if ix.sealing == nil {
		return
	}
	for _, f := range ix.sealing.recalled {
		ix.date(f.Members)
	}
	for _, f := range ix.templates.Recalled(ix.sealing.recalled) {
		ix.flag(templateFlag(ix.templates.Get(f.Template).Last, f))
	}
	ix.sealing = nil
}

// sealLoop writes memtables to disk, one after the other.
func (ix *Index) sealLoop() {
	defer close(ix.sealed)
	for s := range ix.seals {
		ix.seal(s)
		select {
		case ix.merges <- struct{}{}:
		default:
		}
	}
}

func (ix *Index) seal(s *sealing) {
	defer close(s.done)
	if !s.final {
		var recalling sync.WaitGroup
		defer recalling.Wait()
		recalling.Go(func() { ix.recall(s) })
	}
	start := time.Now()
	err := ix.failure()
	if err == nil {
		data := &store.SegmentData{First: s.mem.first, Records: s.mem.records, Width: s.mem.width, Signatures: s.mem.signatures}
		for kind, m := range map[store.Kind]*postings{
			store.KindShingle: s.mem.shingles, store.KindBand: s.mem.bands, store.KindID: s.mem.ids,
		} {
			ix.scratch[kind] = append(ix.scratch[kind][:0], m.posts...) // Seal sorts; queries still read the chains
			data.Postings[kind] = ix.scratch[kind]
		}
		if len(s.mem.records) == 0 {
			data = nil
		}
		err = ix.store.Seal(data, func() []store.Put { return append(s.puts, accountUses(s.mem)...) }, s.cut)
		if err != nil {
			ix.fail(err)
		}
	}
	close(s.stored)
	ix.observe(Work{Kind: "seal", Err: err}, start)
	if err != nil {
		return
	}
	ix.mu.Lock()
	ix.spare = s.mem
	s.mem, s.exemplars, s.names, s.puts = nil, nil, nil, nil // queries find all that in the store now
	if n := len(ix.freshFlags); n > 0 {
		ix.freshFlags = ix.freshFlags[n-len(ix.unsealedFlags):]
	}
	ix.mu.Unlock()
}

// mergeLoop merges runs while there are enough of them.
func (ix *Index) mergeLoop() {
	defer close(ix.merged)
	for range ix.merges {
		for !ix.stopping.Load() {
			start := time.Now()
			did, err := ix.store.Merge()
			if did || err != nil {
				ix.observe(Work{Kind: "merge", Err: err}, start)
			}
			if err != nil {
				ix.opts.Logger.Error("index: merging failed", "error", err)
			}
			if !did || err != nil {
				break
			}
		}
	}
}

// The keys of records.

func templateKey(id uint32) []byte { return binary.BigEndian.AppendUint32(nil, id) }

func dayKey(day int32, id uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(day)), id)
}

func outKey(key uint64, id uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64([]byte{auxOut}, key), id)
}

// The first byte of a key in TableAux.
const (
	auxOut    = 'k' // key [8] template [4] → empty: core keys of templates that left memory
	auxUses   = 'u' // prompt [8] chunk [4] → what a segment's accounts sent
	auxAttr   = 'v' // template.Value [4] → name of the attribute if its number is 0, else the value
	auxLearnt = 'w' // number [8] from 1 → JSON of a Learnt: what was taught, or forgotten, when
	auxJoined = 'j' // template [4] → day [4]: last flag for a new account on a confirmed template
)

// A recorder collects the records that the template set hands out.
type recorder struct{ puts []store.Put }

func (r *recorder) put(t store.Table, key, value []byte) {
	r.puts = append(r.puts, store.Put{Table: t, Key: key, Value: value})
}

func (r *recorder) Core(id uint32, v []byte) { r.put(store.TableTemplate, templateKey(id), v) }
func (r *recorder) Stat(id uint32, v []byte) { r.put(store.TableStat, templateKey(id), v) }

func (r *recorder) Day(id uint32, day int32, v []byte) {
	r.put(store.TableUse, dayKey(day, id), v)
}

func (r *recorder) Exemplars(id uint32, n int) {
	for i := range n {
		r.put(store.TableExemplar, append(templateKey(id), byte(i)), nil)
	}
}

func (r *recorder) Out(key uint64, id uint32, out bool) {
	if out {
		r.put(store.TableAux, outKey(key, id), []byte{1})
	} else {
		r.put(store.TableAux, outKey(key, id), nil)
	}
}

// accountUses returns what each account sent in a memtable, as records.
func accountUses(m *memtable) (puts []store.Put) {
	sums := make(map[uint32]accountStat)
	for i := range m.records {
		r := &m.records[i]
		s, ok := sums[r.Account]
		if !ok {
			s.first, s.last = r.Time, r.Time
		}
		s.first, s.last, s.prompts = min(s.first, r.Time), max(s.last, r.Time), s.prompts+1
		sums[r.Account] = s
	}
	ids := sortedKeys(sums)
	for chunk := uint32(0); len(ids) > 0; chunk++ {
		n := min(len(ids), 1500)
		at, b := uint32(0), []byte(nil)
		for _, id := range ids[:n] {
			s := sums[id]
			b = binary.AppendUvarint(b, uint64(id-at))
			b = binary.AppendUvarint(b, uint64(s.prompts))
			b = binary.AppendUvarint(b, uint64(s.first))
			b = binary.AppendUvarint(b, uint64(s.last-s.first))
			at = id
		}
		ids = ids[n:]
		puts = append(puts, store.Put{Table: store.TableAux, Key: accountUsesKey(m.first, chunk), Value: b})
	}
	return puts
}

func accountUsesKey(first uint64, chunk uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64([]byte{auxUses}, first), chunk)
}

func exemplarPuts(id uint32, from int, texts []string) (puts []store.Put) {
	for i, t := range texts {
		key := append(templateKey(id), byte(from+i))
		puts = append(puts, store.Put{Table: store.TableExemplar, Key: key, Value: []byte(t)})
	}
	return puts
}
