package index

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

// TestObserve counts what an index says it did, and compares with what it has.
func TestObserve(t *testing.T) {
	var mu sync.Mutex
	count := make(map[string]int)
	prompts, duplicates := 0, 0
	ix, err := Open(filepath.Join(t.TempDir(), "x.db"), &Options{
		SiftBytes: 1 << 20, MemtablePostings: 1000,
		Observe: func(w Work) {
			mu.Lock()
			defer mu.Unlock()
			count[w.Kind]++
			prompts, duplicates = prompts+w.Prompts, duplicates+w.Duplicates
			if w.Err != nil || w.Took < 0 {
				t.Errorf("%+v", w)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	const n = 2000
	for i := range n {
		p := Prompt{ID: fmt.Sprint(i), Account: fmt.Sprintf("a%d", i%50), Text: fmt.Sprintf("some words of number %c and %c that are all the same", 'a'+i%26, 'a'+i/26%26)}
		if _, err := ix.Add(context.Background(), p, p); err != nil {
			t.Fatal(err)
		}
	}
	stats, err := ix.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	if prompts != n || duplicates != n || count["commit"] == 0 || count["seal"] == 0 {
		t.Errorf("%d prompts, %d duplicates, %v", prompts, duplicates, count)
	}
	if stats.Prompts != n || stats.Duplicates != n || stats.Queued != 0 || stats.Unsealed > n || stats.Runs == 0 {
		t.Errorf("%+v", stats)
	}
}

// TestObserveFailure fails a write.
func TestObserveFailure(t *testing.T) {
	var got []Work
	ix, err := Open(filepath.Join(t.TempDir(), "x.db"), &Options{SiftBytes: 1 << 20, Observe: func(w Work) { got = append(got, w) }})
	if err != nil {
		t.Fatal(err)
	}
	ix.fail(errors.New("disk on fire"))
	ix.write([]*group{{requests: []*request{{prompts: make([]Prompt, 1), placements: make([]Placement, 1), done: make(chan struct{})}}, entries: []byte{1}, ends: []int{1}}})
	if len(got) != 1 || got[0].Err == nil {
		t.Errorf("%+v", got)
	}
	ix.Close()
}
