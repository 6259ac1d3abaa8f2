package campaign

import (
	"math"
	"slices"
	"testing"
)

func TestScoreBounds(t *testing.T) {
	for seed := range uint64(300) {
		rng := newRand(seed)
		p := crowd(rng, 1+rng.IntN(500), 1+rng.IntN(60))
		e := usage(rng, 1+rng.IntN(200), 1+rng.IntN(20), rng.IntN(50))
		if seed%3 == 0 {
			e.Networks, e.Busiest = 10, rng.IntN(11)
		}
		score, factors := Score(e, p)
		sane(t, score, factors)
		total := 0.0
		for _, f := range factors {
			total += f.Points
		}
		if math.Abs(min(100, max(0, total))-score) > 1e-9 {
			t.Errorf("seed %d: score %v, sum of points %v", seed, score, total)
		}
	}
}

// TestScoreOdd gives Score what nobody should.
func TestScoreOdd(t *testing.T) {
	p := crowd(newRand(1), 100, 30)
	if score, factors := Score(&Evidence{}, p); score != 0 || len(factors) != 0 {
		t.Errorf("no uses: %v, %v", score, factors)
	}
	if score, factors := Score(&Evidence{Uses: make([]Use, 3)}, &Population{}); score != 0 || len(factors) != 0 {
		t.Errorf("empty population: %v, %v", score, factors)
	}
	for name, e := range map[string]*Evidence{
		"one use":              {Uses: []Use{{1, 1, 1, 20001}}, Prompts: 1},
		"no prompts":           {Uses: []Use{{}, {}}},
		"more than traffic":    {Uses: []Use{{1, 9, 2, 20001}, {2, 9, 0, 1}}, Prompts: 18, Texts: 1, Distinct: 5},
		"more openers":         {Uses: []Use{{1, 1, 1, 1 << 30}}, Openers: 7},
		"largest":              {Uses: []Use{{math.MaxUint32, math.MaxUint32, math.MaxUint32, math.MaxInt32}}, Prompts: math.MaxInt32},
		"earlier than any day": {Uses: []Use{{1, 1, 1, math.MinInt32}}},
	} {
		t.Run(name, func(t *testing.T) {
			score, factors := Score(e, p)
			sane(t, score, factors)
		})
	}
}

// TestScoreMonotone changes one thing at a time in the direction in which a
// campaign would; the factor that weighs it must not fall.
func TestScoreMonotone(t *testing.T) {
	for seed := range uint64(100) {
		rng := newRand(seed)
		p := crowd(rng, 300, 40)
		n, each := 10+rng.IntN(100), 2+rng.IntN(8)
		evidence := func(spread, others, distinct, burst int) *Evidence {
			e := &Evidence{}
			for i := range n {
				own := each + i%2*spread
				first := int32(20000 + i*40/n)
				if i < burst {
					first = 20020
				}
				e.Uses = append(e.Uses, Use{uint32(i), uint32(own), uint32(own + others), first})
				e.Prompts += own
			}
			e.Texts, e.Distinct = 100, float64(distinct)
			return e
		}
		for _, test := range []struct {
			factor string
			of     func(x int) *Evidence
		}{
			{"emptiness", func(x int) *Evidence { return evidence(0, 10-x, 50, 0) }},
			{"focus", func(x int) *Evidence { return evidence(0, 40-4*x, 50, 0) }},
			{"balance", func(x int) *Evidence { return evidence(40-4*x, 0, 50, 0) }},
			{"slot harvesting", func(x int) *Evidence { return evidence(0, 3, 10*x, 0) }},
			{"cohort", func(x int) *Evidence { return evidence(0, 3, 50, n*x/10) }},
		} {
			last, lastScore := math.Inf(-1), math.Inf(-1)
			for x := range 11 {
				score, _, factors := weigh(test.of(x), p, balance, true)
				got := points(t, factors, test.factor)
				if got < last-1e-9 {
					t.Errorf("seed %d: %s fell from %v to %v at step %d", seed, test.factor, last, got, x)
				}
				if test.factor != "cohort" && score < lastScore-1e-9 {
					t.Errorf("seed %d: the score fell from %v to %v at step %d of %s", seed, lastScore, score, x, test.factor)
				}
				last, lastScore = got, score
			}
		}
		// Spread: the same accounts twice.
		e := evidence(0, 3, 50, 0)
		_, one := Score(e, p)
		e.Uses = append(e.Uses, e.Uses...)
		_, two := Score(e, p)
		if points(t, two, "spread") < points(t, one, "spread") {
			t.Errorf("seed %d: twice the accounts, less for spread", seed)
		}
		// Welcome: never in favour, and worse for more openers.
		last := 0.0
		for k := range 11 {
			e := evidence(0, 3, 50, 0)
			for i := range e.Uses {
				e.Uses[i].Prompts = 1
			}
			e.Openers = n * k / 10
			_, factors := Score(e, p)
			got := points(t, factors, "welcome")
			if got > last {
				t.Errorf("seed %d: welcome rose from %v to %v", seed, last, got)
			}
			last = got
		}
		if last > -40 {
			t.Errorf("seed %d: a template that only newcomers send once has %v for welcome", seed, last)
		}
	}
}

// TestScoreOrder: the order in which uses are given does not count.
func TestScoreOrder(t *testing.T) {
	rng := newRand(5)
	p := crowd(rng, 300, 40)
	e := usage(rng, 60, 5, 20)
	want, _ := Score(e, p)
	for range 20 {
		rng.Shuffle(len(e.Uses), func(i, j int) { e.Uses[i], e.Uses[j] = e.Uses[j], e.Uses[i] })
		if got, _ := Score(e, p); math.Abs(got-want) > 1e-9 {
			t.Errorf("score %v in one order, %v in another", want, got)
		}
	}
}

func TestConfidence(t *testing.T) {
	for seed := range uint64(500) {
		rng := newRand(seed)
		score, prompts, traffic := 100*rng.Float64(), uint32(rng.IntN(50)), uint32(rng.IntN(100))
		c := Confidence(score, prompts, traffic)
		if !(c >= 0 && c <= 1) {
			t.Fatalf("Confidence(%v, %d, %d) = %v", score, prompts, traffic, c)
		}
		if Confidence(score, prompts+1, traffic+1) < c || Confidence(score, prompts, traffic+1) > c || Confidence(min(100, score+1), prompts, traffic) < c {
			t.Errorf("Confidence around (%v, %d, %d) = %v is not monotone", score, prompts, traffic, c)
		}
	}
}

// TestScoreDoubt: the same variation says less, and leaves more in doubt, the
// fewer accounts it was seen on.
func TestScoreDoubt(t *testing.T) {
	p := crowd(newRand(6), 300, 40)
	of := func(n int) *Evidence {
		e := &Evidence{}
		for i := range n {
			own := []uint32{2, 3, 5, 8}[i%4]
			e.Uses = append(e.Uses, Use{uint32(i), own, 2 * own, 20000})
			e.Prompts += int(own)
		}
		return e
	}
	lastPoints, lastDoubt := -1.0, math.Inf(1)
	for _, n := range []int{8, 20, 40, 100, 400, 4000} {
		_, factors := Score(of(n), p)
		_, doubt := Rate(of(n), p)
		got := points(t, factors, "balance")
		if got < lastPoints || doubt > lastDoubt || doubt < 0 {
			t.Errorf("%d accounts: %v points with a doubt of %v, after %v and %v", n, got, doubt, lastPoints, lastDoubt)
		}
		lastPoints, lastDoubt = got, doubt
	}
	if lastPoints == 0 || lastDoubt > 2 {
		t.Errorf("with 4,000 accounts there are %v points and a doubt of %v left", lastPoints, lastDoubt)
	}
	if _, doubt := Rate(&Evidence{Uses: []Use{{1, 3, 3, 20000}, {2, 3, 3, 20000}}, Prompts: 6}, p); doubt != 0 {
		t.Errorf("equal shares leave a doubt of %v", doubt)
	}
}

// TestScorePayment: what other accounts pay with too counts in favour, an
// account's own means of payment does not.
func TestScorePayment(t *testing.T) {
	p := crowd(newRand(7), 300, 40)
	of := func(shared int) (float64, []Factor) {
		e := steady(40)
		e.Payments, e.Shared = e.Prompts, shared*e.Prompts/100
		return Score(e, p)
	}
	last := -1.0
	for shared := 0; shared <= 100; shared += 10 {
		score, factors := of(shared)
		sane(t, score, factors)
		got := points(t, factors, "payment")
		if got < last || shared <= 10 && got != 0 {
			t.Errorf("%d %% of prompts paid with the same: %v points, %v with less", shared, got, last)
		}
		last = got
	}
	if last == 0 {
		t.Error("a means of payment that all share has no points")
	}
	if _, factors := Score(steady(40), p); slices.ContainsFunc(factors, func(f Factor) bool { return f.Name == "payment" }) {
		t.Error("a factor for payments of which nothing is known")
	}
}

// TestScoreOnce: that nobody comes back is no evidence of dealing out. What
// counts is whether the accounts are those that any popular text meets first,
// the busy ones, or a draw of all.
func TestScoreOnce(t *testing.T) {
	rng := newRand(8)
	p := &Population{}
	traffic := make([]uint32, 5000)
	var prompts []uint32 // the account of every prompt
	for a := range traffic {
		traffic[a] = 1 + uint32(math.Exp(1.2+1.4*rng.NormFloat64()))
		p.Put(traffic[a], 20000)
		for range traffic[a] {
			prompts = append(prompts, uint32(a))
		}
	}
	of := func(n int, pick func() uint32) *Evidence {
		e := &Evidence{}
		for range n {
			a := pick()
			e.Uses = append(e.Uses, Use{a, 1, 1 + traffic[a], 20000})
		}
		e.Prompts, e.Texts, e.Distinct = n, n, float64(n)
		return e
	}
	for _, n := range []int{20, 60, 400} {
		popular, _ := Score(of(n, func() uint32 { return prompts[rng.IntN(len(prompts))] }), p)
		drawn, _ := Score(of(n, func() uint32 { return uint32(rng.IntN(len(traffic))) }), p)
		if popular >= 60 || n >= 60 && drawn < 75 {
			t.Errorf("%d accounts: %v for a text that is met by chance, %v for one dealt to any account", n, popular, drawn)
		}
	}
}

// TestScoreFewEach: with few prompts an account anything varies little. Users
// who come back by chance have no balance, whatever their mean.
func TestScoreFewEach(t *testing.T) {
	rng := newRand(9)
	p := crowd(rng, 300, 40)
	for _, mean := range []float64{1.5, 2, 3, 6, 12} {
		e := &Evidence{}
		for i := range 500 {
			own := uint32(1)
			for rng.Float64() > 1/mean {
				own++
			}
			e.Uses = append(e.Uses, Use{uint32(i), own, own + 5, 20000})
			e.Prompts += int(own)
		}
		_, factors := Score(e, p)
		if got := points(t, factors, "balance"); got > 3 {
			t.Errorf("%v prompts an account by chance: %v points for balance", mean, got)
		}
	}
}

// TestScoreRepetition: who asks for the same every time harvests nothing.
func TestScoreRepetition(t *testing.T) {
	p := crowd(newRand(10), 300, 40)
	e := steady(200)
	e.Texts, e.Distinct = e.Prompts, 10
	if score, factors := Score(e, p); score >= 75 || points(t, factors, "repetition") != -10 {
		t.Errorf("score %v for 10 texts in %d prompts: %v", score, e.Prompts, factors)
	}
}

// TestScoreFirst: a campaign that comes before anything else is one all the same.
func TestScoreFirst(t *testing.T) {
	for _, each := range []uint32{1, 4, 12} {
		p, e := &Population{}, &Evidence{}
		for i := range 60 {
			p.Put(each, 20000)
			e.Uses = append(e.Uses, Use{uint32(i), each, each, 20000})
		}
		e.Prompts = 60 * int(each)
		e.Texts, e.Distinct = e.Prompts, float64(e.Prompts)
		if score, factors := Score(e, p); score < 75 {
			t.Errorf("%d prompts of each of 60 accounts, and nothing else: score %v, %v", each, score, factors)
		}
	}
}
