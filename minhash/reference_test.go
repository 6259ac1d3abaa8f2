package minhash

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// refToken is a token of the slow and plain tokenizer below.
type refToken struct {
	text string
	half bool
	odd  bool // look-alike letters may change it
}

// refTokens is the package's definition of a token, but for look-alikes, without tables, fast paths or offsets.
func refTokens(text string) []refToken {
	fold := cases.Fold()
	var rs []rune
	for _, r := range norm.NFKC.String(strings.ToValidUTF8(text, "\n")) {
		f := fold.String(string(r))
		if unicode.Is(unicode.Cherokee, r) {
			f = strings.ToUpper(string(r))
		}
		for _, r := range f {
			if v := plainOf[r]; v != 0 {
				r = v
			}
			if !ignorableRune(r) {
				rs = append(rs, r)
			}
		}
	}
	isHalf := func(r rune) bool {
		return strings.ContainsRune("〇ー〆", r) || unicode.IsLetter(r) && unicode.In(r, spaceless...)
	}
	isApostrophe := func(r rune) bool { return strings.ContainsRune("'‘’‛ʻʼ", r) }
	isLetter := func(r rune) bool { return unicode.IsLetter(r) && !isHalf(r) && !isApostrophe(r) }
	var out []refToken
	var last []rune // of the open token
	var open, half bool
	flush := func() {
		if open {
			var l, tw, f bool
			for _, r := range last {
				switch {
				case !unicode.IsLetter(r):
				case unicode.Is(unicode.Latin, r):
					l = true
				case latinOf[r] != 0:
					tw = true
				default:
					f = true
				}
			}
			out = append(out, refToken{string(last), half, l && f || tw && !f})
		}
		open, half, last = false, false, nil
	}
	for i := 0; i < len(rs); i++ {
		r := rs[i]
		switch {
		case isHalf(r):
			flush()
			open, half, last = true, true, []rune{r}
		case unicode.IsNumber(r):
			if half {
				flush()
			}
			if i == 0 || !open || !unicode.IsNumber(rs[i-1]) {
				last = append(last, '0')
			}
			open = true
		case isLetter(r):
			if half {
				flush()
			}
			open, last = true, append(last, r)
		case unicode.IsMark(r):
			if open {
				last = append(last, r)
			}
		case isApostrophe(r) && open && !half && !unicode.IsNumber(rs[i-1]) && i+1 < len(rs) && isLetter(rs[i+1]):
		default:
			flush()
		}
	}
	flush()
	return out
}

// checkAgainstReference fails the test unless Tokens agrees with refTokens.
func checkAgainstReference(t *testing.T, k *Sketcher, text string) {
	t.Helper()
	got, want := k.Tokens(nil, text), refTokens(text)
	if len(got) != len(want) {
		t.Fatalf("%+q: %d tokens, want %d: %+v", text, len(got), len(want), want)
	}
	for i, w := range want {
		h := k.scan.hash([]byte(w.text))
		if w.half {
			h |= 1
		}
		if got[i].Hash != h && !w.odd {
			t.Fatalf("%+q: token %d (%d-%d) is not %+q", text, i, got[i].Start, got[i].End, w.text)
		}
	}
}

// checkOffsets fails the test unless the tokens' offsets are what Tokens promises.
func checkOffsets(t *testing.T, text string, tokens []Token) {
	t.Helper()
	var last Token
	for _, tok := range tokens {
		if tok.Start < last.Start || tok.End < last.End || tok.Start >= tok.End || tok.End > len(text) {
			t.Fatalf("%+q: token %d-%d after %d-%d", text, tok.Start, tok.End, last.Start, last.End)
		}
		last = tok
	}
}

func TestEveryCodePointAgainstNorm(t *testing.T) {
	k := newSketcher(t)
	for r := range rune(unicode.MaxRune + 1) {
		if r >= 0x30000 && r < 0xe0000 || r > 0xe1000 {
			continue // nothing assigned that is not a plain ideograph or for private use
		}
		text := "one a" + string(r) + "b " + string(r) + " two"
		checkAgainstReference(t, k, text)
		checkOffsets(t, text, k.Tokens(nil, text))
	}
}

// interesting are characters whose normal forms depend on each other, or that take special paths.
var interesting = []rune("aAeEzZ019 .-য়ড়ढ़क़иуйё\u0306\u05bcשאּ'’ʼßİıſŉŐéÅÅﬁ™½²①´¨…\u0300\u0301\u0308\u0323\u0327\u0338\u0345\u034f\u200b\u200d\u00ad\ufeff\ufe0f\u20e3" +
	"абвгоώΐΣςσᾳῼ한ᄒ\u1161\u11a8가각漢字〇ーカｶﾞﾟか\u3099\u309aक\u093c\u094dनনে\u09be\u09d7ไทย\u0e33\u0e48\u0e4dລາວ\u0eb3ខ្មែរမြန်မာ\u0f71\u0f73" +
	"ŽｆｕＬ１𝐀𝟙ﷺ㍿\ufffd\u0080\u2028٣५Ꭰꭰ\U000e0041\U0001d15e𑄱\U00011127ﬀʰª\u115f\u3164")

func randomText(rng *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		switch rng.IntN(12) {
		case 0:
			b.WriteRune(rune(rng.IntN(0x3400)))
		case 1:
			b.WriteByte(byte(rng.IntN(256)))
		case 2, 3, 4:
			b.WriteByte(byte('a' + rng.IntN(26)))
		default:
			b.WriteRune(interesting[rng.IntN(len(interesting))])
		}
	}
	return b.String()
}

func TestRandomTextAgainstNorm(t *testing.T) {
	k := newSketcher(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50000 {
		text := randomText(rng, 1+rng.IntN(12))
		checkAgainstReference(t, k, text)
		checkOffsets(t, text, k.Tokens(nil, text))
	}
}

// TestQuickAgainstExact compares the two ways through a text where both apply, look-alikes included.
func TestQuickAgainstExact(t *testing.T) {
	k := newSketcher(t)
	rng := rand.New(rand.NewPCG(3, 4))
	read := func(text string, exact bool) ([]Token, bool) {
		s, ok := &k.scan, true
		s.begin(nil)
		if exact {
			s.exact(text)
		} else {
			ok = s.quick(text)
		}
		s.close()
		s.decide(neutral)
		return s.out, ok
	}
	quick := 0
	for range 20000 {
		text := randomText(rng, 1+rng.IntN(30))
		got, ok := read(text, false)
		if !ok {
			continue
		}
		quick++
		want, _ := read(text, true)
		if len(got) != len(want) {
			t.Fatalf("%+q: %d tokens, want %d", text, len(got), len(want))
		}
		for i := range want {
			if got[i].Hash != want[i].Hash {
				t.Fatalf("%+q: token %d-%d differs", text, got[i].Start, got[i].End)
			}
		}
	}
	if quick < 1000 {
		t.Fatalf("only %d texts took the quick way", quick)
	}
}
