package campaign

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// An Example is how a template was scored by the table as it is shipped, and
// what a label says of it.
type Example struct {
	Label     uint64 // that says so: examples of one label count as one
	Confirmed bool   // a campaign's; else benign
	Factors   []Factor
}

// LeastLabels is how many labels of each kind there must be to learn from: of
// fewer, chance alone puts all on the right side too often. One factor that has
// nothing to do with campaigns separates n of each kind with a probability of
// 2/C(2n, n), one of a dozen in up to a dozen times as many cases: .34 for 4, .002 for 8.
const LeastLabels = 8

// AlertScore is the score from which a template alerts.
const AlertScore = 75

// Learning is a logistic regression of the verdicts on the points of the
// factors, with normal priors around the shipped table: the greatest posterior
// of P(confirmed) = 1/(1+exp((AlertScore-score)/temperature)) (Bishop, "Pattern
// Recognition and Machine Learning", 2006, 4.3.2 and 4.5.1).
//
// The temperature is fixed, as a free one would let points grow without any change of
// order: it says that a score is what it has been, even odds at the alert's
// threshold, about 1 in 5 at the watch's and 19 in 20 at 100. The priors'
// deviations are half of what weights may differ at most, so that it takes about
// as much evidence as 16 labels at the threshold hold to go halfway.
//
// Who labels chooses what to label, so how many are of each kind says nothing of
// how frequent that kind is: each label of the more frequent kind counts for less,
// and both for as much as the rarer one has (weights of choice-based samples: King
// and Zeng, "Logistic Regression in Rare Events Data", Political Analysis 9, 2001,
// section 4.2).
const (
	temperature    = 10.
	deviationTimes = (mostTimes - 1) / 2
	deviationRest  = mostOffset / 2 // of the offset and of points
)

// maxParts is into how many parts labels are dealt to try what they teach.
const maxParts = 50

// A Report is how well scores agree with labels.
type Report struct {
	Benign, Confirmed int // labels
	Parts             int // that labels were dealt into: each was tried by what the others taught
	Shipped, Learnt   Trial
	Gain              float64 // by how much smaller the share of mistakes is once learnt; both kinds count for half
	Noise             float64 // standard error of the gain
}

// A Trial is how well one table does. Of a label with several templates the
// highest score counts: that one would alert.
type Trial struct {
	Loss   float64 // mean logistic loss, in nats, of a label: both kinds count for half
	False  int     // benign labels with a score from AlertScore on
	Missed int     // confirmed labels with a lower one
}

// Enough reports whether there were labels enough to learn from.
func (r *Report) Enough() bool { return min(r.Benign, r.Confirmed) >= LeastLabels }

// Better reports whether what was learnt does better on labels that it was not
// learnt from: its loss is less, and the share of mistakes is less by more than two
// standard errors of the paired differences, so that it hardly ever is by chance.
func (r *Report) Better() bool {
	return r.Enough() && r.Learnt.Loss < r.Shipped.Loss && r.Gain > 2*r.Noise
}

// Learn fits weights to examples, and tries them on labels that are left out.
// With too few labels the weights are those shipped. It is deterministic.
func Learn(examples []Example, at time.Time) (Weights, Report) {
	f := newFit(examples)
	r := Report{Benign: f.labels[0], Confirmed: f.labels[1]}
	if !r.Enough() {
		return Weights{}, r
	}
	shipped := f.start()
	learnt := slices.Clone(shipped)
	f.learn(learnt, -1, 1)
	r.Parts = min(maxParts, len(f.groups))
	without := make([][]float64, r.Parts)
	for part := range without {
		without[part] = slices.Clone(learnt)
		f.learn(without[part], part, r.Parts)
	}
	var fewer [2][]float64 // mistakes of each label, by kind
	for g := range f.groups {
		of := &f.groups[g]
		kind := b2i(of.confirmed)
		part := .5 / float64(f.labels[kind])
		was := r.Shipped.count(f, of, shipped, part)
		is := r.Learnt.count(f, of, without[g%r.Parts], part)
		fewer[kind] = append(fewer[kind], float64(was-is))
	}
	for _, of := range fewer {
		mean, variance := moments(of)
		r.Gain += mean / 2
		r.Noise += variance / float64(len(of)) / 4
	}
	r.Noise = math.Sqrt(r.Noise)
	return f.weights(learnt, at), r
}

// count takes one label, which is such a part of all, into the trial of a table, and
// returns how many mistakes that makes: 0 or 1.
func (t *Trial) count(f *fit, of *group, theta []float64, part float64) int {
	score, loss := f.try(of, theta)
	t.Loss += loss * part
	switch alerts := score >= AlertScore; {
	case alerts && !of.confirmed:
		t.False++
	case !alerts && of.confirmed:
		t.Missed++
	default:
		return 0
	}
	return 1
}

// moments returns the mean and the variance of what some of more are, which are two at least.
func moments(some []float64) (mean, variance float64) {
	for _, x := range some {
		mean += x / float64(len(some))
	}
	for _, x := range some {
		variance += (x - mean) * (x - mean) / float64(len(some)-1)
	}
	return mean, variance
}

// A fit is a regression: examples by label, and what is to be found.
type fit struct {
	params []param
	groups []group // by label
	labels [2]int  // benign, confirmed
}

// A param is one number to be found.
type param struct {
	name             string // of the factor; "" for the offset
	prior, deviation float64
	least, most      float64
	worth            bool // what a factor without points is worth
}

// A group is the examples of one label.
type group struct {
	confirmed bool
	rows      [][]float64 // of points, in the order of params
}

func newFit(examples []Example) *fit {
	f := &fit{params: []param{{deviation: deviationRest, least: -mostOffset, most: mostOffset}}}
	for _, name := range weighted {
		f.params = append(f.params, param{name, 1, deviationTimes, leastTimes, mostTimes, false})
	}
	for _, name := range unweighted {
		f.params = append(f.params, param{name, 0, deviationRest, -mostPoints, mostPoints, true})
	}
	ordered := slices.Clone(examples)
	slices.SortStableFunc(ordered, func(a, b Example) int {
		return cmp.Or(cmp.Compare(b2i(a.Confirmed), b2i(b.Confirmed)), cmp.Compare(a.Label, b.Label))
	})
	for i, e := range ordered {
		if i == 0 || e.Label != ordered[i-1].Label || e.Confirmed != ordered[i-1].Confirmed {
			f.groups = append(f.groups, group{confirmed: e.Confirmed})
			f.labels[b2i(e.Confirmed)]++
		}
		g := &f.groups[len(f.groups)-1]
		g.rows = append(g.rows, f.row(e.Factors))
	}
	return f
}

// row is what every parameter is multiplied by in an example's score.
func (f *fit) row(factors []Factor) []float64 {
	row := make([]float64, len(f.params))
	row[0] = 1
	for _, x := range factors {
		if i := slices.IndexFunc(f.params, func(p param) bool { return p.name == x.Name }); i > 0 {
			if row[i] = x.Points; f.params[i].worth {
				row[i] = x.Value
			}
		}
	}
	return row
}

// start is the shipped table.
func (f *fit) start() []float64 {
	theta := make([]float64, len(f.params))
	for i, p := range f.params {
		theta[i] = p.prior
	}
	return theta
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// try returns the highest score that theta gives a label's templates, and the mean of
// their losses.
func (f *fit) try(g *group, theta []float64) (best, loss float64) {
	best = math.Inf(-1)
	for _, row := range g.rows {
		score := dot(row, theta)
		best = max(best, score)
		z := (score - AlertScore) / temperature
		if g.confirmed {
			z = -z
		}
		loss += (max(0, z) + math.Log1p(math.Exp(-math.Abs(z)))) / float64(len(g.rows))
	}
	return best, loss
}

// learn moves theta to the greatest posterior of the labels without one part of so many.
// Coordinate by coordinate it goes to the least of a parabola above the loss,
// whose curvature is nowhere more than a quarter of the squared points (Böhning and
// Lindsay, "Monotonicity of quadratic-approximation algorithms", 1988), within the
// bounds: the loss never rises, and as it is convex and smooth the bounds keep no
// minimum away (Tseng, 2001).
func (f *fit) learn(theta []float64, without, parts int) {
	const sweeps, still = 5000, 1e-7
	var rows [][]float64
	var signs, weights []float64
	least := float64(min(f.labels[0], f.labels[1]))
	for i := range f.groups {
		g := &f.groups[i]
		if i%parts == without {
			continue
		}
		n := float64(f.labels[b2i(g.confirmed)])
		for _, row := range g.rows {
			rows = append(rows, row)
			signs = append(signs, float64(b2i(g.confirmed)))
			weights = append(weights, least/n/float64(len(g.rows)))
		}
	}
	z := make([]float64, len(rows))
	for i, row := range rows {
		z[i] = (dot(row, theta) - AlertScore) / temperature
	}
	curved := make([]float64, len(theta))
	for j, p := range f.params {
		curved[j] = 1 / (p.deviation * p.deviation)
		for i, row := range rows {
			x := row[j] / temperature
			curved[j] += weights[i] * x * x / 4
		}
	}
	for range sweeps {
		moved := 0.
		for j, p := range f.params {
			slope := (theta[j] - p.prior) / (p.deviation * p.deviation)
			for i, row := range rows {
				if row[j] != 0 {
					slope += weights[i] * (sigmoid(z[i]) - signs[i]) * row[j] / temperature
				}
			}
			to := min(p.most, max(p.least, theta[j]-slope/curved[j]))
			step := to - theta[j]
			if step == 0 {
				continue
			}
			theta[j] = to
			for i, row := range rows {
				z[i] += step * row[j] / temperature
			}
			moved = max(moved, math.Abs(step)/p.deviation)
		}
		if moved < still {
			return
		}
	}
}

// weights are theta, rounded to what is shown of it.
func (f *fit) weights(theta []float64, at time.Time) Weights {
	w := Weights{Times: make(map[string]float64), Points: make(map[string]float64), Labels: f.labels[0] + f.labels[1], Time: at}
	for i, p := range f.params {
		switch v := math.Round(1000*theta[i]) / 1000; {
		case p.name == "":
			w.Offset = v
		case v == p.prior:
		case p.worth:
			w.Points[p.name] = v
		default:
			w.Times[p.name] = v
		}
	}
	return w
}
