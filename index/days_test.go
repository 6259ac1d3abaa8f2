package index

import (
	"math/rand/v2"
	"testing"
)

// The busiest windows are those of all windows there are, day by day.
func TestWindows(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		sent := make(map[accountDay]uint32)
		for range rng.IntN(60) {
			sent[accountDay{20000 + int32(rng.IntN(1+rng.IntN(80))), uint32(rng.IntN(15))}] = 1 + uint32(rng.IntN(5))
		}
		lengths := []int{1, 7, 45}
		for i, got := range windows(sent, lengths...) {
			want := Window{Days: lengths[i]}
			for first := int32(20000); first < 20100; first++ {
				in, prompts, on := make(map[uint32]bool), 0, false
				for at, n := range sent {
					if first <= at.day && at.day < first+int32(lengths[i]) {
						in[at.account], prompts, on = true, prompts+int(n), on || at.day == first
					}
				}
				if on && len(in) > want.Accounts {
					want = Window{lengths[i], dayName(first), len(in), prompts}
				}
			}
			if got != want {
				t.Errorf("seed %d: %+v, want %+v", seed, got, want)
			}
		}
		prompts := 0
		for _, d := range daysOf(sent) {
			prompts += d.Prompts
		}
		for _, n := range sent {
			prompts -= int(n)
		}
		if prompts != 0 {
			t.Errorf("seed %d: days have %d prompts too many", seed, prompts)
		}
	}
}
