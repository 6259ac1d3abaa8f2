package index

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index/internal/campaign"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// TestConcerns: what a look at the accounts leaves out is neither an ally
// nor the whole of a fragment, also where only some of the use is judged.
func TestConcerns(t *testing.T) {
	w := newTown(3, 0, 0)
	for i := range 24 {
		words := w.some(24, 24)
		within := time.Duration(20) * 24 * time.Hour
		if i%3 == 0 {
			within *= 5 // of which the last days are judged alone
		}
		for account := i * 7; account < i*7+20+5*(i%5); account++ {
			for range 1 + w.rng.IntN(3) {
				w.prompts = append(w.prompts, Prompt{
					Account: fmt.Sprint("sender-", account), Text: w.fill(words),
					Time: trafficStart.Add(time.Duration(w.rng.Int64N(int64(within)))).Truncate(time.Millisecond),
				})
			}
		}
	}
	slices.SortStableFunc(w.prompts, func(a, b Prompt) int { return a.Time.Compare(b.Time) })
	ix := open(t, tempIndex(t), &Options{SiftBytes: 8 << 20, NoSync: true})
	addAll(t, ix, w.prompts, 4096)

	var all []*template.Template
	ix.templates.Each(func(o *template.Template) { all = append(all, o) })
	related, left := 0, 0
	for _, x := range all {
		a := ix.assessSome(x, 0)
		for _, o := range all {
			if x == o {
				continue
			}
			b := ix.assessSome(o, 0)
			b.score = 0 // or it would have no fragments
			switch concerns := a.concerns(o); {
			case a.fragmentOf(b) || campaign.Jaccard(a.accounts, b.accounts) >= allyJaccard:
				if related++; !concerns {
					t.Errorf("templates of %d and %d accounts, %d in both, are left out", len(a.accounts), len(b.accounts), campaign.Shared(a.accounts, b.accounts))
				}
			case !concerns:
				left++
			}
		}
	}
	if len(all) < 20 || related < 20 || left < 100 {
		t.Errorf("%d templates: %d pairs are related, %d left out", len(all), related, left)
	}
}
