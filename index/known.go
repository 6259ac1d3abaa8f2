package index

import (
	"context"
	"slices"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
)

// Unknown returns the places of the labels whose template or campaign the
// index does not have. A label of a text is never among them.
func (ix *Index) Unknown(ctx context.Context, labels ...Label) ([]int, error) {
	known := make(map[uint32]bool)
	for i := range labels {
		if id, ok := parseTemplateID(labels[i].Template); ok {
			known[id] = false
		}
	}
	err := ix.view(func(*snapshot) {
		for id := range known {
			known[id] = ix.templates.Get(id) != nil
		}
	}, func(r *store.Reader, _ *snapshot) error {
		for id, found := range known {
			if found {
				continue
			}
			_, ok, err := r.Get(store.TableStat, templateKey(id))
			if err != nil {
				return err
			}
			known[id] = ok
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	campaigns, err := ix.campaignsOf(labels)
	if err != nil {
		return nil, err
	}
	var unknown []int
	for i := range labels {
		l := &labels[i]
		if id, ok := parseTemplateID(l.Template); ok && !known[id] || l.Campaign != "" && len(campaigns[l.Campaign]) == 0 {
			unknown = append(unknown, i)
		}
	}
	return unknown, nil
}

// campaignsOf returns the templates of every campaign as of now, by its id, if
// one of the labels needs them.
func (ix *Index) campaignsOf(labels []Label) (map[string][]uint32, error) {
	if !slices.ContainsFunc(labels, func(l Label) bool { return l.Campaign != "" }) {
		return nil, nil
	}
	now, err := ix.assessAll()
	if err != nil {
		return nil, err
	}
	out := make(map[string][]uint32)
	for _, g := range now.campaigns {
		out[g.id] = g.Templates
	}
	return out, nil
}

// resolve notes with every label of a campaign the templates it has now.
func (ix *Index) resolve(labels []Label) error {
	campaigns, err := ix.campaignsOf(labels)
	if err != nil {
		return err
	}
	for i := range labels {
		l := &labels[i]
		l.Templates, l.From = nil, 0
		for _, id := range campaigns[l.Campaign] {
			l.Templates = append(l.Templates, templateID(id))
		}
	}
	return nil
}
