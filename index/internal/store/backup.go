package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// Backup writes a consistent copy of the store, as it is now, while others go
// on writing.
func (s *Store) Backup(ctx context.Context, w io.Writer) (err error) {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	b := &backupWriter{ctx: ctx, w: w}
	err = s.read(func(tx *bolt.Tx) error {
		length := tx.Size()
		if length <= maxClosing {
			// WriteTo makes the second meta page the older one.
			b.mark = closingMark(length)
		}
		n, err := tx.WriteTo(b)
		if err == nil && n != length {
			err = io.ErrUnexpectedEOF
		}
		return err
	})
	if err == nil && b.mark != nil {
		_, err = w.Write(closingPage(b.at, b.sum))
	}
	if err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	return nil
}

// A backupWriter puts the mark into what passes through it and sums it up.
type backupWriter struct {
	ctx  context.Context
	w    io.Writer
	mark []byte
	at   int64
	sum  uint32
}

func (b *backupWriter) Write(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	const at = pageSize + markOffset
	if b.mark != nil && b.at < at+int64(len(b.mark)) && b.at+int64(len(p)) > at {
		p = bytes.Clone(p)
		for i, v := range b.mark {
			if j := at + int64(i) - b.at; j >= 0 && j < int64(len(p)) {
				p[j] = v
			}
		}
	}
	n, err := b.w.Write(p)
	b.at += int64(n)
	b.sum = crc32.Update(b.sum, castagnoli, p[:n])
	return n, err
}

// Compact writes a copy of the store without free pages to a new file at path.
func (s *Store) Compact(ctx context.Context, path string) (err error) {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("store: compact: %s exists", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new*")
	if err != nil {
		return fmt.Errorf("store: compact: %w", err)
	}
	defer os.Remove(f.Name())
	if err := f.Close(); err != nil {
		return fmt.Errorf("store: compact: %w", err)
	}
	d, err := openBolt(f.Name(), Options{LockTimeout: s.o.LockTimeout, NoSync: s.o.NoSync})
	if err != nil {
		return err
	}
	err = s.compact(ctx, d)
	if err == nil {
		err = d.closeFile()
	}
	if cerr := d.db.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("store: compact: %w", err)
	}
	return nil
}

// compact copies every bucket to d, in key order and small transactions.
func (s *Store) compact(ctx context.Context, d *Store) error {
	return s.read(func(src *bolt.Tx) error {
		for tag, name := range bucketNames {
			if name == nil {
				continue
			}
			from := src.Bucket(name)
			if from == nil {
				continue // in a store of version 1
			}
			c := from.Cursor()
			k, v := c.First()
			for started := false; !started || k != nil; started = true {
				if err := ctx.Err(); err != nil {
					return err
				}
				err := d.update(func(tx *bolt.Tx) error {
					b, err := tx.CreateBucketIfNotExists(name)
					if err != nil {
						return err
					}
					b.FillPercent = 1
					if err := b.SetSequence(from.Sequence()); err != nil {
						return err
					}
					for size := 0; k != nil && size < maxTransaction; k, v = c.Next() {
						if _, err := checked(byte(tag), k, v); err != nil {
							return err
						}
						if err := b.Put(k, v); err != nil {
							return err
						}
						size += len(k) + len(v) + 16
					}
					return nil
				})
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}
