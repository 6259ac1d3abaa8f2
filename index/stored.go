package index

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// eachStored calls fn for the templates on disk that are wanted, by id, in
// their state of the last seal. It reads the tables from end to end, which for
// most of the templates costs less than looking each up.
func eachStored(r *store.Reader, wants func(template.Stat) bool, fn func(*template.Template) error) error {
	type parts struct {
		id         uint32
		stat, core []byte
		uses       int // where in days those of the template end
	}
	var all []parts
	if err := r.Scan(store.TableStat, nil, nil, func(key, value []byte) error {
		stat, err := template.DecodeStat(value)
		if err != nil || len(key) != 4 {
			return fmt.Errorf("%w: a template's record is malformed", ErrDamaged)
		}
		if wants(stat) {
			all = append(all, parts{id: templateNumber(key), stat: value})
		}
		return nil
	}); err != nil {
		return err
	}
	find := func(id uint32) (*parts, bool) {
		i, ok := slices.BinarySearchFunc(all, id, func(p parts, id uint32) int { return cmp.Compare(p.id, id) })
		if !ok {
			return nil, false
		}
		return &all[i], true
	}
	if err := r.Scan(store.TableTemplate, nil, nil, func(key, value []byte) error {
		if p, ok := find(templateNumber(key)); ok && len(key) == 4 {
			p.core = value
		}
		return nil
	}); err != nil {
		return err
	}
	eachUse := func(fn func(p *parts, day int32, value []byte)) error {
		return r.Scan(store.TableUse, nil, nil, func(key, value []byte) error {
			if len(key) == len(dayKey(0, 0)) {
				if p, ok := find(templateNumber(key[4:])); ok {
					fn(p, int32(templateNumber(key)), value)
				}
			}
			return nil
		})
	}
	type use struct {
		day   int32
		value []byte
	}
	if err := eachUse(func(p *parts, _ int32, _ []byte) { p.uses++ }); err != nil {
		return err
	}
	n := 0
	for i := range all {
		n, all[i].uses = n+all[i].uses, n
	}
	days := make([]use, n)
	if err := eachUse(func(p *parts, day int32, value []byte) {
		days[p.uses] = use{day, value}
		p.uses++
	}); err != nil {
		return err
	}
	from := 0
	for _, p := range all {
		t, err := decodeTemplate(p.id, p.core, p.stat, func(day int32) ([]byte, error) {
			i, ok := slices.BinarySearchFunc(days[from:p.uses], day, func(u use, day int32) int { return cmp.Compare(u.day, day) })
			if !ok {
				return nil, nil
			}
			return days[from+i].value, nil
		})
		if err != nil {
			return err
		}
		if err := fn(t); err != nil {
			return err
		}
		from = p.uses
	}
	return nil
}

// findTemplate reads a template from disk; nil if it is not there.
func findTemplate(r *store.Reader, id uint32) (*template.Template, error) {
	key := templateKey(id)
	stat, ok, err := r.Get(store.TableStat, key)
	if err != nil || !ok {
		return nil, err
	}
	return loadTemplate(r, key, stat)
}

// loadTemplate reads a template whose stat record is at hand.
func loadTemplate(r *store.Reader, key, stat []byte) (*template.Template, error) {
	id := templateNumber(key)
	core, _, err := r.Get(store.TableTemplate, key)
	if err != nil {
		return nil, err
	}
	return decodeTemplate(id, core, stat, func(day int32) ([]byte, error) {
		b, _, err := r.Get(store.TableUse, dayKey(day, id))
		return b, err
	})
}

// decodeTemplate makes a template of its records. core is nil, and so is what
// dayOf returns, where there is no record.
func decodeTemplate(id uint32, core, stat []byte, dayOf func(day int32) ([]byte, error)) (*template.Template, error) {
	if core == nil {
		return nil, fmt.Errorf("%w: template %d has no core", ErrDamaged, id)
	}
	t, _, err := template.Decode(id, core, stat, func(day int32) ([]byte, error) {
		b, err := dayOf(day)
		if err == nil && b == nil {
			err = fmt.Errorf("%w: template %d has no record of day %d", ErrDamaged, id, day)
		}
		return b, err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: template %d: %w", ErrDamaged, id, err)
	}
	return t, nil
}
