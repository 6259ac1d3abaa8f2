package store

import (
	"bytes"

	bolt "go.etcd.io/bbolt"
)

// A folding is how far the oldest layers are folded into the tables. Those
// layers stay, and hide what of them is in the tables already, until all of it
// is: a crash or a reader in between finds nothing changed.
type folding struct {
	top uint64 // id of the last layer that is folded
	t   Table  // the next record
	key []byte
}

// fold puts the oldest layers into the tables when there are enough of them.
// It writes in small transactions, and lets Seal in between.
func (s *Store) fold() (did bool, err error) {
	for {
		some, err := s.foldSome()
		if err != nil || !some {
			return did, err
		}
		did = true
	}
}

func (s *Store) foldSome() (did bool, err error) {
	s.maintain.Lock()
	defer s.maintain.Unlock()
	var cat *catalogue
	if err := s.read(func(tx *bolt.Tx) (err error) { cat, err = s.catalogue(tx); return err }); err != nil {
		return false, err
	}
	f := s.folding
	if f.top == 0 {
		if len(cat.layers) < s.fanIn {
			return false, nil
		}
		f.top = cat.layers[len(cat.layers)-1].id
	}
	layers := cat.layers
	for layers[len(layers)-1].id > f.top {
		layers = layers[:len(layers)-1]
	}
	err = s.update(func(tx *bolt.Tx) error {
		m, err := mergeLayers(tx, layers, f.t, f.key)
		for size := 0; err == nil && m.ok && size < s.maxTransaction; err = m.next() {
			if err := apply(tx, &Put{m.t, m.key, m.value}); err != nil {
				return err
			}
			size += len(m.key) + len(m.value)
		}
		if err != nil {
			return err
		}
		if m.ok {
			f.t, f.key = m.t, bytes.Clone(m.key)
			return nil
		}
		for _, l := range layers {
			if err := tx.Bucket(bucketNames[tagLayers]).Delete(be64(l.id)); err != nil {
				return err
			}
			if err := put(tx, tagGarbage, garbageKey('L', l.id), nil); err != nil {
				return err
			}
		}
		f = folding{}
		return changed(tx)
	})
	if err != nil {
		return false, err
	}
	s.folding = f
	return true, nil
}
