package index

import (
	"context"
	"math"
	"slices"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// status is the verdict on a template, or what its score makes of it; a is
// nil where it has too few accounts for a score. The caller holds ix.mu.
func (ix *Index) status(t *template.Template, a *assessed) string {
	switch v := ix.verdict(t); {
	case v != None:
		return v
	case a == nil:
	case a.alerts():
		return "alert"
	case a.score >= watchScore:
		return "watch"
	}
	return "none"
}

// judge returns a template's status and, from watchAccounts accounts on, its
// score with factors. The caller holds ix.mu.
func (ix *Index) judge(t *template.Template) (status string, score float64, factors []Factor) {
	if t.AccountCount() < watchAccounts {
		return ix.status(t, nil), 0, nil
	}
	a := ix.assessNow(t)
	for _, f := range a.factors {
		factors = append(factors, Factor(f))
	}
	return ix.status(t, a), math.Round(10*a.score) / 10, factors
}

// judgeAll fills in the status, score and factors of described templates.
func (ix *Index) judgeAll(ctx context.Context, picks []pick, out []Template) error {
	for i := range out {
		if err := ctx.Err(); err != nil {
			return err
		}
		ix.mu.RLock()
		status, score, factors := ix.judge(picks[i].t)
		ix.mu.RUnlock()
		out[i].Status, out[i].Score, out[i].Factors = status, score, append(out[i].Factors, factors...)
	}
	return nil
}

// ofStatus keeps the templates of one status; "" keeps all.
func (ix *Index) ofStatus(picks []pick, status string) []pick {
	if status == "" {
		return picks
	}
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	return slices.DeleteFunc(picks, func(p pick) bool {
		s, _, _ := ix.judge(p.t)
		return s != status
	})
}

// campaignsNow returns the templates of every campaign as of now, by its id.
func (ix *Index) campaignsNow() (map[string][]uint32, error) {
	var now *assessments
	out := make(map[string][]uint32)
	err := ix.view(func(*snapshot) {
		now = ix.assessAll()
	}, func(*store.Reader, *snapshot) error {
		for _, g := range gather(now) {
			out[g.id] = g.Templates
		}
		return nil
	})
	return out, err
}
