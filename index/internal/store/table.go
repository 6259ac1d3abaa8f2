package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// A Table is one of the tables of records that the store keeps without knowing them.
type Table uint8

const (
	TableTemplate Table = iota
	TableStat
	TableUse
	TableExemplar
	TableFlag
	TableLabel
	TableAccount
	TableAux
	Tables = 8
)

// A Put stores a record in a table, or deletes it.
type Put struct {
	Table Table
	Key   []byte // 1 to MaxKey bytes
	Value []byte // nil: delete
}

// MaxKey is the longest key of a record, in bytes.
const MaxKey = 32000

// Write applies puts, in order, in one durable transaction.
func (s *Store) Write(puts []Put) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	if err := validate(puts); err != nil {
		return err
	}
	return s.update(func(tx *bolt.Tx) error { return record(tx, puts) })
}

func validate(puts []Put) error {
	for i := range puts {
		p := &puts[i]
		if p.Table >= Tables {
			return fmt.Errorf("store: no table %d", p.Table)
		}
		if n := len(p.Key); n == 0 || n > MaxKey {
			return fmt.Errorf("store: a record's key of %d bytes; 1 to %d can be", n, MaxKey)
		}
	}
	return nil
}

// record takes valid puts in.
func record(tx *bolt.Tx, puts []Put) error {
	sorted := ordered(puts)
	plain := slices.IndexFunc(sorted, func(p *Put) bool { return !p.Table.layered() })
	if plain < 0 {
		plain = len(sorted)
	}
	for _, p := range sorted[plain:] {
		if err := apply(tx, p); err != nil {
			return err
		}
	}
	return stack(tx, sorted[:plain])
}

// ordered are the last puts of each record in order of table and key: layered
// tables come first, and a bucket grows at its end instead of within a leaf,
// where each of many puts in one transaction would move all behind it.
func ordered(puts []Put) []*Put {
	type place struct {
		t      Table
		prefix uint64 // of the key, which settles nearly every comparison
		i      int
	}
	order := make([]place, len(puts))
	for i := range puts {
		var prefix [8]byte
		copy(prefix[:], puts[i].Key)
		order[i] = place{puts[i].Table, binary.BigEndian.Uint64(prefix[:]), i}
	}
	slices.SortFunc(order, func(a, b place) int {
		if a.t != b.t {
			return cmp.Compare(a.t, b.t)
		}
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		return cmp.Or(bytes.Compare(puts[a.i].Key, puts[b.i].Key), a.i-b.i)
	})
	sorted := make([]*Put, 0, len(order))
	for i, o := range order {
		p := &puts[o.i]
		if i+1 < len(order) {
			if q := &puts[order[i+1].i]; q.Table == p.Table && bytes.Equal(q.Key, p.Key) {
				continue
			}
		}
		sorted = append(sorted, p)
	}
	return sorted
}

// apply puts a record into the bucket of its table.
func apply(tx *bolt.Tx, p *Put) error {
	tag := tagTables + byte(p.Table)
	if p.Value == nil {
		return tx.Bucket(bucketNames[tag]).Delete(p.Key)
	}
	return put(tx, tag, p.Key, p.Value)
}

// Get returns a copy of a record's value; ok is whether there is one.
func (s *Store) Get(t Table, key []byte) (value []byte, ok bool, err error) {
	err = s.View(func(r *Reader) error {
		value, ok, err = r.Get(t, key)
		value = bytes.Clone(value)
		return err
	})
	return value, ok, err
}

// Get returns a record's value, which is only valid during the View.
func (r *Reader) Get(t Table, key []byte) (value []byte, ok bool, err error) {
	defer r.end(r.begin(), &err)
	if t >= Tables {
		return nil, false, fmt.Errorf("store: no table %d", t)
	}
	tag := tagTables + byte(t)
	if t.layered() && len(r.cat.layers) > 0 {
		if value, found, err := r.layered(t, key); found || err != nil {
			return value, value != nil, err
		}
	}
	value, err = get(r.tx.Bucket(bucketNames[tag]), tag, key)
	return value, value != nil, err
}

// Scan calls fn with the records of from <= key < to in order of their keys; a
// nil bound is open. Keys and values are only valid during the call.
func (s *Store) Scan(t Table, from, to []byte, fn func(key, value []byte) error) error {
	return s.View(func(r *Reader) error { return r.Scan(t, from, to, fn) })
}

// Scan is Store.Scan; keys and values are valid during the View.
func (r *Reader) Scan(t Table, from, to []byte, fn func(key, value []byte) error) (err error) {
	defer r.end(r.begin(), &err)
	if t >= Tables {
		return fmt.Errorf("store: no table %d", t)
	}
	call := func(key, value []byte) error {
		r.calling = true
		err := fn(key, value)
		r.calling = false
		return err
	}
	if t.layered() && len(r.cat.layers) > 0 {
		return r.scanLayered(t, from, to, call)
	}
	return scan(r.tx, tagTables+byte(t), from, to, call)
}

// Meta returns a copy of a named value; nil when there is none.
func (s *Store) Meta(name string) (value []byte, err error) {
	err = s.View(func(r *Reader) error {
		value, err = r.Meta(name)
		value = bytes.Clone(value)
		return err
	})
	return value, err
}

// Meta returns a named value, which is only valid during the View.
func (r *Reader) Meta(name string) (value []byte, err error) {
	defer r.end(r.begin(), &err)
	return get(r.tx.Bucket(bucketNames[tagMeta]), tagMeta, []byte(name))
}

// SetMeta stores a named value in one durable transaction; nil deletes it.
func (s *Store) SetMeta(name string, value []byte) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	return s.update(func(tx *bolt.Tx) error {
		if value == nil {
			return tx.Bucket(bucketNames[tagMeta]).Delete([]byte(name))
		}
		return put(tx, tagMeta, []byte(name), value)
	})
}
