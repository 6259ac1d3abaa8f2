package store

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	bolt "go.etcd.io/bbolt"
)

var appendBuffers = sync.Pool{New: func() any { return new([]byte) }}

// Append adds values to the journal in one durable transaction and returns
// the last one's sequence number. Numbers ascend from 1 without gaps and are
// never given out again. Values are best kept below 32 KB: neighbours are
// rewritten with every Append.
func (s *Store) Append(values [][]byte) (last uint64, err error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.leave()
	size := 0
	for _, v := range values {
		size += len(v) + sumLen
	}
	buf := appendBuffers.Get().(*[]byte) // bbolt copies values as it commits
	defer appendBuffers.Put(buf)
	*buf = slices.Grow((*buf)[:0], size)
	err = s.update(func(tx *bolt.Tx) error {
		summed := (*buf)[:0]
		b := tx.Bucket(bucketNames[tagJournal])
		last = b.Sequence()
		for _, v := range values {
			if len(v) > bolt.MaxValueSize-sumLen {
				return fmt.Errorf("a journal value of %d bytes", len(v))
			}
			last++
			key, from := be64(last), len(summed)
			summed = binary.LittleEndian.AppendUint32(append(summed, v...), sum(tagJournal, key, v))
			if err := putSummed(tx, tagJournal, key, summed[from:]); err != nil {
				return err
			}
		}
		return b.SetSequence(last)
	})
	if err != nil {
		return 0, err
	}
	return last, nil
}

// Journal calls fn with the values that no Seal has cut, in order. They are
// only valid during the call.
func (s *Store) Journal(fn func(seq uint64, value []byte) error) error {
	return s.View(func(r *Reader) error { return r.Journal(fn) })
}

// Journal is Store.Journal.
func (r *Reader) Journal(fn func(seq uint64, value []byte) error) (err error) {
	defer r.end(r.begin(), &err)
	cut, err := journalCut(r.tx)
	if err != nil {
		return err
	}
	next := cut
	return scan(r.tx, tagJournal, be64(cut+1), nil, func(key, value []byte) error {
		if next++; len(key) != 8 || binary.BigEndian.Uint64(key) != next {
			return damaged("journal: entry %x where %d is next", shortKey(key), next)
		}
		r.calling = true
		err := fn(next, value)
		r.calling = false
		return err
	})
}

// journalCut is the last journal entry that is part of segments and tables.
func journalCut(tx *bolt.Tx) (uint64, error) { return counter(tx, keyCut) }

// setJournalCut records the cut; sweep deletes the entries later.
func setJournalCut(tx *bolt.Tx, seq uint64) error {
	old, err := journalCut(tx)
	if err != nil || seq <= old {
		return err
	}
	if last := tx.Bucket(bucketNames[tagJournal]).Sequence(); seq > last {
		return fmt.Errorf("journal cut at %d, but its last entry is %d", seq, last)
	}
	return setCounter(tx, keyCut, seq)
}
