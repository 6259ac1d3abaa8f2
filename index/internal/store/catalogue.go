package store

import (
	"bytes"
	"encoding/binary"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
)

// A catalogue is what "segments", "runs" and "layers" say. It is immutable; readers share
// the one of their transaction's generation.
type catalogue struct {
	generation uint64
	sealed     uint64 // the last prompt ever sealed
	segments   []Segment
	verified   []*verifiedBlocks // of each segment
	runs       [Kinds][Shards][]*run
	layers     []*layer // oldest first
}

// A verified is a set of blocks whose sums have been found right since the store was opened.
type verified []atomic.Uint32 // one bit each

func newVerified(n int) verified { return make(verified, (n+31)/32) }

func (v verified) has(i int) bool { return v[i/32].Load()>>(i%32)&1 != 0 }
func (v verified) add(i int)      { v[i/32].Or(1 << (i % 32)) }

// verifiedBlocks has a bit for each prompt of a segment: it stands for the block that ends there.
type verifiedBlocks struct{ records, signatures verified }

// A run is one sorted run of postings of prompts [first, end).
type run struct {
	kind       Kind
	shard      int
	first, end uint64
	id         uint64
	level      int
	postings   uint64
	blocks     int

	holes    bool // some of its prompts are expired
	verified verified
}

const runLen = 8 + 1 + 8 + 8 + 4

func (r *run) key() []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(r.kind), byte(r.shard)}, r.first)
}

func (r *run) value() []byte {
	b := binary.LittleEndian.AppendUint64(nil, r.id)
	b = append(b, byte(r.level))
	b = binary.LittleEndian.AppendUint64(b, r.end)
	b = binary.LittleEndian.AppendUint64(b, r.postings)
	return binary.LittleEndian.AppendUint32(b, uint32(r.blocks))
}

func parseRun(key, b []byte) (*run, bool) {
	if len(key) != 10 || len(b) != runLen || key[0] >= Kinds || key[1] >= Shards {
		return nil, false
	}
	r := &run{
		kind:     Kind(key[0]),
		shard:    int(key[1]),
		first:    binary.BigEndian.Uint64(key[2:]),
		id:       binary.LittleEndian.Uint64(b),
		level:    int(b[8]),
		end:      binary.LittleEndian.Uint64(b[9:]),
		postings: binary.LittleEndian.Uint64(b[17:]),
		blocks:   int(binary.LittleEndian.Uint32(b[25:])),
	}
	ok := r.first > 0 && r.first < r.end && r.end <= 1<<keyBits && r.id > 0 && r.postings > 0 && r.blocks > 0 && r.blocks <= maxRunBlocks
	if ok {
		r.verified = newVerified(r.blocks)
	}
	return r, ok
}

// maxRunBlocks is what a block's number in its key can count: about 2^38 postings.
const maxRunBlocks = 1 << 24

// span is the number of prompts that the run's offsets can name.
func (r *run) span() uint64 { return r.end - r.first }

// loadCatalogue reads the catalogue of a transaction. It takes over what the
// runs of old have verified.
func loadCatalogue(tx *bolt.Tx, old *catalogue) (*catalogue, error) {
	sealed, err := counter(tx, keySealed)
	if err != nil {
		return nil, err
	}
	c := &catalogue{generation: tx.Bucket(bucketNames[tagStore]).Sequence(), sealed: sealed}
	end := uint64(1)
	err = forEach(tx, tagSegments, func(key, value []byte) error {
		s, ok := parseSegment(key, value)
		if !ok || s.First < end || s.End() > c.sealed+1 {
			return damaged("segment %x is malformed", shortKey(key))
		}
		end = s.End()
		c.segments = append(c.segments, s)
		v := &verifiedBlocks{newVerified(s.N), newVerified(s.N)}
		if old != nil {
			if i := old.index(s.First); i >= 0 && old.segments[i] == s {
				v = old.verified[i]
			}
		}
		c.verified = append(c.verified, v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	known := make(map[uint64]*run)
	if old != nil {
		for kind := range old.runs {
			for shard := range old.runs[kind] {
				for _, r := range old.runs[kind][shard] {
					known[r.id] = r
				}
			}
		}
	}
	err = forEach(tx, tagRuns, func(key, value []byte) error {
		r, ok := parseRun(key, value)
		if !ok || r.end > c.sealed+1 {
			return damaged("run %x is malformed", shortKey(key))
		}
		list := &c.runs[r.kind][r.shard]
		if n := len(*list); n > 0 && (*list)[n-1].end > r.first {
			return damaged("run %x overlaps the one before", shortKey(key))
		}
		if k := known[r.id]; k != nil && k.blocks == r.blocks {
			r.verified = k.verified
		}
		r.holes = !c.covers(r.first, r.end)
		*list = append(*list, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c, c.loadLayers(tx, old)
}

// loadLayers takes over the filters of old's layers.
func (c *catalogue) loadLayers(tx *bolt.Tx, old *catalogue) error {
	known := make(map[uint64]*layer)
	if old != nil {
		for _, l := range old.layers {
			known[l.id] = l
		}
	}
	return forEach(tx, tagLayers, func(key, value []byte) error {
		l, ok := parseLayer(key, value)
		if !ok {
			return damaged("layer %x is malformed", shortKey(key))
		}
		if k := known[l.id]; k != nil {
			l = k
		}
		c.layers = append(c.layers, l)
		return nil
	})
}

// forEach calls fn with all checked values of a bucket, in order of their keys.
func forEach(tx *bolt.Tx, tag byte, fn func(key, value []byte) error) error {
	return scan(tx, tag, nil, nil, fn)
}

// scan calls fn with the checked values of from <= key < to; nil is open.
func scan(tx *bolt.Tx, tag byte, from, to []byte, fn func(key, value []byte) error) error {
	b := tx.Bucket(bucketNames[tag])
	if b == nil {
		return nil // in a store of version 1
	}
	c := b.Cursor()
	k, v := c.Seek(from)
	for ; k != nil && (to == nil || bytes.Compare(k, to) < 0); k, v = c.Next() {
		value, err := checked(tag, k, v)
		if err != nil {
			return err
		}
		if err := fn(k, value); err != nil {
			return err
		}
	}
	return nil
}

// find returns the segment that holds prompt n, or nil.
func (c *catalogue) find(n uint64) *Segment {
	if i := c.index(n); i >= 0 {
		return &c.segments[i]
	}
	return nil
}

// index returns which segment holds prompt n, or -1.
func (c *catalogue) index(n uint64) int {
	lo, hi := 0, len(c.segments)
	for lo < hi {
		if m := (lo + hi) / 2; c.segments[m].End() <= n {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo < len(c.segments) && c.segments[lo].First <= n {
		return lo
	}
	return -1
}

// covers reports whether all prompts [first, end) are retained.
func (c *catalogue) covers(first, end uint64) bool {
	for first < end {
		s := c.find(first)
		if s == nil {
			return false
		}
		first = s.End()
	}
	return true
}

// retains reports whether any prompt of [first, end) is.
func (c *catalogue) retains(first, end uint64) bool {
	for i := range c.segments {
		if c.segments[i].First < end && c.segments[i].End() > first {
			return true
		}
	}
	return false
}

// catalogue returns the one of the transaction.
func (s *Store) catalogue(tx *bolt.Tx) (*catalogue, error) {
	generation := tx.Bucket(bucketNames[tagStore]).Sequence()
	old := s.cat.Load()
	if old != nil && old.generation == generation {
		return old, nil
	}
	c, err := loadCatalogue(tx, old)
	if err != nil {
		return nil, err
	}
	if old == nil || old.generation < generation {
		s.cat.CompareAndSwap(old, c)
	}
	return c, nil
}

// counter returns a number of the bucket "store"; 0 when there is none.
func counter(tx *bolt.Tx, key []byte) (uint64, error) {
	v, err := get(tx.Bucket(bucketNames[tagStore]), tagStore, key)
	if err != nil || v == nil {
		return 0, err
	}
	if len(v) != 8 {
		return 0, damaged("store %x is malformed", key)
	}
	return binary.LittleEndian.Uint64(v), nil
}

func setCounter(tx *bolt.Tx, key []byte, n uint64) error {
	return put(tx, tagStore, key, binary.LittleEndian.AppendUint64(nil, n))
}

// changed counts a change of the catalogue.
func changed(tx *bolt.Tx) error {
	_, err := tx.Bucket(bucketNames[tagStore]).NextSequence()
	return err
}
