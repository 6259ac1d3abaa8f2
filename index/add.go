package index

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// MaxBatch is the most prompts that one Add or Submit takes.
const MaxBatch = 1 << 16

// A request is one Add or Submit on its way:
//
//	caller → queue → commit loop (counts it in) → write loop (makes it durable) → caller
//
// Prompts are sketched beside the queue, so that many are sketched at a time
// and all are counted in the order of the queue.
type request struct {
	prompts    []Prompt
	sketches   []sketched
	arenas     []*sketchArena // of sketchShare sketches each
	sketched   sync.WaitGroup
	placements []Placement
	err        error
	done       chan struct{}
	labels     []Label      // recorded in the place of prompts
	exclusive  func() error // runs between requests, with everything before it durable
}

// A Pending is a Submit under way.
type Pending struct{ r *request }

// Wait returns when the prompts are durable, as Add does.
func (p *Pending) Wait() ([]Placement, error) {
	<-p.r.done
	return p.r.placements, p.r.err
}

// Add counts prompts in and returns one Placement for each when they are
// durable: all of them, or none if it returns an error. Concurrent callers
// share a commit, so that many small Adds are cheap.
//
// A prompt that Validate refuses fails the whole Add with ErrInvalid. After
// ErrFailed nothing more is taken until the index is opened again.
func (ix *Index) Add(ctx context.Context, prompts ...Prompt) ([]Placement, error) {
	p, err := ix.Submit(ctx, prompts...)
	if err != nil {
		return nil, err
	}
	return p.Wait()
}

// Submit is an Add that does not wait: prompts are counted in the order of the
// Submit calls of one goroutine. It blocks while the queue is full; ctx ends
// that wait only. The prompts must not change before Wait returns.
func (ix *Index) Submit(ctx context.Context, prompts ...Prompt) (*Pending, error) {
	if ix.opts.ReadOnly {
		return nil, fmt.Errorf("index: Add: opened read-only")
	}
	if len(prompts) > MaxBatch {
		return nil, fmt.Errorf("%w: %d prompts at once, more than %d", ErrInvalid, len(prompts), MaxBatch)
	}
	for i := range prompts {
		if err := prompts[i].Validate(); err != nil {
			if len(prompts) > 1 {
				err = fmt.Errorf("prompt %d of %d: %w", i+1, len(prompts), err)
			}
			return nil, err
		}
	}
	if len(prompts) >= manyAtOnce {
		ix.warm()
	}
	r := &request{prompts: prompts, done: make(chan struct{})}
	r.blank()
	small := len(prompts) <= sketchShare
	if small {
		k := ix.sketchers.get()
		k.sketchAll(prompts, r.sketches, r.arenas[0])
		ix.sketchers.put(k)
	} else {
		r.sketched.Add(len(r.arenas))
	}
	if err := ix.enqueue(ctx, r); err != nil {
		return nil, err
	}
	if !small {
		ix.sketchInParallel(r)
	}
	return &Pending{r}, nil
}

// An index that gets many prompts readies its sift table for them.
const (
	manyPrompts = 1 << 15
	manyAtOnce  = 1 << 9
)

func (ix *Index) warm() {
	ix.warmed.Do(func() {
		go func() {
			defer close(ix.ready)
			ix.sift.Warm(ix.gone)
		}()
	})
}

// cool waits until warm has given up, and keeps it from beginning. ix.gone is
// closed.
func (ix *Index) cool() {
	ix.warmed.Do(func() { close(ix.ready) })
	<-ix.ready
}

const sketchShare = 64 // prompts sketched in one go

var sketchSlices = sync.Pool{New: func() any { return new([]sketched) }}

// blank gives r the memory for its sketches, which settled takes back.
func (r *request) blank() {
	n := len(r.prompts)
	r.sketches = slices.Grow(*sketchSlices.Get().(*[]sketched), n)[:n]
	r.arenas = make([]*sketchArena, max(1, (n+sketchShare-1)/sketchShare))
	for i := range r.arenas {
		r.arenas[i] = sketchArenas.Get().(*sketchArena)
	}
}

// settled lets go of what counting r needed.
func (r *request) settled() {
	for _, a := range r.arenas {
		sketchArenas.Put(a)
	}
	clear(r.sketches)
	blank := r.sketches[:0]
	sketchSlices.Put(&blank)
	r.sketches, r.arenas = nil, nil
}

// sketchInParallel hands a request's prompts to the sketching goroutines.
func (ix *Index) sketchInParallel(r *request) {
	for i := 0; i < len(r.prompts); i += sketchShare {
		j := min(i+sketchShare, len(r.prompts))
		ix.sketchWork <- func(k *sketcher) {
			k.sketchAll(r.prompts[i:j], r.sketches[i:j], r.arenas[i/sketchShare])
			r.sketched.Done()
		}
	}
}

func (ix *Index) sketchLoop() {
	k := ix.sketchers.get()
	for work := range ix.sketchWork {
		work(k)
	}
}

func (ix *Index) startSketching() {
	ix.sketchWork = make(chan func(*sketcher), 256)
	for range runtime.GOMAXPROCS(0) {
		go ix.sketchLoop()
	}
}

// enqueue puts a request into the queue unless the index is closed or failed.
func (ix *Index) enqueue(ctx context.Context, r *request) error {
	ix.closing.RLock()
	defer ix.closing.RUnlock()
	if ix.closed {
		return ErrClosed
	}
	if err := ix.failure(); err != nil {
		return err
	}
	select {
	case ix.queue <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A group is what the commit loop hands to the write loop: requests that are
// counted in, with their journal entries.
type group struct {
	requests []*request
	entries  []byte
	ends     []int // where each entry ends
	rotated  *sealing
	barrier  chan struct{} // closed when everything before is durable
}

const (
	groupPrompts = 4096     // prompts of one group, about
	valueBytes   = 32 << 10 // of one journal value
	lockShare    = 128      // prompts counted in under one lock
)

// commitLoop counts requests in, one after the other.
func (ix *Index) commitLoop() {
	defer close(ix.groups)
	for r := range ix.queue {
		g := newGroup()
		for r != nil {
			if r.exclusive != nil {
				ix.flush(g)
				g = &group{barrier: make(chan struct{})}
				ix.groups <- g
				<-g.barrier
				r.err = r.exclusive()
				close(r.done)
				g = newGroup()
			} else {
				r.sketched.Wait()
				ix.count(r, g)
			}
			if len(g.ends) >= groupPrompts || g.rotated != nil {
				break
			}
			select {
			case r = <-ix.queue:
			default:
				r = nil
			}
		}
		ix.flush(g)
	}
}

// entryBuffers keeps the buffers of groups that are written.
var entryBuffers = sync.Pool{New: func() any { return new([]byte) }}

func newGroup() *group { return &group{entries: (*entryBuffers.Get().(*[]byte))[:0]} }

func (ix *Index) flush(g *group) {
	if len(g.requests) > 0 || g.rotated != nil {
		ix.groups <- g
	}
}

// count counts one request in and ends its group if the memtable is full.
func (ix *Index) count(r *request, g *group) {
	if err := ix.failure(); err != nil {
		r.err = err
		close(r.done)
		return
	}
	now := time.Now()
	r.placements = make([]Placement, len(r.prompts))
	g.requests = append(g.requests, r)
	start := len(g.ends)
	for i := 0; i < len(r.prompts); {
		ix.mu.Lock()
		end := min(i+lockShare, len(r.prompts))
		ix.lookAhead(r.prompts[i:end], r.sketches[i:end])
		for ; i < end; i++ {
			ix.place(&r.prompts[i], &r.sketches[i], now, &r.placements[i], g)
		}
		ix.mu.Unlock()
	}
	ix.mu.Lock()
	if len(r.prompts) > 0 {
		ix.added = now
	}
	for _, l := range r.labels {
		g.entries = appendString(append(g.entries, entryLabel), string(ix.recordLabel(l)))
		g.ends = append(g.ends, len(g.entries))
	}
	ix.mu.Unlock()
	if len(g.ends) > start { // mark the last entry: seals fall between Adds
		at := 0
		if n := len(g.ends); n > 1 {
			at = g.ends[n-2]
		}
		g.entries[at] |= entryLast
		g.rotated = ix.rotateIfFull()
	}
	r.settled()
}

// writeLoop makes groups durable, as many at a time as are waiting, and tells
// their callers.
func (ix *Index) writeLoop() {
	defer close(ix.written)
	for g := range ix.groups {
		waiting := []*group{g}
	more:
		for waiting[len(waiting)-1].rotated == nil && len(waiting) < 16 {
			select {
			case g, ok := <-ix.groups:
				if !ok {
					break more
				}
				waiting = append(waiting, g)
			default:
				break more
			}
		}
		ix.write(waiting)
	}
}

func (ix *Index) write(waiting []*group) {
	values := journalValues(waiting)
	start := time.Now()
	err := ix.failure()
	if err == nil && len(values) > 0 {
		var last uint64
		if last, err = ix.store.Append(values); err != nil {
			err = ix.fail(err)
		} else {
			ix.journaled.Store(last)
		}
	}
	if len(values) > 0 {
		ix.observeCommit(waiting, err, start)
	}
	for _, g := range waiting {
		for _, r := range g.requests {
			if r.err = err; err != nil {
				r.placements = nil
			}
			close(r.done)
		}
		if g.rotated != nil {
			g.rotated.cut = ix.journaled.Load()
			ix.seals <- g.rotated
		}
		if g.barrier != nil {
			close(g.barrier)
		}
		entryBuffers.Put(&g.entries)
	}
}

// journalValues packs entries into values of at most valueBytes, or of one
// entry. A value of one group alone shares its memory.
func journalValues(waiting []*group) (values [][]byte) {
	var open []byte // the value being filled
	for _, g := range waiting {
		from := 0
		for i, end := range g.ends {
			start := 0
			if i > 0 {
				start = g.ends[i-1]
			}
			if len(open)+end-from > valueBytes && len(open)+start-from > 0 {
				values = append(values, join(open, g.entries[from:start]))
				open, from = nil, start
			}
		}
		open = join(open, g.entries[from:])
	}
	if len(open) > 0 {
		values = append(values, open)
	}
	return values
}

// join returns a and b in one piece, copying only if neither is empty.
func join(a, b []byte) []byte {
	if len(a) == 0 {
		return b[:len(b):len(b)]
	}
	return append(a[:len(a):len(a)], b...)
}
