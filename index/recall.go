package index

import (
	"cmp"
	"errors"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
	"github.com/seed-368d3dfa/chorus/minhash"
)

// recall looks for the earlier prompts of the templates that s founded: they are
// in segments before s, so that it need not wait for s to become one.
func (ix *Index) recall(s *sealing) {
	found := make([]template.Found, len(s.recalls))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				to := int(next.Add(recallShare))
				from := to - recallShare
				if from >= len(found) {
					return
				}
				to = min(to, len(found))
				if err := ix.store.View(func(r *store.Reader) error {
					part, err := ix.recallSome(r, s.recalls[from:to])
					copy(found[from:], part)
					return err
				}); err != nil {
					ix.fail(err)
				}
			}
		})
	}
	wg.Wait()
	s.recalled = found
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

const recallShare = 4096 // templates looked for at a time

// recallSome looks up first the part of each core of which a prompt that belongs
// must hold something, and the rest only where that part was found.
func (ix *Index) recallSome(r *store.Reader, lost []template.Lost) ([]template.Found, error) {
	// By template, a prompt's number for each of the keys that it holds, and the
	// largest scale at which it can.
	held := make([][]uint64, len(lost))
	const scaleBits = 6
	look := func(keysOf func(*template.Lost) []uint64, wanted func(i int, first, end uint64) bool) error {
		type place struct {
			key uint64
			i   int // in lost
		}
		var places []place
		for i := range lost {
			for _, k := range keysOf(&lost[i]) {
				places = append(places, place{k, i})
			}
		}
		slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.key, b.key) })
		keys := make([]uint64, len(places))
		for i, p := range places {
			keys[i] = p.key
		}
		return r.LookupAll(store.KindShingle, keys, func(i int, first, end uint64) bool {
			return wanted(places[i].i, first, end)
		}, func(i int, n uint64) {
			if at := places[i].i; n < lost[at].Before {
				held[at] = append(held[at], n<<scaleBits|uint64(minhash.KeyBits-bits.Len64(places[i].key)))
			}
		})
	}
	if err := look((*template.Lost).Head, func(i int, first, _ uint64) bool { return first < lost[i].Before }); err != nil {
		return nil, err
	}
	heads := make([][]uint64, len(lost))
	for i := range held {
		slices.Sort(held[i])
		heads[i] = held[i] // what is appended comes behind
	}
	if err := look((*template.Lost).Rest, func(i int, first, end uint64) bool {
		at, _ := slices.BinarySearch(heads[i], first<<scaleBits)
		return at < len(heads[i]) && heads[i][at]>>scaleBits < end
	}); err != nil {
		return nil, err
	}
	var candidates []candidate
	for i := range lost {
		slices.Sort(held[i])
		for numbers := held[i]; len(numbers) > 0; {
			n, scale, hits := numbers[0]>>scaleBits, uint8(numbers[0]&(1<<scaleBits-1)), 1
			for hits < len(numbers) && numbers[hits]>>scaleBits == n {
				hits++
			}
			if numbers = numbers[hits:]; hits >= lost[i].Need(scale) { // its own scale is no larger
				candidates = append(candidates, candidate{n, i, hits})
			}
		}
	}
	return earlier(r, lost, candidates)
}

// A candidate is a prompt that may belong to the ith of some templates: it holds so
// many of its keys.
type candidate struct {
	n       uint64
	i, hits int
}

// earlier reads the candidates and returns those that belong.
func earlier(r *store.Reader, lost []template.Lost, candidates []candidate) ([]template.Found, error) {
	found := make([]template.Found, len(lost))
	for i := range lost {
		found[i] = template.Found{Template: lost[i].Template, Before: lost[i].Before}
	}
	slices.SortFunc(candidates, func(a, b candidate) int { return cmp.Compare(a.n, b.n) }) // as they lie on disk
	var row []byte
	for _, c := range candidates {
		rec, err := r.Anonymous(c.n)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if c.hits < lost[c.i].Need(rec.Scale) {
			continue
		}
		if row, err = r.Signature(row[:0], c.n); err != nil {
			return nil, err
		}
		f := &found[c.i]
		f.Members = append(f.Members, template.Earlier{Account: rec.Account, Time: rec.Time, Traits: template.Traits{Text: textHash(row)}})
	}
	return found, nil
}
