package store

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
)

// A Reader reads one state of the store. It is valid during its View and not
// safe for concurrent use; its methods may be called from functions given to others of them.
type Reader struct {
	guard
	s   *Store
	tx  *bolt.Tx
	cat *catalogue

	records, signatures, postings, blocks *bolt.Cursor
	group                                 recordGroupReader
	busy                                  bool // postings is in use
}

// View calls fn with a Reader of the current state. Writers go on meanwhile,
// but pages that they free stay in the file: be brief.
func (s *Store) View(fn func(*Reader) error) (err error) {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	r := Reader{s: s}
	if err := r.open(); err != nil {
		return err
	}
	defer r.close(&err)
	return fn(&r)
}

func (r *Reader) open() (err error) {
	defer r.end(r.begin(), &err)
	if r.tx, err = r.s.db.Begin(false); err != nil {
		return err
	}
	defer func() {
		if r.cat == nil {
			_ = r.tx.Rollback()
		}
	}()
	r.cat, err = r.s.catalogue(r.tx)
	return err
}

func (r *Reader) close(err *error) {
	if rerr := r.tx.Rollback(); rerr != nil && *err == nil {
		*err = rerr
	}
}

// Sealed returns the number of the last prompt ever sealed, 0 before the first.
func (s *Store) Sealed() (last uint64, err error) {
	err = s.View(func(r *Reader) error { last = r.Sealed(); return nil })
	return last, err
}

// Sealed is Store.Sealed.
func (r *Reader) Sealed() uint64 { return r.cat.sealed }

// Segments returns the retained segments in order.
func (s *Store) Segments() (segments []Segment, err error) {
	err = s.View(func(r *Reader) error { segments = append(segments, r.Segments()...); return nil })
	return segments, err
}

// Segments returns the retained segments in order. The caller must not change them.
func (r *Reader) Segments() []Segment { return r.cat.segments }

// Runs is the number of sorted runs of postings.
func (r *Reader) Runs() (n int) {
	for kind := range r.cat.runs {
		for shard := range r.cat.runs[kind] {
			n += len(r.cat.runs[kind][shard])
		}
	}
	return n
}

// Record returns what is kept of prompt n; ErrNotFound when nothing is.
func (s *Store) Record(n uint64) (rec Record, err error) {
	err = s.View(func(r *Reader) error { rec, err = r.Record(n); return err })
	return rec, err
}

// Record is Store.Record.
func (r *Reader) Record(n uint64) (Record, error) {
	return r.recordBy(n, func(p *recordBlock, i int, rec *Record) bool { return p.at(&r.group, i, rec) })
}

// Anonymous is Record without the prompt's id, which takes longer to read than the rest.
func (r *Reader) Anonymous(n uint64) (Record, error) {
	return r.recordBy(n, func(p *recordBlock, i int, rec *Record) bool {
		return p.group(&r.group, i/recordGroup) && r.group.fields(i%recordGroup, rec)
	})
}

// recordBy reads the record of prompt n, the ith of its block.
func (r *Reader) recordBy(n uint64, read func(p *recordBlock, i int, rec *Record) bool) (rec Record, err error) {
	defer r.end(r.begin(), &err)
	segment := r.cat.index(n)
	if segment < 0 {
		return rec, ErrNotFound
	}
	p, first, _, err := r.recordBlock(n, segment)
	if err != nil {
		return rec, err
	}
	if !read(&p, int(n-first), &rec) {
		return Record{}, damaged("record of prompt %d is malformed", n)
	}
	return rec, nil
}

// recordBlock returns the block that holds prompt n of that segment, and its bounds.
func (r *Reader) recordBlock(n uint64, segment int) (p recordBlock, first, last uint64, err error) {
	if r.records == nil {
		r.records = r.tx.Bucket(bucketNames[tagRecords]).Cursor()
	}
	value, last, err := seekBlock(r.records, tagRecords, n, &r.cat.segments[segment], r.cat.verified[segment].records)
	if err != nil {
		return p, 0, 0, err
	}
	p, ok := parseRecordBlock(value)
	if first = last + 1 - uint64(p.n); !ok || first > n {
		return p, 0, 0, damaged("records of prompt %d are malformed", n)
	}
	return p, first, last, nil
}

// seekBlock returns the block of records or signatures that holds prompt n of s, and its last prompt.
func seekBlock(c *bolt.Cursor, tag byte, n uint64, s *Segment, seen verified) (value []byte, last uint64, err error) {
	var key [8]byte
	binary.BigEndian.PutUint64(key[:], n)
	k, v := c.Seek(key[:])
	if len(k) != 8 || len(v) < sumLen {
		return nil, 0, damaged("%s of prompt %d are missing", bucketNames[tag], n)
	}
	last = binary.BigEndian.Uint64(k)
	if last >= s.End() {
		return nil, 0, damaged("%s of prompt %d are missing", bucketNames[tag], n)
	}
	i := int(last - s.First)
	if seen.has(i) {
		return v[: len(v)-sumLen : len(v)-sumLen], last, nil
	}
	if value, err = checked(tag, k, v); err == nil {
		seen.add(i)
	}
	return value, last, err
}

// Records calls fn with the records of the retained prompts first to last,
// both included, in order. The Record is only valid during the call; its ID may be kept.
func (s *Store) Records(first, last uint64, fn func(n uint64, r *Record) error) error {
	return s.View(func(r *Reader) error { return r.Records(first, last, fn) })
}

// Records is Store.Records.
func (r *Reader) Records(first, last uint64, fn func(n uint64, r *Record) error) (err error) {
	defer r.end(r.begin(), &err)
	var group recordGroupReader // fn may use r.group
	var rec Record
	for i := range r.cat.segments {
		s := &r.cat.segments[i]
		if s.End() <= first || s.First > last {
			continue
		}
		for n := max(first, s.First); n < s.End() && n <= last; {
			p, from, to, err := r.recordBlock(n, i)
			if err != nil {
				return err
			}
			for ; n <= to && n <= last; n++ {
				j := int(n - from)
				ok := true
				if j%recordGroup == 0 || group.ids == nil && group.i == 0 {
					ok = p.at(&group, j, &rec)
				} else {
					ok = group.read(&rec)
				}
				if !ok {
					return damaged("record of prompt %d is malformed", n)
				}
				r.calling = true
				err := fn(n, &rec)
				r.calling = false
				if err != nil {
					return err
				}
			}
		}
		group = recordGroupReader{id: group.id}
	}
	return nil
}

// Signature appends prompt n's signature to dst: Segment.Width bytes, zeros if it
// has none. ErrNotFound when the prompt is not retained.
func (s *Store) Signature(dst []byte, n uint64) (sig []byte, err error) {
	err = s.View(func(r *Reader) error { sig, err = r.Signature(dst, n); return err })
	return sig, err
}

// Signature is Store.Signature.
func (r *Reader) Signature(dst []byte, n uint64) (sig []byte, err error) {
	defer r.end(r.begin(), &err)
	segment := r.cat.index(n)
	if segment < 0 {
		return dst, ErrNotFound
	}
	s := &r.cat.segments[segment]
	if s.Width == 0 {
		return dst, nil
	}
	if r.signatures == nil {
		r.signatures = r.tx.Bucket(bucketNames[tagSignatures]).Cursor()
	}
	value, last, err := seekBlock(r.signatures, tagSignatures, n, s, r.cat.verified[segment].signatures)
	if err != nil {
		return dst, err
	}
	p, ok := parseSignatureBlock(value, s.Width)
	if first := last + 1 - uint64(p.n); !ok || first > n {
		return dst, damaged("signatures of prompt %d are malformed", n)
	} else {
		return p.appendRow(dst, int(n-first)), nil
	}
}

// Lookup calls fn with the retained prompts that have the key, ascending,
// until it returns false.
func (r *Reader) Lookup(kind Kind, key uint64, fn func(n uint64) bool) (err error) {
	defer r.end(r.begin(), &err)
	if kind >= Kinds || key>>kind.Bits() != 0 {
		return nil
	}
	if r.postings == nil || r.busy {
		r.postings = r.tx.Bucket(bucketNames[tagPostings]).Cursor()
	}
	busy := r.busy
	r.busy = true
	defer func() { r.busy = busy }()
	for _, u := range r.cat.runs[kind][kind.shard(key)] {
		if more, err := r.lookupRun(u, key, fn); !more || err != nil {
			return err
		}
	}
	return nil
}

// LookupAll calls fn with the place in keys and the number of every retained
// prompt that has one of the keys, which must ascend. It costs less than a
// Lookup for each: what lies together is read together. The numbers of one
// key ascend, but those of other keys may come in between. wanted, unless it is
// nil, says whether prompts [first, end) are of interest for a key: others may be
// left out.
func (r *Reader) LookupAll(kind Kind, keys []uint64, wanted func(i int, first, end uint64) bool, fn func(i int, n uint64)) (err error) {
	defer r.end(r.begin(), &err)
	if kind >= Kinds {
		return nil
	}
	c := r.tx.Bucket(bucketNames[tagPostings]).Cursor()
	for i := 0; i < len(keys) && keys[i]>>kind.Bits() == 0; {
		shard, j := kind.shard(keys[i]), i
		for j < len(keys) && keys[j]>>kind.Bits() == 0 && kind.shard(keys[j]) == shard {
			j++
		}
		for _, u := range r.cat.runs[kind][shard] {
			at := runCursor{c: c, u: u}
			for x := i; x < j; x++ {
				if wanted != nil && !wanted(x, u.first, u.end) {
					continue
				}
				if _, err := at.lookup(r, keys[x], func(n uint64) bool { fn(x, n); return true }); err != nil {
					return err
				}
			}
		}
		i = j
	}
	return nil
}

func (r *Reader) lookupRun(u *run, key uint64, fn func(n uint64) bool) (more bool, err error) {
	at := runCursor{c: r.postings, u: u} // fn may make itself another
	return at.lookup(r, key, fn)
}

// A runCursor stands at a block of a run.
type runCursor struct {
	c *bolt.Cursor
	u *run
	k []byte // the block's key; nil before the first lookup
	p block
}

// lookup calls fn with the prompts that have the key. Keys ascend from one
// call to the next.
func (at *runCursor) lookup(r *Reader, key uint64, fn func(n uint64) bool) (more bool, err error) {
	if at.k == nil || get40(at.k[8:]) < key {
		var buf [16]byte
		binary.BigEndian.PutUint64(buf[:], at.u.id)
		if ok, err := at.enter(at.c.Seek(key40(buf[:8], key)[:16])); !ok || err != nil {
			return true, err
		}
	}
	for {
		more, ok := at.p.lookup(key, func(off uint64) bool {
			n := at.u.first + off
			if at.u.holes && r.cat.find(n) == nil {
				return true
			}
			r.calling = true
			more := fn(n)
			r.calling = false
			return more
		})
		if !ok {
			return false, damaged("postings %x are malformed", at.k)
		}
		if !more || get40(at.k[8:]) != key {
			return more, nil
		}
		if ok, err := at.enter(at.c.Next()); !ok || err != nil {
			return true, err
		}
	}
}

// enter makes a stored block the current one; ok is false when it is not one of the run's.
func (at *runCursor) enter(k, v []byte) (ok bool, err error) {
	at.k = nil
	if len(k) != 16 || binary.BigEndian.Uint64(k) != at.u.id {
		return false, nil
	}
	value, err := at.u.checked(k, v)
	if err != nil {
		return false, err
	}
	if at.p, ok = parseBlock(value, at.u.span()); !ok {
		return false, damaged("postings %x are malformed", k)
	}
	at.k = k
	return true, nil
}

// checked verifies a block's sum, once while the store is open.
func (u *run) checked(k, v []byte) ([]byte, error) {
	i := int(k[13])<<16 | int(k[14])<<8 | int(k[15])
	if len(v) < sumLen || i >= u.blocks {
		return nil, damaged("postings %x are malformed", k)
	}
	if u.verified.has(i) {
		return v[: len(v)-sumLen : len(v)-sumLen], nil
	}
	value, err := checked(tagPostings, k, v)
	if err == nil {
		u.verified.add(i)
	}
	return value, err
}

// shard is the shard of a key.
func (k Kind) shard(key uint64) int { return int(key >> (k.Bits() - 4)) }
