package index

import (
	"testing"
	"time"
)

// TestPasts asks after every few prompts, so that pasts are remembered over many
// queries and seals, and holds what comes out against what was sent.
func TestPasts(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	g := newTraffic(8, 25, 40, time.Minute)
	remembered := false
	for range 30 {
		addAll(t, ix, g.take(100), 20)
		settle(t, ix)
		g.compare(t, ix)
		known := ix.pasts.known.Load()
		remembered = remembered || known != nil && len(*known) > 0
		g.compare(t, ix)
		if first := ix.pasts.known.Load(); known != nil && first != nil && len(*first) < len(*known) {
			t.Errorf("%d pasts are known after %d were", len(*first), len(*known))
		}
	}
	if !remembered {
		t.Error("no past was ever remembered")
	}
}
