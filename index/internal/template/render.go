package template

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	slotExamples = 3
	exampleBytes = 80
	edgeBytes    = 16 // of punctuation kept before the first word and after the last
	lost         = -2 // where an exemplar does not have what is written
)

// A filling is what one exemplar has in a gap: its tokens from..to-1.
type filling struct{ exemplar, from, to int }

// A writer spells a pattern out, each word and what stands between two in the
// writing that most exemplars use.
type writer struct {
	all  []exemplar
	b    strings.Builder
	p    Pattern
	last []int // exemplar → its token last written, -1 before the first, or lost
	raws []string
	said map[string]int
}

func render(all []exemplar, a alignment) Pattern {
	w := writer{all: all, last: make([]int, len(all)), said: make(map[string]int)}
	for o := range w.last {
		w.last[o] = lost
		if all[o].head {
			w.last[o] = -1
		}
	}
	tokens := len(all[0].tokens)
	at := make([]int, len(all))
	for i := 0; i < tokens; {
		if a.fixed[i] {
			for o := range at {
				at[o] = int(a.partner[o][i])
			}
			w.word(at)
			i++
			continue
		}
		j := i
		for j < tokens && !a.fixed[j] {
			j++
		}
		w.gap(a.fillings(all, i, j))
		i = j
	}
	w.tail()
	w.p.Text = w.b.String()
	return w.p
}

// fillings returns what the exemplars have in place of the base's tokens
// i..j-1, as far as they have the tokens beside these, in order.
func (a *alignment) fillings(all []exemplar, i, j int) []filling {
	out := make([]filling, 0, len(all))
	for o, p := range a.partner {
		f := filling{o, 0, len(all[o].tokens)}
		if i > 0 {
			f.from = int(p[i-1]) + 1
		}
		if j < len(p) {
			f.to = int(p[j])
		}
		if i > 0 && f.from == 0 || f.from > f.to {
			continue
		}
		out = append(out, f)
	}
	return out
}

// gap writes what stands in a gap of the base: words that most fillings begin
// or end with, and a slot for what differs.
func (w *writer) gap(fs []filling) {
	if len(fs) > 1 {
		if same := w.commonest(fs); 2*len(same) > len(fs) {
			for n := range same[0].to - same[0].from {
				w.word(w.places(same, n))
			}
			return
		}
		for w.agreed(fs, false) {
		}
	}
	var ends [][]int
	if len(fs) > 1 {
		for {
			at := w.agreement(fs, true)
			if at == nil {
				break
			}
			ends = append(ends, at)
		}
	}
	w.slot(fs)
	for _, at := range slices.Backward(ends) {
		w.word(at)
	}
}

// commonest returns the largest group of fillings with the same tokens, the
// earliest among equals.
func (w *writer) commonest(fs []filling) (best []filling) {
	taken := make([]bool, len(fs))
	for x := range fs {
		if taken[x] {
			continue
		}
		var group []filling
		for y := x; y < len(fs); y++ {
			if !taken[y] && w.same(fs[x], fs[y]) {
				taken[y] = true
				group = append(group, fs[y])
			}
		}
		if len(group) > len(best) {
			best = group
		}
	}
	return best
}

func (w *writer) same(f, g filling) bool {
	if f.to-f.from != g.to-g.from {
		return false
	}
	for n := range f.to - f.from {
		if !w.all[f.exemplar].alike(f.from+n, &w.all[g.exemplar], g.from+n) {
			return false
		}
	}
	return true
}

// places returns each exemplar's token number n of its filling, or -1.
func (w *writer) places(fs []filling, n int) []int {
	at := make([]int, len(w.all))
	for o := range at {
		at[o] = -1
	}
	for _, f := range fs {
		at[f.exemplar] = f.from + n
	}
	return at
}

// agreed writes the first word of the fillings if enough have the same, and
// takes it off them.
func (w *writer) agreed(fs []filling, last bool) bool {
	at := w.agreement(fs, last)
	if at != nil {
		w.word(at)
	}
	return at != nil
}

// agreement takes the first or last token off all fillings, if more than two
// in three have the same, and returns where those have it.
func (w *writer) agreement(fs []filling, last bool) []int {
	token := func(f filling) (int, bool) {
		if last {
			return f.to - 1, f.from < f.to
		}
		return f.from, f.from < f.to
	}
	for x := 0; 3*x <= len(fs); x++ {
		i, ok := token(fs[x])
		if !ok {
			continue
		}
		n, at := 0, w.places(nil, 0)
		for _, f := range fs {
			if j, ok := token(f); ok && w.all[fs[x].exemplar].alike(i, &w.all[f.exemplar], j) {
				at[f.exemplar] = j
				n++
			}
		}
		if n < 2 || 3*n <= 2*len(fs) {
			continue
		}
		for x := range fs {
			if f := &fs[x]; f.from < f.to && last {
				f.to--
			} else if f.from < f.to {
				f.from++
			}
		}
		return at
	}
	return nil
}

// word writes one fixed token, found at the place at[o] of exemplar o, or -1.
func (w *writer) word(at []int) {
	w.separate(at)
	w.raws = w.raws[:0]
	same := true
	for o, i := range at {
		if i < 0 {
			w.last[o] = lost
			continue
		}
		e := &w.all[o]
		raw := e.text[max(e.tokens[i].Start, min(e.tokens[i].End, e.end(w.last[o]))):e.tokens[i].End]
		same = same && (len(w.raws) == 0 || raw == w.raws[0])
		w.raws = append(w.raws, raw)
		w.last[o] = i
	}
	if same {
		w.b.WriteString(w.raws[0])
	} else {
		w.b.WriteString(byMajority(w.raws))
	}
	w.p.FixedWords++
}

// byMajority returns the commonest writing of a word, the earliest among
// equals, and in it the commonest letters: noise that hits every exemplar
// elsewhere leaves no trace.
func byMajority(raws []string) string {
	times := make(map[string]int)
	for _, r := range raws {
		times[r]++
	}
	best := raws[0]
	for _, r := range raws {
		if times[r] > times[best] {
			best = r
		}
	}
	letters := []rune(best)
	columns := make([]map[rune]int, len(letters))
	for r, n := range times {
		if utf8.RuneCountInString(r) != len(letters) {
			continue
		}
		i := 0
		for _, c := range r {
			if columns[i] == nil {
				columns[i] = make(map[rune]int)
			}
			columns[i][c] += n
			i++
		}
	}
	for i, column := range columns {
		for c, n := range column {
			if most := column[letters[i]]; n > most || n == most && c < letters[i] {
				letters[i] = c
			}
		}
	}
	return string(letters)
}

// separate writes what stands between the given tokens and those last written,
// in the exemplars where these are neighbours: what most have there or else the
// shortest, for what ends a filling is not part of the template.
func (w *writer) separate(at []int) {
	clear(w.said)
	most, voters := 0, 0
	for o, i := range at {
		if i < 0 || w.last[o] != i-1 {
			continue
		}
		e := &w.all[o]
		from := e.end(i - 1)
		sep := e.text[from:max(from, e.tokens[i].Start)]
		w.said[sep]++
		voters++
		most = max(most, w.said[sep])
	}
	best, found := "", false
	for sep, n := range w.said {
		if n != most && 2*most > voters {
			continue
		}
		if !found || len(sep) < len(best) || len(sep) == len(best) && sep < best {
			best, found = sep, true
		}
	}
	switch {
	case w.b.Len() == 0: // before the first word
		if found && len(best) <= edgeBytes && 2*most > len(w.all) {
			w.b.WriteString(best)
		}
	case found:
		w.b.WriteString(best)
	default:
		w.b.WriteString(" ")
	}
}

// slot writes a place whose text varies, unless all have nothing there.
func (w *writer) slot(fs []filling) {
	at := w.places(nil, 0)
	s, seen := Slot{}, make(map[string]bool)
	for _, f := range fs {
		if f.from >= f.to {
			continue
		}
		at[f.exemplar] = f.from
		e := &w.all[f.exemplar]
		from := e.tokens[f.from].Start
		text := e.text[from:max(from, e.tokens[f.to-1].End)]
		if seen[text] {
			continue
		}
		seen[text] = true
		s.Distinct++
		if len(s.Examples) < slotExamples {
			s.Examples = append(s.Examples, shorten(text, exampleBytes))
		}
	}
	if s.Distinct == 0 {
		return
	}
	if w.b.Len() > 0 {
		w.separate(at)
	}
	for o := range w.last {
		w.last[o] = lost
	}
	for _, f := range fs {
		if f.from < f.to {
			w.last[f.exemplar] = f.to - 1
		}
	}
	w.p.Slots = append(w.p.Slots, s)
	w.b.WriteString("{" + strconv.Itoa(len(w.p.Slots)) + "}")
}

// tail writes the punctuation after the last word, if most agree on it.
func (w *writer) tail() {
	clear(w.said)
	for o, e := range w.all {
		if last := len(e.tokens) - 1; e.tail && w.last[o] == last {
			if rest := e.text[e.end(last):]; len(rest) <= edgeBytes {
				w.said[rest]++
			}
		}
	}
	for rest, n := range w.said {
		if 2*n > len(w.all) {
			w.b.WriteString(strings.TrimRight(rest, " \t\r\n"))
		}
	}
}

const cut = "…"

// shorten cuts a text to n bytes, at a character's border, and marks the cut.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n -= len(cut)
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + cut
}
