package store

import (
	"bytes"
	"context"
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
)

// Check verifies everything that one state of the store holds: the tree of pages,
// every checksum, the order and number of what every block holds, and that blocks
// and catalogue know of each other. It returns the first fault, which wraps
// ErrDamaged. Others may go on writing. (bbolt's own Tx.Check would stop
// writers, and trusts pages that this one does not.)
func (s *Store) Check(ctx context.Context) error {
	return s.View(func(r *Reader) error { return r.check(ctx) })
}

func (r *Reader) check(ctx context.Context) (err error) {
	defer r.end(r.begin(), &err)
	// The transaction's pages stay as they are for as long as it is open.
	w := walker{f: r.s.file, meta: boltMeta{root: uint64(r.tx.Cursor().Bucket().Root()), pages: uint64(r.tx.Size() / pageSize)}}
	w.seen = make([]uint64, w.meta.pages/64+1)
	w.seen[0] = 3
	if err := w.page(w.meta.root, nil, nil, 0, true); err != nil {
		return err
	}
	err = r.tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
		for _, known := range bucketNames {
			if bytes.Equal(name, known) {
				return nil
			}
		}
		return damaged("unknown bucket %x", shortKey(name))
	})
	if err != nil {
		return err
	}
	for tag := range bucketNames {
		if bucketNames[tag] == nil || byte(tag) == tagPostings || byte(tag) == tagRecords || byte(tag) == tagSignatures {
			continue
		}
		err := forEach(r.tx, byte(tag), func(key, value []byte) error { return ctx.Err() })
		if err != nil {
			return err
		}
	}
	garbage, err := r.garbage()
	if err != nil {
		return err
	}
	if err := r.checkLayers(ctx, garbage.layers); err != nil {
		return err
	}
	if err := r.checkJournal(ctx); err != nil {
		return err
	}
	if err := r.checkBlocks(ctx, tagRecords, garbage); err != nil {
		return err
	}
	if err := r.checkBlocks(ctx, tagSignatures, garbage); err != nil {
		return err
	}
	return r.checkPostings(ctx, garbage)
}

// A garbage is what blocks may belong to besides the catalogue.
type garbage struct {
	runs, layers map[uint64]bool   // by id
	prompts      map[uint64]uint64 // first → end
}

func (r *Reader) garbage() (g garbage, err error) {
	g = garbage{make(map[uint64]bool), make(map[uint64]bool), make(map[uint64]uint64)}
	return g, forEach(r.tx, tagGarbage, func(key, value []byte) error {
		switch {
		case len(key) == 9 && key[0] == 'R' && len(value) == 0:
			g.runs[binary.BigEndian.Uint64(key[1:])] = true
		case len(key) == 9 && key[0] == 'L' && len(value) == 0:
			g.layers[binary.BigEndian.Uint64(key[1:])] = true
		case len(key) == 9 && key[0] == 'S' && len(value) == 8:
			g.prompts[binary.BigEndian.Uint64(key[1:])] = binary.LittleEndian.Uint64(value)
		default:
			return damaged("garbage %x is malformed", shortKey(key))
		}
		return nil
	})
}

func (r *Reader) checkJournal(ctx context.Context) error {
	cut, err := journalCut(r.tx)
	if err != nil {
		return err
	}
	last := cut
	if err := r.Journal(func(seq uint64, _ []byte) error { last = seq; return ctx.Err() }); err != nil {
		return err
	}
	if n := r.tx.Bucket(bucketNames[tagJournal]).Sequence(); n != last {
		return damaged("journal: ends at %d where %d is the last", last, n)
	}
	return nil
}

// checkBlocks verifies record or signature blocks: those of a segment follow
// each other without gaps, and others are garbage.
func (r *Reader) checkBlocks(ctx context.Context, tag byte, garbage garbage) error {
	name := bucketNames[tag]
	i := 0
	next := uint64(0) // the first prompt of the next block of segment i; 0: not begun
	done := func() bool {
		return i == len(r.cat.segments) || next == r.cat.segments[i].End()
	}
	begin := func() {
		for ; i < len(r.cat.segments); i++ {
			if s := &r.cat.segments[i]; tag == tagRecords || s.Width > 0 {
				next = s.First
				return
			}
		}
	}
	begin()
	err := forEach(r.tx, tag, func(key, value []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(key) != 8 {
			return damaged("%s: wrong key %x", name, shortKey(key))
		}
		last := binary.BigEndian.Uint64(key)
		if s := r.cat.find(last); s == nil || tag == tagSignatures && s.Width == 0 {
			for first, end := range garbage.prompts {
				if first <= last && last < end {
					return nil
				}
			}
			return damaged("%s %x belong to no segment", name, key)
		} else if i == len(r.cat.segments) || s.First != r.cat.segments[i].First {
			return damaged("%s of segment %d are missing", name, r.cat.segments[min(i, len(r.cat.segments)-1)].First)
		} else if n := checkBlock(tag, value, s); n == 0 || next+uint64(n)-1 != last {
			return damaged("%s %x are malformed", name, key)
		}
		if next = last + 1; done() {
			i++
			begin()
		}
		return nil
	})
	if err == nil && i < len(r.cat.segments) {
		return damaged("%s of segment %d are missing", name, r.cat.segments[i].First)
	}
	return err
}

// checkBlock returns the number of prompts in a block; 0 when it is malformed.
func checkBlock(tag byte, value []byte, s *Segment) int {
	if tag == tagSignatures {
		p, ok := parseSignatureBlock(value, s.Width)
		if !ok {
			return 0
		}
		return p.n
	}
	p, ok := parseRecordBlock(value)
	if !ok {
		return 0
	}
	var g recordGroupReader
	var rec Record
	for i := range p.n {
		if i%recordGroup == 0 {
			ok = (i == 0 || len(g.ids) == 0) && p.group(&g, i/recordGroup)
		}
		if !ok || !g.read(&rec) || rec.Time < s.MinTime || rec.Time > s.MaxTime {
			return 0
		}
	}
	if len(g.ids) != 0 {
		return 0
	}
	return p.n
}

func (r *Reader) checkPostings(ctx context.Context, garbage garbage) error {
	known := make(map[uint64]bool)
	last := r.tx.Bucket(bucketNames[tagRuns]).Sequence()
	for kind := range r.cat.runs {
		for shard := range r.cat.runs[kind] {
			for _, u := range r.cat.runs[kind][shard] {
				if garbage.runs[u.id] || known[u.id] || u.id > last {
					return damaged("run %d: wrong id", u.id)
				}
				known[u.id] = true
				if err := r.checkRun(ctx, u); err != nil {
					return err
				}
			}
		}
	}
	// No block may belong to another run.
	c := r.tx.Bucket(bucketNames[tagPostings]).Cursor()
	for k, _ := c.First(); k != nil; {
		if len(k) != 16 {
			return damaged("postings: wrong key %x", shortKey(k))
		}
		id := binary.BigEndian.Uint64(k)
		if !garbage.runs[id] && !known[id] {
			return damaged("postings %x belong to no run", k)
		}
		k, _ = c.Seek(be64(id + 1))
	}
	return nil
}

func (r *Reader) checkRun(ctx context.Context, u *run) error {
	c := r.tx.Bucket(bucketNames[tagPostings]).Cursor()
	var lastKey []byte
	p := &runReader{run: u, fetch: func(from []byte) (key, value []byte, err error) {
		lastKey, value = c.Seek(from)
		return lastKey, value, ctx.Err()
	}}
	n := uint64(0)
	for {
		ok, err := p.nextGroup()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if p.keys[p.n-1]>>u.kind.Bits() != 0 || u.kind.shard(p.keys[0]) != u.shard || u.kind.shard(p.keys[p.n-1]) != u.shard {
			return damaged("postings %x: a key of another shard", p.key)
		}
		n += uint64(p.n)
	}
	if k, _ := c.Seek(append(bytes.Clone(lastKey), 0)); len(k) == 16 && bytes.Equal(k[:8], be64(u.id)) {
		return damaged("postings %x: more blocks than the run has", k)
	}
	if n != u.postings {
		return damaged("run %d: %d postings where %d should be", u.id, n, u.postings)
	}
	return nil
}

// checkLayers verifies that layers hold what the catalogue says, in order, and
// that no other blocks are there.
func (r *Reader) checkLayers(ctx context.Context, garbage map[uint64]bool) error {
	found := make(map[uint64]*layer)
	var last *layerCursor // the block before
	err := forEach(r.tx, tagLayered, func(key, value []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(key) < 10 {
			return damaged("layers: wrong key %x", shortKey(key))
		}
		l := layerCursor{id: binary.BigEndian.Uint64(key), rest: value}
		sum := found[l.id]
		if sum == nil {
			sum, last = &layer{id: l.id}, nil
			found[l.id] = sum
		}
		sum.blocks++
		for ok := true; ok; ok = len(l.rest) > 0 {
			if err := l.record(); err != nil {
				return err
			}
			sum.records++
			if last != nil && (l.t < last.t || l.t == last.t && bytes.Compare(l.key, last.key) <= 0) {
				return damaged("layer %d: records are out of order", l.id)
			}
			at := l
			last = &at
		}
		if !bytes.Equal(key, layerKey(l.id, l.t, l.key)) {
			return damaged("layer %d: the last record of block %x is another", l.id, shortKey(key))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range r.cat.layers {
		f := found[l.id]
		if f == nil || f.blocks != l.blocks || f.records != l.records || garbage[l.id] || l.id > r.tx.Bucket(bucketNames[tagLayers]).Sequence() {
			return damaged("layer %d is not what it was", l.id)
		}
		delete(found, l.id)
	}
	for id := range found {
		if !garbage[id] {
			return damaged("layer %d: blocks belong to no layer", id)
		}
	}
	return nil
}
