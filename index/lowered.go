package index

import (
	"slices"
	"strings"
	"sync"
)

// A lowered remembers patterns in small letters, for filters by text: reading
// every template's off its exemplars takes half a second for 15,000. Where all
// do not fit any goes, so that those of a look at everything do not drive each
// other out.
type lowered struct {
	mu    sync.Mutex
	of    map[uint32]loweredPattern // by template
	bytes int
}

type loweredPattern struct {
	stamp uint64 // the template's when the pattern was read
	text  string
}

const (
	loweredBytes = 32 << 20
	loweredFixed = 64 // bytes of an entry beside its text
)

func (l *lowered) put(id uint32, stamp uint64, pattern string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old, ok := l.of[id]
	if ok && old.stamp == stamp {
		return
	}
	if ok {
		l.drop(id, old)
	}
	p := loweredPattern{stamp, strings.ToLower(pattern)}
	if l.of == nil {
		l.of = make(map[uint32]loweredPattern)
	}
	for other, old := range l.of {
		if l.bytes+len(p.text)+loweredFixed <= loweredBytes {
			break
		}
		l.drop(other, old)
	}
	l.of[id] = p
	l.bytes += len(p.text) + loweredFixed
}

func (l *lowered) drop(id uint32, p loweredPattern) {
	delete(l.of, id)
	l.bytes -= len(p.text) + loweredFixed
}

// without reports whether a template's pattern is known not to have a text,
// which is in small letters, in it.
func (l *lowered) without(id uint32, stamp uint64, text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.of[id]
	return ok && p.stamp == stamp && !strings.Contains(p.text, text)
}

// likely drops the picks that the filter's text is known not to select.
func (ix *Index) likely(picks []pick, f *Filter) []pick {
	if f.Text == "" {
		return picks
	}
	text := strings.ToLower(f.Text)
	kept := picks[:0]
	for some := range slices.Chunk(picks, lookShare) {
		ix.mu.RLock()
		for _, p := range some {
			if !ix.lowered.without(p.t.ID, p.t.Stamp(), text) {
				kept = append(kept, p)
			}
		}
		ix.mu.RUnlock()
	}
	return kept
}
