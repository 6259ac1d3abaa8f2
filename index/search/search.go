// Package search finds templates by their words: full text over patterns and
// exemplars, in any language. Call [Open] beside an open index, then
// [Search.Search].
//
// What it keeps is derived from the index, in a folder of its own that may be
// deleted at any time: Open builds it anew when it is missing, damaged or of
// another version. Goroutines follow the index and write; nothing ever waits
// for them but [Search.Sync]. Templates that a flag names are written at
// once, others within seconds, as fast as ingestion leaves time.
//
// Words are held by bleve (its scorch index, with term vectors for phrases).
// What filters and facets ask for, status, score, accounts and times, changes
// with every prompt: it is held in memory and joined when a query runs, so it
// is fresh without documents being rewritten.
//
// The folder holds words of prompts, like the index itself. The package logs
// none.
package search

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// Options of Open. Nil and zero values mean the defaults.
type Options struct {
	Every  time.Duration // between looks at what has changed, at least; 0: 1 s
	Logger *slog.Logger  // gets what goes wrong in the background; nil: nothing
}

// ErrClosed reports a call after Close.
var ErrClosed = errors.New("search: closed")

// A Search answers queries over the templates of one index. All methods may be
// called concurrently.
type Search struct {
	ix     *index.Index
	folder string
	opts   Options

	asks    chan *ask     // → follow
	broken  chan struct{} // the text index failed in the background
	cancel  context.CancelFunc
	ended   chan struct{} // closed when follow has ended
	urgent  urgent
	flagged chan struct{} // hurry has written something
	all     sync.WaitGroup

	mu         sync.RWMutex // guards what follows
	text       *words
	generation int
	entries    map[string]*entry // by template
	documents  map[string]*entry // by document
	pending    int               // templates whose text is not in text
	complete   bool              // everything was looked at once
	closed     bool

	seen atomic.Pointer[seen]

	queries sync.RWMutex // held shared by queries, exclusively while text changes

	writing sync.Mutex        // held to write entries, text and what follows; before the other locks
	stored  map[string]string // template → document in the folder, until it has an entry
	dirty   map[string]*entry // those whose text is not in text

	// Of follow.
	changes *index.Changes
	waiting []*ask        // for what is under way
	late    []*ask        // for what comes next
	looked  time.Duration // spent on looking since the last rest
	prompts int           // that there were when last asked
}

// An entry is what is held of a template in memory. Search.mu guards it.
type entry struct {
	index.Digest
	document string  // "" until its text is in the text index
	status   int     // place in statuses
	weight   float64 // of a match, by accounts
}

var statuses = []string{"alert", "watch", "benign", "confirmed", "none"}

// note takes a digest in. The caller holds Search.mu.
func (e *entry) note(d index.Digest) {
	e.Digest = d
	e.status = slices.Index(statuses, d.Status)
	e.weight = 1 + math.Log2(1+float64(d.Accounts))/16
}

// An ask is a request to follow.
type ask struct {
	rebuild bool
	done    chan error // buffered
}

// Open opens the search over ix whose folder is at path, by convention the
// index's file with ".search" appended; "" keeps all in memory. It returns at
// once: what is missing is added in the background, and Sync waits for it.
// Another process that has the folder open makes it fail with
// [index.ErrLocked]. Close it before the index.
func Open(ix *index.Index, folder string, o *Options) (*Search, error) {
	s := &Search{
		ix: ix, folder: folder, asks: make(chan *ask), broken: make(chan struct{}, 1), flagged: make(chan struct{}, 1), ended: make(chan struct{}),
		entries: make(map[string]*entry), documents: make(map[string]*entry),
		changes: ix.Changes(), stored: make(map[string]string), dirty: make(map[string]*entry),
	}
	if o != nil {
		s.opts = *o
	}
	if s.opts.Every <= 0 {
		s.opts.Every = time.Second
	}
	if s.opts.Logger == nil {
		s.opts.Logger = slog.New(slog.DiscardHandler)
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.urgent.start(ctx, ix)
	s.all.Go(func() { s.hurry(ctx) })
	s.all.Go(func() { s.follow(ctx) })
	return s, nil
}

// open opens the folder, or begins a new generation.
func (s *Search) open() error {
	if s.folder == "" {
		text, err := s.create(0)
		s.text = text
		return err
	}
	text, generation, err := openFolder(s.folder)
	if err == nil {
		err = text.each(func(doc string) {
			if id, _, ok := parseDocumentID(doc); ok {
				s.stored[id] = doc
			}
		})
		if err != nil {
			text.close()
			clear(s.stored)
		}
	}
	switch {
	case errors.Is(err, errBusy):
		return fmt.Errorf("%w: %w", index.ErrLocked, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("search: %w", err)
	case err != nil:
		if !errors.Is(err, fs.ErrNotExist) {
			s.opts.Logger.Warn("search: building the folder anew", "folder", s.folder, "error", err)
		}
		generation++
		if text, err = s.create(generation); err != nil {
			if errors.Is(err, errBusy) {
				return fmt.Errorf("%w: %w", index.ErrLocked, err)
			}
			return fmt.Errorf("search: %w", err)
		}
		if err := errors.Join(os.RemoveAll(filepath.Join(s.folder, formatName)), publish(s.folder, format{formatVersion, generation, nil})); err != nil {
			return errors.Join(fmt.Errorf("search: %w", err), text.close())
		}
	}
	s.text, s.generation = text, generation
	watched.Store(s.path(), s)
	clean(s.folder, generation)
	return nil
}

// ask hands a request to follow and waits until it is met.
func (s *Search) ask(ctx context.Context, a *ask) error {
	a.done = make(chan error, 1)
	select {
	case s.asks <- a:
	case <-s.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-a.done:
		return err
	case <-s.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Sync returns when queries find everything that was in the index when it was
// called.
func (s *Search) Sync(ctx context.Context) error { return s.ask(ctx, &ask{}) }

// Rebuild builds the folder anew, and returns when that is done. Queries are
// answered from the old one meanwhile.
func (s *Search) Rebuild(ctx context.Context) error { return s.ask(ctx, &ask{rebuild: true}) }

// Pending is how many templates have text that queries do not find yet.
func (s *Search) Pending() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.pending
}

// Close stops following, waits until what was written is on disk, and lets go
// of the folder.
func (s *Search) Close() error {
	s.cancel()
	s.all.Wait()
	<-s.urgent.done
	s.queries.Lock()
	defer s.queries.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.closed = true
	s.seen.Store(nil)
	if s.folder == "" {
		return s.text.close()
	}
	watched.Delete(s.path())
	if _, err := os.Stat(s.path()); errors.Is(err, fs.ErrNotExist) { // it was deleted: the next Open builds it
		s.text.close()
		return nil
	}
	err := errors.Join(s.text.settle(), s.text.close())
	if err == nil {
		err = s.seal()
	}
	return err
}

// seal notes the checksum of what is now closed.
func (s *Search) seal() error {
	sum, err := checksum(filepath.Join(s.path(), rootName))
	if err != nil {
		return err
	}
	return publish(s.folder, format{formatVersion, s.generation, &sum})
}

// fail notes that the text index failed.
func (s *Search) fail(err error) {
	s.opts.Logger.Error("search: the text index failed", "folder", s.folder, "error", err)
	select {
	case s.broken <- struct{}{}:
	default:
	}
}
