package index

import (
	"slices"
	"strconv"
	"sync"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// kinAccounts is how many accounts a template needs to be in a family or
// bundle: narrower ones are mostly chance, and most.
const kinAccounts = 5

func familyID(template uint32) string { return "f" + strconv.FormatUint(uint64(template), 10) }

func bundleID(template uint32) string { return "b" + strconv.FormatUint(uint64(template), 10) }

func parseFamilyID(s string) (uint32, bool) { return parseID('f', s) }

func parseBundleID(s string) (uint32, bool) { return parseID('b', s) }

// groups are the families, or bundles, of several templates each.
type groups struct {
	of      map[uint32]uint32   // template → the first of its group
	members map[uint32][]uint32 // that → all, ascending
}

// newGroups makes groups of ascending templates, given the place of the first
// of each one's group.
func newGroups(ids []uint32, first []int) groups {
	g := groups{of: make(map[uint32]uint32), members: make(map[uint32][]uint32)}
	for i, id := range ids {
		if f := first[i]; f != i {
			head := ids[f]
			if g.members[head] == nil {
				g.of[head], g.members[head] = head, []uint32{head}
			}
			g.of[id], g.members[head] = head, append(g.members[head], id)
		}
	}
	return g
}

// all are the templates of the group that a template is in, none if it is alone.
func (g groups) all(id uint32) []uint32 {
	head, ok := g.of[id]
	if !ok {
		return nil
	}
	return g.members[head]
}

// together reports whether two templates are in one group.
func (g groups) together(one, other uint32) bool {
	head, ok := g.of[one]
	return ok && g.of[other] == head
}

// kin is which templates are variants of one another, and which come in the
// same prompts. Variants are found by exemplars: without these there are none.
type kin struct{ families, bundles groups }

// A kinFound is kin found once for all who ask of the same assessments.
type kinFound struct {
	sync.Mutex
	kin *kin
}

// kin returns the kin of templates as of some assessments, or a little later. The caller
// holds no lock and has no snapshot.
func (ix *Index) kin(now *assessments) (*kin, error) {
	now.kin.Lock()
	defer now.kin.Unlock()
	if now.kin.kin == nil {
		families, err := ix.shapes.families(ix)
		if err != nil {
			return nil, err
		}
		now.kin.kin = &kin{families, ix.bundles()}
	}
	return now.kin.kin, nil
}

// assessKin is assessAll, with the templates' kin.
func (ix *Index) assessKin() (*assessments, *kin, error) {
	now, err := ix.assessAll()
	if err != nil {
		return nil, nil, err
	}
	k, err := ix.kin(now)
	return now, k, err
}

// bundles finds the bundles as of now.
func (ix *Index) bundles() groups {
	var ids []uint32
	var texts []template.Texts
	ix.eachKin(func(t *template.Template) { ids, texts = append(ids, t.ID), append(texts, t.Texts().Clone()) })
	return newGroups(ids, template.Bundles(texts))
}

// eachKin calls fn, under the lock, for the templates in memory that may have
// kin, the earliest first.
func (ix *Index) eachKin(fn func(*template.Template)) {
	var ids []uint32
	ix.mu.RLock()
	ix.templates.Each(func(t *template.Template) {
		if t.AccountCount() >= kinAccounts {
			ids = append(ids, t.ID)
		}
	})
	ix.mu.RUnlock()
	slices.Sort(ids)
	for some := range slices.Chunk(ids, lookShare) {
		ix.mu.RLock()
		for _, id := range some {
			if t := ix.templates.Get(id); t != nil { // it has not left memory
				fn(t)
			}
		}
		ix.mu.RUnlock()
	}
}

// shapes keeps what families are found by, for as long as it holds.
type shapes struct {
	sync.Mutex // taken before Index.mu
	of         map[uint32]shaped
	found      groups // of these
}

// A shaped is a template's shape, and the stamp of what it was made from.
type shaped struct {
	stamp uint64
	shape template.Shape
}

// families finds the families as of now. Only the shapes of templates whose
// core or exemplars have changed are made anew.
func (s *shapes) families(ix *Index) (groups, error) {
	s.Lock()
	defer s.Unlock()
	type changed struct {
		id       uint32
		stamp    uint64
		core     []uint64
		unsealed []string
	}
	var ids []uint32
	var anew []changed
	ix.eachKin(func(t *template.Template) {
		unsealed := ix.unsealed()
		ids = append(ids, t.ID)
		if stamp := t.Stamp(); s.of[t.ID].stamp != stamp {
			anew = append(anew, changed{t.ID, stamp, t.Core(), unsealed.of(t.ID)})
		}
	})
	if len(anew) == 0 && len(ids) == len(s.of) {
		return s.found, nil
	}
	of := make(map[uint32]shaped, len(ids))
	k := ix.sketchers.get()
	defer ix.sketchers.put(k)
	shaper := template.NewShaper(k.Sketcher)
	err := ix.view(nil, func(r *store.Reader, _ *snapshot) error {
		for _, c := range anew {
			texts, err := exemplarTexts(r, c.id, c.unsealed)
			if err != nil {
				return err
			}
			of[c.id] = shaped{c.stamp, shaper.Shape(c.core, texts)}
		}
		return nil
	})
	if err != nil {
		return groups{}, err
	}
	all := make([]template.Shape, len(ids))
	for i, id := range ids {
		if _, ok := of[id]; !ok {
			of[id] = s.of[id]
		}
		all[i] = of[id].shape
	}
	s.of, s.found = of, newGroups(ids, template.Families(all))
	return s.found, nil
}

// relate says of templates which family and which bundle they are in.
func (k *kin) relate(picks []pick, out []Template) {
	for i, p := range picks {
		if all := k.families.all(p.t.ID); all != nil {
			out[i].Family, out[i].Variants = familyID(all[0]), len(all)-1
		}
		if all := k.bundles.all(p.t.ID); all != nil {
			out[i].Bundle = bundleID(all[0])
		}
	}
}

// takes reports whether the filter selects a template for its kin.
func (f *Filter) takes(k *kin, id uint32) bool {
	one, _ := parseFamilyID(f.Family)
	other, _ := parseBundleID(f.Bundle)
	return (f.Family == "" || k.families.together(one, id)) && (f.Bundle == "" || k.bundles.together(other, id))
}

// folded makes the picks of a family one, the widest, with the accounts of all.
func (ix *Index) folded(k *kin, picks []pick, f *Filter) []pick {
	together := make(map[uint32][]pick)
	picks = slices.DeleteFunc(picks, func(p pick) bool {
		head, ok := k.families.of[p.t.ID]
		if ok {
			together[head] = append(together[head], p)
		}
		return ok
	})
	from, to := f.days()
	for _, all := range together {
		widest := slices.MinFunc(all, wider)
		if len(all) > 1 {
			ix.mu.RLock()
			accounts := widest.t.Accounts(from, to)
			for _, p := range all {
				accounts.Or(p.t.Accounts(from, to))
			}
			ix.mu.RUnlock()
			widest.accounts = int(accounts.GetCardinality())
		}
		picks = append(picks, widest)
	}
	return slices.DeleteFunc(picks, func(p pick) bool { return p.accounts < f.MinAccounts })
}
