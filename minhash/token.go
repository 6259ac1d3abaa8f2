package minhash

import (
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/text/unicode/norm"
)

// A Token is a word, or one character of a script without spaces.
type Token struct {
	Start, End int    // byte offsets into the text as it was given
	Hash       uint64 // of the normalised form; the lowest bit is set for half weight
}

func (t Token) weight() int { return 2 - int(t.Hash&1) }

// Tokens appends the tokens of a text to dst, in order: neither Start nor End ever decreases. Where one character stands for
// several tokens, as ½ does, they share its offsets; else tokens do not overlap.
func (k *Sketcher) Tokens(dst []Token, text string) []Token { return k.scan.tokens(dst, text) }

// scanner cuts text into tokens. Between calls only its scratch space lasts.
type scanner struct {
	secret uint64
	out    []Token

	// The open token.
	state   state
	start   int
	end     int // after its last character that counts
	buf     []byte
	after   class // class of that character
	pause   bool  // an apostrophe followed it
	scripts uint8 // bit set of its letters' scripts

	// Look-alikes.
	before  script      // of the last decided word of the message
	waiting []undecided // since then
	alt     []byte
	iter    norm.Iter
}

type state uint8

const (
	between state = iota
	inWord
	inHalf
)

// undecided is a word whose script is that of its neighbours.
type undecided struct {
	token                      int
	latin, foreign, unresolved uint64
}

// ASCII bytes by what they do; 0x80 and above are looked up as runes.
const (
	asciiSeparator = iota
	asciiLower
	asciiUpper
	asciiDigit
	asciiApostrophe
	asciiNot
)

var ascii = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= 0x80:
			t[c] = asciiNot
		case 'a' <= c && c <= 'z':
			t[c] = asciiLower
		case 'A' <= c && c <= 'Z':
			t[c] = asciiUpper
		case '0' <= c && c <= '9':
			t[c] = asciiDigit
		case c == '\'':
			t[c] = asciiApostrophe
		}
	}
	return t
}()

func (s *scanner) hash(b []byte) uint64 { return mix(xxhash.Sum64(b)^s.secret) &^ 1 }

func (s *scanner) tokens(dst []Token, text string) []Token {
	first := len(dst)
	s.begin(dst)
	if !s.quick(text) {
		s.begin(s.out[:first])
		s.exact(text)
	}
	s.close()
	s.decide(neutral)
	dst, s.out = s.out, nil
	return dst
}

func (s *scanner) begin(dst []Token) {
	s.out = dst
	s.state, s.before, s.waiting = between, neutral, s.waiting[:0]
	s.buf, s.pause, s.scripts = s.buf[:0], false, 0
}

// quick reads a text by tables. It reports false at the first character whose normal form depends on its neighbours.
func (s *scanner) quick(text string) bool {
	i := 0
	for i < len(text) {
		if ascii[text[i]] == asciiSeparator {
			i++
			continue
		}
		start := i
		for i < len(text) && ascii[text[i]] == asciiLower {
			i++
		}
		if i > start && (i == len(text) || ascii[text[i]] == asciiSeparator) {
			s.out = append(s.out, Token{start, i, mix(xxhash.Sum64String(text[start:i])^s.secret) &^ 1})
			if len(s.waiting) > 0 {
				s.decide(latin)
			}
			s.before = latin
			continue
		}
		if i = s.word(text, start); i < 0 {
			return false
		}
	}
	return true
}

// word reads on to the next ASCII separator. It returns -1 where quick would report false.
func (s *scanner) word(text string, i int) int {
	var ccc uint8
	ready := false // the last character was inert
	for i < len(text) {
		c := text[i]
		switch ascii[c] {
		case asciiSeparator:
			s.close()
			return i
		case asciiLower:
			s.letter(rune(c), latin, i, i+1)
		case asciiUpper:
			s.letter(rune(c|0x20), latin, i, i+1)
		case asciiDigit:
			s.feed('0', digit, neutral, i, i+1)
		case asciiApostrophe:
			s.feed('\'', apostrophe, neutral, i, i+1)
		default:
			r, n := decode(text, i)
			if r == utf8.RuneError {
				s.close()
				ccc, ready = 0, true
				i += n
				continue
			}
			p := pageOf(r)
			e := &p.entries[r&0xff]
			if e.flags&slow != 0 || e.flags&joins != 0 && !ready || e.ccc != 0 && ccc > e.ccc {
				return -1
			}
			switch e.class {
			case letter:
				s.letter(e.fold, e.script, i, i+n)
			case expanding:
				s.expand(p.expansions[e.fold], i, i+n)
			default:
				s.feed(e.fold, e.class, e.script, i, i+n)
			}
			ccc, ready = e.ccc, e.flags&inert != 0
			i += n
			continue
		}
		ccc, ready = 0, false
		i++
	}
	return i
}

// decode is utf8.DecodeRuneInString(text[i:]) with a short way for two bytes.
func decode(text string, i int) (rune, int) {
	if i+1 < len(text) {
		if a, b := text[i], text[i+1]; 0xc2 <= a && a < 0xe0 && b&0xc0 == 0x80 {
			return rune(a&0x1f)<<6 | rune(b&0x3f), 2
		}
	}
	return utf8.DecodeRuneInString(text[i:])
}

func (s *scanner) expand(f string, start, end int) {
	for _, r := range f {
		class, script := classify(r)
		s.feed(r, class, script, start, end)
	}
}

// exact reads a text through package norm.
func (s *scanner) exact(text string) {
	s.iter = norm.Iter{} // initialising does not clear what an unfinished one holds
	s.iter.InitString(norm.NFKC, text)
	for !s.iter.Done() {
		start := s.iter.Pos()
		seg := s.iter.Next()
		end := s.iter.Pos()
		if end == start {
			// The first of several segments that one character gives.
			_, n := utf8.DecodeRuneInString(text[start:])
			end += n
		}
		for len(seg) > 0 {
			r, n := utf8.DecodeRune(seg)
			seg = seg[n:]
			if r == utf8.RuneError {
				s.close()
				continue
			}
			p := pageOf(r)
			e := &p.entries[r&0xff]
			if e.class == expanding {
				s.expand(p.expansions[e.fold], start, end)
			} else {
				s.feed(e.fold, e.class, e.script, start, end)
			}
		}
	}
}

func (s *scanner) letter(r rune, script script, start, end int) {
	if s.state == inHalf {
		s.close()
	}
	if s.state == between {
		s.state, s.start = inWord, start
	}
	s.pause = false
	s.scripts |= 1 << script
	s.put(r, letter, end)
}

// feed takes one normalised character.
func (s *scanner) feed(r rune, class class, script script, start, end int) {
	switch class {
	case separator:
		s.close()
	case letter:
		s.letter(r, script, start, end)
	case mark:
		if s.pause {
			s.close()
		}
		if s.state != between {
			s.put(r, mark, end)
		}
	case digit:
		if s.pause || s.state == inHalf {
			s.close()
		}
		if s.state == between {
			s.state, s.start = inWord, start
		}
		if s.after == digit && len(s.buf) > 0 {
			s.end = end
			return
		}
		s.put('0', digit, end)
	case half:
		s.close()
		s.state, s.start = inHalf, start
		s.put(r, half, end)
	case apostrophe:
		if s.state != inWord || s.pause || s.after == digit {
			s.close()
			return
		}
		s.pause = true
	}
}

func (s *scanner) put(r rune, class class, end int) {
	s.buf = utf8.AppendRune(s.buf, r)
	s.after, s.end = class, end
}

// close ends the open token, if any.
func (s *scanner) close() {
	if s.state == between {
		return
	}
	t := Token{Start: s.start, End: s.end, Hash: s.hash(s.buf)}
	const (
		isLatin   = 1 << latin
		isForeign = 1 << foreign
		isTwin    = 1 << twin
	)
	switch l := s.scripts; {
	case s.state == inHalf:
		t.Hash |= 1
	case l&isLatin != 0 && l&isForeign != 0, l&isTwin != 0 && l&isForeign == 0:
		t.Hash = s.mixed(t.Hash)
	case l&isLatin != 0:
		s.decide(latin)
	case l&isForeign != 0:
		s.decide(foreign)
	}
	s.out = append(s.out, t)
	s.state, s.buf, s.pause, s.scripts = between, s.buf[:0], false, 0
}
