package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Shrink rewrites the store's file without free pages and puts it in the place
// of the old one, which this Store goes on reading: it is to be closed. A crash
// leaves the old file or the new one, whole. Who waits for the old file's lock
// opens the new one.
func (s *Store) Shrink(ctx context.Context) (err error) {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	if s.o.ReadOnly {
		return errors.New("store: opened read-only")
	}
	s.maintain.Lock()
	defer s.maintain.Unlock()
	next := s.path + ".compact"
	defer func() {
		if err != nil {
			err = fmt.Errorf("store: compact: %w", err)
		}
	}()
	// What a crash left: whoever has the lock is the only one to write these.
	dir := filepath.Dir(next)
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if name := f.Name(); name == filepath.Base(next) || strings.HasPrefix(name, filepath.Base(next)+".new") {
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	if err := s.Compact(ctx, next); err != nil {
		return err
	}
	defer os.Remove(next) // fails once it is renamed
	copied, err := Open(next, Options{ReadOnly: true})
	if err != nil {
		return err
	}
	if err := errors.Join(copied.Check(ctx), copied.Close()); err != nil {
		return err
	}
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	if err := keepOwner(next, info); err != nil {
		return err
	}
	if err := os.Rename(next, s.path); err != nil {
		return err
	}
	return syncDir(dir)
}

// moved reports whether the file that was opened is no longer the one at its
// path: it was replaced while this process waited for its lock.
func (s *Store) moved() (bool, error) {
	mine, err := s.file.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return err == nil && !os.SameFile(mine, there), err
}
