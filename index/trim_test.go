package index

import (
	"slices"
	"strings"
	"testing"
)

// TestTrim: who merely uses a phrase that a campaign's text holds is no member of
// the campaign, and its accounts are, though most of the phrase's are theirs.
func TestTrim(t *testing.T) {
	for seed := range uint64(4) {
		w := newTown(seed, 0, 0)
		phrase, own := w.some(9, 9), w.some(24, 24)
		for range 60 { // busy people say more
			w.say(w.prompts[w.rng.IntN(len(w.prompts))].Account, 0, strings.Join(slices.Concat(phrase, w.some(6, 12)), " "))
		}
		w.attack(80, 4, func() string {
			return strings.Join(slices.Concat(own, w.some(6, 12), phrase), " ")
		})
		found, bystanders := 0, 0
		for _, c := range w.alerts(t) {
			for _, m := range c.Members {
				if strings.HasPrefix(m.Account, "attacker-") {
					found++
				} else {
					bystanders++
				}
			}
		}
		if found < 80 || bystanders > 2 {
			t.Errorf("seed %d: %d members, %d bystanders", seed, found, bystanders)
		}
	}
}
