package index

import (
	"slices"
	"strings"
	"testing"
)

// TestReach holds what labels are said to be about against the verdicts that
// they then give.
func TestReach(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	g, prompts := ring(3, 30)
	addAll(t, ix, prompts, 100)
	all, campaigns := templatesOf(t, ix, Filter{}), campaignsOf(t, ix)
	p := g.planted[0]
	text := Label{Text: strings.Join(slices.Concat(p.prefix, p.suffix), " "), Verdict: Benign}
	for _, labels := range [][]Label{
		nil, {text}, {{Text: "nobody ever said so", Verdict: Benign}}, {{Template: "t999999", Verdict: Benign}},
		{{Template: all[0].ID, Verdict: Benign}, {Template: all[0].ID, Verdict: Benign}},
		{{Campaign: campaigns[0].ID, Verdict: Benign}},
		{text, {Campaign: campaigns[1].ID, Verdict: Benign}, {Template: all[0].ID, Verdict: Benign}},
	} {
		n, err := ix.Reach(t.Context(), labels...)
		if err != nil {
			t.Fatal(err)
		}
		give(t, ix, labels...)
		if benign := len(templatesOf(t, ix, Filter{Status: Benign})); n != benign {
			t.Errorf("%+v: about %d templates, %d are benign", labels, n, benign)
		}
		for _, m := range all {
			give(t, ix, Label{Template: m.ID, Verdict: None})
		}
	}
}
