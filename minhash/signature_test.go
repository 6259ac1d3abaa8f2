package minhash

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// pairOf returns two sets of n keys each that share the given number.
func pairOf(rng *rand.Rand, n, shared int) (a, b []uint64) {
	a = make([]uint64, n)
	for i := range a {
		a[i] = rng.Uint64() >> (64 - KeyBits)
	}
	b = slices.Clone(a)
	for i := shared; i < n; i++ {
		b[i] = rng.Uint64() >> (64 - KeyBits)
	}
	return a, b
}

func equalRows(a, b []byte) (n int) {
	for i := range a {
		if a[i] == b[i] {
			n++
		}
	}
	return n
}

// TestEstimator checks mean and variance of the estimated resemblance against MinHash with independent rows of 8 bits: J + (1-J)/256
// of the rows are equal, binomially.
func TestEstimator(t *testing.T) {
	const pairs = 1500
	k := newSketcher(t)
	rng := rand.New(rand.NewPCG(13, 14))
	rows := float64(k.scheme.Rows)
	for _, n := range []int{1, 4, 12, 28, 100, 600} {
		for _, part := range []float64{0, .2, .5, .8, .95} {
			shared := int(part * float64(n))
			j := float64(shared) / float64(2*n-shared)
			p := j + (1-j)/256
			var sum, squares float64
			for range pairs {
				a, b := pairOf(rng, n, shared)
				x := float64(equalRows(k.Signature(nil, a), k.Signature(nil, b))) / rows
				sum += x
				squares += (x - p) * (x - p)
			}
			mean, variance, theory := sum/pairs, squares/pairs, p*(1-p)/rows
			if d := math.Abs(mean - p); d > 4.5*math.Sqrt(theory/pairs) {
				t.Errorf("%d keys, J = %.3f: mean %.5f, want %.5f", n, j, mean, p)
			}
			// The variance of a variance over so many pairs is some 4 %; that of sparse counts is larger.
			limit := theory * 1.2
			if part == 0 {
				limit = theory * 1.5
			}
			if variance > limit {
				t.Errorf("%d keys, J = %.3f: variance %.6f, theory %.6f", n, j, variance, theory)
			}
		}
	}
}

func TestResemblance(t *testing.T) {
	k := newSketcher(t)
	a, b := pairOf(rand.New(rand.NewPCG(1, 1)), 1000, 0)
	x, y := k.Signature(nil, a), k.Signature(nil, b)
	if len(x) != k.scheme.Rows {
		t.Fatalf("%d rows", len(x))
	}
	if r := Resemblance(x, x); r != 1 {
		t.Errorf("a set resembles itself %v", r)
	}
	if r := Resemblance(x, y); r < 0 || r > .05 {
		t.Errorf("disjoint sets resemble each other %v", r)
	}
	if Resemblance(nil, nil) != 0 || Resemblance(x, x[1:]) != 0 {
		t.Error("signatures of no or different schemes resemble each other")
	}
	half := bytes.Clone(x)
	for i := range half[:48] {
		half[i]++
	}
	if r, want := Resemblance(x, half), (.5-1./256)/(1-1./256); math.Abs(r-want) > 1e-12 {
		t.Errorf("half the rows: %v, want %v", r, want)
	}
}

// TestSignatureOfAnySet checks that order and repetition do not matter and that small numbers will do.
func TestSignatureOfAnySet(t *testing.T) {
	k := newSketcher(t)
	if s := k.Signature(nil, nil); s != nil {
		t.Errorf("signature of no keys: %v", s)
	}
	want := k.Signature(nil, []uint64{1, 2, 3, 4, 5})
	if got := k.Signature([]byte("x"), []uint64{5, 4, 3, 2, 1, 1, 5}); string(got) != "x"+string(want) {
		t.Error("order or repetition matters")
	}
	// Consecutive ids, as templates may have, estimate like random ones: J = 50/150.
	var sum float64
	const pairs = 300
	for i := range uint64(pairs) {
		var a, b []uint64
		for id := range uint64(100) {
			a, b = append(a, i*1000+id), append(b, i*1000+id+50)
		}
		sum += Resemblance(k.Signature(nil, a), k.Signature(nil, b))
	}
	if mean := sum / pairs; math.Abs(mean-1./3) > .015 {
		t.Errorf("consecutive ids: mean %.4f, want .3333", mean)
	}
}

// TestRowsAreUniform looks for bias in the bits kept.
func TestRowsAreUniform(t *testing.T) {
	k := newSketcher(t)
	rng := rand.New(rand.NewPCG(15, 16))
	var counts [256]float64
	const sets = 1000
	for range sets {
		a, _ := pairOf(rng, 28, 0)
		for _, v := range k.Signature(nil, a) {
			counts[v]++
		}
	}
	expected := float64(sets*k.scheme.Rows) / 256
	chi2 := 0.0
	for _, c := range counts {
		chi2 += (c - expected) * (c - expected) / expected
	}
	// Rows filled by one key and round are not shared, so counts are near independent: 255 degrees of freedom.
	if chi2 > 255+5*math.Sqrt(2*255) {
		t.Errorf("chi² = %.0f over 256 values", chi2)
	}
}

func TestBandingCurve(t *testing.T) {
	const pairs, n = 1000, 400
	k := newSketcher(t)
	rng := rand.New(rand.NewPCG(17, 18))
	for _, part := range []float64{0, .3, .5, .6, .7, .8, .9} {
		shared := int(part * n)
		j := float64(shared) / float64(2*n-shared)
		p := j + (1-j)/256
		want := 1 - math.Pow(1-math.Pow(p, 4), 24)
		hits := 0
		for range pairs {
			a, b := pairOf(rng, n, shared)
			x := k.Bands(nil, k.Signature(nil, a))
			for i, key := range k.Bands(nil, k.Signature(nil, b)) {
				if x[i] == key {
					hits++
					break
				}
			}
		}
		got := float64(hits) / pairs
		if math.Abs(got-want) > .01+4*math.Sqrt(want*(1-want)/pairs) {
			t.Errorf("J = %.3f: %.3f share a band, want %.3f", j, got, want)
		}
	}
}

func TestBands(t *testing.T) {
	k := newSketcher(t)
	same := k.Bands(nil, bytes.Repeat([]byte{7}, k.scheme.Rows))
	if len(same) != k.scheme.Bands {
		t.Fatalf("%d bands", len(same))
	}
	slices.Sort(same)
	if n := len(slices.Compact(same)); n != k.scheme.Bands {
		t.Errorf("equal rows in all bands give %d keys", n)
	}
	if same[len(same)-1] >= 1<<32 {
		t.Error("a key is too wide")
	}
	if got := k.Bands(nil, []byte{1, 2, 3}); got != nil {
		t.Errorf("bands of a signature of another scheme: %v", got)
	}
	// Any row of a band changes its key and no other.
	a := bytes.Repeat([]byte{7}, k.scheme.Rows)
	want := k.Bands(nil, a)
	for row := range a {
		b := bytes.Clone(a)
		b[row]++
		for i, key := range k.Bands(nil, b) {
			if (key == want[i]) == (row/4 == i) {
				t.Fatalf("row %d, band %d", row, i)
			}
		}
	}
}
