package index

import (
	"math"
	"slices"
	"strings"

	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// status reports whether the filter selects a status.
func (f *Filter) status(s string) bool {
	if f.Status == "" {
		return true
	}
	for one := range strings.SplitSeq(f.Status, ",") {
		if one == s {
			return true
		}
	}
	return false
}

// score reports whether the filter selects a score.
func (f *Filter) score(score float64) bool {
	score = float64(tenths(score)) / 10
	return score >= f.MinScore && (f.MaxScore == 0 || score <= f.MaxScore)
}

// text reports whether the filter selects a pattern.
func (f *Filter) text(pattern string) bool {
	return f.Text == "" || strings.Contains(strings.ToLower(pattern), strings.ToLower(f.Text))
}

// takesCampaign decides by what is known before a campaign is described.
func (f *Filter) takesCampaign(g *gathered, now *assessments) bool {
	if f.ID != "" && f.ID != g.id || !f.status(g.status) || !f.score(g.Score) || len(g.Accounts) < f.MinAccounts {
		return false
	}
	if f.Template != "" {
		if id, ok := parseTemplateID(f.Template); !ok || !slices.Contains(g.Templates, id) {
			return false
		}
	}
	first, last := g.seen(now)
	from, to := f.days()
	return template.DayOf(last) >= from && template.DayOf(first) <= to
}

// seen returns when a campaign's first and last prompt came.
func (g *gathered) seen(now *assessments) (first, last int64) {
	first = math.MaxInt64
	for _, id := range g.Templates {
		first, last = min(first, now.byID[id].first), max(last, now.byID[id].last)
	}
	return first, last
}

// selected keeps the picks of the filter's families, bundles, statuses and
// scores that come after its cursor, in order.
func (ix *Index) selected(now *assessments, k *kin, picks []pick, f *Filter) ([]pick, error) {
	after, err := parseCursor(f.After, 't', 2)
	if err != nil {
		return nil, err
	}
	if f.Family != "" || f.Bundle != "" {
		picks = slices.DeleteFunc(picks, func(p pick) bool { return !f.takes(k, p.t.ID) })
	}
	if f.Status != "" || f.MinScore > 0 || f.MaxScore > 0 {
		ix.mu.RLock()
		picks = slices.DeleteFunc(picks, func(p pick) bool {
			a, score := now.byID[p.t.ID], 0.
			if a != nil {
				score = a.alone
			}
			return !f.score(score) || !f.status(now.status(ix.verdict(p.t), a))
		})
		ix.mu.RUnlock()
	}
	if f.Fold {
		picks = ix.folded(k, picks, f)
	}
	if after != nil {
		place := pick{&template.Template{ID: uint32(after[1])}, after[0]}
		picks = slices.DeleteFunc(picks, func(p pick) bool { return wider(p, place) <= 0 })
	}
	if f.Limit > 0 && f.Text == "" {
		picks = widest(picks, f.Limit)
	}
	slices.SortFunc(picks, wider)
	return picks, nil
}

// widest keeps the n widest picks, and some more: sorting all for a page would
// take longer than everything else.
func widest(picks []pick, n int) []pick {
	var count [1024]int // by accounts, the last for all beyond
	at := func(p pick) int { return min(p.accounts, len(count)-1) }
	for _, p := range picks {
		count[at(p)]++
	}
	least := len(count) - 1
	for sum := count[least]; sum < n && least > 0; sum += count[least] {
		least--
	}
	return slices.DeleteFunc(picks, func(p pick) bool { return at(p) < least })
}
