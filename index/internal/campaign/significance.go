package campaign

import (
	"math"
	"math/rand/v2"
	"slices"
)

// A Graph is who uses what: for each template its accounts, ascending. It
// answers whether accounts could share templates by chance, given how many
// templates each account uses and how many accounts each template has.
type Graph struct {
	templates [][]uint32
	degree    map[uint32]int // templates of an account
	edges     int
	factor    float64 // Σ k(k-1) / E², see Expected
}

// NewGraph takes the accounts of every template of a window.
func NewGraph(templates [][]uint32) *Graph {
	g := &Graph{templates: templates, degree: make(map[uint32]int)}
	for _, accounts := range templates {
		g.edges += len(accounts)
		for _, a := range accounts {
			g.degree[a]++
		}
	}
	if g.edges > 0 {
		sum := 0.0
		for _, k := range g.degree {
			sum += float64(k) * float64(k-1)
		}
		g.factor = sum / float64(g.edges) / float64(g.edges)
	}
	return g
}

// Size is the number of accounts of a template.
func (g *Graph) Size(template int) int { return len(g.templates[template]) }

// Expected is the number of accounts that templates of di and dj accounts
// share by chance: λ = di dj Σ k(k-1) / E², where E is the number of
// memberships and k that of an account. An account of many templates is
// likelier to be in both, which the naive di dj / A leaves out.
func (g *Graph) Expected(di, dj int) float64 { return float64(di) * float64(dj) * g.factor }

// Log10Pair is log10 of the probability that two templates of di and dj
// accounts share n or more by chance: the Poisson tail at Expected.
func (g *Graph) Log10Pair(di, dj, n int) float64 { return log10Tail(g.Expected(di, dj), n) }

// Log10Set is the same for a set of templates. The accounts' pairs of
// templates within the set, Σ C(k, 2), are held against the sum of Expected
// over its pairs; the choice of the set among all templates is paid for with
// log10 C(T, M). For fewer than two templates it is 0: chance explains it.
func (g *Graph) Log10Set(set []int) float64 {
	if len(set) < 2 {
		return 0
	}
	observed, lambda := g.within(set)
	return min(0, log10Tail(lambda, observed)+log10Choose(len(g.templates), len(set)))
}

func (g *Graph) within(set []int) (observed int, lambda float64) {
	in := make(map[uint32]int)
	for _, t := range set {
		for _, a := range g.templates[t] {
			in[a]++
		}
	}
	for _, k := range in {
		observed += k * (k - 1) / 2
	}
	sum, squares := 0.0, 0.0 // all pairs of degrees at once: (Σd)² - Σd² is twice Σ di dj
	for _, t := range set {
		d := float64(len(g.templates[t]))
		sum += d
		squares += d * d
	}
	lambda = (sum*sum - squares) / 2 * g.factor
	return observed, lambda
}

// Rewired is an empirical check of Log10Set: the share of rewired graphs, each
// with every degree as it is, in which the set has as many pairs as here. It
// is never below 1/(rounds+1). Memberships are swapped as Strona et al. do ("A
// fast and unbiased procedure to randomize ecological binary matrices", 2014),
// each swap with one of the set's, since only those count: the cost is that of the set's
// memberships times rounds.
func (g *Graph) Rewired(set []int, rounds int, rng *rand.Rand) float64 {
	observed, _ := g.within(set)
	w := newWiring(g)
	var own []int // places of the set's memberships
	for _, t := range set {
		for i := range g.templates[t] {
			own = append(own, w.starts[t]+i)
		}
	}
	if len(own) == 0 || g.edges < 2 {
		return 1
	}
	swaps := func(times int) {
		for range times * len(own) {
			w.swap(own[rng.IntN(len(own))], rng.IntN(g.edges))
		}
	}
	swaps(5)
	at := 0
	for range rounds {
		swaps(1)
		in, pairs := make(map[uint32]int), 0
		for _, place := range own {
			a := w.account(place, w.template(place))
			pairs += in[a]
			in[a]++
		}
		if pairs >= observed {
			at++
		}
	}
	return float64(at+1) / float64(rounds+1)
}

// A wiring is a graph whose memberships are being swapped: what differs from
// the graph. Memberships are numbered template by template.
type wiring struct {
	g      *Graph
	starts []int             // by template
	moved  map[int]uint32    // place → account
	has    map[[2]int32]bool // template and account → a membership, or none any more
}

func newWiring(g *Graph) *wiring {
	w := &wiring{g: g, starts: make([]int, len(g.templates)), moved: make(map[int]uint32), has: make(map[[2]int32]bool)}
	at := 0
	for t, accounts := range g.templates {
		w.starts[t] = at
		at += len(accounts)
	}
	return w
}

// template returns whose membership stands at a place.
func (w *wiring) template(place int) int {
	t, _ := slices.BinarySearch(w.starts, place+1)
	return t - 1
}

func (w *wiring) account(place, t int) uint32 {
	if a, ok := w.moved[place]; ok {
		return a
	}
	return w.g.templates[t][place-w.starts[t]]
}

func (w *wiring) member(t int, a uint32) bool {
	if is, ok := w.has[[2]int32{int32(t), int32(a)}]; ok {
		return is
	}
	_, is := slices.BinarySearch(w.g.templates[t], a)
	return is
}

// swap exchanges the accounts of two memberships unless one would be there twice.
func (w *wiring) swap(i, j int) {
	s, t := w.template(i), w.template(j)
	a, b := w.account(i, s), w.account(j, t)
	if s == t || a == b || w.member(s, b) || w.member(t, a) {
		return
	}
	w.moved[i], w.moved[j] = b, a
	for _, m := range []struct {
		t  int
		a  uint32
		is bool
	}{{s, a, false}, {t, b, false}, {s, b, true}, {t, a, true}} {
		w.has[[2]int32{int32(m.t), int32(m.a)}] = m.is
	}
}

// log10Tail is log10 P(X >= n) for X Poisson with mean lambda.
func log10Tail(lambda float64, n int) float64 {
	if n <= 0 {
		return 0
	}
	if lambda <= 0 {
		return math.Inf(-1)
	}
	if float64(n) <= lambda { // the sum below is the shorter one; P(X = n-1) is its largest term
		lg, _ := math.Lgamma(float64(n))
		below, term := 0.0, math.Exp(-lambda+float64(n-1)*math.Log(lambda)-lg)
		for k := n - 1; k >= 0 && term > 1e-15*below; k-- {
			below += term
			term *= float64(k) / lambda
		}
		return math.Log10(max(1e-300, 1-below))
	}
	lg, _ := math.Lgamma(float64(n + 1))
	first := -lambda + float64(n)*math.Log(lambda) - lg // log of P(X = n)
	sum, term := 1.0, 1.0
	for k := n + 1; term > 1e-12*sum; k++ {
		term *= lambda / float64(k)
		sum += term
	}
	return (first + math.Log(sum)) / math.Ln10
}

// log10Choose is log10 of n choose k.
func log10Choose(n, k int) float64 {
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x + 1)); return v }
	return (lg(n) - lg(k) - lg(n-k)) / math.Ln10
}
