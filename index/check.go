package index

import (
	"context"
	"fmt"
	"math"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// Check verifies the whole file: every checksum, every order, every
// reference. Its error wraps ErrDamaged and says what is damaged.
func (ix *Index) Check(ctx context.Context) error {
	ix.closing.RLock()
	defer ix.closing.RUnlock()
	if ix.closed {
		return ErrClosed
	}
	if err := ix.store.Check(ctx); err != nil {
		return wrap(err)
	}
	return ix.checkRecords(ctx)
}

// checkRecords verifies what the store cannot know: that records make sense.
func (ix *Index) checkRecords(ctx context.Context) error {
	return wrap(ix.store.View(func(r *store.Reader) error {
		numbered := newAttrs(nil)
		if err := loadAttrs(r, numbered); err != nil {
			return err
		}
		if err := eachLearnt(r, func(*Learnt) {}); err != nil {
			return err
		}
		every := func(template.Stat) bool { return true }
		return eachStored(r, every, func(t *template.Template) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			for _, m := range t.Members(0, math.MaxInt32) {
				if m.Account == 0 || int(m.Account) > ix.accounts.len() {
					return fmt.Errorf("%w: template %d has an unknown account", ErrDamaged, t.ID)
				}
			}
			var err error
			t.EachValue(0, math.MaxInt32, func(u template.ValueUse) {
				if err == nil && !numbered.defined(u.Value) {
					err = fmt.Errorf("%w: template %d has an unknown attribute", ErrDamaged, t.ID)
				}
			})
			return err
		})
	}))
}
