package drill

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"unicode"
)

// A Tier is how a campaign disguises its template:
//
//	0  not at all
//	1  case, spacing and punctuation changed here and there
//	2  three words in a hundred misspelt
//	3  ordinary text before and after
//	4  sentences in any order
//	5  look-alike letters and invisible characters
type Tier int

const maxTier Tier = 5

// ParseTier reads "T0" to "T5".
func ParseTier(s string) (Tier, error) {
	if len(s) == 2 && (s[0] == 'T' || s[0] == 't') && s[1] >= '0' && Tier(s[1]-'0') <= maxTier {
		return Tier(s[1] - '0'), nil
	}
	return 0, fmt.Errorf("drill: tier %q is not one of T0 to T%d", s, maxTier)
}

func (t Tier) String() string { return fmt.Sprintf("T%d", int(t)) }

// lookalikes turns Latin letters into Cyrillic ones that look the same.
var lookalikes = map[rune]rune{'a': 'а', 'e': 'е', 'o': 'о', 'c': 'с', 'p': 'р', 'x': 'х'}

var sentenceEnd = regexp.MustCompile(`[.?!\n]\s+`)

const around = 160 // bytes of ordinary text on each side, at most

// disguise changes a prompt as the tier says.
func (t Tier) disguise(rng *rand.Rand, text string, ordinary func() string) string {
	switch t {
	case 1:
		text = strings.Map(func(r rune) rune {
			if rng.Float64() < .03 {
				return unicode.ToUpper(r)
			}
			return r
		}, text)
		if rng.IntN(2) == 0 {
			text = strings.ReplaceAll(text, " ", "  ")
		}
		return strings.ReplaceAll(text, ".", [...]string{".", "...", " ."}[rng.IntN(3)])
	case 2:
		words := strings.Split(text, " ")
		for i, w := range words {
			if r := []rune(w); len(r) > 3 && rng.Float64() < .03 {
				k := rng.IntN(len(r) - 1)
				r[k], r[k+1] = r[k+1], r[k]
				words[i] = string(r)
			}
		}
		return strings.Join(words, " ")
	case 3:
		return head(ordinary()) + "\n" + text + "\n" + head(ordinary())
	case 4:
		parts := sentences(text)
		rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		return strings.Join(parts, " ")
	case 5:
		var b strings.Builder
		for _, r := range text {
			if twin, ok := lookalikes[r]; ok && rng.Float64() < .1 {
				r = twin
			}
			b.WriteRune(r)
			if r == ' ' && rng.Float64() < .2 {
				b.WriteRune('\u200b')
			}
		}
		return b.String()
	}
	return text
}

// head is the beginning of a text, whole characters only.
func head(s string) string {
	if len(s) > around {
		s = strings.ToValidUTF8(s[:around], "")
	}
	return s
}

// sentences cuts a text after the marks that end sentences.
func sentences(text string) (out []string) {
	at := 0
	for _, m := range sentenceEnd.FindAllStringIndex(text, -1) {
		out = append(out, text[at:m[0]+1])
		at = m[1]
	}
	return append(out, text[at:])
}

// sentence makes up a text of 8 to 20 words.
func sentence(rng *rand.Rand) string {
	words := make([]string, 8+rng.IntN(13))
	for i := range words {
		words[i] = vocabulary[rng.IntN(len(vocabulary))]
	}
	return strings.Join(words, " ")
}

var vocabulary = strings.Fields(`apple river engine window market garden letter bridge copper velvet lantern harbour
	signal winter orange barrel canvas meadow pepper saddle ticket wallet anchor basket candle danger eleven fabric
	gentle hammer insect jacket kettle ladder marble needle oyster pencil quartz ribbon silver timber urgent violin
	walnut yellow zipper acorn blanket cabbage dolphin elegant feather glacier history iceberg journey kingdom leather
	machine nothing opinion pattern quarter reptile station thunder uniform village weather ancient balance captain
	deliver element fortune gravity hundred improve justice kitchen library measure natural observe perhaps quickly
	receive science teacher unknown variety whisper arrange between certain descend explain forward growing holding
	inside joining keeping lifting moving nearby opening playing quiet reading sailing talking under visiting waiting
	young always before count during early follow great heavy ideal joint known large minor never often plain quite
	right small three until value where about above after below cheap dirty empty fresh green happy inner juicy kind`)
