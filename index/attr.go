package index

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// An Attr is a value of an attribute of prompts: "model", or one that
// Options.KeepAttrs names. The value "other" stands for those that the index
// does not tell apart.
type Attr struct{ Name, Value string }

// ParseAttr reads an Attr as String spells it, "model=m-large". Its error
// wraps ErrAttr.
func ParseAttr(s string) (Attr, error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" || value == "" {
		return Attr{}, fmt.Errorf("%w: want name=value, such as model=m-large", ErrAttr)
	}
	return Attr{name, value}, nil
}

func (a Attr) String() string { return a.Name + "=" + a.Value }

// A sought is what a filter's Attrs come to.
type sought struct {
	values []template.Value
	never  bool // some of them no prompt has
	err    error
}

// seek numbers the attributes that a filter asks for. The caller holds the
// index's lock.
func (a *attrs) seek(wanted []Attr) (s sought) {
	for _, w := range wanted {
		n := a.byName[w.Name]
		if n == nil {
			s.err = fmt.Errorf("%w: prompts are counted by %s only", ErrAttr, strings.Join(sortedKeys(a.byName), ", "))
			return s
		}
		id, ok := template.MakeValue(uint16(max(0, n.number)), 0), n.number >= 0
		if w.Value != otherValue {
			id, ok = n.ids[w.Value]
		}
		s.values, s.never = append(s.values, id), s.never || !ok
	}
	return s
}

// in reports whether a template's prompts of the days from..to have all of the
// values.
func (s *sought) in(t *template.Template, from, to int32) bool {
	return !s.never && !slices.ContainsFunc(s.values, func(v template.Value) bool { return !t.Shows(v, from, to) })
}

// inCampaign reports whether each of the values is that of a prompt of some
// template of a campaign.
func (ix *Index) inCampaign(r *store.Reader, s *sought, now *assessments, g *gathered) (bool, error) {
	if s.never || len(s.values) == 0 {
		return !s.never, nil
	}
	picks, err := ix.picks(r, now, g.Templates)
	if err != nil {
		return false, err
	}
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	return !slices.ContainsFunc(s.values, func(v template.Value) bool {
		return !slices.ContainsFunc(picks, func(p pick) bool { return p.t.Shows(v, 0, 1<<30) })
	}), nil
}

const shownValues = 10 // of one attribute of one template or campaign

// tally adds up the templates' prompts of the days from..to by attribute and
// value: of every attribute those of most prompts, and the rest as others. nil
// if there are none. The caller holds the index's lock.
func (a *attrs) tally(from, to int32, templates ...*template.Template) map[string]map[string]int {
	sums := make(map[template.Value]int)
	for _, t := range templates {
		t.EachValue(from, to, func(u template.ValueUse) { sums[u.Value] += int(u.Prompts) })
	}
	if len(sums) == 0 {
		return nil
	}
	ids := sortedKeys(sums)
	slices.SortStableFunc(ids, func(x, y template.Value) int { return cmp.Compare(sums[y], sums[x]) })
	out, shown := make(map[string]map[string]int), make(map[string]int)
	for _, id := range ids {
		name, value := a.name(id), a.value(id)
		if name == "" {
			continue
		}
		if out[name] == nil {
			out[name] = make(map[string]int)
		}
		if value != "" {
			shown[name]++
		}
		if value == "" || shown[name] > shownValues {
			value = otherValue
		}
		out[name][value] += sums[id]
	}
	return out
}

func cloneAttrs(m map[string]map[string]int) map[string]map[string]int {
	m = maps.Clone(m)
	for name, of := range m {
		m[name] = maps.Clone(of)
	}
	return m
}
