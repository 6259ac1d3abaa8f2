package store

import (
	"syscall"

	bolt "go.etcd.io/bbolt"
)

// release lets go of the file's pages that sealing and merging have read: what
// is in the system's cache stays there, but counts for the process no longer.
func (s *Store) release() {
	_ = s.db.View(func(tx *bolt.Tx) error { // while it is open, the map stays where it is
		syscall.Syscall(syscall.SYS_MADVISE, s.db.Info().Data, uintptr(tx.Size()), syscall.MADV_DONTNEED)
		return nil
	})
}
