package index

import (
	"context"
	"math"

	"github.com/seed-368d3dfa/chorus/index/internal/campaign"
	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// judge returns a template's status and, from watchAccounts accounts on, its
// score with factors. The caller holds ix.mu.
func (ix *Index) judge(t *template.Template, now *assessments) (status string, score float64, factors []Factor) {
	status = now.status(ix.verdict(t), now.byID[t.ID])
	if t.AccountCount() < watchAccounts {
		return status, 0, nil
	}
	score, found := campaign.Score(ix.evidence(t, 0).e, now.population)
	for _, f := range found {
		factors = append(factors, Factor(f))
	}
	return status, math.Round(10*score) / 10, factors
}

// judgeAll fills in the status, score and factors of described templates.
func (ix *Index) judgeAll(ctx context.Context, now *assessments, picks []pick, out []Template) error {
	for i := range out {
		if err := ctx.Err(); err != nil {
			return err
		}
		ix.mu.RLock()
		status, score, factors := ix.judge(picks[i].t, now)
		ix.mu.RUnlock()
		out[i].Status, out[i].Score, out[i].Factors = status, score, append(out[i].Factors, factors...)
	}
	return nil
}

// viewAssessed is view, with assessments from a little before the snapshot,
// which therefore knows all their accounts.
func (ix *Index) viewAssessed(locked func(*snapshot), fn func(*store.Reader, *snapshot, *assessments) error) error {
	now := ix.assessAll()
	return ix.view(locked, func(r *store.Reader, s *snapshot) error { return fn(r, s, now) })
}
