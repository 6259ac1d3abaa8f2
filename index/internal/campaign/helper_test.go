package campaign

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 3)) }

// choose returns n different numbers below of, ascending.
func choose(rng *rand.Rand, n, of int) []uint32 {
	taken := make(map[uint32]bool)
	for len(taken) < n {
		taken[uint32(rng.IntN(of))] = true
	}
	out := make([]uint32, 0, n)
	for a := range taken {
		out = append(out, a)
	}
	slices.Sort(out)
	return out
}

// crowd is a population of n accounts over so many days, most of few prompts.
func crowd(rng *rand.Rand, n, days int) *Population {
	p := &Population{}
	for range n {
		p.Put(1+uint32(5*rng.ExpFloat64()*rng.ExpFloat64()), 20000+int32(rng.IntN(days)))
	}
	return p
}

// usage is evidence of n accounts, each with so many prompts beside others.
func usage(rng *rand.Rand, n, prompts, others int) *Evidence {
	e := &Evidence{}
	for i := range n {
		own := 1 + rng.IntN(2*prompts)
		e.Uses = append(e.Uses, Use{
			Account: uint32(i), Prompts: uint32(own), Traffic: uint32(own + rng.IntN(others+1)), First: 20000 + int32(rng.IntN(30)),
		})
		e.Prompts += own
	}
	e.Texts, e.Distinct = e.Prompts, float64(e.Prompts)*rng.Float64()
	e.Openers = rng.IntN(n + 1)
	return e
}

func points(t *testing.T, factors []Factor, name string) float64 {
	t.Helper()
	for _, f := range factors {
		if f.Name == name {
			return f.Points
		}
	}
	t.Fatalf("no factor %q", name)
	return 0
}

// sane reports factors that no reader could make sense of.
func sane(t *testing.T, score float64, factors []Factor) {
	t.Helper()
	if !(score >= 0 && score <= 100) {
		t.Errorf("score %v", score)
	}
	for _, f := range factors {
		if f.Name == "" || f.Text == "" || f.Points != f.Points || f.Value != f.Value ||
			strings.Contains(f.Text, "NaN") || strings.Contains(f.Text, "Inf") || strings.Contains(f.Text, "%!") {
			t.Errorf("factor %+v", f)
		}
	}
}
