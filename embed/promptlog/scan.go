package promptlog

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep arrays and objects may nest in a line.
const maxDepth = 64

// A scanner walks over one JSON text. It accepts what RFC 8259 allows and, as
// encoding/json does, turns an escaped lone surrogate into U+FFFD. Invalid
// UTF-8 is not its concern: lines are checked before.
//
// Its methods return false at the first byte that cannot be, which is then at
// pos. They never read past b.
type scanner struct {
	b       []byte
	pos     int
	tooDeep bool   // the reason of a false is nesting
	buf     []byte // unescaped string; reused
}

func (s *scanner) reset(b []byte) {
	s.b, s.pos, s.tooDeep = b, 0, false
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.b) {
		c := s.b[s.pos]
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c
		}
		s.pos++
	}
	return 0
}

// take skips white space and then the byte c.
func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

// more is called after an element of an array or object that ends with end. It
// says whether another element follows.
func (s *scanner) more(end byte) (more, ok bool) {
	switch s.peek() {
	case ',':
		s.pos++
		return true, true
	case end:
		s.pos++
		return false, true
	}
	return false, false
}

// str reads a string. The bytes are valid until the next call.
func (s *scanner) str() (text []byte, ok bool) {
	if !s.take('"') {
		return nil, false
	}
	start := s.pos
	s.pos += plain(s.b[s.pos:])
	if s.pos < len(s.b) && s.b[s.pos] == '"' {
		text = s.b[start:s.pos]
		s.pos++
		return text, true
	}
	s.buf = append(s.buf[:0], s.b[start:s.pos]...)
	for s.pos < len(s.b) {
		switch c := s.b[s.pos]; {
		case c == '"':
			s.pos++
			return s.buf, true
		case c == '\\':
			if !s.escape() {
				return nil, false
			}
		case c < ' ':
			return nil, false
		}
		n := plain(s.b[s.pos:])
		s.buf = append(s.buf, s.b[s.pos:s.pos+n]...)
		s.pos += n
	}
	return nil, false
}

// escape appends what the escape sequence at pos stands for to buf.
func (s *scanner) escape() bool {
	if s.pos+1 >= len(s.b) {
		return false
	}
	c := s.b[s.pos+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		r, ok := s.hex4(s.pos + 2)
		if !ok {
			return false
		}
		s.pos += 6
		if utf16.IsSurrogate(r) {
			pair := rune(utf8.RuneError)
			if s.pos+1 < len(s.b) && s.b[s.pos] == '\\' && s.b[s.pos+1] == 'u' {
				if low, ok := s.hex4(s.pos + 2); ok {
					pair = utf16.DecodeRune(r, low)
				}
			}
			if r = pair; r != utf8.RuneError {
				s.pos += 6
			}
		}
		s.buf = utf8.AppendRune(s.buf, r)
		return true
	default:
		return false
	}
	s.buf = append(s.buf, c)
	s.pos += 2
	return true
}

func (s *scanner) hex4(at int) (rune, bool) {
	if at+4 > len(s.b) {
		return 0, false
	}
	var r rune
	for _, c := range s.b[at : at+4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// plain returns how many bytes at the start of b stand for themselves in a
// string: no quote, no backslash, no control character. It looks at eight
// bytes at a time ("Bit Twiddling Hacks", haszero and hasless); borrows only
// ever spoil bytes above the first true hit, so the first hit is exact.
func plain(b []byte) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote := w ^ ones*'"'
		slash := w ^ ones*'\\'
		hit := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*' ')&^w) & high
		if hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return i
}

// literal skips the word, one of true, false and null.
func (s *scanner) literal(word string) bool {
	if len(s.b)-s.pos < len(word) || string(s.b[s.pos:s.pos+len(word)]) != word {
		return false
	}
	s.pos += len(word)
	return true
}

// null skips a null if one is next.
func (s *scanner) null() bool {
	return s.peek() == 'n' && s.literal("null")
}

// number skips a number.
func (s *scanner) number() bool {
	if s.peek() == '-' {
		s.pos++
	}
	if s.pos < len(s.b) && s.b[s.pos] == '0' {
		s.pos++
	} else if !s.digits() {
		return false
	}
	if s.pos < len(s.b) && s.b[s.pos] == '.' {
		s.pos++
		if !s.digits() {
			return false
		}
	}
	if s.pos < len(s.b) && s.b[s.pos]|0x20 == 'e' {
		s.pos++
		if s.pos < len(s.b) && (s.b[s.pos] == '+' || s.b[s.pos] == '-') {
			s.pos++
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.b) && '0' <= s.b[s.pos] && s.b[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

// skip passes over any value. depth is how many arrays and objects enclose it.
func (s *scanner) skip(depth int) bool {
	switch s.peek() {
	case '"':
		_, ok := s.str()
		return ok
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	case '[':
		return s.array(depth, func() bool { return s.skip(depth + 1) })
	case '{':
		return s.object(depth, func([]byte) bool { return s.skip(depth + 1) })
	}
	return s.number()
}

// array reads an array; elem reads one element.
func (s *scanner) array(depth int, elem func() bool) bool {
	if depth >= maxDepth {
		s.tooDeep = true
		return false
	}
	if !s.take('[') {
		return false
	}
	if s.peek() == ']' {
		s.pos++
		return true
	}
	for {
		if !elem() {
			return false
		}
		if more, ok := s.more(']'); !more {
			return ok
		}
	}
}

// object reads an object; member reads the value of one key. The key is valid
// until member reads.
func (s *scanner) object(depth int, member func(key []byte) bool) bool {
	if depth >= maxDepth {
		s.tooDeep = true
		return false
	}
	if !s.take('{') {
		return false
	}
	if s.peek() == '}' {
		s.pos++
		return true
	}
	for {
		if s.peek() != '"' {
			return false
		}
		key, ok := s.str()
		if !ok || !s.take(':') || !member(key) {
			return false
		}
		if more, ok := s.more('}'); !more {
			return ok
		}
	}
}

// reason words why a method returned false.
func (s *scanner) reason() string {
	switch {
	case s.tooDeep:
		return "nested deeper than " + strconv.Itoa(maxDepth) + " levels"
	case s.pos >= len(s.b):
		return "malformed JSON: the line ends too early"
	}
	return "malformed JSON at byte " + strconv.Itoa(s.pos+1)
}
