package campaign

import (
	"math"
	"slices"
	"testing"
)

// TestPopulationIncremental holds a population that was kept prompt by prompt,
// late prompts from earlier days among them, against one built from the end.
func TestPopulationIncremental(t *testing.T) {
	for seed := range uint64(20) {
		rng := newRand(seed)
		type account struct {
			n     uint32
			first int32
		}
		accounts := make([]account, 1+rng.IntN(200))
		var p Population
		for range 4000 {
			a := &accounts[rng.IntN(1+rng.IntN(len(accounts)))]
			day := 20000 + int32(rng.IntN(60))
			a.n++
			if a.n == 1 {
				a.first = day
				p.Count(1, day)
				continue
			}
			p.Count(a.n, a.first)
			if day < a.first {
				p.Move(a.first, day)
				a.first = day
			}
		}
		var q Population
		for _, a := range accounts {
			if a.n > 0 {
				q.Put(a.n, a.first)
			}
		}
		if p.accounts != q.accounts || p.more != q.more {
			t.Fatalf("seed %d: %d accounts, rebuilt %d; or traffic differs", seed, p.accounts, q.accounts)
		}
		for day := int32(19990); day < 20070; day++ {
			if a, b := p.on(day), q.on(day); a != b {
				t.Errorf("seed %d, day %d: %d accounts, rebuilt %d", seed, day, a, b)
			}
		}
		for v := range uint32(60) {
			n := 0
			for _, a := range accounts {
				if a.n > v {
					n++
				}
			}
			if want := float64(n) / float64(p.accounts); p.exceed(v) != want {
				t.Errorf("seed %d: %v of the accounts exceed %d, want %v", seed, p.exceed(v), v, want)
			}
		}
		var group []int32
		for _, a := range accounts {
			if a.n > 0 && (len(group) == 0 || rng.IntN(3) == 0) {
				group = append(group, a.first)
			}
		}
		a, ofA, _ := p.cohort(group)
		if b, ofB, _ := q.cohort(group); math.Abs(a-b) > 1e-9 || ofA != ofB {
			t.Errorf("seed %d: cohort %v, rebuilt %v", seed, a, b)
		}
	}
}

// on is the number of accounts first seen on a day.
func (p *Population) on(day int32) int32 {
	if i := day - p.firstDay; i >= 0 && int(i) < len(p.days) {
		return p.days[i]
	}
	return 0
}

func TestExceed(t *testing.T) {
	var p Population
	if got := p.exceed(0); got != 0 {
		t.Errorf("empty: %v", got)
	}
	for _, n := range []uint32{1, 1, 2, 5000} {
		p.Put(n, 20000)
	}
	for v, want := range map[uint32]float64{0: 1, 1: .5, 2: .25, 1022: .25, maxTraffic: 0, 1 << 30: 0} {
		if got := p.exceed(v); got != want {
			t.Errorf("%v of accounts send more than %d, want %v", got, v, want)
		}
	}
}

// TestCohort compares with the definition, window by window and day by day.
func TestCohort(t *testing.T) {
	for seed := range uint64(50) {
		rng := newRand(seed)
		var p Population
		all := make([]int32, 1+rng.IntN(300))
		for i := range all {
			all[i] = 20000 + int32(rng.IntN(1+rng.IntN(80)))
			p.Put(1, all[i])
		}
		group := make([]int32, 1+rng.IntN(len(all)))
		for i := range group {
			group[i] = all[rng.IntN(len(all))]
		}
		got, here, everywhere := p.cohort(group)
		if want := cohortOf(group, all); math.Abs(got-want) > 1e-9 || here < everywhere {
			t.Errorf("seed %d: cohort %v, want %v", seed, got, want)
		}
	}
	if got, _, _ := (&Population{}).cohort([]int32{1}); got != 0 {
		t.Errorf("empty population: %v", got)
	}
}

func cohortOf(group, all []int32) (best float64) {
	within := func(days []int32, from, to int32) float64 {
		n := 0
		for _, d := range days {
			if d >= from && d <= to {
				n++
			}
		}
		return float64(n) / float64(len(days))
	}
	term := func(x, q float64) float64 {
		if x == 0 {
			return 0
		}
		return x * math.Log(x/q)
	}
	for last := slices.Min(all); last <= slices.Max(all); last++ {
		x, q := within(group, last-6, last), within(all, last-6, last)
		if x > q {
			best = max(best, term(x, q)+term(1-x, 1-q))
		}
	}
	return best
}

// TestSender: who sends a prompt at random is neither empty nor focused,
// whether a few accounts send most prompts or all send little.
func TestSender(t *testing.T) {
	for name, traffic := range map[string]func(x float64) uint32{
		"uneven": func(x float64) uint32 { return 1 + uint32(4*x*x) },
		"heavy":  func(x float64) uint32 { return 20 + uint32(200*x) },
		"casual": func(x float64) uint32 { return 1 + uint32(1.4*x) },
		"equal":  func(float64) uint32 { return 3 },
		"once":   func(float64) uint32 { return 1 },
	} {
		rng := newRand(7)
		p := &Population{}
		var senders []uint32 // traffic of the sender of each prompt
		for range 20000 {
			n := traffic(rng.ExpFloat64())
			p.Put(n, 20000)
			for range n {
				senders = append(senders, n)
			}
		}
		e := &Evidence{Texts: 1, Distinct: 1}
		for i := range 400 {
			e.Uses = append(e.Uses, Use{uint32(i), 1, senders[rng.IntN(len(senders))], 20000})
		}
		_, factors := Score(e, p)
		for _, f := range []string{"emptiness", "focus", "draw"} {
			if got := points(t, factors, f); got > 1 {
				t.Errorf("%s: senders of prompts at random have %v points of %s", name, got, f)
			}
		}
		empty, focus := p.sender()
		if empty < 0 || empty > 1 || focus <= 0 || focus > 1 {
			t.Errorf("%s: a prompt's sender has emptiness %v and focus %v", name, empty, focus)
		}
	}
	if empty, focus := (&Population{}).sender(); empty != usualEmpty || focus != usualFocus {
		t.Errorf("nobody has emptiness %v and focus %v", empty, focus)
	}
}
