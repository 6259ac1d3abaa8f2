package index

import (
	"testing"
	"time"
)

// TestOpeners: what newcomers send first counts as that in whatever order their
// prompts arrive.
func TestOpeners(t *testing.T) {
	opened := func(order func(sample, later Prompt) []Prompt) float64 {
		w := newTown(1, 0, 0)
		ix := open(t, tempIndex(t), &Options{SiftBytes: 8 << 20, NoSync: true})
		for i, account := range w.users[:60] {
			at := trafficStart.Add(time.Duration(i) * time.Hour)
			add(t, ix, order(Prompt{Account: account, Time: at, Text: w.fill(w.benign)},
				Prompt{Account: account, Time: at.Add(time.Minute), Text: w.ordinary()})...)
		}
		for _, template := range templatesOf(t, ix, Filter{MinAccounts: 50}) {
			for _, f := range template.Factors {
				if f.Name == "welcome" {
					return f.Value
				}
			}
		}
		t.Fatal("no template")
		return 0
	}
	if share := opened(func(a, b Prompt) []Prompt { return []Prompt{a, b} }); share < .95 {
		t.Errorf("in order: %v of the accounts were welcomed", share)
	}
	if share := opened(func(a, b Prompt) []Prompt { return []Prompt{b, a} }); share < .95 {
		t.Errorf("out of order: %v of the accounts were welcomed", share)
	}
}
