package index

import (
	"context"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// Reach returns how many of the templates of now one or more of the labels are
// about: those that they name, those of a bundle or campaign, and those whose
// core a text contains to 60 %. Texts make it look at every template.
func (ix *Index) Reach(ctx context.Context, labels ...Label) (int, error) {
	named := make(map[uint32]bool)
	among, err := ix.templatesOf(labels)
	if err != nil {
		return 0, err
	}
	byKey := make(map[uint64][]int) // labels of texts that hold a key
	k := ix.sketchers.get()
	defer ix.sketchers.put(k)
	for i := range labels {
		l := &labels[i]
		if id, ok := parseTemplateID(l.Template); ok {
			named[id] = false
		}
		for _, id := range among(l) {
			named[id] = false
		}
		byKeys(byKey, k, l.Text, i)
	}
	n := 0
	if len(byKey) == 0 {
		err := ix.exist(ctx, named)
		for _, there := range named {
			if there {
				n++
			}
		}
		return n, err
	}
	held := make(map[int]int)
	err = ix.viewTemplates(0, 0, nil, nil, func(t *template.Template) {
		if _, ok := named[t.ID]; ok {
			n++
			return
		}
		clear(held)
		most := 0
		size := t.EachKey(func(key uint64) {
			for _, i := range byKey[key] {
				held[i]++
				most = max(most, held[i])
			}
		})
		if most > 0 && covers(most, size) {
			n++
		}
	}, func(*store.Reader, *snapshot) error { return ctx.Err() })
	return n, err
}

// covers reports whether a text that holds so many of a core's keys labels the
// template.
func covers(hits, size int) bool { return 5*hits >= 3*size }
