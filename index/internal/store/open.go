package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

var (
	ErrLocked   = errors.New("store: locked by another process")
	ErrDamaged  = errors.New("store: damaged")
	ErrVersion  = errors.New("store: made by a newer version")
	ErrNotStore = errors.New("store: not a chorus index")
	ErrMissing  = errors.New("store: no such file")
	ErrClosed   = errors.New("store: closed")
	ErrNotFound = errors.New("store: no such prompt") // never sealed, or expired
)

// Options are how to open a store. The zero value creates or opens one for writing.
type Options struct {
	ReadOnly     bool          // several processes may read at once; the file must exist
	MustExist    bool          // fail with ErrMissing instead of creating
	LockTimeout  time.Duration // how long to wait for other processes; 0: 1 s
	NoSync       bool          // do not wait for the disk: a power cut may destroy everything
	BeforeCommit func() error  // nil: none; called before each commit, its error fails the write
}

// A Store is one open file. Its methods are safe for concurrent use: many may
// read while one writes. Seal, Merge and Expire wait for each other; Append
// and Write wait only for single transactions of theirs.
type Store struct {
	db   *bolt.DB
	file *os.File // bbolt's own, which has the lock
	path string
	o    Options

	// Bytes of blocks in one transaction, entries that one deletes, runs and layers
	// that one merge takes: the constants, but tests make them small.
	maxTransaction, maxSweep, fanIn int

	maintain sync.Mutex // held by Seal, Merge, Expire
	folding  folding    // under maintain
	merged   bool       // under maintain: there is what release lets go of
	cat      atomic.Pointer[catalogue]

	life   sync.Mutex
	closed bool
	active sync.WaitGroup // operations under way
}

// Open opens or creates the store in the file at path. It verifies the file's
// closing page when it has one, and the tree of pages always.
func Open(path string, o Options) (s *Store, err error) {
	if o.LockTimeout == 0 {
		o.LockTimeout = time.Second
	}
	switch info, err := os.Stat(path); {
	case err == nil && !info.Mode().IsRegular(): // opening a pipe would wait for ever
		return nil, fmt.Errorf("%w: it is no regular file (%s)", ErrNotStore, path)
	case err == nil:
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("store: open: %w", err)
	case o.ReadOnly || o.MustExist:
		return nil, fmt.Errorf("%w: %s", ErrMissing, path)
	default:
		if err := create(path, o); err != nil {
			return nil, err
		}
	}

	// A first look under a shared lock: bbolt may open for writing only what is sound.
	ro := o
	ro.ReadOnly = true
	s, err = openBolt(path, ro)
	if err != nil {
		return nil, err
	}
	if err := s.inspect(); err != nil {
		_ = s.db.Close()
		return nil, err
	}
	if o.ReadOnly {
		return s, nil
	}
	if err := s.db.Close(); err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	if s, err = openBolt(path, o); err != nil {
		return nil, err
	}
	if err := s.prepare(); err != nil {
		_ = s.db.Close()
		return nil, err
	}
	return s, nil
}

// openBolt opens a file that exists.
func openBolt(path string, o Options) (s *Store, err error) {
	var g guard
	defer g.end(g.begin(), &err)
	s = &Store{path: path, o: o, maxTransaction: maxTransaction, maxSweep: maxSweep, fanIn: fanIn}
	options := &bolt.Options{
		Timeout:        o.LockTimeout,
		NoFreelistSync: true,
		FreelistType:   bolt.FreelistMapType,
		NoSync:         o.NoSync,
		NoGrowSync:     false,
		ReadOnly:       o.ReadOnly,
		PageSize:       pageSize,
		NoStatistics:   true,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag&^os.O_CREATE, mode)
			s.file = f
			return f, err
		},
	}
	if !o.ReadOnly && runtime.GOOS != "windows" && bits.UintSize == 64 {
		// Growing the map waits for readers, one of which may wait for who waits
		// for the map: leave so much room that it never grows. It is addresses, no
		// memory. (Windows would grow the file.)
		options.InitialMmapSize = 1 << 30
		options.InitialMmapSize *= 1 << 10 // in two steps: 32-bit compilers read this too
	}
	s.db, err = bolt.Open(path, 0o600, options)
	if errors.Is(err, syscall.ENOMEM) && options.InitialMmapSize > 0 { // addresses are limited
		options.InitialMmapSize = 0
		s.db, err = bolt.Open(path, 0o600, options)
	}
	switch {
	case err == nil:
		switch moved, err := s.moved(); {
		case err != nil:
			return nil, fmt.Errorf("store: open: %w", errors.Join(err, s.db.Close()))
		case moved:
			if err := s.db.Close(); err != nil {
				return nil, fmt.Errorf("store: open: %w", err)
			}
			return openBolt(path, o)
		}
		return s, nil
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("%w: %s", ErrLocked, path)
	}
	var errno syscall.Errno
	if !o.ReadOnly && errors.As(err, &errno) { // the file is new, or was sound when it was inspected
		return nil, fmt.Errorf("store: open: %w", err)
	}
	// Is the file at fault?
	f, ferr := os.Open(path)
	if ferr != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	defer f.Close()
	info, ferr := f.Stat()
	if ferr != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	if _, ferr := readMeta(f); ferr != nil {
		return nil, fmt.Errorf("%w (%s)", ferr, path)
	}
	if info.Size() < 4*pageSize {
		return nil, damaged("the file is cut to %d bytes", info.Size())
	}
	return nil, fmt.Errorf("store: open: %w", err)
}

// create makes an empty store at path, whole or not at all.
func create(path string, o Options) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new*")
	if err != nil {
		return fmt.Errorf("store: create: %w", err)
	}
	tmp := f.Name()
	defer os.Remove(tmp)
	if err := f.Close(); err != nil {
		return fmt.Errorf("store: create: %w", err)
	}
	s, err := openBolt(tmp, Options{LockTimeout: o.LockTimeout, NoSync: o.NoSync})
	if err != nil {
		return err
	}
	err = s.update(func(tx *bolt.Tx) error {
		for tag, name := range bucketNames {
			if name == nil {
				continue
			}
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
			if byte(tag) == tagStore {
				if err := put(tx, tagStore, keyFormat, binary.LittleEndian.AppendUint32(nil, formatVersion)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil {
		err = s.closeFile()
	}
	if cerr := s.db.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("store: create: %w", cerr)
	}
	if err != nil {
		return err
	}
	// Whoever creates the same store at the same time: the first one's stays.
	if err := os.Link(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		if err := os.Rename(tmp, path); err != nil {
			return fmt.Errorf("store: create: %w", err)
		}
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("store: create: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("store: create: %w", err)
	}
	return nil
}

// inspect verifies the file as far as Open must.
func (s *Store) inspect() (err error) {
	var g guard
	defer g.end(g.begin(), &err)
	info, err := s.file.Stat()
	if err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	if _, err := readClosing(s.file, info.Size()); err != nil {
		return err
	}
	if err := walkFile(s.file, info.Size()); err != nil {
		return err
	}
	return s.db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketNames[tagStore])
		if b == nil {
			return ErrNotStore
		}
		v, err := get(b, tagStore, keyFormat)
		if err != nil {
			return err
		}
		if len(v) != 4 {
			return ErrNotStore
		}
		if n := binary.LittleEndian.Uint32(v); n > formatVersion {
			return fmt.Errorf("%w: format %d; this program knows up to %d", ErrVersion, n, formatVersion)
		} else if n == 0 {
			return damaged("format version 0")
		}
		for tag, name := range bucketNames {
			old := binary.LittleEndian.Uint32(v) == 1 && (byte(tag) == tagLayers || byte(tag) == tagLayered)
			if name != nil && !old && tx.Bucket(name) == nil {
				return damaged("bucket %q is missing", name)
			}
		}
		return nil
	})
}

// prepare makes a store that has been opened for writing ready: it is no
// longer a closed one, and what a crash left half-written is deleted.
func (s *Store) prepare() (err error) {
	var g guard
	defer g.end(g.begin(), &err)
	info, err := s.file.Stat()
	if err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	c, err := readClosing(s.file, info.Size())
	if err != nil {
		return err
	}
	var length int64
	if err := s.db.View(func(tx *bolt.Tx) error { length = tx.Size(); return nil }); err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	if err := unclose(s.file, c, length, s.sync); err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	return s.sweep(context.Background())
}

func (s *Store) sync() error {
	if s.o.NoSync {
		return nil
	}
	return s.file.Sync()
}

// Close waits for the operations under way and closes the file. Everything is
// durable before; Close only makes later damage easier to find.
func (s *Store) Close() error {
	s.life.Lock()
	if s.closed {
		s.life.Unlock()
		return nil
	}
	s.closed = true
	s.life.Unlock()
	s.active.Wait()
	var err error
	if !s.o.ReadOnly {
		err = s.closeFile()
	}
	if cerr := s.db.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("store: close: %w", cerr)
	}
	return err
}

func (s *Store) closeFile() (err error) {
	var g guard
	defer g.end(g.begin(), &err)
	var length int64
	var txid int
	if err := s.db.View(func(tx *bolt.Tx) error { length, txid = tx.Size(), tx.ID(); return nil }); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	if err := closeFile(s.file, length, txid, s.sync); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}

// Size is the file's length in bytes.
func (s *Store) Size() int64 {
	info, err := os.Stat(s.path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// enter begins an operation; leave ends it.
func (s *Store) enter() error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.active.Add(1)
	return nil
}

func (s *Store) leave() { s.active.Done() }

// update runs one durable transaction.
func (s *Store) update(fn func(tx *bolt.Tx) error) (err error) {
	var g guard
	defer g.end(g.begin(), &err)
	if s.o.ReadOnly {
		return errors.New("store: opened read-only")
	}
	var inner error
	err = s.db.Update(func(tx *bolt.Tx) error {
		// Grow by a sixteenth at a time; only the writer reads AllocSize.
		s.db.AllocSize = int(min(max(tx.Size()/16, 128<<10), 16<<20))
		if inner = fn(tx); inner == nil && s.o.BeforeCommit != nil {
			inner = s.o.BeforeCommit()
		}
		return inner
	})
	switch {
	case inner != nil && errors.Is(inner, ErrDamaged), err == nil:
		return err
	case inner != nil:
		return fmt.Errorf("store: write: %w", inner)
	}
	return fmt.Errorf("store: write: %w; nothing of it is kept: free space or mend the disk, and reopen", err)
}

// put stores a value with its sum. Beyond its length value is left alone.
func put(tx *bolt.Tx, tag byte, key, value []byte) error {
	return putSummed(tx, tag, key, withSum(tag, key, value[:len(value):len(value)]))
}

// putSummed stores a value that ends with its sum.
func putSummed(tx *bolt.Tx, tag byte, key, value []byte) error {
	b := tx.Bucket(bucketNames[tag])
	switch tag {
	case tagJournal, tagRecords, tagSignatures, tagPostings, tagLayered:
		b.FillPercent = 1 // these grow at their ends
	case tagTables + byte(TableTemplate), tagTables + byte(TableStat), tagTables + byte(TableUse), tagTables + byte(TableExemplar):
		b.FillPercent = foldFill
	}
	return b.Put(key, value)
}

// get returns a value, which is only valid during the transaction; nil when there is none.
func get(b *bolt.Bucket, tag byte, key []byte) ([]byte, error) {
	v := b.Get(key)
	if v == nil {
		return nil, nil
	}
	return checked(tag, key, v)
}
