package store

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"slices"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
)

// A Seal changes records all over the first tables. In their trees nearly each
// would cost a page of its own, so they are written side by side, as a layer
// that lies upon the tables; fold puts several layers into the trees at once.

// layered reports whether changes of the table become layers.
func (t Table) layered() bool { return t <= TableExemplar }

// A layer is a set of puts. Its records hide those of the layers before it
// and of the tables.
type layer struct {
	id              uint64
	blocks, records int

	filter atomic.Pointer[filter] // nil before the first look-up
}

const layerLen = 4 + 4

func (l *layer) value() []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(l.blocks)), uint32(l.records))
}

func parseLayer(key, b []byte) (*layer, bool) {
	if len(key) != 8 || len(b) != layerLen {
		return nil, false
	}
	l := &layer{
		id:     binary.BigEndian.Uint64(key),
		blocks: int(binary.LittleEndian.Uint32(b)), records: int(binary.LittleEndian.Uint32(b[4:])),
	}
	return l, l.id > 0 && l.blocks > 0 && l.records >= l.blocks
}

// layerKey is the key of the block that ends with a record.
func layerKey(id uint64, t Table, key []byte) []byte {
	b := make([]byte, 0, 8+1+len(key))
	return append(append(binary.BigEndian.AppendUint64(b, id), byte(t)), key...)
}

// appendLayerRecord appends a record to a block; a nil value deletes it.
func appendLayerRecord(b []byte, t Table, key, value []byte) []byte {
	b = append(b, byte(t))
	b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
	if value == nil {
		return append(b, 0)
	}
	return append(binary.AppendUvarint(b, uint64(len(value))+1), value...)
}

// cutLayerRecord takes a record off the front of a block. Its value is nil if
// it deletes.
func cutLayerRecord(b []byte) (t Table, key, value, rest []byte, ok bool) {
	if len(b) == 0 || !Table(b[0]).layered() {
		return 0, nil, nil, nil, false
	}
	t, b = Table(b[0]), b[1:]
	n, size := binary.Uvarint(b)
	if size <= 0 || n == 0 || n > uint64(len(b)-size) {
		return 0, nil, nil, nil, false
	}
	key, b = b[size:size+int(n):size+int(n)], b[size+int(n):]
	n, size = binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size)+1 {
		return 0, nil, nil, nil, false
	}
	b = b[size:]
	if n > 0 {
		value, b = b[:n-1:n-1], b[n-1:]
	}
	return t, key, value, b, true
}

// stack makes a layer of puts for layered tables, which come from ordered.
func stack(tx *bolt.Tx, puts []*Put) error {
	if len(puts) == 0 {
		return nil
	}
	if err := withLayers(tx); err != nil {
		return err
	}
	id, err := tx.Bucket(bucketNames[tagLayers]).NextSequence()
	if err != nil {
		return err
	}
	l := &layer{id: id}
	var block []byte
	var last *Put
	flush := func() error {
		if len(block) == 0 {
			return nil
		}
		l.blocks++
		key := layerKey(id, last.Table, last.Key)
		err := putSummed(tx, tagLayered, key, withSum(tagLayered, key, block))
		block = nil // the transaction has it now
		return err
	}
	for _, p := range puts {
		if len(block) > 0 && len(block)+1+2*binary.MaxVarintLen32+len(p.Key)+len(p.Value)+sumLen > maxRecordBlock {
			if err := flush(); err != nil {
				return err
			}
		}
		if block == nil {
			block = make([]byte, 0, maxRecordBlock)
		}
		block = appendLayerRecord(block, p.Table, p.Key, p.Value)
		last = p
		l.records++
	}
	if err := flush(); err != nil {
		return err
	}
	if err := put(tx, tagLayers, be64(id), l.value()); err != nil {
		return err
	}
	return changed(tx)
}

// withLayers makes a store of version 1 one of version 2.
func withLayers(tx *bolt.Tx) error {
	if tx.Bucket(bucketNames[tagLayers]) != nil {
		return nil
	}
	for _, tag := range []byte{tagLayers, tagLayered} {
		if _, err := tx.CreateBucket(bucketNames[tag]); err != nil {
			return err
		}
	}
	return put(tx, tagStore, keyFormat, binary.LittleEndian.AppendUint32(nil, formatVersion))
}

// A layerCursor reads the records of one layer in order.
type layerCursor struct {
	c  *bolt.Cursor
	id uint64

	ok         bool // there is a current record:
	t          Table
	key, value []byte
	rest       []byte // of its block
}

// seek moves to the first record at or after one.
func (l *layerCursor) seek(t Table, key []byte) error {
	if err := l.block(l.c.Seek(layerKey(l.id, t, key))); err != nil {
		return err
	}
	for l.ok && (l.t < t || l.t == t && bytes.Compare(l.key, key) < 0) {
		if err := l.next(); err != nil {
			return err
		}
	}
	return nil
}

// block enters a stored block.
func (l *layerCursor) block(k, v []byte) error {
	if len(k) < 10 || binary.BigEndian.Uint64(k) != l.id {
		l.ok = false
		return nil
	}
	value, err := checked(tagLayered, k, v)
	if err != nil {
		return err
	}
	l.rest = value
	return l.record()
}

func (l *layerCursor) record() error {
	l.t, l.key, l.value, l.rest, l.ok = cutLayerRecord(l.rest)
	if !l.ok {
		return damaged("layer %d: a block is malformed", l.id)
	}
	return nil
}

func (l *layerCursor) next() error {
	if len(l.rest) > 0 {
		return l.record()
	}
	return l.block(l.c.Next())
}

// A layerMerger reads several layers as the one that they make together.
type layerMerger struct {
	cursors []layerCursor // newest first

	ok         bool // there is a current record:
	t          Table
	key, value []byte // value nil: deleted
}

// mergeLayers begins at the first record at or after one.
func mergeLayers(tx *bolt.Tx, layers []*layer, t Table, key []byte) (*layerMerger, error) {
	m := &layerMerger{cursors: make([]layerCursor, 0, len(layers))}
	for _, l := range slices.Backward(layers) {
		c := layerCursor{c: tx.Bucket(bucketNames[tagLayered]).Cursor(), id: l.id}
		if err := c.seek(t, key); err != nil {
			return nil, err
		}
		if c.ok {
			m.cursors = append(m.cursors, c)
		}
	}
	return m, m.next()
}

func (m *layerMerger) next() error {
	var least *layerCursor
	for i := range m.cursors {
		c := &m.cursors[i]
		if c.ok && (least == nil || c.t < least.t || c.t == least.t && bytes.Compare(c.key, least.key) < 0) {
			least = c
		}
	}
	if m.ok = least != nil; !m.ok {
		return nil
	}
	m.t, m.key, m.value = least.t, least.key, least.value
	for i := range m.cursors {
		if c := &m.cursors[i]; c.ok && c.t == m.t && bytes.Equal(c.key, m.key) {
			if err := c.next(); err != nil {
				return err
			}
		}
	}
	return nil
}

// layered returns what the layers say of a record: found with a value, found
// deleted (nil), or not found.
func (r *Reader) layered(t Table, key []byte) (value []byte, found bool, err error) {
	h := filterHash(t, key)
	for _, l := range slices.Backward(r.cat.layers) {
		f, err := l.filtered(r.tx)
		if err != nil {
			return nil, false, err
		}
		if !f.has(h) {
			continue
		}
		if r.blocks == nil {
			r.blocks = r.tx.Bucket(bucketNames[tagLayered]).Cursor()
		}
		c := layerCursor{c: r.blocks, id: l.id}
		if err := c.seek(t, key); err != nil {
			return nil, false, err
		}
		if c.ok && c.t == t && bytes.Equal(c.key, key) {
			return c.value, true, nil
		}
	}
	return nil, false, nil
}

// scanLayered is scan of a layered table.
func (r *Reader) scanLayered(t Table, from, to []byte, fn func(key, value []byte) error) error {
	m, err := mergeLayers(r.tx, r.cat.layers, t, from)
	if err != nil {
		return err
	}
	tag := tagTables + byte(t)
	c := r.tx.Bucket(bucketNames[tag]).Cursor()
	k, v := c.Seek(from)
	for {
		if k != nil && to != nil && bytes.Compare(k, to) >= 0 {
			k = nil
		}
		upper := m.ok && m.t == t && (to == nil || bytes.Compare(m.key, to) < 0)
		if k == nil && !upper {
			return nil
		}
		order := -1 // of the table's own record to the layers'
		if k == nil {
			order = 1
		} else if upper {
			order = bytes.Compare(k, m.key)
		}
		if order < 0 {
			value, err := checked(tag, k, v)
			if err != nil {
				return err
			}
			if err := fn(k, value); err != nil {
				return err
			}
		} else if m.value != nil {
			if err := fn(m.key, m.value); err != nil {
				return err
			}
		}
		if order <= 0 {
			k, v = c.Next()
		}
		if order >= 0 {
			if err := m.next(); err != nil {
				return err
			}
		}
	}
}

// A filter says whether a layer may have a record: a Bloom filter of 16 to 32
// bits a record and three probes, wrong for one in 150 at most.
type filter struct{ words []uint64 }

var filterSeed = maphash.MakeSeed()

func filterHash(t Table, key []byte) uint64 {
	return maphash.Bytes(filterSeed, key) ^ uint64(t)*0x9e3779b97f4a7c15
}

func (f *filter) probe(h uint64, i int) (word int, bit uint64) {
	at := (h + uint64(i)*(h>>32|1)) & uint64(64*len(f.words)-1)
	return int(at / 64), 1 << (at % 64)
}

func (f *filter) add(h uint64) {
	for i := range 3 {
		w, bit := f.probe(h, i)
		f.words[w] |= bit
	}
}

func (f *filter) has(h uint64) bool {
	for i := range 3 {
		if w, bit := f.probe(h, i); f.words[w]&bit == 0 {
			return false
		}
	}
	return true
}

// filtered returns the layer's filter, which the first call makes.
func (l *layer) filtered(tx *bolt.Tx) (*filter, error) {
	if f := l.filter.Load(); f != nil {
		return f, nil
	}
	f := &filter{make([]uint64, 1<<bits.Len(uint(l.records/4)))}
	c := layerCursor{c: tx.Bucket(bucketNames[tagLayered]).Cursor(), id: l.id}
	err := c.seek(0, nil)
	for ; err == nil && c.ok; err = c.next() {
		f.add(filterHash(c.t, c.key))
	}
	if err == nil {
		l.filter.Store(f)
	}
	return f, err
}
