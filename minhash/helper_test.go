package minhash

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func newSketcher(t testing.TB) *Sketcher {
	t.Helper()
	k, err := NewSketcher(NewScheme(1))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// words returns n words with the lengths of English ones.
func words(rng *rand.Rand, n int) []string {
	out := make([]string, n)
	for i := range out {
		w := make([]byte, 1+rng.IntN(4)+rng.IntN(7))
		for j := range w {
			w[j] = byte('a' + rng.IntN(26))
		}
		out[i] = string(w)
	}
	return out
}

// prose returns n words with capitals and punctuation.
func prose(seed uint64, n int) string {
	var b strings.Builder
	for i, w := range words(rand.New(rand.NewPCG(seed, 1)), n) {
		switch {
		case i%12 == 0 && i > 0:
			b.WriteString(". ")
		case i > 0:
			b.WriteByte(' ')
		}
		if i%12 == 0 {
			w = strings.ToUpper(w[:1]) + w[1:]
		}
		b.WriteString(w)
	}
	return b.String() + "."
}

// keysOf returns the keys of some messages before thinning.
func keysOf(k *Sketcher, messages ...string) map[uint64]bool {
	k.Reset()
	for _, m := range messages {
		k.Add(m)
	}
	set := make(map[uint64]bool)
	for _, key := range k.keys {
		set[key] = true
	}
	return set
}

// containment returns the share of a's keys that b has.
func containment(a, b map[uint64]bool) float64 {
	n := 0
	for key := range a {
		if b[key] {
			n++
		}
	}
	return float64(n) / float64(len(a))
}

func hashes(k *Sketcher, text string) []uint64 {
	var out []uint64
	for _, t := range k.Tokens(nil, text) {
		out = append(out, t.Hash)
	}
	return out
}
