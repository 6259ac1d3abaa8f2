package index

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMatrix holds a campaign's matrix against what was sent.
func TestMatrix(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	_, prompts := ring(2, 30)
	addAll(t, ix, prompts, 100)
	for _, c := range campaignsOf(t, ix) {
		m, err := ix.Matrix(t.Context(), c.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Accounts) != c.Accounts || m.Members != c.Accounts || len(m.Templates) != len(c.Templates) {
			t.Fatalf("%s: %d accounts and %d templates, want %d and %d", c.ID, len(m.Accounts), len(m.Templates), c.Accounts, len(c.Templates))
		}
		if diff := cmp.Diff(c.Days, m.Days); diff != "" {
			t.Errorf("%s: days: %s", c.ID, diff)
		}
		got := make(map[string]map[string]int) // template → account → prompts
		last := Cell{-1}
		used := make([]int, len(m.Accounts))
		for _, cell := range m.Cells {
			if slices.Compare(last[:2], cell[:2]) >= 0 || cell[2] < 1 {
				t.Fatalf("%s: cell %v after %v", c.ID, cell, last)
			}
			last = cell
			used[cell[0]]++
			id := m.Templates[cell[1]]
			if got[id] == nil {
				got[id] = make(map[string]int)
			}
			got[id][m.Accounts[cell[0]]] = cell[2]
		}
		if !slices.IsSortedFunc(used, func(a, b int) int { return b - a }) {
			t.Errorf("%s: accounts use %v templates", c.ID, used)
		}
		for i, id := range m.Templates {
			if id != c.Templates[i].ID {
				t.Fatalf("%s: column %d is %s, want %s", c.ID, i, id, c.Templates[i].ID)
			}
			want := make(map[string]int)
			one, err := ix.Template(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			for _, member := range one.Members {
				if slices.Contains(m.Accounts, member.Account) {
					want[member.Account] = member.Prompts
				}
			}
			if diff := cmp.Diff(want, got[id]); diff != "" {
				t.Errorf("%s: %s", id, diff)
			}
		}
		top, err := ix.Matrix(t.Context(), c.ID, 5)
		if err != nil || !slices.Equal(top.Accounts, m.Accounts[:5]) || top.Members != c.Accounts || len(top.Cells) == 0 || !slices.Equal(top.Cells, m.Cells[:len(top.Cells)]) {
			t.Errorf("%s: of 5 accounts: %+v, %v", c.ID, top, err)
		}
	}
	if _, err := ix.Matrix(t.Context(), "c999999", 0); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such campaign: %v", err)
	}
}

// TestCampaignPrompts: what accounts sent of several templates on different days
// counts altogether, and alike wherever it is told.
func TestCampaignPrompts(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	g, prompts := ring(2, 30)
	sent := make(map[string]int)
	for i := range prompts {
		p := &prompts[i]
		for day, r := range g.planted {
			if number, ok := strings.CutPrefix(p.Account, r.name); ok {
				p.Account, p.Time = "both"+number, p.Time.AddDate(0, 0, day)
				sent[p.Account]++
			}
		}
	}
	addAll(t, ix, prompts, 100)
	all := campaignsOf(t, ix)
	if len(all) != 1 || len(all[0].Templates) != 2 || len(all[0].Members) != len(sent) {
		t.Fatalf("%d campaigns, want one of 2 templates and %d accounts: %+v", len(all), len(sent), all)
	}
	c, days, members := all[0], 0, 0
	for _, d := range c.Days {
		days += d.Prompts
	}
	for _, m := range c.Members {
		members += m.Prompts
		a, err := ix.Account(t.Context(), m.Account)
		if err != nil || len(a.Campaigns) != 1 || a.Campaigns[0].Prompts != m.Prompts || a.Campaigns[0].Confidence != m.Confidence {
			t.Errorf("%+v as an account: %+v, %v", m, a.Campaigns, err)
		}
		if m.Prompts != sent[m.Account] {
			t.Errorf("%s sent %d prompts, not %d", m.Account, sent[m.Account], m.Prompts)
		}
	}
	if window := c.Windows[len(c.Windows)-1]; c.Prompts != members || days != members || window.Prompts != members {
		t.Errorf("the campaign has %d prompts, its days %d, its widest window %d, its members %d", c.Prompts, days, window.Prompts, members)
	}
}

// TestDays holds days against what was sent, through seals, expiry and reopening.
func TestDays(t *testing.T) {
	path := tempIndex(t)
	ix := open(t, path, small())
	g := newTraffic(3, 20, 200, time.Hour)
	prompts := g.take(2000)
	check := func(kept []Prompt) {
		t.Helper()
		want, first := make(map[string]Day), make(map[string]string)
		for _, p := range kept {
			name := p.Time.UTC().Format(time.DateOnly)
			d := want[name]
			d.Day = name
			d.Prompts++
			want[name] = d
			if old, ok := first[p.Account]; !ok || name < old {
				first[p.Account] = name
			}
		}
		for _, name := range first {
			d := want[name]
			d.NewAccounts++
			want[name] = d
		}
		days, err := ix.Days(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]Day)
		for _, d := range days {
			got[d.Day] = d
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d prompts: %s", len(kept), diff)
		}
		if !slices.IsSortedFunc(days, func(a, b Day) int { return strings.Compare(a.Day, b.Day) }) {
			t.Errorf("days are not ascending: %+v", days)
		}
	}
	check(nil)
	for i, batch := range slices.Collect(slices.Chunk(prompts, 250)) {
		addAll(t, ix, batch, 50)
		check(prompts[:250*(i+1)])
	}
	closeIndex(t, ix)
	ix = open(t, path, small())
	check(prompts)

	for _, template := range templatesOf(t, ix, Filter{MinAccounts: 5, Members: true}) {
		days, err := ix.TemplateDays(t.Context(), template.ID)
		if err != nil {
			t.Fatal(err)
		}
		sent, fresh := 0, 0
		for _, d := range days {
			sent, fresh = sent+d.Prompts, fresh+d.NewAccounts
		}
		if sent != template.Prompts || fresh != template.Accounts {
			t.Errorf("%s: %d prompts of %d accounts on its days, want %d of %d", template.ID, sent, fresh, template.Prompts, template.Accounts)
		}
	}
	for _, id := range []string{"", "t0", "t999999", "c1"} {
		if _, err := ix.TemplateDays(t.Context(), id); !errors.Is(err, ErrNotFound) {
			t.Errorf("TemplateDays(%q): %v", id, err)
		}
	}

	if _, err := ix.Expire(t.Context(), prompts[1000].Time); err != nil {
		t.Fatal(err)
	}
	days, err := ix.Days(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, d := range days {
		sum += d.Prompts
	}
	if want := stats(t, ix).Prompts; sum != want || sum == len(prompts) {
		t.Errorf("%d prompts on all days after Expire, want %d", sum, want)
	}
}
