package search

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

const (
	batchSize = 500  // documents written at a time
	smallSize = 100  // while prompts come in: a flag waits for the batch before it
	roundSize = 5000 // documents written between two looks
	lookSize  = 1024 // changes taken up at a time
	share     = 5    // looking takes at most one part in so many of the time, if that leaves a look every longLook
	longLook  = 5 * time.Second
	yield     = 2 // times as long as a batch took, follow rests while prompts come in
	again     = time.Minute
)

// urgent collects the templates that flags name.
type urgent struct {
	mu   sync.Mutex
	ids  []string
	wake chan struct{}
	done chan struct{}
}

// start follows the flags of an index from the first on: those of templates
// that are known ask for nothing.
func (u *urgent) start(ctx context.Context, ix *index.Index) {
	u.wake, u.done = make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(u.done)
		for f, err := range ix.Flags(ctx, 0) {
			if err != nil {
				return // Changes.Next meets the same error, and says so
			}
			if f.Kind == "template" {
				u.mu.Lock()
				u.ids = append(u.ids, f.ID)
				u.mu.Unlock()
			}
			signal(u.wake)
		}
	}()
}

// signal leaves a note in a channel that holds one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (u *urgent) take() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	ids := u.ids
	u.ids = nil
	return ids
}

// hurry writes what flags name, whatever follow is doing, and then has it look
// for the rest.
func (s *Search) hurry(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.urgent.wake:
		}
		if err := s.hasten(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, index.ErrClosed) {
			s.opts.Logger.Error("search: a flagged template was not written; trying again", "error", err)
		}
		signal(s.flagged)
	}
}

// follow keeps entries and text up with the index.
func (s *Search) follow(ctx context.Context) {
	defer close(s.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var rebuilt time.Time
	for {
		rebuild := false
		select {
		case <-ctx.Done():
			return
		case a := <-s.asks:
			s.late = append(s.late, a)
		case <-s.flagged:
		case <-timer.C:
		case <-s.broken:
			rebuild = true
		}
		s.waiting, s.late = s.late, nil
		s.looked = 0
		err := s.catchUp(ctx)
		rebuild = rebuild || slices.ContainsFunc(s.waiting, func(a *ask) bool { return a.rebuild })
		if rebuild && ctx.Err() == nil && !errors.Is(err, index.ErrClosed) {
			if wait := again - time.Since(rebuilt); wait > 0 && len(s.waiting) == 0 {
				s.rest(ctx, wait) // a full disk is not helped by writing more
			}
			rebuilt = time.Now()
			if err = s.rebuild(ctx); err == nil {
				err = s.catchUp(ctx)
			}
		}
		if ctx.Err() != nil {
			return
		}
		for _, a := range s.waiting {
			a.done <- err
		}
		s.waiting = nil
		if errors.Is(err, index.ErrClosed) {
			return
		}
		if err != nil {
			s.opts.Logger.Error("search: following the index failed", "error", err)
		}
		wait := max(s.opts.Every, min(share*s.looked, longLook))
		if len(s.late) > 0 {
			wait = 0
		}
		timer.Reset(wait)
	}
}

// catchUp takes up all that has changed.
func (s *Search) catchUp(ctx context.Context) error {
	for {
		more, err := s.look(ctx)
		if err != nil {
			return err
		}
		if err := s.drain(ctx); err != nil {
			return err
		}
		s.writing.Lock()
		done := !more && len(s.dirty) == 0
		if done {
			err = s.first()
		}
		s.writing.Unlock()
		if done || err != nil {
			return err
		}
	}
}

// look takes up changes into entries and notes those whose text is to be written.
func (s *Search) look(ctx context.Context) (more bool, err error) {
	began := time.Now()
	var digests []index.Digest
	var gone []string
	more, err = s.changes.Next(ctx, lookSize,
		func(d index.Digest) { digests = append(digests, d) },
		func(id string) { gone = append(gone, id) })
	s.looked += time.Since(began)
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	for _, d := range digests {
		s.take(d)
	}
	var out []string
	for _, id := range gone {
		if e := s.entries[id]; e != nil {
			delete(s.entries, id)
			delete(s.dirty, id)
			if e.document != "" {
				delete(s.documents, e.document)
				out = append(out, e.document)
			}
		}
	}
	s.pending = len(s.dirty)
	s.mu.Unlock()
	return more, errors.Join(err, s.remove(out))
}

// take notes a digest. The caller holds s.mu.
func (s *Search) take(d index.Digest) {
	doc := documentID(d.ID, d.Stamp)
	e := s.entries[d.ID]
	if e == nil {
		e = &entry{document: s.stored[d.ID]}
		delete(s.stored, d.ID)
		s.entries[d.ID] = e
	}
	e.note(d)
	if e.document != doc {
		s.dirty[d.ID] = e
	} else {
		s.documents[doc] = e
		delete(s.dirty, d.ID)
	}
}

// drain writes the text of templates, those of most accounts first.
func (s *Search) drain(ctx context.Context) error {
	s.writing.Lock()
	all := slices.SortedFunc(maps.Values(s.dirty), func(a, b *entry) int {
		return cmp.Or(cmp.Compare(b.Accounts, a.Accounts), cmp.Compare(a.ID, b.ID))
	})
	ids := make([]string, 0, min(len(all), roundSize))
	for _, e := range all[:cap(ids)] {
		ids = append(ids, e.ID)
	}
	s.writing.Unlock()
	for len(ids) > 0 {
		size, began := batchSize, time.Now()
		streaming := s.streaming(ctx)
		if streaming {
			size = smallSize
		}
		chunk := ids[:min(size, len(ids))]
		ids = ids[len(chunk):]
		s.writing.Lock()
		err := s.write(ctx, chunk)
		s.writing.Unlock()
		if err != nil {
			return err
		}
		if streaming && len(s.waiting)+len(s.late) == 0 {
			s.rest(ctx, yield*time.Since(began))
		}
	}
	return nil
}

// streaming reports whether prompts have come in since it was asked last.
func (s *Search) streaming(ctx context.Context) bool {
	st, err := s.ix.Stats(ctx)
	if err != nil {
		return false // the next look meets the same error
	}
	before := s.prompts
	s.prompts = st.Prompts
	return st.Prompts != before
}

// rest waits, but not while somebody else does.
func (s *Search) rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case a := <-s.asks:
		s.late = append(s.late, a)
	}
}

// hasten writes the templates that flags name and that have not been written.
func (s *Search) hasten(ctx context.Context) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	var ids []string
	s.mu.Lock()
	for _, id := range s.urgent.take() {
		e := s.entries[id]
		if e == nil {
			if s.stored[id] != "" {
				continue
			}
			e = &entry{Digest: index.Digest{ID: id}, status: -1}
			s.entries[id], s.dirty[id] = e, e
		}
		if s.dirty[id] != nil && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	s.mu.Unlock()
	for chunk := range slices.Chunk(ids, batchSize) {
		if err := s.write(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

// first forgets, after the first look at everything, what the folder holds of
// templates that there are no more.
func (s *Search) first() error {
	s.mu.Lock()
	var out []string
	for _, doc := range s.stored {
		out = append(out, doc)
		delete(s.documents, doc)
	}
	clear(s.stored)
	s.complete = true
	s.mu.Unlock()
	return s.remove(out)
}
