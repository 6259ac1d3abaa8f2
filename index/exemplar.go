package index

import (
	"slices"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

const exemplarBytes = 4096

// exemplar returns what is kept of a prompt to show a template: the message
// that shows most of its core, cut to some thousand bytes around it.
func (ix *Index) exemplar(p *Prompt, id uint32) string {
	t := ix.templates.Get(id)
	if t == nil {
		return ""
	}
	if len(p.Messages) == 0 && len(p.Text) <= exemplarBytes {
		return p.Text
	}
	core := t.Core()
	k := ix.own
	var texts []string
	said(p, func(text string) { texts = append(texts, text) })
	slices.SortStableFunc(texts, func(a, b string) int { return len(a) - len(b) })
	best, bestHits := "", -1
	for i, text := range texts {
		if i == len(texts)-1 && 2*bestHits < len(core) {
			best = text // the longest needs no look: the others do not show the core
			break
		}
		hits := 0
		k.scratch = k.Shingles(k.scratch[:0], text)
		for _, s := range k.scratch {
			if _, ok := slices.BinarySearch(core, s.Key); ok {
				hits++
			}
		}
		if hits > bestHits {
			best, bestHits = text, hits
		}
		if 2*hits > len(core) {
			break
		}
	}
	return template.Excerpt(k.Sketcher, core, best, exemplarBytes)
}

// exemplarCount is how many exemplars of a template are sealed.
func (ix *Index) exemplarCount(id uint32) int {
	if t := ix.templates.Get(id); t != nil {
		return len(t.Exemplars) - len(ix.exemplars[id])
	}
	return 0
}

// unsealed are exemplars that were not in the store in one moment: those being
// sealed, then newer ones, to which more may come.
type unsealed [2]map[uint32][]string

// unsealed returns them as of now. The caller holds ix.mu, as do the callers of
// its methods.
func (ix *Index) unsealed() (u unsealed) {
	if s := ix.sealing; s != nil {
		u[0] = s.exemplars
	}
	u[1] = ix.exemplars
	return u
}

// of returns a copy of those of a template.
func (u unsealed) of(id uint32) []string { return slices.Concat(u[0][id], u[1][id]) }

// exemplarTexts returns a template's exemplars, oldest first: those on disk,
// then those that were not sealed some time before the transaction began; some
// of these may be on disk by now.
func exemplarTexts(r *store.Reader, id uint32, unsealed []string) (texts []string, err error) {
	err = r.Scan(store.TableExemplar, templateKey(id), templateKey(id+1), func(_, value []byte) error {
		texts = append(texts, string(value))
		return nil
	})
	for n := min(len(texts), len(unsealed)); n > 0; n-- {
		if slices.Equal(texts[len(texts)-n:], unsealed[:n]) {
			unsealed = unsealed[n:]
			break
		}
	}
	return append(texts, unsealed...), err
}
