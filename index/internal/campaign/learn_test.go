package campaign

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

var learnt = time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)

// verdicts are so many examples of each kind, with scores from 70 to 95
// whatever the kind, and a network by which each kind differs.
func verdicts(rng *rand.Rand, each int, network [2]float64) (examples []Example) {
	for i := range 2 * each {
		confirmed := i%2 == 1
		examples = append(examples, Example{Label: uint64(i), Confirmed: confirmed, Factors: []Factor{
			{Name: "emptiness", Value: .3, Points: 25 * rng.Float64()},
			{Name: "balance", Value: .3, Points: 30},
			{Name: "slot harvesting", Value: .9, Points: 25},
			{Name: "spread", Value: 4, Points: 5 * rng.Float64()},
			{Name: "network", Value: network[b2i(confirmed)]},
			{Name: "a factor of tomorrow", Value: 1, Points: 1},
		}})
		f := examples[i].Factors
		f[3].Points += max(0, 70-f[0].Points-f[3].Points-55)
	}
	return examples
}

// TestLearn learns what shipped scores do not say: benign labels come from one
// network each.
func TestLearn(t *testing.T) {
	for seed := range uint64(20) {
		w, r := Learn(verdicts(newRand(seed), 20, [2]float64{.9, .1}), learnt)
		if !r.Better() || r.Benign != 20 || r.Confirmed != 20 || r.Parts != 40 {
			t.Errorf("seed %d: %+v", seed, r)
		}
		if w.Points["network"] >= 0 || w.Labels != 40 || !w.Time.Equal(learnt) {
			t.Errorf("seed %d: %+v", seed, w)
		}
		if err := w.Check(); err != nil {
			t.Error(err)
		}
	}
}

// TestLearnNoise gives labels that say nothing of any factor: hardly ever may
// what is learnt from them pass for better.
func TestLearnNoise(t *testing.T) {
	better := 0
	for seed := range uint64(400) {
		rng := newRand(seed)
		examples := verdicts(rng, 8+rng.IntN(30), [2]float64{.3, .3})
		for i := range examples {
			examples[i].Factors[4].Value = rng.Float64()
			examples[i].Factors[1].Points = 30 * rng.Float64()
		}
		if _, r := Learn(examples, learnt); r.Better() {
			better++
		}
	}
	t.Logf("%d of 400 passed", better)
	if better > 20 {
		t.Errorf("%d of 400 passed for better", better)
	}
}

// TestLearnFew has too few labels of one kind.
func TestLearnFew(t *testing.T) {
	examples := verdicts(newRand(1), 30, [2]float64{.9, .1})
	for i := range examples {
		if examples[i].Confirmed {
			examples[i].Label = uint64(i % 14) // seven labels of several templates each
		}
	}
	w, r := Learn(examples, learnt)
	if r.Enough() || r.Better() || r.Confirmed != 7 || r.Benign != 30 || !reflect.DeepEqual(w, Weights{}) {
		t.Errorf("%+v, %+v", w, r)
	}
	if w, r := Learn(nil, learnt); r.Enough() || !reflect.DeepEqual(w, Weights{}) {
		t.Errorf("of nothing: %+v, %+v", w, r)
	}
}

// TestLearnSame shows that neither the order of examples nor a copy of one under
// its own label changes what they teach.
func TestLearnSame(t *testing.T) {
	for seed := range uint64(10) {
		rng := newRand(seed)
		examples := verdicts(rng, 12, [2]float64{.6, .2})
		want, report := Learn(examples, learnt)
		more := slices.Concat(examples, examples[3:9])
		rng.Shuffle(len(more), func(i, j int) { more[i], more[j] = more[j], more[i] })
		got, again := Learn(more, learnt)
		if math.Abs(want.Offset-got.Offset) > .002 || math.Abs(want.Points["network"]-got.Points["network"]) > .002 || report.Learnt.False != again.Learnt.False {
			t.Errorf("seed %d: %+v, then %+v", seed, want, got)
		}
	}
}

// TestLearnOneSided has many labels of one kind: they count for no more than the
// few of the other do.
func TestLearnOneSided(t *testing.T) {
	few := verdicts(newRand(2), 8, [2]float64{.2, .2})
	many := slices.Clone(few)
	for i := range 50 {
		for _, e := range few {
			if !e.Confirmed {
				e.Label = uint64(1000*(i+1)) + e.Label
				many = append(many, e)
			}
		}
	}
	want, _ := Learn(few, learnt)
	got, r := Learn(many, learnt)
	if r.Benign != 408 || r.Confirmed != 8 || math.Abs(want.Offset-got.Offset) > .05 {
		t.Errorf("offset %v, then %v; %+v", want.Offset, got.Offset, r)
	}
}

// TestLearnLeast looks around what was found for something better.
func TestLearnLeast(t *testing.T) {
	for seed := range uint64(10) {
		rng := newRand(seed)
		f := newFit(verdicts(rng, 10, [2]float64{.9, .3}))
		theta := f.start()
		f.learn(theta, -1, 1)
		cost := func(theta []float64) (sum float64) {
			for i := range f.groups {
				_, loss := f.try(&f.groups[i], theta)
				sum += loss
			}
			for i, p := range f.params {
				d := (theta[i] - p.prior) / p.deviation
				sum += d * d / 2
			}
			return sum
		}
		least := cost(theta)
		for range 200 {
			other := slices.Clone(theta)
			for i, p := range f.params {
				other[i] = min(p.most, max(p.least, other[i]+.1*p.deviation*rng.NormFloat64()))
			}
			if c := cost(other); c < least-1e-9 {
				t.Fatalf("seed %d: %v, and %v near by", seed, least, c)
			}
		}
	}
}

// TestWeights scores by weights: points are what they say, a score is the sum of
// its points, and weights that change nothing change no bit.
func TestWeights(t *testing.T) {
	for seed := range uint64(300) {
		rng := newRand(seed)
		p := crowd(rng, 1+rng.IntN(500), 1+rng.IntN(60))
		e := usage(rng, 1+rng.IntN(200), 1+rng.IntN(20), rng.IntN(50))
		if seed%2 == 0 {
			e.Networks, e.Busiest = 10, rng.IntN(11)
		}
		shipped, was := Score(e, p)
		points, doubt := Rate(e, p)
		p.Weights = Weights{Labels: 20, Time: learnt}
		if got, factors := Score(e, p); got != shipped || !reflect.DeepEqual(factors, was) {
			t.Fatalf("seed %d: %v by the table, %v by equal weights", seed, shipped, got)
		}
		if a, b := Rate(e, p); a != points || b != doubt || a != shipped {
			t.Fatalf("seed %d: rated %v, %v and %v, %v", seed, points, doubt, a, b)
		}
		p.Weights.Offset = 20*rng.Float64() - 10
		p.Weights.Times = map[string]float64{"balance": .5 + rng.Float64(), "focus": .5 + rng.Float64(), "flood": .5 + rng.Float64()}
		p.Weights.Points = map[string]float64{"network": -8}
		got, factors := Score(e, p)
		sane(t, got, factors)
		if rated, doubt := Rate(e, p); rated != got || doubt < 0 {
			t.Errorf("seed %d: score %v, rated %v with doubt %v", seed, got, rated, doubt)
		}
		total := 0.
		for _, f := range factors {
			total += f.Points
			if f.Name == "network" && f.Points != -8*f.Value {
				t.Errorf("seed %d: %+v", seed, f)
			}
		}
		if math.Abs(min(100, max(0, total))-got) > 1e-9 {
			t.Errorf("seed %d: score %v, sum of points %v", seed, got, total)
		}
	}
}

func TestWeightsCheck(t *testing.T) {
	for name, w := range map[string]Weights{
		"untaught":      {Offset: 1},
		"negative":      {Labels: -1},
		"too much":      {Labels: 16, Times: map[string]float64{"focus": 1.6}},
		"too little":    {Labels: 16, Times: map[string]float64{"focus": .4}},
		"no number":     {Labels: 16, Times: map[string]float64{"focus": math.NaN()}},
		"far":           {Labels: 16, Offset: -11},
		"points":        {Labels: 16, Points: map[string]float64{"network": 11}},
		"weighted":      {Labels: 16, Points: map[string]float64{"focus": 1}},
		"unknown":       {Labels: 16, Times: map[string]float64{"tomorrow": 1}},
		"offset's name": {Labels: 16, Times: map[string]float64{"learnt": 1}},
	} {
		if w.Check() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := new(Weights).Check(); err != nil {
		t.Error(err)
	}
	names := make(map[string]bool)
	for _, f := range new(Weights).Table() {
		if names[f.Name] {
			t.Errorf("%s is there twice", f.Name)
		}
		names[f.Name] = true
	}
	for _, name := range slices.Concat(weighted, unweighted) {
		if !names[name] {
			t.Errorf("%s is not in the table", name)
		}
	}
}
