package index

import (
	"context"
	"math"

	"github.com/seed-368d3dfa/chorus/index/internal/campaign"
)

// judgeAll fills in the status of described templates and, from watchAccounts
// accounts on, score and factors.
func (ix *Index) judgeAll(ctx context.Context, now *assessments, picks []pick, out []Template) error {
	found := make([]*assessed, len(out))
	for i := 0; i < len(out); {
		if err := ctx.Err(); err != nil {
			return err
		}
		ix.mu.RLock()
		for n := 0; i < len(out) && n < gatherShare; i++ {
			t := picks[i].t
			out[i].Status = now.status(ix.verdict(t), now.byID[t.ID])
			if t.AccountCount() >= watchAccounts {
				found[i] = ix.evidence(t, 0)
			}
			n += t.AccountCount()
		}
		ix.mu.RUnlock()
	}
	for i, a := range found {
		if a == nil {
			continue
		}
		a.judge(now.population)
		score, factors := campaign.Score(a.e, now.population)
		out[i].Score = math.Round(10*score) / 10
		for _, f := range factors {
			out[i].Factors = append(out[i].Factors, Factor(f))
		}
	}
	return nil
}
