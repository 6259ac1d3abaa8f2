package search

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrQuery reports a text that asks for nothing, or for too much. What wraps it
// says why, without the text.
var ErrQuery = errors.New("search: invalid query")

const (
	maxQuery  = 2000 // bytes
	maxTokens = 64
)

// A query is what the text of a Query asks for: of each group at least one
// alternative, and none of not.
type query struct {
	groups [][]wish
	not    []wish
}

// A wish is what one item asks for: all its parts.
type wish []part

type kind uint8

const (
	exact  kind = iota // one token, or several in a row
	prefix             // a word that begins so
	fuzzy              // a word that is nearly so
)

// A part is a word or phrase.
type part struct {
	kind     kind
	terms    []string // several only if exact
	distance int      // of fuzzy: letters that may differ
}

// parse reads the syntax that Query.Text describes. No text is malformed: what
// has no meaning is taken as separating words.
func parse(text string) (query, error) {
	var q query
	if len(text) > maxQuery {
		return q, fmt.Errorf("%w: longer than %d bytes; to find prompts like a whole text, ask for similar ones", ErrQuery, maxQuery)
	}
	tokens, alternative := 0, false
	for rest := text; ; {
		var it item
		it, rest = next(rest)
		if it.end {
			break
		}
		if it.plain && it.text == "OR" {
			alternative = len(q.groups) > 0
			continue
		}
		w := it.wish()
		for _, p := range w {
			tokens += len(p.terms)
		}
		switch {
		case len(w) == 0:
		case it.not:
			q.not = append(q.not, w)
		case alternative:
			last := len(q.groups) - 1
			q.groups[last] = append(q.groups[last], w)
		default:
			q.groups = append(q.groups, []wish{w})
		}
		alternative = false
	}
	switch {
	case tokens > maxTokens:
		return q, fmt.Errorf("%w: more than %d words", ErrQuery, maxTokens)
	case len(q.groups) == 0 && len(q.not) > 0:
		return q, fmt.Errorf("%w: it only excludes; name a word to look for too", ErrQuery)
	case len(q.groups) == 0:
		return q, fmt.Errorf("%w: no word to look for", ErrQuery)
	}
	return q, nil
}

// An item is a piece of a query's text between spaces, or between quotes.
type item struct {
	text  string
	not   bool
	plain bool // neither excluded nor quoted
	quote bool
	end   bool // there is no more
}

var quotes = map[rune]string{'"': `"`, '“': "”“\"", '„': "“”\"", '«': "»", '「': "」", '『': "』"}

func next(s string) (item, string) {
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	if s == "" {
		return item{end: true}, ""
	}
	var it item
	if len(s) > 1 && s[0] == '-' && s[1] != ' ' {
		it.not, s = true, s[1:]
	}
	r, n := utf8.DecodeRuneInString(s)
	if closing, ok := quotes[r]; ok {
		it.quote, s = true, s[n:]
		end := strings.IndexAny(s, closing)
		if end < 0 {
			it.text = s
			return it, ""
		}
		_, n = utf8.DecodeRuneInString(s[end:])
		it.text = s[:end]
		return it, s[end+n:]
	}
	it.plain = !it.not
	end := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || quotes[r] != "" })
	if end < 0 {
		end = len(s)
	}
	it.text = s[:end]
	return it, s[end:]
}

func (it item) wish() wish {
	text, k, distance := it.text, exact, 0
	if !it.quote {
		text, k, distance = suffix(text)
	}
	tokens := tokenize(text)
	if n := len(tokens); n > 1 && tokens[n-1].last {
		tokens = tokens[:n-1] // the pair before it holds the character
	}
	if len(tokens) == 0 {
		return nil
	}
	end := len(tokens) - 1
	if tokens[end].half && k != exact {
		k = exact
	}
	if tokens[end].half && !tokens[end].pair {
		k = prefix // every character begins a token
	}
	var w wish
	switch k {
	case fuzzy:
		for _, t := range tokens {
			w = append(w, near(t.term, distance))
		}
		return w
	case prefix:
		w = append(w, part{kind: prefix, terms: []string{tokens[end].term}})
		tokens = tokens[:end]
	}
	if len(tokens) > 0 {
		p := part{kind: exact}
		for _, t := range tokens {
			p.terms = append(p.terms, t.term)
		}
		w = append(w, p)
	}
	return w
}

// suffix takes off what asks for more than the very word.
func suffix(s string) (string, kind, int) {
	if word, ok := strings.CutSuffix(s, "*"); ok {
		return word, prefix, 0
	}
	if word, ok := strings.CutSuffix(s, "~"); ok {
		return word, fuzzy, 0
	}
	for d := range 3 {
		if word, ok := strings.CutSuffix(s, "~"+string(rune('0'+d))); ok {
			return word, fuzzy, d
		}
	}
	return s, exact, 0
}

// near asks for words of some distance; 0: one letter may differ in a short
// word, two in one of six letters or more.
func near(term string, distance int) part {
	n := utf8.RuneCountInString(term)
	if distance == 0 {
		distance = 1
		if n >= 6 {
			distance = 2
		}
	}
	if n < 3 {
		return part{kind: exact, terms: []string{term}}
	}
	return part{kind: fuzzy, terms: []string{term}, distance: min(distance, n-2)}
}
