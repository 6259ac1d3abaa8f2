package minhash_test

import (
	"fmt"
	"slices"

	"github.com/seed-368d3dfa/chorus/minhash"
)

func Example() {
	k, err := minhash.NewSketcher(minhash.NewScheme(42)) // in earnest: a random seed, kept secret
	if err != nil {
		panic(err)
	}
	sketch := func(text string) minhash.Sketch {
		k.Reset()
		k.Add(text)
		s := k.Sketch()
		s.Sample, s.Signature = slices.Clone(s.Sample), slices.Clone(s.Signature) // valid until Reset
		return s
	}
	template := sketch("You are a careful editor. Correct the spelling of the following text and explain each change")
	prompt := sketch("You are a CAREFUL editor.  Correct the sрelling of the following text and explain each change: teh cat sat on teh mat")

	shared := 0
	for _, key := range template.Sample {
		if _, ok := slices.BinarySearch(prompt.Sample, key); ok {
			shared++
		}
	}
	fmt.Printf("the prompt contains %d of the template's %d shingles\n", shared, len(template.Sample))
	fmt.Printf("as wholes they resemble each other: %v\n", minhash.Resemblance(template.Signature, prompt.Signature) > 0.5)
	// Output:
	// the prompt contains 13 of the template's 14 shingles
	// as wholes they resemble each other: true
}

func ExampleSketcher_Shingles() {
	k, err := minhash.NewSketcher(minhash.NewScheme(42))
	if err != nil {
		panic(err)
	}
	text := "Don’t translate, summarise the text."
	tokens := k.Tokens(nil, text)
	for _, s := range k.Shingles(nil, text) {
		first, last := max(s.First, 0), min(s.Last, len(tokens)-1)
		fmt.Printf("%2d to %d: %s\n", s.First, s.Last, text[tokens[first].Start:tokens[last].End])
	}
	// Output:
	// -1 to 3: Don’t translate, summarise the
	//  0 to 4: Don’t translate, summarise the text
	//  1 to 5: translate, summarise the text
}
