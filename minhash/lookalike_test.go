package minhash

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestLookalikeTables(t *testing.T) {
	for name, pairs := range map[string]string{"twins": twins, "cyrillicTwins": cyrillicTwins, "latinVariants": latinVariants} {
		seen := map[rune]bool{}
		for i, r := range []rune(pairs) {
			if i%2 == 1 {
				if ok := unicode.Is(unicode.Cyrillic, r); name == "cyrillicTwins" && !ok || name != "cyrillicTwins" && (r < 'a' || r > 'z') {
					t.Errorf("%s: bad target %c", name, r)
				}
				continue
			}
			if seen[r] {
				t.Errorf("%s: %c twice", name, r)
			}
			seen[r] = true
			if pageOf(r).entries[r&0xff].fold != r && name == "twins" || norm.NFKC.String(string(r)) != string(r) {
				t.Errorf("%s: %c is not in normal form", name, r)
			}
		}
		if utf8.RuneCountInString(pairs)%2 != 0 {
			t.Errorf("%s: odd", name)
		}
	}
}

func TestLookalikeRule(t *testing.T) {
	k := newSketcher(t)
	for _, c := range []struct {
		text, like string
		same       bool
	}{
		{"pаypal", "paypal", true},               // a mixed word
		{"раypаl", "paypal", true},               //
		{"ΑΒC Μodel", "ABC model", true},         // Greek capitals
		{"the сосо pops", "the coco pops", true}, // between Latin words
		{"а small step", "a small step", true},   // before one
		{"this is а", "this is a", true},         // after one
		{"а сор is here", "a cop is here", true}, // several in a row
		{"in 7 сосо 8 up", "in 7 coco 8 up", true},
		{"oсо", "oco", true}, // mixed and undecided: Latin
		{"请运行 bаsh 脚本", "请运行 bash 脚本", true},
		{"сосо", "coco", false},       // nothing to decide by
		{"я с ним", "я c ним", false}, // a wholly Latin word stays Latin
		{"я с ним", "я с ним", true},
		{"дом а сад", "дом a сад", false},
		{"привeт", "привет", true},           // Latin letters in a Cyrillic word
		{"вoт oн идёт", "вот он идёт", true}, // in undecided words too
		{"Ελλάδα", "Eλλάδα", false},
		{"один а two", "один a two", false}, // neighbours disagree
	} {
		if got := slices.Equal(hashes(k, c.text), hashes(k, c.like)); got != c.same {
			t.Errorf("%q like %q: %v", c.text, c.like, got)
		}
	}
}

// noiseT5 is tier T5 of the benchmark: look-alike letters and zero-width spaces.
func noiseT5(rng *rand.Rand, text string) string {
	twin := map[rune]rune{'a': 'а', 'e': 'е', 'o': 'о', 'c': 'с', 'p': 'р', 'x': 'х'}
	var b strings.Builder
	for _, r := range text {
		if t := twin[r]; t != 0 && rng.IntN(10) == 0 {
			r = t
		}
		b.WriteRune(r)
		if r == ' ' && rng.IntN(5) == 0 {
			b.WriteRune('\u200b')
		}
	}
	return b.String()
}

func TestLookalikeNoise(t *testing.T) {
	k := newSketcher(t)
	rng := rand.New(rand.NewPCG(5, 6))
	clean := "A cop, a coco pop and a poco-poco ox: Explain each exchange to a person. " + prose(3, 60)
	want := hashes(k, clean)
	for range 500 {
		text := noiseT5(rng, clean)
		got := k.Tokens(nil, text)
		checkOffsets(t, text, got)
		if len(got) != len(want) {
			t.Fatalf("%d tokens, want %d", len(got), len(want))
		}
		for i, tok := range got {
			if tok.Hash != want[i] {
				t.Fatalf("%q differs in %q", text[tok.Start:tok.End], text)
			}
		}
	}
}
