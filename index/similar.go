package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
	"github.com/seed-368d3dfa/chorus/minhash"
)

// maxCandidates bounds how many prompts one Similar compares: the newest ones.
const maxCandidates = 20000

// Similar returns the retained prompts whose estimated resemblance to text
// (Jaccard similarity of their shingles) is at least min, the most similar
// first, at most limit; limit 0 means all. Candidates are found by banding, where
// there are very many the newest 20,000: one of resemblance J is among them with
// probability 1-(1-J^4)^24, that is .79 at .5 and .96 at .6 (Leskovec, Rajaraman,
// Ullman, "Mining of Massive Datasets", 3.4).
func (ix *Index) Similar(ctx context.Context, text string, min float64, limit int) ([]Match, error) {
	if min < 0 || min > 1 {
		return nil, fmt.Errorf("index: Similar: min is %g, not between 0 and 1", min)
	}
	k := ix.sketchers.get()
	defer ix.sketchers.put(k)
	k.Reset()
	k.Add(text)
	sketch := k.Sketch()
	if len(sketch.Signature) == 0 {
		return []Match{}, nil
	}
	bands := k.Bands(nil, sketch.Signature)
	var found []scored
	templates := make(map[uint32]*template.Template)
	out := []Match{}
	ix.threadBands()
	err := ix.view(func(s *snapshot) {
		for _, m := range s.mems {
			found = append(found, m.similar(bands, sketch.Signature, min)...)
		}
		for _, t := range ix.templates.Contained(sketch.Sample, sketch.Scale) {
			templates[t.ID] = t
		}
	}, func(r *store.Reader, s *snapshot) error {
		sealed, err := similarSealed(ctx, r, s, bands, sketch.Signature, min)
		if err != nil {
			return err
		}
		found = append(found, sealed...)
		slices.SortFunc(found, func(a, b scored) int {
			return cmp.Or(cmp.Compare(b.similarity, a.similarity), cmp.Compare(b.number, a.number))
		})
		if limit > 0 && len(found) > limit {
			found = found[:limit]
		}
		out, err = ix.matches(r, s, found, templates)
		return err
	})
	return out, err
}

// threadBands makes the bands of all prompts in memory findable. Only queries
// need that, so that loading does not pay for it.
func (ix *Index) threadBands() {
	ix.mu.RLock()
	done := true
	for _, m := range ix.memtables() {
		done = done && m.bands.threaded()
	}
	ix.mu.RUnlock()
	if done {
		return
	}
	ix.mu.Lock()
	for _, m := range ix.memtables() {
		m.bands.thread()
	}
	ix.mu.Unlock()
}

// scored is a prompt with its resemblance to the query.
type scored struct {
	number     uint64
	similarity float64
	record     store.Record
}

// similar searches a memtable. The caller holds ix.mu.
func (m *memtable) similar(bands []uint64, signature []byte, min float64) (found []scored) {
	seen := make(map[uint32]bool)
	for _, b := range bands {
		m.bands.each(b, func(offset uint32) bool {
			if !seen[offset] {
				seen[offset] = true
				n := m.first + uint64(offset)
				if j := minhash.Resemblance(signature, m.signature(n)); j >= min {
					found = append(found, scored{n, j, *m.record(n)})
				}
			}
			return len(seen) < maxCandidates
		})
	}
	return found
}

func similarSealed(ctx context.Context, r *store.Reader, s *snapshot, bands []uint64, signature []byte, min float64) (found []scored, err error) {
	var numbers []uint64
	for _, b := range bands {
		if err := r.Lookup(store.KindBand, b, func(n uint64) bool {
			if n < s.unsealedFrom {
				numbers = append(numbers, n)
			}
			return true
		}); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	if len(numbers) > maxCandidates {
		numbers = numbers[len(numbers)-maxCandidates:]
	}
	var row []byte
	for _, n := range numbers {
		row, err = r.Signature(row[:0], n)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if j := minhash.Resemblance(signature, row); j >= min {
			found = append(found, scored{number: n, similarity: j})
		}
	}
	return found, nil
}

// matches makes results of prompts. A match is said to belong to those of the
// query's templates that its account used that day.
func (ix *Index) matches(r *store.Reader, s *snapshot, found []scored, templates map[uint32]*template.Template) ([]Match, error) {
	ids := make([]uint32, len(found))
	for i := range found {
		if found[i].record.Account == 0 {
			rec, err := r.Record(found[i].number)
			if err != nil {
				return nil, err
			}
			found[i].record = rec
		}
		ids[i] = found[i].record.Account
	}
	names, err := s.names(r, ids)
	if err != nil {
		return nil, err
	}
	out := make([]Match, len(found))
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	for i, f := range found {
		m := &out[i]
		*m = Match{
			ID: f.record.ID, Account: names[f.record.Account], Time: timeOf(f.record.Time),
			Similarity: f.similarity, Templates: []string{},
		}
		if m.ID == "" {
			m.ID = fmt.Sprintf("#%d", f.number)
		}
		for _, id := range sortedKeys(templates) {
			if templates[id].Used(f.record.Account, template.DayOf(f.record.Time)) {
				m.Templates = append(m.Templates, templateID(id))
			}
		}
	}
	return out, nil
}
