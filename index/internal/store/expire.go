package store

import (
	"context"
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
)

// Expire drops the segments that begin at these prompts, all at once; others it
// ignores. Their postings are no longer found; those in runs that cover retained prompts
// too go when the run is merged.
func (s *Store) Expire(firsts ...uint64) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	s.maintain.Lock()
	defer s.maintain.Unlock()
	if err := s.sweep(context.Background()); err != nil {
		return err
	}
	gone := make(map[uint64]bool)
	for _, first := range firsts {
		gone[first] = true
	}
	err := s.update(func(tx *bolt.Tx) error {
		cat, err := loadCatalogue(tx, nil)
		if err != nil {
			return err
		}
		var left catalogue
		for _, seg := range cat.segments {
			if !gone[seg.First] {
				left.segments = append(left.segments, seg)
				continue
			}
			if err := tx.Bucket(bucketNames[tagSegments]).Delete(be64(seg.First)); err != nil {
				return err
			}
			if err := put(tx, tagGarbage, garbageKey('S', seg.First), binary.LittleEndian.AppendUint64(nil, seg.End())); err != nil {
				return err
			}
		}
		for kind := range cat.runs {
			for shard := range cat.runs[kind] {
				for _, r := range cat.runs[kind][shard] {
					if left.retains(r.first, r.end) {
						continue
					}
					if err := drop(tx, r); err != nil {
						return err
					}
				}
			}
		}
		return changed(tx)
	})
	if err != nil {
		return err
	}
	return s.sweep(context.Background())
}
