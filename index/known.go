package index

import (
	"context"
	"slices"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
)

// Unknown returns the places of the labels whose template, bundle or campaign
// the index does not have. A label of a text is never among them.
func (ix *Index) Unknown(ctx context.Context, labels ...Label) ([]int, error) {
	known := make(map[uint32]bool)
	for i := range labels {
		if id, ok := parseTemplateID(labels[i].Template); ok {
			known[id] = false
		}
	}
	if err := ix.exist(ctx, known); err != nil {
		return nil, err
	}
	among, err := ix.templatesOf(labels)
	if err != nil {
		return nil, err
	}
	var unknown []int
	for i := range labels {
		l := &labels[i]
		if id, ok := parseTemplateID(l.Template); ok && !known[id] || l.Bundle+l.Campaign != "" && len(among(l)) == 0 {
			unknown = append(unknown, i)
		}
	}
	return unknown, nil
}

// exist notes which of some templates there are.
func (ix *Index) exist(ctx context.Context, known map[uint32]bool) error {
	return ix.view(func(*snapshot) {
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
}

// templatesOf returns a function that tells which templates the bundle or
// campaign of one of the labels has as of now.
func (ix *Index) templatesOf(labels []Label) (func(*Label) []uint32, error) {
	if !slices.ContainsFunc(labels, func(l Label) bool { return l.Bundle+l.Campaign != "" }) {
		return func(*Label) []uint32 { return nil }, nil
	}
	now, k, err := ix.assessKin()
	if err != nil {
		return nil, err
	}
	campaigns := make(map[string][]uint32)
	for _, g := range now.campaigns {
		campaigns[g.id] = g.Templates
	}
	return func(l *Label) []uint32 {
		if id, ok := parseBundleID(l.Bundle); ok {
			return k.bundles.all(id)
		}
		return campaigns[l.Campaign]
	}, nil
}

// resolve notes with every label of a bundle or campaign the templates it has
// now.
func (ix *Index) resolve(labels []Label) error {
	among, err := ix.templatesOf(labels)
	if err != nil {
		return err
	}
	for i := range labels {
		l := &labels[i]
		l.Templates, l.From = nil, 0
		for _, id := range among(l) {
			l.Templates = append(l.Templates, templateID(id))
		}
	}
	return nil
}
