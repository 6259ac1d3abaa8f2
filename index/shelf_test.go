package index

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestCampaignsOnDisk: campaigns are the same whether or not their templates
// left memory, and can be labelled, described and forgotten there.
func TestCampaignsOnDisk(t *testing.T) {
	roomy, tight := small(), small()
	tight.TemplateBytes = 64 << 10
	path := tempIndex(t)
	closeIndex(t, open(t, path, roomy)) // makes the secret
	other := tempIndex(t)
	copyFile(t, path, other)
	want, got := open(t, other, roomy), open(t, path, tight)
	var prompts []Prompt
	at := trafficStart
	say := func(g *traffic, ring, account int) {
		at = at.Add(20 * time.Second)
		prompts = append(prompts, g.sing(ring, account, at))
	}
	g := newTraffic(3, 300, 0, 0)
	for i := range 3000 { // ordinary
		at = at.Add(20 * time.Second)
		prompts = append(prompts, Prompt{ID: fmt.Sprintf("o%d", i), Account: fmt.Sprintf("o%d", i%300), Time: at, Text: strings.Join(g.some(8, 40), " ")})
	}
	for range 8 {
		for ring := range 8 { // to alert, and to watch
			for account := range 10 + 5*ring {
				say(g, ring, account)
			}
		}
	}
	for account := range 4 {
		for ring := 8; ring < 300; ring++ { // of no interest, but later
			say(g, ring, account)
		}
	}
	for _, ix := range []*Index{want, got} {
		addAll(t, ix, prompts, 50)
	}
	same := func(when string) {
		t.Helper()
		if diff := cmp.Diff(campaignsOf(t, want), campaignsOf(t, got)); diff != "" {
			t.Errorf("%s, with templates on disk: %s", when, diff)
		}
	}
	same("at first")
	out := 0
	for _, c := range campaignsOf(t, got) {
		for _, m := range c.Templates {
			id, _ := parseTemplateID(m.ID)
			got.mu.RLock()
			if got.templates.Get(id) == nil {
				out++
			}
			got.mu.RUnlock()
		}
	}
	if all := len(campaignsOf(t, got)); all != 8 || out < 4 {
		t.Fatalf("%d campaigns with %d templates on disk", all, out)
	}
	c := campaignsOf(t, got)[2]
	m, err := got.Matrix(t.Context(), c.ID, 0)
	if err != nil || len(m.Accounts) != c.Accounts || len(m.Cells) != c.Accounts || m.Cells[0][2] != 8 {
		t.Errorf("matrix of %s: %d accounts, %d cells, %v", c.ID, len(m.Accounts), len(m.Cells), err)
	}
	closeIndex(t, got)
	got = open(t, path, tight)
	same("reopened")
	for _, ix := range []*Index{want, got} {
		for _, p := range g.planted[4:6] {
			give(t, ix, Label{Text: strings.Join(slices.Concat(p.prefix, p.suffix), " "), Verdict: Benign})
		}
	}
	same("labelled")
	for ring := range 3 { // some come back
		prompts = prompts[:0]
		say(g, ring, 99)
		for _, ix := range []*Index{want, got} {
			add(t, ix, prompts...)
		}
		same("met again")
	}
	for _, ix := range []*Index{want, got} {
		if _, err := ix.Expire(t.Context(), at.Add(-2*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	same("expired")
}
