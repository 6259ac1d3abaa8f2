package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"

	bolt "go.etcd.io/bbolt"
)

// Seal turns d into a segment, applies puts and cuts the journal after cutJournal,
// all of it at once. It writes in many small transactions, between which others may
// Append; what they write counts for nothing until the last. puts may be nil; it is called once, with
// no lock of the store held, right before the last transaction. d may be nil: then only puts and the cut happen.
// An error means that none of it has happened, unless it is that of deleting what the cut leaves over,
// which the next Open makes up for.
func (s *Store) Seal(d *SegmentData, puts func() []Put, cutJournal uint64) (err error) {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	s.maintain.Lock()
	defer s.maintain.Unlock()
	if err := s.sweep(context.Background()); err != nil {
		return err
	}
	var b *bulk
	var runs []*run
	if d != nil {
		sealed, err := s.Sealed()
		if err != nil {
			return err
		}
		if err := d.validate(sealed); err != nil {
			return err
		}
		if b, err = s.newBulk(Kinds*Shards, d.First, d.First+uint64(len(d.Records))); err != nil {
			return err
		}
		if runs, err = b.segment(d); err != nil {
			return err
		}
	}
	var list []Put
	if puts != nil {
		list = puts()
	}
	if err := validate(list); err != nil {
		return err
	}
	err = s.update(func(tx *bolt.Tx) error {
		if d != nil {
			if err := b.finish(tx); err != nil {
				return err
			}
			seg := d.segment()
			if err := put(tx, tagSegments, be64(seg.First), appendSegment(nil, seg)); err != nil {
				return err
			}
			if err := setCounter(tx, keySealed, seg.End()-1); err != nil {
				return err
			}
			for _, r := range runs {
				if err := put(tx, tagRuns, r.key(), r.value()); err != nil {
					return err
				}
			}
			if err := changed(tx); err != nil {
				return err
			}
		}
		if err := record(tx, list); err != nil {
			return err
		}
		return setJournalCut(tx, cutJournal)
	})
	if err != nil {
		return err
	}
	s.release()
	return s.sweep(context.Background())
}

// A bulk writes blocks that belong to nothing yet, in transactions of about maxTransaction.
type bulk struct {
	s       *Store
	garbage [][]byte // keys of what is being written
	nextRun uint64
	pending []entry
	size    int
}

type entry struct {
	tag        byte
	key, value []byte // value has its sum
}

// newBulk reserves so many run ids, and, when first is not 0, the prompts [first, end).
func (s *Store) newBulk(runs int, first, end uint64) (*bulk, error) {
	b := &bulk{s: s}
	return b, s.update(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(bucketNames[tagRuns])
		last := bucket.Sequence()
		b.nextRun = last + 1
		for i := range uint64(runs) {
			key := garbageKey('R', last+1+i)
			b.garbage = append(b.garbage, key)
			if err := put(tx, tagGarbage, key, nil); err != nil {
				return err
			}
		}
		if first != 0 {
			key := garbageKey('S', first)
			b.garbage = append(b.garbage, key)
			if err := put(tx, tagGarbage, key, binary.LittleEndian.AppendUint64(nil, end)); err != nil {
				return err
			}
		}
		return bucket.SetSequence(last + uint64(runs))
	})
}

func garbageKey(what byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{what}, n)
}

// add takes a block, which it may append to.
func (b *bulk) add(tag byte, key, value []byte) error {
	b.pending = append(b.pending, entry{tag, key, withSum(tag, key, value)})
	if b.size += len(value); b.size < b.s.maxTransaction {
		return nil
	}
	err := b.s.update(b.write)
	for _, e := range b.pending {
		if e.tag == tagPostings && cap(e.value) == maxPostingBlock {
			blockBuffers.Put((*[maxPostingBlock]byte)(e.value[:maxPostingBlock]))
		}
	}
	b.pending, b.size = b.pending[:0], 0
	runtime.Gosched()
	return err
}

func (b *bulk) write(tx *bolt.Tx) error {
	for _, e := range b.pending {
		if err := putSummed(tx, e.tag, e.key, e.value); err != nil {
			return err
		}
	}
	return nil
}

// finish is part of the transaction that gives the blocks a place in the catalogue.
func (b *bulk) finish(tx *bolt.Tx) error {
	if err := b.write(tx); err != nil {
		return err
	}
	for _, key := range b.garbage {
		if err := tx.Bucket(bucketNames[tagGarbage]).Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// segment writes the blocks of a segment and returns its runs.
func (b *bulk) segment(d *SegmentData) (runs []*run, err error) {
	next := d.First
	err = encodeRecords(d.Records, func(n int, block []byte) error {
		next += uint64(n)
		return b.add(tagRecords, be64(next-1), block)
	})
	if err != nil {
		return nil, err
	}
	if d.Width > 0 {
		next = d.First
		err = encodeSignatures(d.Signatures, d.Width, func(n int, block []byte) error {
			next += uint64(n)
			return b.add(tagSignatures, be64(next-1), block)
		})
		if err != nil {
			return nil, err
		}
	}
	longest := 0
	for _, p := range d.Postings {
		longest = max(longest, len(p))
	}
	tmp := make([]uint64, longest)
	for kind := range Kind(Kinds) {
		// The shard is in the top bits, so each is one stretch of what is sorted.
		sorted := sortPostings(d.Postings[kind], tmp)
		for len(sorted) > 0 {
			first, _ := Unpack(sorted[0])
			shard := kind.shard(first)
			r := b.newRun(kind, shard, 0, d.First, d.First+uint64(len(d.Records)))
			for len(sorted) > 0 {
				key, offset := Unpack(sorted[0])
				if kind.shard(key) != shard {
					break
				}
				if err := r.add(key, uint64(offset)); err != nil {
					return nil, err
				}
				sorted = sorted[1:]
			}
			if err := r.flush(); err != nil {
				return nil, err
			}
			runs = append(runs, r.run)
		}
	}
	return runs, nil
}

// A runWriter writes the blocks of one run.
type runWriter struct {
	run *run
	*blockWriter
}

func (b *bulk) newRun(kind Kind, shard, level int, first, end uint64) runWriter {
	r := &run{kind: kind, shard: shard, first: first, end: end, id: b.nextRun, level: level}
	b.nextRun++
	return runWriter{r, newBlockWriter(r.span(), func(last uint64, block []byte) error {
		if r.blocks == maxRunBlocks {
			return fmt.Errorf("store: a run of more than %d blocks", maxRunBlocks)
		}
		key := postingKey(r.id, last, r.blocks)
		r.blocks++
		return b.add(tagPostings, key, block)
	})}
}

func (w runWriter) add(key, off uint64) error {
	w.run.postings++
	return w.blockWriter.add(key, off)
}

// addAll appends postings, by the prompts' numbers.
func (w runWriter) addAll(keys, numbers []uint64) error {
	w.run.postings += uint64(len(keys))
	return w.blockWriter.addAll(keys, numbers, w.run.first)
}
