package template

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-368d3dfa/chorus/minhash"
)

func newSketcher(t testing.TB) *minhash.Sketcher {
	k, err := minhash.NewSketcher(minhash.NewScheme(1))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// coreOf returns the shingles that at least a third of the texts hold, two at least.
func coreOf(k *minhash.Sketcher, texts []string) (core []uint64) {
	n := map[uint64]int{}
	for _, text := range texts {
		seen := map[uint64]bool{}
		for _, s := range k.Shingles(nil, text) {
			if !seen[s.Key] {
				seen[s.Key] = true
				if n[s.Key]++; n[s.Key] == max(2, (len(texts)+2)/3) {
					core = append(core, s.Key)
				}
			}
		}
	}
	slices.Sort(core)
	return core
}

// Each case is one kind of noise; what people should read is spelled here.
func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		name  string
		texts []string
		want  string
	}{
		{"as it is", []string{
			"Translate the following sentence into French: the cat sleeps.",
			"Translate the following sentence into French: where is my other shoe today?",
			"Translate the following sentence into French: good night",
		}, "Translate the following sentence into French: {1}"},
		{"one exemplar", []string{"You are a helpful assistant."}, "{core}"},
		{"slots, short words between them", []string{
			"Context: ships are old\nQuestion: how many ships are there\nAnswer with one word from the text, or \"nothing\".",
			"Context: bees make wax\nQuestion: what else could they make\nAnswer with one word from the text, or \"nothing\".",
			"Context: rain fell for weeks\nQuestion: did they stop\nAnswer with one word from the text, or \"nothing\".",
			"Context: he wrote it down\nQuestion: when was that\nAnswer with one word from the text, or \"nothing\".",
		}, "Context: {1}\nQuestion: {2}\nAnswer with one word from the text, or \"nothing\"."},
		{"capitals and spaces", []string{
			"Write  a  Short  summary  of  this  bill ...  apples  and  pears",
			"Write a short sUmmary of this bill. Roads must be wide",
			"write a short summary of thiS bill ... nobody may fish here",
			"Write a short summary Of this Bill. The king is dead",
			"Write a shOrt summary of this bill. Trains stop at night",
		}, "Write a short summary of this bill. {1}"},
		{"misspelt words", []string{
			"Please exlpain why the two senetnces below contradict each other: a b",
			"Please explain why the two sentences below contardict each other: c d e",
			"Plaese explain why the two sentences below contradict each other: f g",
			"Please explain why the two sentences belwo contradict each other: h",
			"Please explain why the two sentences below contradict eahc other: i j k l",
		}, "Please explain why the two sentences below contradict each other: {1}"},
		{"ordinary text before and after", []string{
			"weather in oslo\nList the three main causes of the event below\nThe fire\nhow to boil eggs",
			"hello there\nList the three main causes of the event below\nA flood came\nbest shoes for running",
			"my name is tom\nList the three main causes of the event below\nWar broke out again\nnothing else",
			"what time is it\nList the three main causes of the event below\nPrices rose\nsend mail to ann",
		}, "{1}\nList the three main causes of the event below\n{2}"},
		{"sentences shuffled", []string{
			"Think about every step before you answer. Number each of the steps clearly. Write the result on its own line. 7 apples",
			"Number each of the steps clearly. Write the result on its own line. Think about every step before you answer. nine pears",
			"Write the result on its own line. Think about every step before you answer. Number each of the steps clearly. two figs fell",
			"Think about every step before you answer. Number each of the steps clearly. Write the result on its own line. no plums",
			"Number each of the steps clearly. Think about every step before you answer. Write the result on its own line. old grapes rot",
		}, "Think about every step before you answer. Number each of the steps clearly. Write the result on its own line. {1}"},
		{"look-alike letters", []string{
			"Rewrite the sentеnce below sо that it sounds \u200bpolite: go away",
			"Rеwrite the sentence below so that it sounds polite: shut the door",
			"Rewrite thе sentence bеlow \u200bso that it sоunds polite: leave me be now",
			"Rewrite the \u200bsentence below so thаt it sounds pоlite: eat",
			"Rewrite the sentence belоw so \u200bthat it sounds polite: stop it at once",
		}, "Rewrite the sentence below so that it sounds polite: {1}"},
		{"numbers agree by chance", []string{
			"Describe the stance of this message: 2002 10 22 ann met bob",
			"Describe the stance of this message: 1999 01 07 no one came",
			"Describe the stance of this message: 2024 12 31 dogs bark",
		}, "Describe the stance of this message: {1}"},
		{"no spaces", []string{
			"请把下面的句子翻译成英文：今天天气很好",
			"请把下面的句子翻译成英文：我喜欢猫",
			"请把下面的句子翻译成英文：火车晚点了",
		}, "请把下面的句子翻译成英文：{1}"},
		{"a variant of few", []string{
			"Read the passage and name its author in one line. It was night",
			"Read the passage and name its author in one line. Call me now",
			"Here are two claims. Read the passage and name its author. Best times",
			"Read the passage and name its author in one line. We sailed west",
			"Read the passage and name its author in one line. Snow fell",
		}, "Read the passage and name its author in one line. {1}"},
	} {
		k := newSketcher(t)
		core := coreOf(k, c.texts)
		if len(c.texts) == 1 { // a core's shingles are all there is to go by
			for _, s := range k.Shingles(nil, c.texts[0])[1:2] {
				core = append(core, s.Key)
			}
			c.want = c.texts[0]
		}
		p := MakePattern(k, core, c.texts)
		if p.Text != c.want {
			t.Errorf("%s:\n%q, want\n%q", c.name, p.Text, c.want)
		}
		if n := strings.Count(p.Text, "{"); n != len(p.Slots) {
			t.Errorf("%s: %d slots in the text, %d described", c.name, n, len(p.Slots))
		}
	}
}

func TestSlots(t *testing.T) {
	k := newSketcher(t)
	long := strings.Repeat("ünïcödé ", 30)
	texts := []string{
		"Summarise the text below in one sentence please: alpha",
		"Summarise the text below in one sentence please: beta gamma",
		"Summarise the text below in one sentence please: alpha",
		"Summarise the text below in one sentence please: " + long,
		"Summarise the text below in one sentence please: delta",
	}
	p := MakePattern(k, coreOf(k, texts[:3]), texts)
	if len(p.Slots) != 1 || p.FixedWords != 8 || p.Slots[0].Distinct != 4 || len(p.Slots[0].Examples) != 3 {
		t.Fatalf("pattern %+v", p)
	}
	for _, e := range p.Slots[0].Examples {
		if len(e) > exampleBytes || !utf8.ValidString(e) {
			t.Errorf("example %q has %d bytes", e, len(e))
		}
	}
	if p := MakePattern(k, nil, texts); p.Text != "" || p.Slots != nil {
		t.Errorf("a template without core has the pattern %q", p.Text)
	}
	if p := MakePattern(k, coreOf(k, texts), nil); p.Text != "" {
		t.Errorf("no exemplars have the pattern %q", p.Text)
	}
}

var words = strings.Fields(`time person year way day thing man world life hand part child eye woman place work week case
	point government company number group problem fact be have do say get make go know take see come think look want give
	use find tell ask seem feel try leave call good new first last long great little own other old right big high different
	small large next early young important few public bad same able to of in for on with at by from up about into over after`)

func phrase(rng *rand.Rand, n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = words[rng.IntN(len(words))]
	}
	return strings.Join(out, " ")
}

// Of planted templates the fixed words must come back, whatever is filled in.
func TestPatternsOfPlantedTemplates(t *testing.T) {
	k := newSketcher(t)
	sum, trials := 0.0, 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 6))
		parts := make([]string, 2+rng.IntN(2))
		for i := range parts {
			parts[i] = fmt.Sprintf("%s qx%d %s", phrase(rng, 3+rng.IntN(4)), i, phrase(rng, 3+rng.IntN(4)))
		}
		var texts []string
		for range 8 {
			text := parts[0]
			for _, part := range parts[1:] {
				text += ": " + phrase(rng, 1+rng.IntN(40)) + "\n" + part
			}
			w := strings.Split(text, " ")
			for i := range w {
				if len(w[i]) > 3 && rng.IntN(30) == 0 {
					w[i] = w[i][1:] + w[i][:1]
				}
			}
			texts = append(texts, strings.Join(w, " "))
		}
		p := MakePattern(k, coreOf(k, texts), texts)
		f := f1(p.Text, strings.Join(parts, " "))
		sum, trials = sum+f, trials+1
		if f < .75 {
			t.Errorf("seed %d: F1 %.2f:\n%q for\n%q", seed, f, p.Text, parts)
		}
	}
	if mean := sum / float64(trials); mean < .95 {
		t.Errorf("mean F1 %.3f", mean)
	} else {
		t.Logf("mean F1 %.3f", mean)
	}
}

// f1 compares the words of a pattern with those planted, as multisets.
func f1(pattern, planted string) float64 {
	clean := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ' ' || r == '\n' || r == ':' || r == '.' })
	}
	n, got, want := map[string]int{}, 0, 0
	for _, w := range clean(planted) {
		n[w]++
		want++
	}
	common := 0
	for _, w := range clean(pattern) {
		if strings.HasPrefix(w, "{") {
			continue
		}
		got++
		if n[w] > 0 {
			n[w]--
			common++
		}
	}
	return 2 * float64(common) / float64(got+want)
}

func TestExcerpt(t *testing.T) {
	k := newSketcher(t)
	rng := rand.New(rand.NewPCG(1, 7))
	fixed := "Given the article above, list the names of all people"
	core := coreOf(k, []string{"one two " + fixed + " three", "four five " + fixed + " six"})
	for _, n := range []int{100, 300, 420, 2000} {
		text := "Article: " + phrase(rng, n) + " ø " + fixed + " – " + phrase(rng, n) + ". Answer:"
		got := Excerpt(k, core, text, 2048)
		if len(text) <= 2048 {
			if got != text {
				t.Errorf("a short text is cut to %q", got)
			}
			continue
		}
		if len(got) > 2048 || !utf8.ValidString(got) || !strings.HasPrefix(got, "Article: ") || !strings.HasSuffix(got, ". Answer:") || !strings.Contains(got, fixed) {
			t.Errorf("%d words: %d bytes: %q", n, len(got), got)
		}
		for _, part := range strings.Split(got, cut) {
			if !strings.Contains(text, part) {
				t.Errorf("%q is not of the text", part)
			}
		}
	}
	many := strings.Repeat(fixed+" ", 200)
	if got := Excerpt(k, core, many, 2048); len(got) > 2048 || len(got) < 1500 {
		t.Errorf("%d bytes of a text that is all core", len(got))
	}
}

// Any texts have a pattern, of valid text if they are, with slots numbered.
func FuzzMakePattern(f *testing.F) {
	f.Add("Translate this into French: ½ cup", "Translate this into French: ½ ½", "Translate this into French:", 3)
	f.Add("请把下面的句子", "请把下\xff面的句子翻译", "a\u200bb", 1)
	f.Add(strings.Repeat("a ", 3000), strings.Repeat("a b ", 1500), strings.Repeat("b a a ", 700), 2)
	f.Fuzz(func(t *testing.T, a, b, c string, copies int) {
		if len(a)+len(b)+len(c) > 20000 {
			return
		}
		k := newSketcher(t)
		texts := []string{a, b, c}
		for i := range min(max(copies, 0), 4) {
			texts = append(texts, texts[i%3]+" "+texts[(i+1)%3])
		}
		core := coreOf(k, texts)
		p := MakePattern(k, core, texts)
		valid := utf8.ValidString(a + "," + b + "," + c)
		if valid && !utf8.ValidString(p.Text) {
			t.Errorf("%q is not valid text", p.Text)
		}
		for i, s := range p.Slots {
			if !strings.Contains(p.Text, fmt.Sprintf("{%d}", i+1)) || s.Distinct < len(s.Examples) || len(s.Examples) == 0 || len(s.Examples) > slotExamples {
				t.Errorf("slot %d is %+v", i+1, s)
			}
			for _, e := range s.Examples {
				if len(e) > exampleBytes || valid && !utf8.ValidString(e) {
					t.Errorf("example %q", e)
				}
			}
		}
		if again := MakePattern(k, core, texts); again.Text != p.Text {
			t.Errorf("%q, then %q", p.Text, again.Text)
		}
		if got := Excerpt(k, core, a+b+c, 2048); len(got) > 2048 || valid && !utf8.ValidString(got) {
			t.Errorf("an excerpt of %d bytes: %q", len(got), got)
		}
	})
}

func BenchmarkMakePattern(b *testing.B) {
	for _, payload := range []int{10, 100, 600} {
		b.Run(fmt.Sprint(payload), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 8))
			k := newSketcher(b)
			head, tail := phrase(rng, 20), phrase(rng, 20)
			var texts []string
			for range 8 {
				texts = append(texts, head+": "+phrase(rng, payload)+"\n"+tail)
			}
			core := coreOf(k, texts)
			for b.Loop() {
				MakePattern(k, core, texts)
			}
		})
	}
}

// TestLabels: a word or two between slots are fixed words, whatever words the
// slots' texts happen to share.
func TestLabels(t *testing.T) {
	labels := []string{"Student:", "Teacher:", "The context:", "Sentence 1:", "Sentence 2:"}
	k := newSketcher(t)
	found, all := 0, 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 5))
		texts := make([]string, 8)
		for i := range texts {
			var b strings.Builder
			b.WriteString("Read all of the following with care before you write.\n")
			for _, l := range labels {
				b.WriteString(l)
				for range 12 + rng.IntN(30) {
					fmt.Fprintf(&b, " %s", []string{"the", "teacher", "sentence", "a", "of"}[rng.IntN(5)])
					fmt.Fprintf(&b, " w%c%c%c%s", 'a'+rng.IntN(9), 'a'+rng.IntN(9), 'a'+rng.IntN(9), []string{"", "", ",", ". So", "?"}[rng.IntN(5)])
				}
				b.WriteString("\n")
			}
			b.WriteString("Then answer in one short line.")
			texts[i] = b.String()
		}
		p := MakePattern(k, coreOf(k, texts), texts)
		for _, l := range labels {
			all++
			if strings.Contains(p.Text, l+" {") {
				found++
			}
		}
	}
	if 20*found < 19*all {
		t.Errorf("%d of %d labels between slots were found", found, all)
	}
}
