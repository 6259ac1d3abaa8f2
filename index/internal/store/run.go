package store

import (
	"bytes"

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
	n, i    int    // postings in the current group, and the current one
	keys    [groupLen]uint64
	offs    [groupLen]uint64
	started bool
}

// next moves to the next posting; ok is false after the last.
func (r *runReader) next() (ok bool, err error) {
	if r.i+1 < r.n {
		r.i++
		return true, nil
	}
	return r.nextGroup()
}

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
	r.n, r.i = n, 0
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

// posting returns the current posting: key and prompt.
func (r *runReader) posting() (key, n uint64) { return r.keys[r.i], r.run.first + r.offs[r.i] }

// A runMerger reads several runs, which cover disjoint ascending intervals, as one.
type runMerger struct {
	readers []*runReader // those that are not at their ends
	keys    []uint64     // their current keys
	at      int
	started bool
}

// newRunMerger makes each run's reader a fetch.
func newRunMerger(runs []*run, newFetch func() fetch) *runMerger {
	m := &runMerger{}
	for _, r := range runs {
		m.readers = append(m.readers, &runReader{run: r, fetch: newFetch()})
	}
	return m
}

// next moves to the next posting; ok is false after the last.
func (m *runMerger) next() (ok bool, err error) {
	if !m.started {
		m.started = true
		readers := m.readers
		m.readers = nil
		for _, r := range readers {
			ok, err := r.next()
			if err != nil {
				return false, err
			}
			if ok {
				m.readers, m.keys = append(m.readers, r), append(m.keys, r.keys[r.i])
			}
		}
	} else {
		r := m.readers[m.at]
		ok, err := r.next()
		switch {
		case err != nil:
			return false, err
		case ok:
			key := r.keys[r.i]
			if key == m.keys[m.at] {
				return true, nil // still the least, and this run goes before the later ones
			}
			m.keys[m.at] = key
		default:
			m.readers = append(m.readers[:m.at], m.readers[m.at+1:]...)
			m.keys = append(m.keys[:m.at], m.keys[m.at+1:]...)
		}
	}
	if len(m.keys) == 0 {
		return false, nil
	}
	m.at = 0
	least := m.keys[0]
	for i, k := range m.keys[1:] {
		if k < least {
			m.at, least = i+1, k
		}
	}
	return true, nil
}

func (m *runMerger) posting() (key, n uint64) { return m.readers[m.at].posting() }

// ScanPostings calls fn with all retained postings of a shard, by key, then prompt.
func (r *Reader) ScanPostings(kind Kind, shard int, fn func(key, n uint64) error) (err error) {
	defer r.end(r.begin(), &err)
	if kind >= Kinds || shard < 0 || shard >= Shards {
		return nil
	}
	return r.scanRuns(r.cat.runs[kind][shard], fn)
}

// ScanRuns calls fn with all retained postings of a shard, run after run, each by
// key, then prompt. That is quicker than ScanPostings.
func (r *Reader) ScanRuns(kind Kind, shard int, fn func(key, n uint64) error) (err error) {
	defer r.end(r.begin(), &err)
	if kind >= Kinds || shard < 0 || shard >= Shards {
		return nil
	}
	runs := r.cat.runs[kind][shard]
	for i := range runs {
		if err := r.scanRuns(runs[i:i+1], fn); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) scanRuns(runs []*run, fn func(key, n uint64) error) error {
	c := r.tx.Bucket(bucketNames[tagPostings]).Cursor()
	m := newRunMerger(runs, func() fetch {
		return func(from []byte) (key, value []byte, err error) {
			key, value = c.Seek(from)
			return key, value, nil
		}
	})
	holes := false
	for _, u := range runs {
		holes = holes || u.holes
	}
	for {
		ok, err := m.next()
		if err != nil || !ok {
			return err
		}
		key, n := m.posting()
		if holes && r.cat.find(n) == nil {
			continue
		}
		r.calling = true
		err = fn(key, n)
		r.calling = false
		if err != nil {
			return err
		}
	}
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
