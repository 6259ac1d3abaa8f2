package store

import (
	"context"

	bolt "go.etcd.io/bbolt"
)

// Merge does one step of tiered merging: in a few shards of one kind, the oldest eight
// runs that are of the same level (see fanIn) become one of the next, without the postings
// of expired prompts; or it folds layers into their tables when there are eight. did
// is false when there is nothing to do. Like Seal it writes in small transactions.
func (s *Store) Merge() (did bool, err error) {
	if err := s.enter(); err != nil {
		return false, err
	}
	defer s.leave()
	if did, err := s.fold(); did || err != nil {
		return did, err
	}
	s.maintain.Lock()
	defer s.maintain.Unlock()
	if err := s.sweep(context.Background()); err != nil {
		return false, err
	}
	var cat *catalogue
	err = s.read(func(tx *bolt.Tx) (err error) { cat, err = s.catalogue(tx); return err })
	if err != nil {
		return false, err
	}
	old := mergeable(cat, s.fanIn)
	if old == nil {
		if s.merged {
			s.release()
			s.merged = false
		}
		return false, nil
	}
	b, err := s.newBulk(len(old), 0, 0)
	if err != nil {
		return false, err
	}
	made := make([]*run, len(old))
	for i, runs := range old {
		first := runs[0]
		w := b.newRun(first.kind, first.shard, min(first.level+1, 255), first.first, runs[len(runs)-1].end)
		if err := s.merge(cat, runs, w); err != nil {
			return false, err
		}
		made[i] = w.run
	}
	err = s.update(func(tx *bolt.Tx) error {
		if err := b.finish(tx); err != nil {
			return err
		}
		for i, runs := range old {
			for _, r := range runs {
				if err := drop(tx, r); err != nil {
					return err
				}
			}
			if made[i].postings > 0 {
				if err := put(tx, tagRuns, made[i].key(), made[i].value()); err != nil {
					return err
				}
			}
		}
		return changed(tx)
	})
	if err != nil {
		return false, err
	}
	s.merged = true
	return true, s.sweep(context.Background())
}

const mergeShards = 4 // at a time: as many share transactions, and Seal waits for them

// mergeable returns, for a few shards of one kind, the runs of a lowest level
// that has enough of them.
func mergeable(c *catalogue, fanIn int) (best [][]*run) {
	for kind := range c.runs {
		for shard := range c.runs[kind] {
			runs := lowest(c.runs[kind][shard], fanIn)
			switch {
			case runs == nil:
			case best == nil || runs[0].level < best[0][0].level:
				best = append(best[:0:0], runs)
			case runs[0].level == best[0][0].level && runs[0].kind == best[0][0].kind && len(best) < mergeShards:
				best = append(best, runs)
			}
		}
	}
	return best
}

// lowest returns the oldest runs of the lowest level that has enough of them; nil if none has.
func lowest(list []*run, fanIn int) (best []*run) {
	for i := 0; i < len(list); {
		j := i
		for j < len(list) && list[j].level == list[i].level {
			j++
		}
		if n := list[i].fanIn(fanIn); j-i >= n && (best == nil || list[i].level < best[0].level) {
			best = list[i : i+n]
		}
		i = j
	}
	return best
}

// fanIn is how many runs, of which r is the oldest, one merge takes: fanIn, but for
// those with which the index began fewer in some shards than in others. So it is
// other shards' turn after each Seal, and never all at once.
func (r *run) fanIn(fanIn int) int {
	if r.first > 1 || fanIn < 3 {
		return fanIn
	}
	return 2 + ((r.level+1)*r.shard+int(r.kind))%(fanIn-1)
}

func (s *Store) merge(cat *catalogue, runs []*run, w runWriter) error {
	m := newRunMerger(runs, s.copyBlocks)
	holes := false
	for _, r := range runs {
		holes = holes || r.holes
	}
	for {
		keys, numbers, err := m.next()
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			return w.flush()
		}
		if holes {
			kept := 0
			for i, n := range numbers {
				if cat.find(n) != nil {
					keys[kept], numbers[kept] = keys[i], n
					kept++
				}
			}
			keys, numbers = keys[:kept], numbers[:kept]
		}
		if err := w.addAll(keys, numbers); err != nil {
			return err
		}
	}
}

// drop takes a run out of the catalogue; sweep deletes its blocks.
func drop(tx *bolt.Tx, r *run) error {
	if err := tx.Bucket(bucketNames[tagRuns]).Delete(r.key()); err != nil {
		return err
	}
	return put(tx, tagGarbage, garbageKey('R', r.id), nil)
}
