package minhash

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestShingleCounts(t *testing.T) {
	k := newSketcher(t)
	for _, c := range []struct {
		text string
		want []Shingle // keys left out
	}{
		{"", nil},
		{"...", nil},
		{"hi", []Shingle{{First: -1, Last: 1}}},
		{"hi there", []Shingle{{First: -1, Last: 2}}},
		{"one two three", []Shingle{{First: -1, Last: 3}}},
		{"Summarise the following text:", []Shingle{{First: -1, Last: 3}, {First: 0, Last: 4}}},
		{"one two three four five", []Shingle{{First: -1, Last: 3}, {First: 0, Last: 4}, {First: 1, Last: 5}}},
		{"翻译以下文本", []Shingle{{First: -1, Last: 6}}}, // 2 + 6 + 2: exactly one
		{"请翻译以下文本", []Shingle{{First: -1, Last: 7}}},
		{"请翻译以下文本吧", []Shingle{{First: -1, Last: 7}, {First: 0, Last: 8}}},
	} {
		got := k.Shingles(nil, c.text)
		for i := range got {
			got[i].Key = 0
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %v, want %v", c.text, got, c.want)
		}
	}
}

// TestShinglesAreMinimalRuns holds Shingles against its definition by brute force.
func TestShinglesAreMinimalRuns(t *testing.T) {
	k := newSketcher(t)
	rng := rand.New(rand.NewPCG(7, 8))
	for range 2000 {
		var text string
		for range rng.IntN(25) {
			text += []string{"word ", "中", "文 ", "x1 ", "ไ"}[rng.IntN(5)]
		}
		tokens := k.Tokens(nil, text)
		weights := []int{2}
		for _, tok := range tokens {
			weights = append(weights, tok.weight())
		}
		weights = append(weights, 2)
		heavy := func(i, j int) bool { // tokens i to j
			sum := 0
			for _, w := range weights[i : j+1] {
				sum += w
			}
			return sum >= 2*k.scheme.Shingle
		}
		var want []Shingle
		for j := range weights {
			for i := 0; i <= j; i++ {
				if heavy(i, j) && !heavy(i+1, j) && !heavy(i, j-1) {
					want = append(want, Shingle{First: i - 1, Last: j - 1})
				}
			}
		}
		if len(want) == 0 && len(tokens) > 0 {
			want = []Shingle{{First: -1, Last: len(tokens)}}
		}
		got := k.Shingles(nil, text)
		for i, s := range got {
			if s.Key >= 1<<KeyBits {
				t.Fatalf("key %x is too wide", s.Key)
			}
			got[i].Key = 0
		}
		if len(tokens) > 0 && !slices.Equal(got, want) {
			t.Fatalf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestShingleKeys checks that a key is a function of its tokens in their order and nothing else.
func TestShingleKeys(t *testing.T) {
	k := newSketcher(t)
	rng := rand.New(rand.NewPCG(9, 10))
	byTokens := map[string]uint64{}
	byKey := map[uint64]string{}
	for range 3000 {
		ws := make([]string, 3+rng.IntN(10))
		for i := range ws {
			ws[i] = string(rune('a' + rng.IntN(4)))
		}
		for _, s := range k.Shingles(nil, strings.Join(ws, " ")) {
			name := ""
			for i := s.First; i <= s.Last; i++ {
				switch {
				case i < 0:
					name += "^"
				case i == len(ws):
					name += "$"
				default:
					name += ws[i]
				}
			}
			if old, ok := byTokens[name]; ok && old != s.Key {
				t.Fatalf("%s has two keys", name)
			}
			if old, ok := byKey[s.Key]; ok && old != name {
				t.Fatalf("%s and %s have one key", name, old)
			}
			byTokens[name], byKey[s.Key] = s.Key, name
		}
	}
	if len(byKey) < 1000 {
		t.Fatalf("only %d shingles", len(byKey))
	}
}

// TestShinglesAreTheSample compares what Shingles explains with what Add takes, for text that hides nothing.
func TestShinglesAreTheSample(t *testing.T) {
	k := newSketcher(t)
	for _, text := range []string{"hi", prose(1, 5), prose(2, 200), "请将以下文本翻译成英文并解释每个词的意思。", strings.Repeat("a b ", 50)} {
		var keys []uint64
		for _, s := range k.Shingles(nil, text) {
			keys = append(keys, s.Key)
		}
		slices.Sort(keys)
		keys = slices.Compact(keys)
		k.Reset()
		k.Add(text)
		s := k.Sketch()
		if s.Scale != 0 || !slices.Equal(s.Sample, keys) || s.Shingles != len(keys) {
			t.Errorf("%.20q: sample of %d keys at scale %d, want %d", text, len(s.Sample), s.Scale, len(keys))
		}
	}
}

func TestMessagesDoNotMix(t *testing.T) {
	k := newSketcher(t)
	a, b := prose(1, 30), prose(2, 30)
	both := keysOf(k, a, b)
	first, second := keysOf(k, a), keysOf(k, b)
	if len(both) != len(first)+len(second) || containment(first, both) != 1 || containment(second, both) != 1 {
		t.Errorf("%d keys of two messages, %d and %d apart", len(both), len(first), len(second))
	}
}
