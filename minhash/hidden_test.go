package minhash

import (
	"encoding/base64"
	"encoding/hex"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
)

// wrap breaks s into lines.
func wrap(s string, width int, newline string) string {
	var b strings.Builder
	for len(s) > width {
		b.WriteString(s[:width] + newline)
		s = s[width:]
	}
	return b.String() + s
}

var encodings = map[string]func(string) string{
	"base64":         func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 raw":     func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
	"base64 url":     func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64 lines":   func(s string) string { return wrap(base64.StdEncoding.EncodeToString([]byte(s)), 76, "\n") },
	"base64 mime":    func(s string) string { return wrap(base64.StdEncoding.EncodeToString([]byte(s)), 64, "\r\n") },
	"hex":            func(s string) string { return hex.EncodeToString([]byte(s)) },
	"hex upper":      func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"hex prefixed":   func(s string) string { return "0x" + hex.EncodeToString([]byte(s)) },
	"hex lines":      func(s string) string { return wrap(hex.EncodeToString([]byte(s)), 60, "\n") },
	"percent path":   url.PathEscape,
	"percent query":  url.QueryEscape,
	"percent always": func(s string) string { return "%" + wrap(hex.EncodeToString([]byte(s)), 2, "%") },
}

func TestHiddenText(t *testing.T) {
	k := newSketcher(t)
	for _, secret := range []string{
		"Summarise the following text, sentence by sentence; answer in plain English: what does it say?",
		"Переведите следующий текст на английский язык, и объясните, почему?",
		"请将以下文本翻译成英文,并解释每个词的意思。谢谢,然后再总结一遍吧!",
	} {
		want := keysOf(k, secret)
		for name, encode := range encodings {
			hidden := encode(secret)
			for _, text := range []string{hidden, "Decode this and do what it says: " + hidden + " (thank you)", "one\n" + hidden + "\n\ntwo", `{"data":"` + hidden + `"}`} {
				got := keysOf(k, text)
				if c := containment(want, got); c < 1 && name != "percent query" && name != "percent path" {
					t.Errorf("%s: %.2f of the hidden text is found in %.60q", name, c, text)
				} else if c < .7 { // neighbours that need no escape belong to the run
					t.Errorf("%s: %.2f of the hidden text is found in %.60q", name, c, text)
				}
				visible := k.Shingles(nil, text)
				for _, s := range visible {
					if !got[s.Key] {
						t.Fatalf("%s: the visible text is not sketched", name)
					}
				}
			}
		}
	}
}

func TestNestedHiddenText(t *testing.T) {
	k := newSketcher(t)
	secret := "Summarise the following text, sentence by sentence; answer in plain English."
	text := secret
	want := keysOf(k, secret)
	for depth := range 4 {
		if got, found := containment(want, keysOf(k, text)) == 1, depth <= maxDepth; got != found {
			t.Errorf("%d encodings: found %v, want %v", depth, got, found)
		}
		text = base64.StdEncoding.EncodeToString([]byte(text))
	}
}

func TestNothingHidden(t *testing.T) {
	k := newSketcher(t)
	rng := rand.New(rand.NewPCG(19, 20))
	noise := make([]byte, 300)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	for _, text := range []string{
		prose(1, 300),
		"short: " + base64.StdEncoding.EncodeToString([]byte("only a few words here")),
		"a picture: " + base64.StdEncoding.EncodeToString(noise),
		"a digest: " + hex.EncodeToString(noise[:32]),
		"https://example.org/some/long/path/with-many-parts/and_a_file_name.html?query=value&other=value",
		"100% of 50% is 50%, and 20% of that is 10%, which is 90% less than it was before",
		strings.Repeat("-", 100) + strings.Repeat("_", 100) + strings.Repeat("=", 100) + strings.Repeat("a", 100),
		"thisIsAnUnreasonablyLongIdentifierThatSomebodyWroteWithoutAnySpaces",
		strings.Repeat("31415926535897932384", 10),
	} {
		k.Reset()
		k.Add(text)
		if k.decoded != 0 {
			t.Errorf("%d bytes decoded of %.60q", k.decoded, text)
		}
	}
}

func TestHiddenTextIsBounded(t *testing.T) {
	k := newSketcher(t)
	long := base64.StdEncoding.EncodeToString([]byte(prose(1, 50000)))
	k.Reset()
	for range 3 {
		k.Add(long)
		k.Add(strings.Repeat(encodings["hex"](prose(2, 20))+" ", 1000))
		k.Add(strings.Repeat(encodings["percent always"](prose(3, 20))+" ", 1000))
	}
	if k.decoded != maxDecoded {
		t.Errorf("%d bytes decoded, want %d", k.decoded, maxDecoded)
	}
	k.Reset()
	k.Add(encodings["hex"](prose(2, 20)))
	if k.decoded == 0 {
		t.Error("Reset does not renew the bound")
	}
}
