package sift

import (
	"runtime"
	"syscall"
	"unsafe"
)

// memory gives t its n words of zeros, which cost nothing until they are
// touched. They are of large pages where the system has them: a table that is
// read at random misses the processor's page tables as often as its caches
// otherwise. They go with t, so whoever works on entries keeps t alive.
func (t *Table) memory(n int) {
	if n*8 < 4<<20 {
		t.entries = make([]uint64, n)
		return
	}
	b, err := syscall.Mmap(-1, 0, n*8, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.entries = make([]uint64, n)
		return
	}
	_ = syscall.Madvise(b, syscall.MADV_HUGEPAGE) // without it, it is merely slower
	t.entries = unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(b))), n)
	runtime.AddCleanup(t, func(b []byte) { _ = syscall.Munmap(b) }, b)
}
