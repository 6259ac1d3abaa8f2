package index

import (
	"cmp"
	"errors"
	"math/bits"
	"runtime"
	"slices"
	"sync"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
	"github.com/seed-368d3dfa/chorus/minhash"
)

// recall looks for the earlier prompts of the templates that s founded.
func (ix *Index) recall(s *sealing) {
	parts := make([][]template.Found, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i := range parts {
		n := len(s.recalls)
		lost := s.recalls[i*n/len(parts) : (i+1)*n/len(parts)]
		wg.Go(func() {
			if err := ix.store.View(func(r *store.Reader) (err error) {
				parts[i], err = ix.recallFrom(r, lost)
				return err
			}); err != nil {
				ix.fail(err)
			}
		})
	}
	wg.Wait()
	s.recalled = slices.Concat(parts...)
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	for i := range s.recalled {
		s.recalled[i] = ix.dated(s.recalled[i])
	}
}

// recallFrom looks in segments for the earlier prompts of templates. What it
// finds is not dated yet.
func (ix *Index) recallFrom(r *store.Reader, lost []template.Lost) ([]template.Found, error) {
	var found []template.Found
	for len(lost) > 0 {
		n := min(len(lost), recallShare)
		part, err := ix.recallSome(r, lost[:n])
		if err != nil {
			return nil, err
		}
		found, lost = append(found, part...), lost[n:]
	}
	return found, nil
}

const recallShare = 512 // templates looked for at a time

func (ix *Index) recallSome(r *store.Reader, lost []template.Lost) ([]template.Found, error) {
	type place struct {
		key uint64
		i   int // in lost
	}
	var places []place
	for i, l := range lost {
		for _, k := range l.Keys {
			places = append(places, place{k, i})
		}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.key, b.key) })
	keys := make([]uint64, len(places))
	for i, p := range places {
		keys[i] = p.key
	}
	// By template, a prompt's number for each of the keys that it holds, and the
	// largest scale at which it can.
	held := make([][]uint64, len(lost))
	const scaleBits = 6
	if err := r.LookupAll(store.KindShingle, keys, func(i int, n uint64) {
		if at := places[i].i; n < lost[at].Before {
			held[at] = append(held[at], n<<scaleBits|uint64(minhash.KeyBits-bits.Len64(places[i].key)))
		}
	}); err != nil {
		return nil, err
	}
	found := make([]template.Found, len(lost))
	var row []byte
	for i, l := range lost {
		f := &found[i]
		*f = template.Found{Template: l.Template, Before: l.Before}
		slices.Sort(held[i])
		for numbers := held[i]; len(numbers) > 0; {
			n, scale, hits := numbers[0]>>scaleBits, uint8(numbers[0]&(1<<scaleBits-1)), 1
			for hits < len(numbers) && numbers[hits]>>scaleBits == n {
				hits++
			}
			numbers = numbers[hits:]
			if hits < l.Need(scale) {
				continue // also at its own scale, which is no larger
			}
			rec, err := r.Record(n)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if hits < l.Need(rec.Scale) {
				continue
			}
			if row, err = r.Signature(row[:0], n); err != nil {
				return nil, err
			}
			f.Members = append(f.Members, template.Earlier{Account: rec.Account, Time: rec.Time, Traits: template.Traits{Text: textHash(row)}})
		}
	}
	return found, nil
}
