package minhash

import (
	"fmt"
	"hash/crc32"
	"testing"
)

// TestGolden pins the versions of the scheme: stored keys must keep their meaning. If it fails, text gets other keys than it did, and
// the change needs a new Version. The lines are: distinct shingles, scale, first key of the sample, and CRC-32s of sample,
// signature and bands.
func TestGolden(t *testing.T) {
	sketchers := make(map[int]*Sketcher)
	for v := 1; v <= Version; v++ {
		scheme := NewScheme(0x5eed)
		scheme.Version = v
		k, err := NewSketcher(scheme)
		if err != nil {
			t.Fatal(err)
		}
		sketchers[v] = k
	}
	newer := map[string]string{ // where version 2 differs
		"layout": "16 0 06365781af 72249a67 4edee40f 386db93b",
	}
	for _, c := range []struct{ name, text, want string }{
		{"word", "hello", "1 0 bf3287b683 8ab06439 d24fcf20 9f3a26fe"},
		{"prompt", "Summarise the following text in 3 sentences; don't add anything of your own:", "11 0 15fe26e72c f6837fd9 e8f15e50 8b136033"},
		{"russian", "Переведите следующий текст на английский язык и объясните каждое слово.", "8 0 016ffcadb9 66f862a1 e30d0ca5 9cf11675"},
		{"chinese", "请将以下文本翻译成英文,并解释每个词的意思。", "13 0 02f9ad3342 1ae18b47 2fb7bbf2 18538c23"},
		{"hindi", "निम्नलिखित पाठ का सारांश हिंदी में लिखिए और मुख्य बिंदु बताइए", "9 0 08a05c3ef9 6447700d 92a3b674 85e58870"},
		{"thai", "กรุณาสรุปข้อความต่อไปนี้ให้สั้นและชัดเจน", "23 0 18af091cd7 a8869ecc 92b61269 d8d6157c"},
		{"look-alikes", "Summаrise thе following tеxt in а fеw sentences, рlease, а\u200b lot", "9 0 11f021e598 668eab97 dd91d4e7 9b3b6b78"},
		{"decomposed", "Re\u0301sumez le texte suivant a\u0300 l’aide de phrases bre\u0300ves", "7 0 06bd5bcdbe eeff36d9 4fa14b38 996ea68c"},
		{"base64", "Do: U3VtbWFyaXNlIHRoZSBmb2xsb3dpbmcgdGV4dCBpbiBhIGZldyB3b3Jkcy4g", "7 0 14452308b7 37a22c1a eb63b283 e96da785"},
		{"layout", "Question: is every word\n\"worth the work\" that it takes?\nAnswer with yes: no", "12 0 06365781af 08e6e54d 11d27988 d9dcf09e"},
		{"page", prose(1, 2000), "1998 1 000164a33b ee726a97 d2506acf e078dd6b"},
	} {
		for v, k := range sketchers {
			k.Reset()
			k.Add(c.text)
			s := k.Sketch()
			sum := func(v any) uint32 { return crc32.ChecksumIEEE(fmt.Append(nil, v)) }
			got := fmt.Sprintf("%d %d %010x %08x %08x %08x", s.Shingles, s.Scale, s.Sample[0], sum(s.Sample), sum(s.Signature), sum(k.Bands(nil, s.Signature)))
			want, changed := c.want, newer[c.name]
			if v == 2 && changed != "" {
				want = changed
			}
			if got != want {
				t.Errorf("%s, version %d: %q, want %q", c.name, v, got, want)
			}
		}
	}
}
