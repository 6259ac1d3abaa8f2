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
// with every degree as it is (Strona et al., "A fast and unbiased procedure to
// randomize ecological binary matrices", 2014, by swaps), in which the set has
// as many pairs as here. It is never below 1/(rounds+1).
func (g *Graph) Rewired(set []int, rounds int, rng *rand.Rand) float64 {
	observed, _ := g.within(set)
	sets := make([]map[uint32]bool, len(g.templates))
	type edge struct {
		t int
		a uint32
	}
	edges := make([]edge, 0, g.edges)
	for t, accounts := range g.templates {
		sets[t] = make(map[uint32]bool, len(accounts))
		for _, a := range accounts {
			sets[t][a] = true
			edges = append(edges, edge{t, a})
		}
	}
	if len(edges) < 2 {
		return 1
	}
	at := 0
	for range rounds {
		for range 3 * len(edges) {
			i, j := rng.IntN(len(edges)), rng.IntN(len(edges))
			x, y := edges[i], edges[j]
			if x.t == y.t || x.a == y.a || sets[x.t][y.a] || sets[y.t][x.a] {
				continue
			}
			delete(sets[x.t], x.a)
			delete(sets[y.t], y.a)
			sets[x.t][y.a], sets[y.t][x.a] = true, true
			edges[i].a, edges[j].a = y.a, x.a
		}
		in, pairs := make(map[uint32]int), 0
		for _, t := range set {
			for a := range sets[t] {
				pairs += in[a]
				in[a]++
			}
		}
		if pairs >= observed {
			at++
		}
	}
	return float64(at+1) / float64(rounds+1)
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

// Discoveries returns which of the p-values (as log10) are significant at a
// false discovery rate (Benjamini and Hochberg, 1995).
func Discoveries(log10p []float64, rate float64) []bool {
	order := make([]int, len(log10p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case log10p[a] < log10p[b]:
			return -1
		case log10p[a] > log10p[b]:
			return 1
		}
		return a - b
	})
	out := make([]bool, len(log10p))
	for i := len(order) - 1; i >= 0; i-- {
		if log10p[order[i]] <= math.Log10(rate*float64(i+1)/float64(len(order))) {
			for _, j := range order[:i+1] {
				out[j] = true
			}
			break
		}
	}
	return out
}
