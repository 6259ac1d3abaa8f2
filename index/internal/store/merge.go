package store

import (
	"context"

	bolt "go.etcd.io/bbolt"
)

// Merge does one step of tiered merging: the oldest eight runs of one kind and
// shard that are of the same level become one of the next, without the postings
// of expired prompts; and it folds layers into their tables when there are eight. did
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
	runs := mergeable(cat, s.fanIn)
	if runs == nil {
		return false, nil
	}
	b, err := s.newBulk(1, 0, 0)
	if err != nil {
		return false, err
	}
	first := runs[0]
	w := b.newRun(first.kind, first.shard, min(first.level+1, 255), first.first, runs[len(runs)-1].end)
	if err := s.merge(cat, runs, w); err != nil {
		return false, err
	}
	err = s.update(func(tx *bolt.Tx) error {
		if err := b.finish(tx); err != nil {
			return err
		}
		for _, r := range runs {
			if err := drop(tx, r); err != nil {
				return err
			}
		}
		if w.run.postings > 0 {
			if err := put(tx, tagRuns, w.run.key(), w.run.value()); err != nil {
				return err
			}
		}
		return changed(tx)
	})
	if err != nil {
		return false, err
	}
	s.release()
	return true, s.sweep(context.Background())
}

// mergeable returns the runs of a lowest level that has enough of them in one shard.
func mergeable(c *catalogue, fanIn int) []*run {
	var best []*run
	for kind := range c.runs {
		for shard := range c.runs[kind] {
			list := c.runs[kind][shard]
			for i := 0; i < len(list); {
				j := i
				for j < len(list) && list[j].level == list[i].level {
					j++
				}
				if j-i >= fanIn && (best == nil || list[i].level < best[0].level) {
					best = list[i : i+fanIn]
				}
				i = j
			}
		}
	}
	return best
}

func (s *Store) merge(cat *catalogue, runs []*run, w runWriter) error {
	m := newRunMerger(runs, s.copyBlock)
	holes := false
	for _, r := range runs {
		holes = holes || r.holes
	}
	for {
		ok, err := m.next()
		if err != nil {
			return err
		}
		if !ok {
			return w.flush()
		}
		key, n := m.posting()
		if holes && cat.find(n) == nil {
			continue
		}
		if err := w.add(key, n-w.run.first); err != nil {
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
