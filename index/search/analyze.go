package search

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/bleve/v2/analysis"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/seed-368d3dfa/chorus/minhash"
)

// terms are what a field holds: the words of a text are cut once for all
// fields, not by bleve's analysis. What is made of a text is part of the
// format: change formatVersion with it.
type terms analysis.TokenStream

// Analyze returns the terms, whatever the field's value is.
func (t terms) Analyze([]byte) analysis.TokenStream { return analysis.TokenStream(t) }

// placed makes the terms of a text with their places. Where in the text they
// are is not kept: see marker.
func placed(tokens []token) terms {
	out, all := make(terms, len(tokens)), make([]analysis.Token, len(tokens))
	for i, t := range tokens {
		all[i] = analysis.Token{Term: []byte(t.term), Position: i + 1}
		out[i] = &all[i]
	}
	return out
}

// begins makes the beginnings of words, each once: thousands of words begin
// like a short prefix, which is then one term.
func begins(values [][]token) terms {
	var out terms
	seen := make(map[string]bool)
	for _, tokens := range values {
		for _, t := range tokens {
			n := 0
			for i, r := range t.term {
				if n++; n > maxBegin {
					break
				}
				if b := t.term[:i+utf8.RuneLen(r)]; !seen[b] {
					seen[b] = true
					out = append(out, &analysis.Token{Term: []byte(b), Position: len(out) + 1})
				}
			}
		}
	}
	return out
}

const maxBegin = 3 // characters

// A token is a word, or two neighbours in a script without spaces; the last
// character of a run of these stands alone, so that every character begins a
// token.
type token struct {
	term       string
	start, end int  // bytes of the text
	half       bool // of a script without spaces
	pair       bool // two of its characters
	last       bool // the last character of a run of several
}

// sketchers only cut texts into tokens: their scheme does not matter.
var sketchers = sync.Pool{New: func() any {
	k, err := minhash.NewSketcher(minhash.NewScheme(0))
	if err != nil {
		panic(err) // the recommended scheme is valid
	}
	return k
}}

// tokenize cuts a text into words as package minhash does, for any script.
func tokenize(text string) []token {
	k := sketchers.Get().(*minhash.Sketcher)
	defer sketchers.Put(k)
	cut := k.Tokens(nil, text)
	out := make([]token, 0, len(cut))
	for i, c := range cut {
		if i > 0 && c.Start == cut[i-1].Start { // one character that is several tokens
			continue
		}
		t := token{term: term(text[c.Start:c.End]), start: c.Start, end: c.End, half: c.Hash&1 != 0}
		if t.half {
			if i+1 < len(cut) && cut[i+1].Hash&1 != 0 && cut[i+1].Start == c.End {
				t.pair, t.end = true, cut[i+1].End
				t.term += term(text[c.End:t.end])
			} else {
				t.last = i > 0 && cut[i-1].Hash&1 != 0 && cut[i-1].End == c.Start
			}
		}
		if t.term != "" {
			out = append(out, t)
		}
	}
	return out
}

const maxTerm = 64 // bytes of a longer word count

// term is what a word is found by: decomposed, without case, without accents
// on Latin letters, and without what is neither letter nor digit.
func term(word string) string {
	plain := true
	for i := range len(word) {
		if c := word[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9') {
			plain = false
			break
		}
	}
	if !plain {
		word = fold(word)
	}
	if len(word) > maxTerm {
		n := maxTerm
		for !utf8.RuneStart(word[n]) {
			n--
		}
		word = word[:n]
	}
	return word
}

var folder = sync.Pool{New: func() any { c := cases.Fold(); return &c }}

func fold(word string) string {
	c := folder.Get().(*cases.Caser)
	word = c.String(norm.NFKD.String(word))
	folder.Put(c)
	var b strings.Builder
	latin := false
	for _, r := range word {
		switch {
		case unicode.IsLetter(r):
			latin = unicode.Is(unicode.Latin, r)
		case unicode.Is(unicode.M, r):
			if latin && unicode.Is(unicode.Inherited, r) || unicode.Is(unicode.Variation_Selector, r) {
				continue
			}
		case !unicode.IsNumber(r):
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
