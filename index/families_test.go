package index

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A choir is traffic in which groups of accounts send texts with payloads.
type choir struct {
	*traffic
	prompts []Prompt
}

func newChoir(seed uint64) *choir { return &choir{traffic: newTraffic(seed, 0, 0, time.Minute)} }

// sentences joins words to sentences and these to a text.
func sentences(all ...[]string) string {
	var out []string
	for _, s := range all {
		out = append(out, strings.Join(s, " ")+".")
	}
	return strings.Join(out, " ")
}

// sing makes so many accounts send a text twice each, with payloads, and
// beside it something of their own.
func (c *choir) sing(group string, accounts int, text string, system bool) {
	for i := range 2 * accounts {
		at := trafficStart.Add(time.Duration(len(c.prompts)) * time.Minute)
		p := Prompt{Account: fmt.Sprintf("%s%d", group, i%accounts), Time: at}
		if payload := strings.Join(c.some(6, 15), " "); system {
			p.Messages = []Message{{Role: "system", Content: text}, {Role: "user", Content: payload}}
		} else {
			p.Text = text + " " + payload
		}
		c.prompts = append(c.prompts, p, Prompt{Account: p.Account, Time: at, Text: strings.Join(c.some(8, 30), " ")})
	}
}

// kinOf returns the family and the bundle of the template whose pattern has a
// text in it.
func kinOf(t *testing.T, ix *Index, text []string) (found Template) {
	t.Helper()
	n := 0
	for _, m := range templatesOf(t, ix, Filter{MinAccounts: kinAccounts}) {
		if strings.Contains(m.Pattern, strings.Join(text, " ")) {
			found = m
			n++
		}
	}
	if n != 1 {
		t.Fatalf("%d templates with %q", n, text)
	}
	return found
}

// TestFamilies: variants of one template are one family, whoever sends them,
// others are not; that lasts while the index grows and after reopening.
func TestFamilies(t *testing.T) {
	c := newChoir(5)
	// Of six sentences each variant has the greater part, in another order.
	var s [7][]string
	for i := range s {
		s[i] = c.some(7, 9)
	}
	edge := func(i int) []string { return s[i][2:6] }
	c.sing("a", 12, sentences(s[0], s[1], s[2], s[3]), false)
	c.sing("other", 12, sentences(c.some(30, 30)), false)
	c.sing("shared", 14, sentences(edge(1), c.some(30, 30)), false)
	path := tempIndex(t)
	ix := open(t, path, small())
	addAll(t, ix, c.prompts, 100)
	if all := templatesOf(t, ix, Filter{}); slices.ContainsFunc(all, func(m Template) bool { return m.Family != "" }) {
		t.Fatalf("a family of nothing else: %+v", all)
	}
	sent := len(c.prompts)
	edited := slices.Concat(s[1], s[3])
	for i := 3; i < len(edited); i += 7 {
		edited[i] = c.some(1, 1)[0]
	}
	c.sing("b", 10, sentences(s[3], s[0], s[2], s[1], s[4][:3]), false)
	c.sing("c", 8, sentences(s[0], edited, s[2]), false)
	addAll(t, ix, c.prompts[sent:], 100)

	list := templatesOf(t, ix, Filter{MinAccounts: kinAccounts})
	first := list[slices.IndexFunc(list, func(m Template) bool { return strings.Contains(m.Pattern, strings.Join(s[0], " ")) })]
	if first.Family == "" {
		t.Fatalf("no family: %+v", list)
	}
	family := templatesOf(t, ix, Filter{Family: first.Family})
	if len(family) < 2 || family[0].Variants != len(family)-1 {
		t.Errorf("%d in the family, with %d variants", len(family), family[0].Variants)
	}
	least := "t999999"
	var accounts []string
	for _, m := range templatesOf(t, ix, Filter{Members: true}) {
		ours := false
		for _, a := range m.Members {
			if ours = len(a.Account) < 4; ours && m.Family == first.Family && !slices.Contains(accounts, a.Account) {
				accounts = append(accounts, a.Account)
			}
		}
		if m.Accounts >= kinAccounts && ours != (m.Family == first.Family) && strings.Contains(m.Pattern, " ") {
			t.Errorf("%s of %s… is in family %q", m.ID, m.Members[0].Account, m.Family)
		}
		if m.Family == first.Family && len(m.ID) <= len(least) && (len(m.ID) < len(least) || m.ID < least) {
			least = m.ID
		}
	}
	if first.Family != "f"+least[1:] {
		t.Errorf("family %s, the earliest in it is %s", first.Family, least)
	}
	for _, m := range family { // any of them names it
		if diff := cmp.Diff(family, templatesOf(t, ix, Filter{Family: "f" + m.ID[1:]})); diff != "" {
			t.Errorf("by %s: %s", m.ID, diff)
		}
	}
	folded := templatesOf(t, ix, Filter{Fold: true, MinAccounts: kinAccounts})
	if i := slices.IndexFunc(folded, func(m Template) bool { return m.Family == first.Family }); folded[i].ID != family[0].ID || folded[i].Accounts != len(accounts) {
		t.Errorf("folded to %s of %d accounts, want %s of %d", folded[i].ID, folded[i].Accounts, family[0].ID, len(accounts))
	}
	if seen := make(map[string]bool); slices.ContainsFunc(folded, func(m Template) bool {
		again := m.Family != "" && seen[m.Family]
		seen[m.Family] = true
		return again
	}) {
		t.Error("two of a family when folded")
	}
	var pages []Template
	for f := (Filter{Fold: true, MinAccounts: kinAccounts, Limit: 1}); ; {
		page := templatesOf(t, ix, f)
		if len(page) == 0 {
			break
		}
		pages, f.After = append(pages, page...), page[0].Cursor()
	}
	if diff := cmp.Diff(folded, pages); diff != "" {
		t.Errorf("page by page: %s", diff)
	}

	settle(t, ix)
	killed := filepath.Join(t.TempDir(), "killed.db")
	copyFile(t, path, killed)
	if diff := cmp.Diff(list, templatesOf(t, open(t, killed, small()), Filter{MinAccounts: kinAccounts})); diff != "" {
		t.Errorf("after a kill: %s", diff)
	}
	closeIndex(t, ix)
	ix = open(t, path, small())
	if diff := cmp.Diff(list, templatesOf(t, ix, Filter{MinAccounts: kinAccounts})); diff != "" {
		t.Errorf("reopened: %s", diff)
	}
	c.prompts = nil
	c.sing("d", 20, sentences(s[2], s[1], s[0], s[3], c.some(8, 8)), false)
	addAll(t, ix, c.prompts, 100)
	for _, m := range list {
		if now, err := ix.Template(t.Context(), m.ID); err != nil || now.Family != m.Family {
			t.Errorf("%s was in %q and is in %q, %v", m.ID, m.Family, now.Family, err)
		}
	}
	if got := templatesOf(t, ix, Filter{Family: first.Family}); len(got) < len(family) {
		t.Errorf("of %d in the family %d are left", len(family), len(got))
	}
	for _, none := range []Filter{{Family: "f4000000000"}, {Family: "nonsense"}, {Bundle: first.Family}} {
		if got := templatesOf(t, ix, none); len(got) != 0 {
			t.Errorf("%+v: %d", none, len(got))
		}
	}
}

// TestFamiliesWithoutExemplars: there are none, and nothing else is amiss.
func TestFamiliesWithoutExemplars(t *testing.T) {
	o := small()
	o.NoExemplars = true
	ix := open(t, tempIndex(t), o)
	c := newChoir(6)
	a, b := c.some(12, 12), c.some(12, 12)
	c.sing("a", 9, sentences(a, b), false)
	c.sing("b", 9, sentences(b, a), false)
	addAll(t, ix, c.prompts, 100)
	for _, m := range templatesOf(t, ix, Filter{Fold: true}) {
		if m.Family != "" {
			t.Errorf("%s is in family %s", m.ID, m.Family)
		}
	}
}

// TestBundles: what comes in the same prompts is one bundle, and what shares
// only accounts or a text with something is not.
func TestBundles(t *testing.T) {
	c := newChoir(7)
	system, user, alone := c.some(20, 20), c.some(20, 20), c.some(20, 20)
	for i := range 60 {
		at := trafficStart.Add(time.Duration(i) * time.Minute)
		account := fmt.Sprintf("a%d", i%12)
		payload := func() string { return " " + strings.Join(c.some(6, 12), " ") }
		said := strings.Join(user, " ") + payload()
		if i < 6 { // what has never come apart is one template
			said = payload()
		}
		c.prompts = append(c.prompts,
			Prompt{Account: account, Time: at, Messages: []Message{
				{Role: "system", Content: strings.Join(system, " ")}, {Role: "user", Content: said},
			}},
			Prompt{Account: account, Time: at, Text: strings.Join(alone, " ") + payload()})
	}
	path := tempIndex(t)
	ix := open(t, path, small())
	addAll(t, ix, c.prompts, 50)
	check := func(when string) {
		t.Helper()
		s, u, a := kinOf(t, ix, system[2:8]), kinOf(t, ix, user[2:8]), kinOf(t, ix, alone[2:8])
		if s.Bundle == "" || s.Bundle != u.Bundle || a.Bundle != "" || s.Family+u.Family+a.Family != "" {
			t.Errorf("%s: bundles %q, %q and %q, families %q, %q and %q", when, s.Bundle, u.Bundle, a.Bundle, s.Family, u.Family, a.Family)
		}
		if head := min(s.ID, u.ID); s.Bundle != "b"+head[1:] {
			t.Errorf("%s: bundle %s of %s and %s", when, s.Bundle, s.ID, u.ID)
		}
		got := templatesOf(t, ix, Filter{Bundle: s.Bundle})
		if len(got) < 2 || slices.ContainsFunc(got, func(m Template) bool { return m.Bundle != s.Bundle }) {
			t.Errorf("%s: in the bundle are %+v", when, got)
		}
	}
	check("at once")
	closeIndex(t, ix)
	ix = open(t, path, small())
	check("reopened")
}

// TestLabelBundle: a bundle's verdict is that of its templates; other
// campaigns stay as they are.
func TestLabelBundle(t *testing.T) {
	g := newTraffic(11, 4, 0, time.Minute)
	system := [][]string{g.some(16, 20), g.some(16, 20)}
	var prompts []Prompt
	for i := range 2400 {
		at := trafficStart.Add(time.Duration(i) * time.Minute)
		prompts = append(prompts, Prompt{Account: fmt.Sprintf("o%d", i%200), Time: at, Text: strings.Join(g.some(8, 40), " ")})
		p := g.sing(i%4, i/4%30, at)
		if i%4 < len(system) {
			if i < 40 { // what has never come apart is one template
				p.Text = strings.Join(g.some(8, 20), " ")
			}
			p.Messages = []Message{{Role: "system", Content: strings.Join(system[i%4], " ")}, {Role: "user", Content: p.Text}}
			p.Text = ""
		}
		prompts = append(prompts, p)
	}
	path := tempIndex(t)
	ix := open(t, path, small())
	addAll(t, ix, prompts, 100)
	before := campaignsOf(t, ix)
	var c Campaign
	for _, one := range before {
		if one.Templates[0].Bundle != "" {
			c = one
		}
	}
	if len(before) != 4 || c.Status != "alert" || len(c.Templates) < 2 {
		t.Fatalf("before: %v, %+v", statuses(before), c.Templates)
	}
	bundle := c.Templates[0].Bundle
	l := Label{Bundle: bundle, Verdict: Benign, Author: "ann"}
	unknown, err := ix.Unknown(t.Context(), l, Label{Bundle: "b4000000", Verdict: Benign})
	if err != nil || !slices.Equal(unknown, []int{1}) {
		t.Errorf("unknown: %v, %v", unknown, err)
	}
	give(t, ix, l)
	check := func(when string) {
		t.Helper()
		after := campaignsOf(t, ix)
		if diff := cmp.Diff(without(before, c.ID), without(after, c.ID)); diff != "" {
			t.Errorf("%s: other campaigns changed: %s", when, diff)
		}
		if last := after[len(after)-1]; last.ID != c.ID || last.Status != Benign {
			t.Errorf("%s: last is %s, %s", when, last.ID, last.Status)
		}
		for _, m := range templatesOf(t, ix, Filter{Bundle: bundle}) {
			if m.Status != Benign {
				t.Errorf("%s: %s is %s", when, m.ID, m.Status)
			}
		}
	}
	check("at once")
	closeIndex(t, ix)
	ix = open(t, path, small())
	check("reopened")
	labels, err := ix.Labels(t.Context())
	if err != nil || len(labels) != 1 || labels[0].Bundle != bundle || len(labels[0].Templates) < 2 {
		t.Errorf("labels: %+v, %v", labels, err)
	}
	give(t, ix, labels...) // as an import of what was exported
	check("imported")
	l.Verdict = None
	give(t, ix, l)
	if diff := cmp.Diff(before, campaignsOf(t, ix)); diff != "" {
		t.Errorf("after withdrawing: %s", diff)
	}
}
