package store

import (
	"bytes"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// A fetch returns the first stored block at from or after it.
type fetch func(from []byte) (key, value []byte, err error)

// A runReader reads a run's postings in order.
type runReader struct {
	run   *run
	fetch fetch

	block   block
	key     []byte // of the block
	blocks  int    // read so far
	group   int    // the next in block
	n       int    // postings in the current group
	keys    [groupLen]uint64
	offs    [groupLen]uint64
	started bool
}

// nextGroup decodes the next group; ok is false after the last.
func (r *runReader) nextGroup() (ok bool, err error) {
	if !r.started || r.group == r.block.groups {
		if ok, err := r.nextBlock(); !ok {
			return false, err
		}
	}
	var lastKey, lastOff uint64
	follows := r.n > 0
	if follows {
		lastKey, lastOff = r.keys[r.n-1], r.offs[r.n-1]
	}
	n := r.block.decode(r.group, &r.keys, &r.offs)
	if n == 0 || follows && (r.keys[0] < lastKey || r.keys[0] == lastKey && r.offs[0] <= lastOff) {
		return false, damaged("postings %x: group %d is malformed", r.key, r.group)
	}
	r.n = n
	if r.group++; r.group == r.block.groups && r.keys[n-1] != get40(r.key[8:]) {
		return false, damaged("postings %x: the last key is another", r.key)
	}
	return true, nil
}

func (r *runReader) nextBlock() (ok bool, err error) {
	if r.blocks == r.run.blocks {
		return false, nil
	}
	from := be64(r.run.id)
	if r.started {
		from = append(bytes.Clone(r.key), 0) // just after it
	}
	key, value, err := r.fetch(from)
	if err != nil {
		return false, err
	}
	if len(key) != 16 || !bytes.Equal(key[:8], be64(r.run.id)) {
		return false, damaged("run %d: block %d is missing", r.run.id, r.blocks)
	}
	if i := int(key[13])<<16 | int(key[14])<<8 | int(key[15]); i != r.blocks {
		return false, damaged("postings %x: block %d is here where %d is next", key, i, r.blocks)
	}
	value, err = checked(tagPostings, key, value)
	if err != nil {
		return false, err
	}
	if r.block, ok = parseBlock(value, r.run.span()); !ok {
		return false, damaged("postings %x are malformed", key)
	}
	r.key, r.started = key, true
	r.blocks++
	r.group = 0
	return true, nil
}

// A mergeReader is a runReader with postings read ahead.
type mergeReader struct {
	runReader
	ahead, offsets []uint64 // keys and offsets
	at             int      // the next of them
	end            bool     // there are no more than those
}

// fill reads ahead so far that merging goes in large strides.
func (r *mergeReader) fill() error {
	const least = 4 * groupLen
	if r.end || len(r.ahead)-r.at >= least {
		return nil
	}
	r.ahead = append(r.ahead[:0], r.ahead[r.at:]...)
	r.offsets = append(r.offsets[:0], r.offsets[r.at:]...)
	r.at = 0
	for len(r.ahead) < 2*least {
		ok, err := r.nextGroup()
		if err != nil {
			return err
		}
		if r.end = !ok; r.end {
			break
		}
		r.ahead = append(r.ahead, r.runReader.keys[:r.n]...)
		r.offsets = append(r.offsets, r.offs[:r.n]...)
	}
	return nil
}

// A runMerger reads several runs, which cover disjoint ascending intervals, as one.
type runMerger struct {
	readers []*mergeReader
	keys    []uint64 // what next returned
	numbers []uint64

	// A key with so many postings that they are no part of a stride: those of
	// readers[many] and the later ones are yet to come. many is -1 otherwise.
	many int
	key  uint64

	first uint64 // of all runs
	bits  uint   // of a number less first

	lists [][]uint64
	a, b  []uint64 // scratch: postings packed as key<<bits | number, both less the least
}

// newRunMerger makes each run's reader a fetch.
func newRunMerger(runs []*run, newFetch func() fetch) *runMerger {
	m := &runMerger{many: -1}
	for _, r := range runs {
		m.readers = append(m.readers, &mergeReader{runReader: runReader{run: r, fetch: newFetch()}})
	}
	if len(runs) > 0 {
		m.first = runs[0].first
		m.bits = offsetWidth(runs[len(runs)-1].end - m.first)
	}
	return m
}

// next returns the next postings, by key, then prompt; none at the end. They are valid until
// the next call.
func (m *runMerger) next() (keys, numbers []uint64, err error) {
	m.keys, m.numbers = m.keys[:0], m.numbers[:0]
	for len(m.keys) == 0 {
		if m.many >= 0 {
			if err := m.nextOfMany(); err != nil {
				return nil, nil, err
			}
			continue
		}
		// All keys below what every reader has read ahead to are at hand.
		limit, left := uint64(1<<keyBits), false
		for _, r := range m.readers {
			if err := r.fill(); err != nil {
				return nil, nil, err
			}
			if !r.end {
				limit = min(limit, r.ahead[len(r.ahead)-1])
			}
			left = left || r.at < len(r.ahead)
		}
		if !left {
			break
		}
		if m.stride(limit); len(m.keys) == 0 {
			m.many, m.key = 0, limit
		}
	}
	return m.keys, m.numbers, nil
}

// nextOfMany takes postings of m.key from the next reader that has some.
func (m *runMerger) nextOfMany() error {
	for ; m.many < len(m.readers); m.many++ {
		r := m.readers[m.many]
		if err := r.fill(); err != nil {
			return err
		}
		for r.at < len(r.ahead) && r.ahead[r.at] == m.key {
			m.keys, m.numbers = append(m.keys, m.key), append(m.numbers, r.run.first+r.offsets[r.at])
			r.at++
		}
		if len(m.keys) > 0 {
			return nil // the reader may have more
		}
	}
	m.many = -1
	return nil
}

// stride takes postings of keys below limit that are read ahead: all of them, unless
// their keys span more than a word holds beside a number.
func (m *runMerger) stride(limit uint64) {
	least := limit
	for _, r := range m.readers {
		if r.at < len(r.ahead) {
			least = min(least, r.ahead[r.at])
		}
	}
	if m.bits > 0 { // else all are of one prompt; 40 at most
		limit = min(limit, least+1<<(64-m.bits))
	}
	m.lists, m.a = m.lists[:0], m.a[:0]
	for _, r := range m.readers {
		n, _ := slices.BinarySearch(r.ahead[r.at:], limit)
		if n == 0 {
			continue
		}
		from, first := len(m.a), r.run.first-m.first
		m.a = slices.Grow(m.a, n)[:from+n] // an array that growing leaves behind stays as it is
		packed, offsets := m.a[from:], r.offsets[r.at:r.at+n]
		for i, k := range r.ahead[r.at : r.at+n] {
			packed[i] = (k-least)<<m.bits | (first + offsets[i])
		}
		m.lists = append(m.lists, packed)
		r.at += n
	}
	m.b = slices.Grow(m.b[:0], len(m.a))[:len(m.a)]
	for into, other := m.b, m.a; len(m.lists) > 1; into, other = other, into {
		at, kept := 0, m.lists[:0]
		for i := 0; i < len(m.lists); i += 2 {
			var second []uint64
			if i+1 < len(m.lists) {
				second = m.lists[i+1]
			}
			n := len(m.lists[i]) + len(second)
			mergeTwo(into[at:at+n], m.lists[i], second)
			kept = append(kept, into[at:at+n])
			at += n
		}
		m.lists = kept
	}
	if len(m.lists) == 0 {
		return
	}
	n := len(m.lists[0])
	m.keys, m.numbers = slices.Grow(m.keys, n)[:n], slices.Grow(m.numbers, n)[:n]
	for i, v := range m.lists[0] {
		m.keys[i], m.numbers[i] = least+v>>m.bits, m.first+v&(1<<m.bits-1)
	}
}

// mergeTwo merges two sorted lists of different numbers, without a branch that depends on
// them: from the front and from the back at once, since each step of one waits for its last.
func mergeTwo(into, a, b []uint64) {
	i, j, x, y := 0, 0, len(a)-1, len(b)-1 // what is left is a[i:x+1] and b[j:y+1]
	for lo, hi := 0, len(into)-1; i <= x && j <= y; lo, hi = lo+1, hi-1 {
		v, w := a[i], b[j]
		fromB := 0
		if w < v {
			fromB = 1
		}
		into[lo] = min(v, w)
		i += 1 - fromB
		j += fromB
		v, w = a[x], b[y]
		fromB = 0
		if w > v {
			fromB = 1
		}
		into[hi] = max(v, w)
		x -= 1 - fromB
		y -= fromB
	}
	copy(into[i+j:], a[i:x+1])
	copy(into[i+j:], b[j:y+1])
}

// ScanPostings calls fn with all retained postings of a shard, some at a time, run
// after run, each by key, then prompt. The slices are valid during the call.
func (r *Reader) ScanPostings(kind Kind, shard int, fn func(keys, numbers []uint64) error) (err error) {
	defer r.end(r.begin(), &err)
	if kind >= Kinds || shard < 0 || shard >= Shards {
		return nil
	}
	c := r.tx.Bucket(bucketNames[tagPostings]).Cursor()
	seek := func(from []byte) (key, value []byte, err error) {
		key, value = c.Seek(from)
		return key, value, nil
	}
	var keys, numbers [groupLen]uint64
	for _, u := range r.cat.runs[kind][shard] {
		in := runReader{run: u, fetch: seek}
		for {
			ok, err := in.nextGroup()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			n := 0
			for i, key := range in.keys[:in.n] {
				number := u.first + in.offs[i]
				if u.holes && r.cat.find(number) == nil {
					continue
				}
				keys[n], numbers[n] = key, number
				n++
			}
			r.calling = true
			err = fn(keys[:n], numbers[:n])
			r.calling = false
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// copyBlocks is a fetch for those who read one run for long: each block in a
// transaction of its own. What it returned before is overwritten.
func (s *Store) copyBlocks() fetch {
	var key, value []byte
	return func(from []byte) ([]byte, []byte, error) {
		err := s.read(func(tx *bolt.Tx) error {
			k, v := tx.Bucket(bucketNames[tagPostings]).Cursor().Seek(from)
			key, value = append(key[:0], k...), append(value[:0], v...)
			return nil
		})
		return key, value, err
	}
}
