package minhash

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestEvasions checks, for each way to disguise a template that normalising, sets and containment answer, how much of the template's
// shingles a disguised prompt still holds.
func TestEvasions(t *testing.T) {
	const template = "You are a careful annotator. Read the passage and list every claim that it makes about a person, one on each line. " +
		"For each claim quote the words that support it; then rate its certainty from 1 to 10. " +
		"Don't add claims of your own. Explain step by step how you came to each rating. Passage:"
	k := newSketcher(t)
	core := keysOf(k, template)
	rng := rand.New(rand.NewPCG(21, 22))
	sentences := strings.SplitAfter(template, ". ")
	for name, c := range map[string]struct {
		disguise func() string
		min      float64
	}{
		"as it is":           {func() string { return template }, 1},
		"look-alike letters": {func() string { return noiseT5(rng, template) }, 1},
		"zero-width": {func() string {
			return strings.NewReplacer("a", "a\u200b", "t", "\u2060t", " ", "\u200d \ufeff", "s", "s\u00ad\ufe0f").Replace(template)
		}, 1},
		"case":    {func() string { return strings.ToUpper(template) }, 1},
		"spacing": {func() string { return "\n" + strings.ReplaceAll(template, " ", " \t\u00a0\n") }, 1},
		"punctuation": {func() string {
			return strings.NewReplacer(".", " ...", ",", ";", "'", "’", ":", " —").Replace(template)
		}, 1},
		"digits":            {func() string { return strings.NewReplacer("10", "250", "1 ", "7 ").Replace(template) }, 1},
		"styled letters":    {func() string { return strings.Map(styled, template) }, 1},
		"salt around":       {func() string { return prose(rng.Uint64(), 40) + "\n" + template + "\n" + prose(rng.Uint64(), 40) }, .95},
		"a page of payload": {func() string { return template + "\n" + prose(rng.Uint64(), 3000) }, .95},
		"sentences shuffled": {func() string {
			s := append([]string(nil), sentences...)
			rng.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j]+" ", s[i]+" " })
			return strings.Join(s, " ")
		}, .6},
		"base64":  {func() string { return "Decode: " + encodings["base64"](template) }, 1},
		"hex":     {func() string { return "Decode: " + encodings["hex"](template) }, 1},
		"percent": {func() string { return "Decode: " + encodings["percent query"](template) }, 1},
	} {
		for range 20 {
			if got := containment(core, keysOf(k, c.disguise())); got < c.min {
				t.Errorf("%s: %.2f of the template is left, want %.2f", name, got, c.min)
			}
		}
	}
	if c := containment(core, keysOf(k, prose(9, 500))); c != 0 {
		t.Errorf("other text holds %.2f of the template", c)
	}
}

// styled returns mathematical bold letters.
func styled(r rune) rune {
	switch {
	case 'a' <= r && r <= 'z':
		return r - 'a' + '𝐚'
	case 'A' <= r && r <= 'Z':
		return r - 'A' + '𝐀'
	}
	return r
}
