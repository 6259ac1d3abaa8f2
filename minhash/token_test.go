package minhash

import (
	"slices"
	"strings"
	"testing"
)

func TestTokenOffsets(t *testing.T) {
	k := newSketcher(t)
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{" -- …", ""},
		{"\u200b\u00ad\u0301", ""},
		{"Hello, world!", "Hello|world"},
		{"don't ’tis dogs’ 5'10 a''b rock'n'roll", "don't|tis|dogs|5|10|a|b|rock'n'roll"},
		{"GPT-4 gpt4o 3.14", "GPT|4|gpt4o|3|14"},
		{"in\u00advisi\u200bble \u200bend", "in\u00advisi\u200bble|end"},
		{"Re\u0301sume\u0301 fin", "Re\u0301sume\u0301|fin"},
		{"bad\xffutf8\xe4\xb8 cut", "bad|utf8|cut"},
		{"中文 ok で", "中|文|ok|で"},
		{"ก่อนnext", "ก่|อ|น|next"},
		{"ｆｕｌｌ　ｗｉｄｔｈ", "ｆｕｌｌ|ｗｉｄｔｈ"},
		{"x½", "x½|½"},
	} {
		var got []string
		for _, tok := range k.Tokens(nil, c.text) {
			got = append(got, c.text[tok.Start:tok.End])
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("tokens of %+q: %+q, want %+q", c.text, got, c.want)
		}
	}
}

func TestSameTokens(t *testing.T) {
	k := newSketcher(t)
	for _, group := range [][]string{
		{"don't stop", "don’t STOP", "dont stop", "don\u02bct  Stop.", "ｄｏｎ＇ｔ stop", "don\u200b'\u200bt stop"},
		{"straße", "STRASSE", "Straẞe"},
		{"room 101", "room 7", "Room ٣٤", "room 𝟙𝟚"},
		{"café", "cafe\u0301", "CAFÉ", "ca\u200bfé"},
		{"한국어", "\u1112\u1161\u11ab국어"},
		{"ガラス", "ｶﾞﾗｽ", "カ\u3099ラス"},
		{"𝓱𝓮𝓵𝓵𝓸 ﬁsh", "hello fish", "ʜᴇʟʟᴏ fish"},
		{"Ꭰꭱ", "ꭰᎡ"},
		{"привет мир", "ПРИВЕТ, МИР"},
	} {
		want := hashes(k, group[0])
		for _, text := range group[1:] {
			if got := hashes(k, text); !slices.Equal(got, want) {
				t.Errorf("%+q and %+q have different tokens", text, group[0])
			}
		}
	}
}

func TestDifferentTokens(t *testing.T) {
	k := newSketcher(t)
	seen := map[uint64]string{}
	for _, w := range strings.Fields("a b ab ba cafe café 0 a0 0a 中 文 résumé resume мир mup ж 1a1 a1b") {
		h := hashes(k, w)
		if len(h) != 1 {
			t.Fatalf("%q is %d tokens", w, len(h))
		}
		if seen[h[0]] != "" {
			t.Errorf("%q and %q are one token", w, seen[h[0]])
		}
		seen[h[0]] = w
	}
	other, err := NewSketcher(NewScheme(2))
	if err != nil {
		t.Fatal(err)
	}
	if hashes(k, "word")[0] == hashes(other, "word")[0] {
		t.Error("the seed does not matter")
	}
}

func TestTokensAppend(t *testing.T) {
	k := newSketcher(t)
	dst := k.Tokens(nil, "one two")
	// The second text is given up by the quick way after some tokens.
	dst = k.Tokens(dst, "three e\u0301 four")
	if len(dst) != 5 || dst[2].Start != 0 {
		t.Fatalf("%v", dst)
	}
}
