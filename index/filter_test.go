package index

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFilter holds what filters select against a choice from all that there is.
func TestFilter(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	_, prompts := ring(4, 30)
	addAll(t, ix, prompts, 100)
	give(t, ix, Label{Campaign: campaignsOf(t, ix)[1].ID, Verdict: Benign}, Label{Campaign: campaignsOf(t, ix)[2].ID, Verdict: Confirmed})
	templates, campaigns := templatesOf(t, ix, Filter{}), campaignsOf(t, ix)
	if len(templates) < 4 || len(campaigns) < 4 {
		t.Fatalf("%d templates, %d campaigns", len(templates), len(campaigns))
	}
	word := strings.Fields(campaigns[0].Templates[0].Pattern)[3]
	middle := trafficStart.Add(10 * time.Hour)
	for _, test := range []struct {
		name     string
		f        Filter
		template func(*Template) bool
		campaign func(*Campaign) bool
	}{
		{"statuses", Filter{Status: "benign,alert"},
			func(m *Template) bool { return m.Status == "benign" || m.Status == "alert" },
			func(c *Campaign) bool { return c.Status == "benign" || c.Status == "alert" }},
		{"none", Filter{Status: "none"},
			func(m *Template) bool { return m.Status == "none" }, func(*Campaign) bool { return false }},
		{"least score", Filter{MinScore: 40},
			func(m *Template) bool { return m.Score >= 40 }, func(c *Campaign) bool { return c.Score >= 40 }},
		{"most score", Filter{MaxScore: templates[0].Score},
			func(m *Template) bool { return m.Score <= templates[0].Score }, func(c *Campaign) bool { return c.Score <= templates[0].Score }},
		{"accounts", Filter{MinAccounts: 30},
			func(m *Template) bool { return m.Accounts >= 30 }, func(c *Campaign) bool { return c.Accounts >= 30 }},
		{"text", Filter{Text: strings.ToUpper(word)},
			func(m *Template) bool { return strings.Contains(m.Pattern, word) },
			func(c *Campaign) bool {
				return slices.ContainsFunc(c.Templates, func(p CampaignTemplate) bool { return strings.Contains(p.Pattern, word) })
			}},
		{"template", Filter{Template: campaigns[1].Templates[0].ID}, nil, func(c *Campaign) bool { return c.ID == campaigns[1].ID }},
		{"unknown template", Filter{Template: "c1"}, nil, func(*Campaign) bool { return false }},
		{"since", Filter{Since: middle.AddDate(1, 0, 0)}, func(*Template) bool { return false }, func(*Campaign) bool { return false }},
		{"until", Filter{Until: middle}, nil, func(c *Campaign) bool { return c.FirstSeen.Before(middle.Truncate(24*time.Hour).AddDate(0, 0, 1)) }},
	} {
		var want []string
		if test.template != nil {
			for i := range templates {
				if test.template(&templates[i]) {
					want = append(want, templates[i].ID)
				}
			}
			for _, limit := range []int{0, 1, 3} {
				if got := pagedTemplates(t, ix, test.f, limit); !slices.Equal(got, want) {
					t.Errorf("%s: templates by %d: %v, want %v", test.name, limit, got, want)
				}
			}
		}
		want = nil
		for i := range campaigns {
			if test.campaign(&campaigns[i]) {
				want = append(want, campaigns[i].ID)
			}
		}
		for _, limit := range []int{0, 1, 3} {
			if got := pagedCampaigns(t, ix, test.f, limit); !slices.Equal(got, want) {
				t.Errorf("%s: campaigns by %d: %v, want %v", test.name, limit, got, want)
			}
		}
	}
	for _, after := range []string{"x", "!", "dAE", campaigns[0].Cursor(), templates[0].Cursor() + "AA"} {
		if _, err := ix.Templates(t.Context(), Filter{After: after}); !errors.Is(err, ErrCursor) {
			t.Errorf("templates after %q: %v", after, err)
		}
	}
	for _, after := range []string{"x", "!", "YwE", templates[0].Cursor()} {
		if _, err := ix.Campaigns(t.Context(), Filter{After: after}); !errors.Is(err, ErrCursor) {
			t.Errorf("campaigns after %q: %v", after, err)
		}
	}
}

// pagedTemplates returns the ids of all pages of templates.
func pagedTemplates(t *testing.T, ix *Index, f Filter, limit int) (ids []string) {
	t.Helper()
	for f.Limit = limit; ; {
		all := templatesOf(t, ix, f)
		for _, m := range all {
			ids = append(ids, m.ID)
		}
		if limit == 0 || len(all) < limit {
			return ids
		}
		f.After = all[len(all)-1].Cursor()
	}
}

func pagedCampaigns(t *testing.T, ix *Index, f Filter, limit int) (ids []string) {
	t.Helper()
	for f.Limit = limit; ; {
		all, err := ix.Campaigns(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			ids = append(ids, c.ID)
		}
		if limit == 0 || len(all) < limit {
			return ids
		}
		f.After = all[len(all)-1].Cursor()
	}
}

// TestPagesWhileAdding checks that no page repeats a template while others grow.
func TestPagesWhileAdding(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	g := newTraffic(5, 30, 40, time.Minute)
	addAll(t, ix, g.take(2000), 200)
	seen := make(map[string]bool)
	f := Filter{Limit: 4, MinAccounts: 5}
	for range 1000 {
		all := templatesOf(t, ix, f)
		for _, m := range all {
			if seen[m.ID] {
				t.Fatalf("%s comes twice", m.ID)
			}
			seen[m.ID] = true
		}
		if len(all) < f.Limit {
			break
		}
		f.After = all[len(all)-1].Cursor()
		addAll(t, ix, g.take(50), 50)
	}
	if len(seen) < 10 {
		t.Errorf("only %d templates", len(seen))
	}
}

func FuzzCursor(f *testing.F) {
	f.Add((&Template{ID: "t7", Accounts: 3}).Cursor())
	f.Add((&Campaign{ID: "c7", Accounts: 3, Score: 71.5, Status: "watch"}).Cursor())
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := parseCursor(s, 't', 2); err == nil && n != nil {
			if again := (&Template{ID: fmt.Sprintf("t%d", n[1]), Accounts: n[0]}).Cursor(); len(again) > len(s) {
				t.Errorf("%q becomes %q", s, again)
			}
		}
		if _, err := parseCursor(s, 'c', 4); err != nil && !errors.Is(err, ErrCursor) {
			t.Error(err)
		}
	})
}
