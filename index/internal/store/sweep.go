package store

import (
	"bytes"
	"context"
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
)

// sweep deletes garbage and the journal's cut entries, in small transactions.
func (s *Store) sweep(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		dirty := false
		err := s.read(func(tx *bolt.Tx) error {
			cut, err := journalCut(tx)
			if err != nil {
				return err
			}
			k, _ := tx.Bucket(bucketNames[tagGarbage]).Cursor().First()
			j, _ := tx.Bucket(bucketNames[tagJournal]).Cursor().First()
			dirty = k != nil || j != nil && bytes.Compare(j, be64(cut)) <= 0
			return nil
		})
		if err != nil || !dirty {
			return err
		}
		if err := s.update(s.sweepSome); err != nil {
			return err
		}
	}
}

func (s *Store) sweepSome(tx *bolt.Tx) error {
	left := s.maxSweep
	cut, err := journalCut(tx)
	if err != nil {
		return err
	}
	if err := deleteRange(tx, tagJournal, nil, be64(cut+1), &left); err != nil {
		return err
	}
	type item struct {
		key []byte
		end uint64
	}
	var items []item
	err = forEach(tx, tagGarbage, func(key, value []byte) error {
		switch {
		case len(key) == 9 && (key[0] == 'R' || key[0] == 'L') && len(value) == 0:
			items = append(items, item{bytes.Clone(key), 0})
		case len(key) == 9 && key[0] == 'S' && len(value) == 8:
			items = append(items, item{bytes.Clone(key), binary.LittleEndian.Uint64(value)})
		default:
			return damaged("garbage %x is malformed", shortKey(key))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, it := range items {
		n := binary.BigEndian.Uint64(it.key[1:])
		switch it.key[0] {
		case 'R':
			err = deleteRange(tx, tagPostings, be64(n), be64(n+1), &left)
		case 'L':
			err = deleteRange(tx, tagLayered, be64(n), be64(n+1), &left)
		default:
			if err = deleteRange(tx, tagRecords, be64(n), be64(it.end), &left); err == nil {
				err = deleteRange(tx, tagSignatures, be64(n), be64(it.end), &left)
			}
		}
		if err != nil || left == 0 {
			return err
		}
		if err := tx.Bucket(bucketNames[tagGarbage]).Delete(it.key); err != nil {
			return err
		}
	}
	return nil
}

// deleteRange deletes up to left entries of from <= key < to and counts left down.
// A left of 0 says that some may remain.
func deleteRange(tx *bolt.Tx, tag byte, from, to []byte, left *int) error {
	b := tx.Bucket(bucketNames[tag])
	var keys [][]byte // a cursor does not survive deletions
	c := b.Cursor()
	for k, _ := c.Seek(from); k != nil && bytes.Compare(k, to) < 0 && len(keys) < *left; k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	*left -= len(keys)
	return nil
}

// read runs one read transaction.
func (s *Store) read(fn func(tx *bolt.Tx) error) (err error) {
	var g guard
	defer g.end(g.begin(), &err)
	return s.db.View(fn)
}
