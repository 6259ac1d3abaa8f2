package minhash

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkSketch(b *testing.B) {
	for _, words := range []int{10, 30, 60, 400, 4000} {
		b.Run(fmt.Sprintf("words=%d", words), func(b *testing.B) { benchSketch(b, prose(1, words)) })
	}
	texts := map[string]string{
		"russian":    strings.Repeat("Переведите следующий текст на английский язык и объясните каждое слово. ", 6),
		"chinese":    strings.Repeat("请将以下文本翻译成英文并解释每个词的意思。", 6),
		"accents":    strings.Repeat("Résumez le texte suivant à l’aide de phrases brèves et précises. ", 6),
		"decomposed": strings.Repeat("Re\u0301sumez le texte suivant a\u0300 l’aide de phrases bre\u0300ves. ", 6),
		"stressed":   strings.Repeat("Переведи\u0301те сле\u0301дующий текст на англи\u0301йский язы\u0301к. ", 6),
		"hidden":     "Do this: " + strings.Repeat("U3VtbWFyaXNlIHRoZSBmb2xsb3dpbmcgdGV4dCBpbiBhIGZldyB3b3Jkcy4g", 8),
	}
	for _, name := range []string{"russian", "chinese", "accents", "decomposed", "stressed", "hidden"} {
		b.Run(name, func(b *testing.B) { benchSketch(b, texts[name]) })
	}
}

func benchSketch(b *testing.B, text string) {
	k := newSketcher(b)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		k.Reset()
		k.Add(text)
		k.Sketch()
	}
}

func BenchmarkTokens(b *testing.B) {
	k := newSketcher(b)
	text := prose(1, 60)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var dst []Token
	for b.Loop() {
		dst = k.Tokens(dst[:0], text)
	}
}
