package minhash

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzSketch(f *testing.F) {
	for _, s := range []string{
		"", "hi", "don’t", "e\u0301 \xff\xfe", "请将以下文本翻译", "а сосо", "½ﷺ", "%41%42" + strings.Repeat("%20%43", 20), strings.Repeat("U3Vt", 30),
		"a b c\n\"d e f g\": 中文字。\n½ a：b",
	} {
		f.Add(s)
	}
	k := newSketcher(f)
	f.Fuzz(func(t *testing.T, text string) {
		tokens := k.Tokens(nil, text)
		checkOffsets(t, text, tokens)
		if utf8.ValidString(text) {
			for _, tok := range tokens {
				if !utf8.ValidString(text[tok.Start:tok.End]) {
					t.Fatalf("token %d-%d cuts a character", tok.Start, tok.End)
				}
			}
		}
		checkAgainstReference(t, k, text)
		shingles := k.Shingles(nil, text)
		if (len(shingles) == 0) != (len(tokens) == 0) || len(shingles) > 3*len(tokens)+2 {
			t.Fatalf("%d shingles of %d tokens", len(shingles), len(tokens))
		}
		k.Reset()
		k.Add(text)
		checkWork(t, k, text)
		s := k.Sketch()
		for i, key := range s.Sample {
			if key >= 1<<(KeyBits-s.Scale) || i > 0 && key <= s.Sample[i-1] {
				t.Fatalf("key %d of the sample is %x at scale %d", i, key, s.Scale)
			}
		}
		for _, sh := range shingles {
			if sh.First < -1 || sh.Last > len(tokens) || sh.First > sh.Last {
				t.Fatalf("shingle %v", sh)
			}
			if _, ok := slices.BinarySearch(s.Sample, sh.Key); !ok && sh.Key < 1<<(KeyBits-s.Scale) {
				t.Fatalf("shingle %v is not in the sample", sh)
			}
		}
		if (s.Signature == nil) != (len(k.keys) == 0) || s.Signature != nil && len(k.Bands(nil, s.Signature)) != k.scheme.Bands {
			t.Fatalf("signature of %d rows", len(s.Signature))
		}
	})
}

// checkWork fails the test if what an Add produced is not linear in its text.
func checkWork(t *testing.T, k *Sketcher, text string) {
	t.Helper()
	if k.decoded > min(maxDecoded, maxDepth*len(text)) {
		t.Fatalf("%d bytes decoded of %d", k.decoded, len(text))
	}
	// U+FDFA, of three bytes, is four words of eighteen letters; begin and end marks add two keys a message.
	if n := len(k.keys); n > 3*(len(text)+k.decoded)+2 {
		t.Fatalf("%d keys of %d bytes", n, len(text))
	}
}

func TestWorkIsLinear(t *testing.T) {
	k := newSketcher(t)
	for _, part := range []string{
		"a ", "a", "а ", "e\u0301", "\u0301", "ﷺ", "中", "%41", "U3Vt", "4142", "\xff", "a'", "½", "\u200b", "a\n",
		strings.Repeat("U3Vt", 10) + "\n", strings.Repeat("A", 30) + "\n",
	} {
		k.Reset()
		text := strings.Repeat(part, 1<<20/len(part))
		k.Add(text)
		checkWork(t, k, text)
		k.Sketch()
	}
}

func FuzzScheme(f *testing.F) {
	b, err := NewScheme(1).MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Scheme
		if s.UnmarshalBinary(b) != nil {
			return
		}
		if back, err := s.MarshalBinary(); err != nil || string(back) != string(b) {
			t.Fatalf("%x becomes %x, %v", b, back, err)
		}
	})
}
