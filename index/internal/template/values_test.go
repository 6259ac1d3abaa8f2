package template

import (
	"maps"
	"math/rand/v2"
	"testing"
)

func valuesIn(t *Template, from, to int32) map[Value]int {
	got := make(map[Value]int)
	t.EachValue(from, to, func(u ValueUse) { got[u.Value] += int(u.Prompts) })
	return got
}

// What is counted by value is what was sent, in any window and after expiry.
func TestValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	type sent struct {
		day int32
		v   Value
	}
	var all []sent
	x := &Template{}
	for range 3000 {
		s := sent{int32(rng.IntN(9)), MakeValue(uint16(rng.IntN(3)), uint16(rng.IntN(12)))}
		at := int64(s.day)*msPerDay + rng.Int64N(msPerDay)
		x.use(1+rng.Uint32N(50), 0, at, 1, s.v)
		all = append(all, s)
	}
	check := func(expired int32) {
		for from := range int32(9) {
			for to := from; to < 9; to++ {
				want := make(map[Value]int)
				for _, s := range all {
					if s.day >= max(from, expired) && s.day <= to {
						want[s.v]++
					}
				}
				if got := valuesIn(x, from, to); !maps.Equal(got, want) {
					t.Fatalf("days %d to %d: %v, want %v", from, to, got, want)
				}
				for v := range MakeValue(3, 0) {
					if v.Number() < 13 && x.Shows(v, from, to) != (want[v] > 0) {
						t.Fatalf("days %d to %d show value %x: %v", from, to, v, want[v] == 0)
					}
				}
			}
		}
	}
	check(0)
	c := x.With(Found{})
	c.days[0].value(MakeValue(0, 1))
	check(0)
	x.expire(4, newDisk())
	check(4)
}

// A day counts so many values apart, and the others of each attribute together.
func TestValuesBounded(t *testing.T) {
	x := &Template{}
	for i := range uint16(500) {
		x.use(1, 0, 0, 1, MakeValue(0, 1), MakeValue(1, 1+i), MakeValue(2, 1+i%2))
	}
	sums := make(map[int]int)
	for v, n := range valuesIn(x, 0, 0) {
		sums[v.Attr()] += n
	}
	if n := len(x.days[0].values()); n != maxValues+1 || sums[0] != 500 || sums[1] != 500 || sums[2] != 500 {
		t.Errorf("%d values, %v", n, sums)
	}
	if got := valuesIn(x, 0, 0); got[MakeValue(0, 1)] != 500 || got[MakeValue(2, 2)] != 250 || got[MakeValue(1, 0)] < 400 {
		t.Errorf("counted %v", got)
	}
}
