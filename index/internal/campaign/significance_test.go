package campaign

import (
	"maps"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// tailExactly is log10 P(X >= n), X Poisson, summed with 400 bits.
func tailExactly(lambda float64, n int) float64 {
	const bits = 400
	f := func(x float64) *big.Float { return new(big.Float).SetPrec(bits).SetFloat64(x) }
	l := f(lambda)
	term, sum := f(1), f(0) // without the factor exp(-lambda)
	for k := 0; k < n+4000+int(2*lambda); k++ {
		if k >= n {
			sum.Add(sum, term)
		}
		term.Mul(term, l)
		term.Quo(term, f(float64(k+1)))
	}
	mantissa := f(0)
	exponent := sum.MantExp(mantissa)
	m, _ := mantissa.Float64()
	return (math.Log(m) + float64(exponent)*math.Ln2 - lambda) / math.Ln10
}

func TestTail(t *testing.T) {
	for _, lambda := range []float64{1e-6, .01, .4, 1, 3, 17.5, 99, 400, 690, 800, 2000} {
		for _, n := range []int{1, 2, 3, 10, 50, 98, 99, 100, 399, 401, 700, 790, 801, 1900, 2000, 2300, 5000} {
			got, want := log10Tail(lambda, n), tailExactly(lambda, n)
			if math.Abs(got-want) > 1e-7*(1+math.Abs(want)) {
				t.Errorf("log10Tail(%v, %d) = %v, want %v", lambda, n, got, want)
			}
		}
	}
	if got := log10Tail(5, 0); got != 0 {
		t.Errorf("of at least none: %v", got)
	}
	if got := log10Tail(0, 1); !math.IsInf(got, -1) {
		t.Errorf("of one where none is expected: %v", got)
	}
	for _, lambda := range []float64{.1, 5, 5000, 1e7} {
		last := 0.0
		for n := 0; n < 200; n++ {
			got := log10Tail(lambda, int(lambda)-100+n)
			if got > last+1e-6 || got != got {
				t.Errorf("log10Tail(%v, …) rises at %d: %v after %v", lambda, int(lambda)-100+n, got, last)
			}
			last = got
		}
	}
}

func TestChoose(t *testing.T) {
	for n := range 60 {
		for k := range n + 1 {
			want, _ := new(big.Float).SetInt(new(big.Int).Binomial(int64(n), int64(k))).Float64()
			if got := log10Choose(n, k); math.Abs(got-math.Log10(want)) > 1e-9 {
				t.Errorf("log10Choose(%d, %d) = %v, want %v", n, k, got, math.Log10(want))
			}
		}
	}
}

// service draws who uses what, as if accounts did not know each other: few
// accounts use many templates, most use one or two, and few templates are wide.
func service(rng *rand.Rand, accounts, templates int) [][]uint32 {
	var stubs []uint32
	for a := range accounts {
		for range 1 + min(templates/15, int(math.Exp(1.6*rng.NormFloat64()-1))) {
			stubs = append(stubs, uint32(a))
		}
	}
	rng.Shuffle(len(stubs), func(i, j int) { stubs[i], stubs[j] = stubs[j], stubs[i] })
	out := make([][]uint32, templates)
	weights, total := make([]float64, templates), 0.0
	for t := range weights {
		weights[t] = math.Pow(float64(t+8), -.7)
		total += weights[t]
	}
	n := len(stubs)
	for t := range out {
		take := min(len(stubs), max(3, int(float64(n)*weights[t]/total)))
		out[t], stubs = stubs[:take:take], stubs[take:]
		slices.Sort(out[t])
		out[t] = slices.Compact(out[t])
	}
	return out
}

// overlaps counts the accounts that pairs of templates share, where they do.
func overlaps(templates [][]uint32) map[[2]int]int {
	of := make(map[uint32][]int)
	for t, accounts := range templates {
		for _, a := range accounts {
			of[a] = append(of[a], t)
		}
	}
	n := make(map[[2]int]int)
	for _, ts := range of {
		for i, t := range ts {
			for _, u := range ts[:i] {
				n[[2]int{u, t}]++
			}
		}
	}
	return n
}

// TestFalseEdges: where accounts do not know each other no two templates
// belong together. A test that forgets that some accounts use many templates
// finds hundreds of pairs.
func TestFalseEdges(t *testing.T) {
	const accounts = 20_300
	templates := service(newRand(1), accounts, 3101)
	g := NewGraph(templates)
	var right, naive []float64
	for pair, n := range overlaps(templates) {
		di, dj := len(templates[pair[0]]), len(templates[pair[1]])
		right = append(right, g.Log10Pair(di, dj, n))
		naive = append(naive, log10Tail(float64(di)*float64(dj)/accounts, n))
	}
	falsely := func(p []float64) (n int) {
		for _, d := range discoveries(p, .01) {
			n += b2i(d)
		}
		return n
	}
	r, w := falsely(right), falsely(naive)
	t.Logf("%d pairs share accounts; false edges: %d, with the naive expectation %d", len(right), r, w)
	if r > 2 || w < 300 {
		t.Errorf("%d false edges, want at most 2; %d with the naive expectation, want hundreds", r, w)
	}
}

// plant adds templates that n accounts share: each sends two of the m, in the
// mean, and does beside that what other accounts do.
func plant(rng *rand.Rand, templates [][]uint32, accounts, n, m int) (all [][]uint32, set []int) {
	all = slices.Clone(templates)
	members := choose(rng, n, accounts)
	for i := range m {
		var mine []uint32
		for j, a := range members {
			if (i+j)%m < 2 || j%m == i { // everyone is dealt two, next to each other
				mine = append(mine, a)
			}
		}
		set = append(set, len(all))
		all = append(all, mine)
	}
	return all, set
}

// TestFloor publishes the fewest accounts with which a set of templates can be
// told from coincidence (p below 1/1000), when each account sends two of them:
// with more templates to choose from the same accounts prove less. README.md
// has these figures.
func TestFloor(t *testing.T) {
	const accounts = 20_300
	templates := service(newRand(2), accounts, 3101)
	for m, want := range map[int]int{2: 4, 3: 3, 5: 3, 10: 5, 12: 6, 20: 10, 40: 18} {
		floor := 0
		for n := 40; n > 1; n-- {
			all, set := plant(newRand(3), templates, accounts, n, m)
			if NewGraph(all).Log10Set(set) > -3 {
				break
			}
			floor = n
		}
		if floor != want {
			t.Errorf("%d templates: from %d accounts on, want %d", m, floor, want)
		}
	}
}

// TestExpected compares with rewired graphs.
func TestExpected(t *testing.T) {
	rng := newRand(4)
	templates := service(rng, 2000, 300)
	g := NewGraph(templates)
	const rounds = 20
	sum := make(map[[2]int]float64)
	for range rounds {
		templates = rewire(rng, templates)
		for pair, n := range overlaps(templates) {
			sum[pair] += float64(n) / rounds
		}
	}
	// Pairs by what is expected of them: single ones are too few to tell.
	want, got := make(map[int]float64), make(map[int]float64)
	for i := range templates {
		for j := range i {
			l := g.Expected(len(templates[j]), len(templates[i]))
			if l > 3 {
				continue // of the widest templates: λ is for events that are rare for every account
			}
			at := int(math.Floor(math.Log2(l)))
			want[at] += l
			got[at] += sum[[2]int{j, i}]
		}
	}
	for at := range want {
		if want[at] > 5 && math.Abs(got[at]/want[at]-1) > .2 {
			t.Errorf("pairs of λ from %.3g: %.1f shared in rewired graphs, %.1f expected", math.Exp2(float64(at)), got[at], want[at])
		}
	}
}

// rewire exchanges accounts between templates; every degree stays.
func rewire(rng *rand.Rand, templates [][]uint32) [][]uint32 {
	type edge struct {
		t int
		a uint32
	}
	var edges []edge
	has := make(map[edge]bool)
	for t, accounts := range templates {
		for _, a := range accounts {
			edges = append(edges, edge{t, a})
			has[edge{t, a}] = true
		}
	}
	for range 5 * len(edges) {
		x, y := &edges[rng.IntN(len(edges))], &edges[rng.IntN(len(edges))]
		if has[edge{x.t, y.a}] || has[edge{y.t, x.a}] {
			continue
		}
		delete(has, *x)
		delete(has, *y)
		x.a, y.a = y.a, x.a
		has[*x], has[*y] = true, true
	}
	out := make([][]uint32, len(templates))
	for _, e := range edges {
		out[e.t] = append(out[e.t], e.a)
	}
	for _, accounts := range out {
		slices.Sort(accounts)
	}
	return out
}

// TestRewired: the empirical check and the formula agree on what is planted
// and on what is not.
func TestRewired(t *testing.T) {
	rng := newRand(6)
	const accounts = 900
	templates := service(rng, accounts, 120)
	all, set := plant(rng, templates, accounts, 20, 10)
	g := NewGraph(all)
	before := g.Log10Set(set)
	if p := g.Rewired(set, 99, rng); p != .01 || before > -3 {
		t.Errorf("planted: rewired %v, want .01; log10 p %v, want below -3", p, before)
	}
	if again := g.Log10Set(set); again != before {
		t.Errorf("Rewired changed the graph: %v, then %v", before, again)
	}
	low := 0
	for range 20 {
		var set []int
		for _, u := range choose(rng, 6, 120) {
			set = append(set, int(u))
		}
		if l := g.Log10Set(set); l != 0 {
			t.Errorf("templates %v, put together at random: log10 p %v", set, l)
		}
		if g.Rewired(set, 39, rng) < .05 {
			low++
		}
	}
	if low > 4 {
		t.Errorf("%d of 20 random sets are rarer than one in twenty", low)
	}
}

// TestWiring: swaps keep how many accounts a template has and how many
// templates an account, and no account is twice in a template.
func TestWiring(t *testing.T) {
	rng := newRand(8)
	g := NewGraph(append(service(rng, 200, 40), nil, []uint32{7}))
	w := newWiring(g)
	for range 5000 {
		w.swap(rng.IntN(g.edges), rng.IntN(g.edges))
	}
	sizes, degrees := make([]int, len(g.templates)), make(map[uint32]int)
	seen := make(map[[2]int]bool)
	for place := range g.edges {
		m := w.template(place)
		a := w.account(place, m)
		sizes[m]++
		degrees[a]++
		if at := [2]int{m, int(a)}; seen[at] || !w.member(m, a) {
			t.Fatalf("account %d of template %d: twice %v, member %v", a, m, seen[at], w.member(m, a))
		} else {
			seen[at] = true
		}
	}
	for m, accounts := range g.templates {
		if sizes[m] != len(accounts) {
			t.Errorf("template %d has %d accounts, had %d", m, sizes[m], len(accounts))
		}
	}
	if !maps.Equal(degrees, g.degree) {
		t.Error("accounts have other numbers of templates")
	}
	if len(w.moved) < g.edges/2 {
		t.Errorf("%d of %d memberships moved", len(w.moved), g.edges)
	}
}

// TestGraphOdd: graphs without anything to say.
func TestGraphOdd(t *testing.T) {
	for name, g := range map[string]*Graph{
		"nothing": NewGraph(nil), "empty templates": NewGraph(make([][]uint32, 3)), "one edge": NewGraph([][]uint32{{1}, nil, nil}),
	} {
		set := []int{0, 1, 2}[:min(3, len(g.templates))]
		if p := g.Log10Set(set); p != 0 {
			t.Errorf("%s: Log10Set %v", name, p)
		}
		if p := g.Rewired(set, 5, newRand(1)); p != 1 {
			t.Errorf("%s: Rewired %v", name, p)
		}
		if l := g.Expected(3, 4); l != 0 {
			t.Errorf("%s: Expected %v", name, l)
		}
	}
}

// discoveries returns which of the p-values (as log10) are significant at a
// false discovery rate (Benjamini and Hochberg, 1995).
func discoveries(log10p []float64, rate float64) []bool {
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

// TestDiscoveries compares with the definition: all p up to the largest k for
// which p(k) <= rate k/m.
func TestDiscoveries(t *testing.T) {
	for seed := range uint64(300) {
		rng := newRand(seed)
		p := make([]float64, rng.IntN(40))
		for i := range p {
			p[i] = math.Log10(math.Pow(rng.Float64(), 1+3*rng.Float64()))
			if i > 0 && rng.IntN(5) == 0 {
				p[i] = p[i-1]
			}
		}
		sorted := slices.Sorted(slices.Values(p))
		limit := math.Inf(-1)
		for k, x := range sorted {
			if x <= math.Log10(.1*float64(k+1)/float64(len(p))) {
				limit = x
			}
		}
		for i, d := range discoveries(p, .1) {
			if d != (p[i] <= limit) {
				t.Errorf("seed %d: p = 10^%v is a discovery: %v, limit 10^%v", seed, p[i], d, limit)
			}
		}
	}
}
