package index

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestTextWhileAdding checks that a filter by text selects what the patterns
// have in them at that moment, while prompts change them and seals move their
// exemplars to disk.
func TestTextWhileAdding(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	g := newTraffic(7, 12, 40, 0)
	fixed := strings.Join(g.some(20, 20), " ")
	seen := make(map[string]bool)
	texts := []string{"{1}", "a courtesy to", "not to be found"}
	for round := range 12 {
		addAll(t, ix, g.take(400), 100)
		ending := strings.Join(g.some(9, 9), " ")
		if round < 4 { // the first few end alike
			ending = "as a courtesy to those who come early"
		}
		add(t, ix, Prompt{Account: fmt.Sprint(round), Time: g.at, Text: fixed + " " + ending})
		found := make(map[string][][]string)
		for _, text := range texts { // before a look at everything
			for _, limit := range []int{0, 3} {
				found[text] = append(found[text], pagedTemplates(t, ix, Filter{Text: text}, limit))
			}
		}
		all := templatesOf(t, ix, Filter{})
		for text, got := range found {
			var want []string
			for _, m := range all {
				if strings.Contains(strings.ToLower(m.Pattern), strings.ToLower(text)) {
					want = append(want, m.ID)
				}
			}
			if !slices.Equal(got[0], want) || !slices.Equal(got[1], want) {
				t.Fatalf("round %d: %v, want %v", round, got, want)
			}
		}
		texts = texts[:3]
		for _, m := range all {
			if words := strings.Fields(m.Pattern); len(words) > 4 && len(texts) < 8 {
				texts = append(texts, strings.ToUpper(strings.Join(words[1:4], " ")))
			}
			seen[m.Pattern] = true
		}
	}
	if len(seen) <= len(templatesOf(t, ix, Filter{})) {
		t.Error("no pattern ever changed")
	}
}

// What is remembered of patterns is bounded, and only what is of the same stamp
// counts.
func TestLowered(t *testing.T) {
	var l lowered
	big := strings.Repeat("A", 1<<20)
	for id := range uint32(100) {
		l.put(id, 1, big)
		l.put(id, 2, big+"Z")
		if l.bytes > loweredBytes {
			t.Fatalf("%d bytes", l.bytes)
		}
	}
	total := 0
	for id, p := range l.of {
		total += len(p.text) + loweredFixed
		if l.without(id, 2, "az") || !l.without(id, 2, "za") || l.without(id, 1, "za") {
			t.Errorf("template %d", id)
		}
	}
	if total != l.bytes || len(l.of) < 20 || l.without(200, 2, "za") {
		t.Errorf("%d patterns of %d bytes, %d counted", len(l.of), total, l.bytes)
	}
}
