package minhash

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on hidden text.
const (
	maxDepth    = 2       // encodings inside each other that are undone
	maxDecoded  = 1 << 16 // bytes decoded of one prompt
	minHidden   = 40      // characters that a run of encoded text must have
	minSegment  = 24      // characters without a break that it must begin with
	minPrinting = 0.9     // share of decoded bytes that must be printable UTF-8
)

// addHidden adds the texts hidden in a message whose tokens are k.tokens.
func (k *Sketcher) addHidden(text string, depth int) {
	long := false
	for _, t := range k.tokens {
		if t.End-t.Start >= minSegment {
			long = true
			break
		}
	}
	if long {
		for rest := text; ; {
			var run string
			if run, rest = nextRun(rest); run == "" {
				break
			}
			if !k.addDecoded(run, depth, appendHex) {
				k.addDecoded(run, depth, appendBase64)
			}
		}
	}
	if strings.IndexByte(text, '%') >= 0 {
		for rest := text; ; {
			var run string
			if run, rest = nextPercent(rest); run == "" {
				break
			}
			k.addDecoded(run, depth, appendPercent)
		}
	}
}

// addDecoded adds the text that a run decodes to, if it is one and within bounds.
func (k *Sketcher) addDecoded(run string, depth int, decode func(dst []byte, s string) ([]byte, bool)) bool {
	if left := maxDecoded - k.decoded; len(run) > 3*left {
		run = run[:3*left]
	}
	from := len(k.hidden)
	b, ok := decode(k.hidden, run)
	k.hidden = b
	defer func() { k.hidden = k.hidden[:from] }()
	out := b[from:]
	if !ok || !printing(out) {
		return false
	}
	if left := maxDecoded - k.decoded; len(out) > left {
		out = out[:left]
	}
	k.decoded += len(out)
	k.add(string(out), depth+1)
	return true
}

// nextRun returns the next run of base64 or hex characters of text, and what follows it. Its lines, if it has several, are all
// as long as the first but for the last.
func nextRun(text string) (run, rest string) {
	for i := 0; i < len(text); {
		if base64Value[text[i]] < 0 {
			i++
			continue
		}
		start := i
		i = segment(text, i)
		if i-start < minSegment {
			continue
		}
		width, chars := i-start, i-start
		for {
			j := i
			if j < len(text) && text[j] == '\r' {
				j++
			}
			if j == len(text) || text[j] != '\n' {
				break
			}
			end := segment(text, j+1)
			n := end - (j + 1)
			if n == 0 || n > width {
				break
			}
			i, chars = end, chars+n
			if n < width {
				break
			}
		}
		if chars >= minHidden {
			return text[start:i], text[i:]
		}
	}
	return "", ""
}

// segment returns the end of the base64 characters from i on.
func segment(text string, i int) int {
	for i < len(text) && base64Value[text[i]] >= 0 {
		i++
	}
	return i
}

// base64Value maps both alphabets of RFC 4648 to 0-63, all else to -1.
var base64Value = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = int8(i)
	}
	t['-'], t['_'] = 62, 63
	return t
}()

func appendBase64(dst []byte, s string) ([]byte, bool) {
	var acc, n uint
	for i := range len(s) {
		v := base64Value[s[i]]
		if v < 0 {
			continue // a line break
		}
		acc, n = acc<<6|uint(v), n+6
		if n >= 8 {
			n -= 8
			dst = append(dst, byte(acc>>n))
		}
	}
	return dst, true
}

func appendHex(dst []byte, s string) ([]byte, bool) {
	s = strings.TrimPrefix(s, "0x")
	var acc, n uint
	for i := range len(s) {
		if s[i] == '\r' || s[i] == '\n' {
			continue
		}
		v := hexValue(s[i])
		if v < 0 {
			return dst, false
		}
		acc, n = acc<<4|uint(v), n+1
		if n%2 == 0 {
			dst = append(dst, byte(acc))
		}
	}
	return dst, true
}

func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c - 'a' + 10)
	case 'A' <= c && c <= 'F':
		return int(c - 'A' + 10)
	}
	return -1
}

// nextPercent returns the next run of percent-encoded text, and what follows it: at least minHidden bytes of URL characters with
// an escape among them, an eighth or more of them escapes and pluses.
func nextPercent(text string) (run, rest string) {
	for i := 0; i < len(text); {
		start, escapes, pluses := i, 0, 0
		for i < len(text) && urlByte(text[i]) {
			if isEscape(text, i) {
				escapes++
				i += 2
			} else if text[i] == '+' {
				pluses++
			}
			i++
		}
		if n := i - start; n >= minHidden && escapes > 0 && 8*(3*escapes+pluses) >= n {
			return text[start:i], text[i:]
		}
		if i == start {
			i++
		}
	}
	return "", ""
}

func urlByte(c byte) bool {
	return ascii[c] == asciiLower || ascii[c] == asciiUpper || ascii[c] == asciiDigit || strings.IndexByte("%+-_.~!*'()&=/:?;@,$#", c) >= 0
}

func appendPercent(dst []byte, s string) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			dst = append(dst, ' ')
		case isEscape(s, i):
			dst = append(dst, byte(hexValue(s[i+1])<<4|hexValue(s[i+2])))
			i += 2
		default:
			dst = append(dst, s[i])
		}
	}
	return dst, true
}

func isEscape(s string, i int) bool {
	return s[i] == '%' && i+2 < len(s) && hexValue(s[i+1]) >= 0 && hexValue(s[i+2]) >= 0
}

// printing reports whether b is mostly printable UTF-8.
func printing(b []byte) bool {
	good := 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r != utf8.RuneError && (unicode.IsPrint(r) || unicode.IsSpace(r)) {
			good += n
		}
		i += n
	}
	return len(b) > 0 && float64(good) >= minPrinting*float64(len(b))
}
