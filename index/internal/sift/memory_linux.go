package sift

import (
	"runtime"
	"sync"
	"syscall"
	"unsafe"
)

const (
	largePage = 2 << 20

	madvPopulateWrite = 23 // Linux 5.14
	madvCollapse      = 25 // Linux 6.1
)

// memory gives t its n words of zeros, which cost nothing until they are
// touched. They go with t: whoever works on entries keeps t alive.
func (t *Table) memory(n int) {
	if n*8 >= 2*largePage {
		b, err := syscall.Mmap(-1, 0, n*8, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err == nil {
			t.mapped = b
			t.entries = unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(b))), n)
			runtime.AddCleanup(t, func(b []byte) { _ = syscall.Munmap(b) }, b)
			return
		}
	}
	t.entries = make([]uint64, n)
}

// Warm has the system provide the table's memory now, on all processors, and
// in large pages where there are any: read at random, a table misses the
// processor's page tables as often as its caches otherwise. It is for a table
// about to take many keys; one that takes few is better off without. Others
// may use the table meanwhile. It gives up when stop is closed.
func (t *Table) Warm(stop <-chan struct{}) {
	if len(t.mapped) == 0 {
		return
	}
	// What fails here is merely slower.
	_ = syscall.Madvise(t.mapped, syscall.MADV_HUGEPAGE)
	chunks := make(chan []byte)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for c := range chunks {
				if syscall.Madvise(c, madvCollapse) != nil {
					_ = syscall.Madvise(c, madvPopulateWrite)
				}
			}
		})
	}
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(t.mapped))) % largePage)
	stopped := false
	for b := t.mapped[skip:]; len(b) >= largePage && !stopped; b = b[largePage:] {
		select {
		case chunks <- b[:largePage]:
		case <-stop:
			stopped = true
		}
	}
	close(chunks)
	wg.Wait()
	runtime.KeepAlive(t)
}
