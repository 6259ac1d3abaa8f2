package index

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// TestFragment: what some of a common template's prompts happen to share is a
// part of it, however many send that. A campaign that builds on it is not.
func TestFragment(t *testing.T) {
	for seed := range uint64(4) {
		w := newTown(seed, 0, 0)
		footer, own := w.some(20, 20), w.some(20, 20)
		for i, user := range w.users[:200] {
			for range 1 + w.rng.IntN(4) {
				w.say(user, 0, w.fill(w.benign))
			}
			if i%4 == 0 {
				w.say(user, 0, strings.Join(slices.Concat(w.benign, w.some(6, 12), footer), " "))
			}
		}
		w.attack(40, 4, func() string {
			return strings.Join(slices.Concat(w.benign, w.some(6, 12), own), " ")
		})
		slices.SortStableFunc(w.prompts, func(a, b Prompt) int { return a.Time.Compare(b.Time) })
		ix := open(t, tempIndex(t), &Options{SiftBytes: 8 << 20, NoSync: true})
		addAll(t, ix, w.prompts, 4096)

		var whole, piece, campaign *assessed
		ix.mu.RLock()
		ix.templates.Each(func(u *template.Template) {
			a := ix.assessSome(u, 0)
			a.texts = a.texts.Clone()
			has := func(words []string) bool {
				return strings.Contains(strings.Join(ix.exemplars[u.ID], "\n"), strings.Join(words, " "))
			}
			switch n := len(a.accounts); {
			case n >= 200:
				whole = a
			case n >= 48 && n <= 55 && has(footer):
				piece = a
			case n >= 38 && n <= 42 && has(own):
				campaign = a
			}
		})
		ix.mu.RUnlock()
		if whole == nil || piece == nil || campaign == nil {
			t.Fatalf("seed %d: whole %v, piece %v, campaign %v", seed, whole != nil, piece != nil, campaign != nil)
		}
		whole.score = watchScore
		if !piece.fragmentOf(whole) {
			t.Errorf("seed %d: what %d of the accounts sent is no fragment", seed, len(piece.accounts))
		}
		if campaign.fragmentOf(whole) {
			t.Errorf("seed %d: a campaign on a common template is a fragment of it", seed)
		}
		all := []*assessed{whole, piece, campaign}
		piece.score, campaign.score = alertScore, alertScore
		markFragments(all)
		if !piece.fragment || piece.score != whole.score || campaign.fragment || whole.fragment {
			t.Errorf("seed %d: fragments: piece %v, campaign %v, whole %v", seed, piece.fragment, campaign.fragment, whole.fragment)
		}
	}
}
