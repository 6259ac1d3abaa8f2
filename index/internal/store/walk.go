package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// bbolt trusts its file: on a bad page it panics, in goroutines of its own
// too, where nobody can recover. So before it may read a file, a walker goes
// through its pages without bbolt and verifies what bbolt relies on.

const (
	boltMagic   = 0xED0CDAED
	boltBranch  = 1
	boltLeaf    = 2
	boltNoList  = 1<<64 - 1 // in place of the freelist's page
	boltHead    = 16        // of a page, an element, a bucket
	boltMaxDeep = 40
)

// A boltMeta is what a meta page says.
type boltMeta struct {
	root, freelist, pages, txid uint64
}

// readMeta returns the newest valid meta page.
func readMeta(f io.ReaderAt) (m boltMeta, err error) {
	native := binary.NativeEndian
	valid, magic := false, false
	for i := range int64(2) {
		b := make([]byte, boltHead+64)
		if _, err := f.ReadAt(b, i*pageSize); err != nil {
			if errors.Is(err, io.EOF) {
				continue
			}
			return m, err
		}
		b = b[boltHead:]
		if native.Uint32(b) == boltMagic {
			magic = true
		}
		h := fnv.New64a()
		h.Write(b[:56])
		if native.Uint32(b) != boltMagic || native.Uint32(b[4:]) != 2 || native.Uint64(b[56:]) != h.Sum64() {
			continue
		}
		if size := native.Uint32(b[8:]); size != pageSize {
			return m, fmt.Errorf("%w: its pages are of %d bytes", ErrNotStore, size)
		}
		n := boltMeta{native.Uint64(b[16:]), native.Uint64(b[32:]), native.Uint64(b[40:]), native.Uint64(b[48:])}
		if !valid || n.txid > m.txid {
			m = n
		}
		valid = true
	}
	switch {
	case valid:
		return m, nil
	case magic:
		return m, damaged("both meta pages are invalid")
	}
	return m, ErrNotStore
}

// A walker verifies a bbolt file's tree of pages.
type walker struct {
	f     io.ReaderAt
	meta  boltMeta
	seen  []uint64 // one bit a page
	pages [boltMaxDeep][]byte
}

// walkFile verifies the tree of a file of that size.
func walkFile(f io.ReaderAt, size int64) error {
	m, err := readMeta(f)
	if err != nil {
		return err
	}
	if m.freelist != boltNoList {
		return fmt.Errorf("%w: it has a synced freelist", ErrNotStore)
	}
	if m.pages < 3 || m.pages > uint64(size/pageSize) {
		return damaged("the file has %d bytes where bbolt has %d pages of %d", size, m.pages, pageSize)
	}
	w := walker{f: f, meta: m, seen: make([]uint64, m.pages/64+1)}
	w.seen[0] = 3 // the meta pages
	return w.page(m.root, nil, nil, 0, true)
}

// page verifies the page with that id, whose keys are in [lo, hi), and those below it.
func (w *walker) page(id uint64, lo, hi []byte, depth int, isRoot bool) error {
	if depth == boltMaxDeep {
		return damaged("page %d: the tree is too deep", id)
	}
	if id < 2 || id >= w.meta.pages {
		return damaged("page %d: out of range", id)
	}
	if w.pages[depth] == nil {
		w.pages[depth] = make([]byte, pageSize)
	}
	b := w.pages[depth][:pageSize]
	at := int64(id) * pageSize
	if err := w.read(b, at); err != nil {
		return err
	}
	native := binary.NativeEndian
	overflow := uint64(native.Uint32(b[12:]))
	if native.Uint64(b) != id || id+overflow >= w.meta.pages {
		return damaged("page %d: wrong header", id)
	}
	for i := id; i <= id+overflow; i++ {
		if w.seen[i/64]>>(i%64)&1 != 0 {
			return damaged("page %d: used twice", i)
		}
		w.seen[i/64] |= 1 << (i % 64)
	}
	flags, count := native.Uint16(b[8:]), int(native.Uint16(b[10:]))
	size := int64(overflow+1) * pageSize
	if flags != boltBranch && flags != boltLeaf || count == 0 && (flags != boltLeaf || lo != nil || hi != nil) || int64(boltHead*(count+1)) > size {
		return damaged("page %d: wrong header", id)
	}
	if n := boltHead * (count + 1); n > len(b) {
		b = append(b, make([]byte, n-len(b))...)
		w.pages[depth] = b
		if err := w.read(b[pageSize:], at+pageSize); err != nil {
			return err
		}
	}
	return w.elements(fmt.Sprintf("page %d", id), flags, count, b, at, size, lo, hi, depth, isRoot)
}

// elements verifies the elements of a page of size bytes at that place of the file, of which
// b holds the header, all elements and maybe more.
func (w *walker) elements(name string, flags uint16, count int, b []byte, at, size int64, lo, hi []byte, depth int, isRoot bool) error {
	native := binary.NativeEndian
	var prev []byte
	for i := range count {
		e := b[boltHead*(i+1):]
		var pos, ksize, vsize, child uint64
		var eflags uint32
		if flags == boltBranch {
			pos, ksize, child = uint64(native.Uint32(e)), uint64(native.Uint32(e[4:])), native.Uint64(e[8:])
		} else {
			eflags = native.Uint32(e)
			pos, ksize, vsize = uint64(native.Uint32(e[4:])), uint64(native.Uint32(e[8:])), uint64(native.Uint32(e[12:]))
		}
		start := uint64(boltHead*(i+1)) + pos
		if ksize == 0 || ksize > 32768 || start < uint64(boltHead*(count+1)) || start+ksize+vsize > uint64(size) {
			return damaged("%s: element %d out of range", name, i)
		}
		key, err := w.bytes(b, at, start, ksize)
		if err != nil {
			return err
		}
		if i > 0 && bytes.Compare(prev, key) >= 0 || lo != nil && bytes.Compare(key, lo) < 0 || hi != nil && bytes.Compare(key, hi) >= 0 {
			return damaged("%s: element %d out of order", name, i)
		}
		if flags == boltBranch {
			next := hi
			if i+1 < count {
				e := b[boltHead*(i+2):]
				p, k := uint64(boltHead*(i+2))+uint64(native.Uint32(e)), uint64(native.Uint32(e[4:]))
				if k == 0 || k > 32768 || p+k > uint64(size) {
					return damaged("%s: element %d out of range", name, i+1)
				}
				if next, err = w.bytes(b, at, p, k); err != nil {
					return err
				}
			}
			if err := w.page(child, key, next, depth+1, isRoot); err != nil {
				return err
			}
		} else if isRoot != (eflags == 1) || eflags > 1 {
			return damaged("%s: element %d is of the wrong type", name, i)
		} else if isRoot {
			v, err := w.bytes(b, at, start+ksize, vsize)
			if err != nil {
				return err
			}
			if err := w.bucket(name, key, v, at+int64(start+ksize), depth); err != nil {
				return err
			}
		}
		prev = key
	}
	return nil
}

// bucket verifies a bucket by the value that the root has for it.
func (w *walker) bucket(name string, key, v []byte, at int64, depth int) error {
	native := binary.NativeEndian
	if len(v) < boltHead {
		return damaged("%s: wrong bucket %x", name, shortKey(key))
	}
	if root := native.Uint64(v); root != 0 {
		return w.page(root, nil, nil, depth+1, false)
	}
	b := v[boltHead:] // an inline page
	if len(b) < boltHead {
		return damaged("%s: wrong bucket %x", name, shortKey(key))
	}
	flags, count := native.Uint16(b[8:]), int(native.Uint16(b[10:]))
	if native.Uint64(b) != 0 || flags != boltLeaf || native.Uint32(b[12:]) != 0 || boltHead*(count+1) > len(b) {
		return damaged("%s: wrong inline bucket %x", name, shortKey(key))
	}
	return w.elements(fmt.Sprintf("%s: bucket %x", name, shortKey(key)), flags, count, b, at+boltHead, int64(len(b)), nil, nil, depth, false)
}

// bytes returns n bytes from start of a page, of which b is the beginning.
func (w *walker) bytes(b []byte, at int64, start, n uint64) ([]byte, error) {
	if start+n <= uint64(len(b)) {
		return bytes.Clone(b[start : start+n]), nil
	}
	v := make([]byte, n)
	return v, w.read(v, at+int64(start))
}

func (w *walker) read(b []byte, at int64) error {
	if _, err := w.f.ReadAt(b, at); err != nil {
		if errors.Is(err, io.EOF) {
			return damaged("the file ends at or before byte %d", at+int64(len(b)))
		}
		return fmt.Errorf("store: read: %w", err)
	}
	return nil
}
