package minhash

import (
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// class says what a normalised character does to the token being read.
type class uint8

const (
	separator  class = iota // ends it
	letter                  // continues it
	mark                    // continues it, begins none
	digit                   // continues it; a run counts once
	half                    // is a token of half weight, with the marks that follow
	ignorable               // is not there
	apostrophe              // is not there between two letters, else ends it
	expanding               // stands for several characters
)

// script is what look-alike folding needs to know about a letter.
type script uint8

const (
	neutral script = iota
	latin
	twin    // not Latin, but looks like a Latin letter
	foreign // neither
)

// entry is a code point's normal form, that is NFKC, case folding and latinVariants, and how it gets there.
type entry struct {
	fold   rune // normal form; of an expanding one the index in its page's expansions
	class  class
	script script
	ccc    uint8 // canonical combining class of the last character of its normal form
	flags  uint8
}

const (
	// slow: normalising depends on neighbours in ways that only package norm gets right.
	slow = 1 << iota
	// joins: NFKC_Quick_Check=Maybe, may compose with what is before it.
	joins
	// inert: a starter that composes with nothing after it.
	inert
)

// page holds 256 consecutive code points.
type page struct {
	entries    [256]entry
	expansions []string
}

// pages is a cache, filled as scripts are met: a page takes about 100 µs and 2 KB, all of them 9 MB. Its content is a function of
// the Unicode tables alone, so racing builders store equal pages.
var pages [(unicode.MaxRune + 1) >> 8]atomic.Pointer[page]

func pageOf(r rune) *page {
	p := pages[r>>8].Load()
	if p == nil {
		p = buildPage(r &^ 0xff)
		pages[r>>8].Store(p)
	}
	return p
}

func buildPage(first rune) *page {
	p := new(page)
	fold := cases.Fold()
	for i := range p.entries {
		r := first + rune(i)
		e := &p.entries[i]
		if ignorableRune(r) {
			e.class, e.flags = ignorable, inert
			continue
		}
		s := string(r)
		n := norm.NFKC.String(s)
		if n != s {
			if r, _ := utf8.DecodeRuneInString(n); !norm.NFKC.PropertiesString(string(r)).BoundaryBefore() {
				e.flags = slow
			}
			r, _ := utf8.DecodeLastRuneInString(n)
			e.ccc = norm.NFKC.PropertiesString(string(r)).CCC()
		} else {
			q := norm.NFKC.PropertiesString(s)
			e.ccc = q.CCC()
			if norm.NFKC.QuickSpanString("x"+s) != 1+len(s) {
				e.flags = joins
			} else if q.BoundaryAfter() {
				e.flags = inert
			}
		}
		f := fold.String(n)
		if unicode.Is(unicode.Cherokee, r) {
			// CaseFolding.txt folds small letters to capitals; package cases exchanges them.
			f = strings.ToUpper(n)
		}
		if utf8.RuneCountInString(f) == 1 {
			e.fold, _ = utf8.DecodeRuneInString(f)
			if r := plainOf[e.fold]; r != 0 {
				e.fold = r
			}
			e.class, e.script = classify(e.fold)
			continue
		}
		for _, r := range f {
			if c, _ := classify(r); c != separator {
				e.class = expanding
			}
		}
		if e.class == expanding {
			e.fold = rune(len(p.expansions))
			p.expansions = append(p.expansions, f)
		}
	}
	return p
}

// classify says what a character that is already NFKC and case-folded does.
func classify(r rune) (class, script) {
	switch {
	case ignorableRune(r):
		return ignorable, neutral
	case apostropheRune(r):
		return apostrophe, neutral
	case unicode.IsLetter(r) || r == '〇':
		switch {
		case unicode.In(r, spaceless...) || r == '〇' || r == 'ー' || r == '〆':
			return half, neutral
		case unicode.Is(unicode.Latin, r):
			return letter, latin
		case latinOf[r] != 0:
			return letter, twin
		}
		return letter, foreign
	case unicode.IsMark(r):
		return mark, neutral
	case unicode.IsNumber(r):
		return digit, neutral
	}
	return separator, neutral
}

// spaceless are scripts that do not part words by spaces.
var spaceless = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Yi, unicode.Thai, unicode.Lao, unicode.Khmer,
	unicode.Myanmar, unicode.Tai_Le, unicode.New_Tai_Lue, unicode.Tai_Tham, unicode.Tai_Viet,
}

func apostropheRune(r rune) bool {
	switch r {
	case '\'', '‘', '’', '‛', 'ʻ', 'ʼ':
		return true
	}
	return false
}

// ignorableRune is Unicode's Default_Ignorable_Code_Point, as DerivedCoreProperties.txt derives it.
func ignorableRune(r rune) bool {
	if r < 0xad {
		return false
	}
	return unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r) ||
		unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) &&
			(r < 0xfff9 || r > 0xfffb) && (r < 0x13430 || r > 0x13440)
}
