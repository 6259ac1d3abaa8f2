package index

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ring is traffic in which rings of accounts share one template each, dealt
// out evenly among accounts that do nothing else, beside ordinary accounts.
func ring(rings, accounts int) (g *traffic, prompts []Prompt) {
	g = newTraffic(11, rings, accounts, time.Minute)
	for i := range 10 * rings * accounts {
		p := Prompt{ID: fmt.Sprintf("o%d", i), Account: fmt.Sprintf("o%d", i%200), Time: trafficStart.Add(time.Duration(i) * time.Minute)}
		p.Text = strings.Join(g.some(8, 40), " ")
		prompts = append(prompts, p)
		if i%2 == 0 { // accounts take turns
			prompts = append(prompts, g.sing(i/2%rings, i/2/rings%accounts, p.Time))
		}
	}
	return g, prompts
}

// sing is a prompt of a ring's account.
func (g *traffic) sing(ring, account int, at time.Time) Prompt {
	g.made++
	t := g.planted[ring]
	return Prompt{
		ID: fmt.Sprintf("r%d", g.made), Account: fmt.Sprintf("%s-a%d", t.name, account), Time: at,
		Text: strings.Join(slices.Concat(t.prefix, g.some(3, 9), t.suffix), " "),
	}
}

func campaignsOf(t testing.TB, ix *Index) (all []Campaign) {
	t.Helper()
	all, err := ix.Campaigns(context.Background(), Filter{Members: true})
	if err != nil {
		t.Fatalf("Campaigns: %v", err)
	}
	return all
}

func give(t testing.TB, ix *Index, labels ...Label) {
	t.Helper()
	if err := ix.Label(context.Background(), labels...); err != nil {
		t.Fatalf("Label: %v", err)
	}
}

// statuses returns every campaign's status by id.
func statuses(all []Campaign) map[string]string {
	out := make(map[string]string)
	for _, c := range all {
		out[c.ID] = c.Status
	}
	return out
}

func without(all []Campaign, id string) []Campaign {
	return slices.DeleteFunc(slices.Clone(all), func(c Campaign) bool { return c.ID == id })
}

func templateStatus(t testing.TB, ix *Index, id string) string {
	t.Helper()
	m, err := ix.Template(context.Background(), id)
	if err != nil {
		t.Fatalf("Template: %v", err)
	}
	return m.Status
}

// TestBenign labels one of several campaigns: it goes to the end of the list,
// and nothing else changes, not even after a restart.
func TestBenign(t *testing.T) {
	for _, how := range []string{"campaign", "template", "text"} {
		t.Run(how, func(t *testing.T) {
			path := tempIndex(t)
			ix := open(t, path, small())
			g, prompts := ring(5, 30)
			for i := range prompts { // nine accounts are in every ring
				_, account, ok := strings.Cut(prompts[i].Account, "-a")
				if ok && len(account) == 1 && account < "9" {
					prompts[i].Account = "all-a" + account
				}
			}
			addAll(t, ix, prompts, 100)
			before := campaignsOf(t, ix)
			if len(before) != 5 || before[4].Status != "alert" {
				t.Fatalf("before: %v", statuses(before))
			}
			c := before[1]
			l := Label{Verdict: Benign, Reason: "ours", Author: "ann"}
			switch how {
			case "campaign":
				l.Campaign = c.ID
			case "template":
				l.Template = c.Templates[0].ID
			default:
				for _, p := range g.planted {
					if strings.Contains(c.Templates[0].Pattern, strings.Join(p.prefix[2:8], " ")) {
						l.Text = strings.Join(slices.Concat(p.prefix, g.some(3, 3), p.suffix), " ")
					}
				}
			}
			give(t, ix, l)
			check := func(ix *Index, when string) {
				t.Helper()
				after := campaignsOf(t, ix)
				if diff := cmp.Diff(without(before, c.ID), without(after, c.ID)); diff != "" {
					t.Errorf("%s: other campaigns changed: %s", when, diff)
				}
				if last := after[len(after)-1]; last.ID != c.ID || last.Status != Benign || last.Accounts != c.Accounts {
					t.Errorf("%s: last is %s, %s, of %d accounts", when, last.ID, last.Status, last.Accounts)
				}
				if s := templateStatus(t, ix, c.Templates[0].ID); s != Benign {
					t.Errorf("%s: template is %q", when, s)
				}
			}
			check(ix, "at once")
			killed := filepath.Join(t.TempDir(), "killed.db")
			settle(t, ix)
			copyFile(t, path, killed)
			check(open(t, killed, small()), "after a kill")
			closeIndex(t, ix)
			ix = open(t, path, small())
			check(ix, "reopened")
			l.Verdict = None
			give(t, ix, l)
			if diff := cmp.Diff(before, campaignsOf(t, ix)); diff != "" {
				t.Errorf("after withdrawing: %s", diff)
			}
			labels, err := ix.Labels(t.Context())
			if err != nil || len(labels) != 2 || labels[0].Seq != 1 || labels[1].Seq != 2 || labels[0].Author != "ann" || labels[0].Time.IsZero() {
				t.Errorf("audit trail: %+v, %v", labels, err)
			}
			if how == "campaign" && len(labels) == 2 && (len(labels[0].Templates) != len(c.Templates) || labels[0].Templates[0] != c.Templates[0].ID) {
				t.Errorf("the label holds for %v, want %v", labels[0].Templates, c.Templates)
			}
		})
	}
}

// TestLabelUntil: a verdict ends in the prompts' own time.
func TestLabelUntil(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	_, prompts := ring(1, 30)
	addAll(t, ix, prompts, 100)
	c := campaignsOf(t, ix)[0]
	until := prompts[len(prompts)-1].Time.Add(time.Hour)
	give(t, ix, Label{Campaign: c.ID, Verdict: Benign, Until: until})
	if got := statuses(campaignsOf(t, ix))[c.ID]; got != Benign {
		t.Errorf("before: %q", got)
	}
	add(t, ix, Prompt{Account: "o1", Time: until, Text: "much later"})
	if got := statuses(campaignsOf(t, ix))[c.ID]; got != "alert" {
		t.Errorf("after: %q", got)
	}
}

// TestLabelBeforehand: a text that is labelled before anyone sent it keeps the
// template that is born later from alerting.
func TestLabelBeforehand(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	g, prompts := ring(2, 30)
	p := g.planted[0]
	give(t, ix, Label{Text: strings.Join(slices.Concat(p.prefix, g.some(4, 4), p.suffix), " "), Verdict: Benign})
	addAll(t, ix, prompts, 100)
	all := campaignsOf(t, ix)
	if len(all) != 2 || all[0].Status != "alert" || all[1].Status != Benign {
		t.Fatalf("%v", statuses(all))
	}
	for _, f := range flagsOf(t, ix) {
		if f.Kind == "campaign" && f.ID == all[1].ID {
			t.Errorf("%+v", f)
		}
	}
	if got := templatesOf(t, ix, Filter{Status: Benign}); len(got) != 1 || got[0].ID != all[1].Templates[0].ID {
		t.Errorf("benign templates: %+v", got)
	}
}

// TestConfirmed: new accounts on a confirmed template are flagged, once a day,
// and the flags are the same after a kill and after a restart.
func TestConfirmed(t *testing.T) {
	path := tempIndex(t)
	ix := open(t, path, small())
	g, prompts := ring(2, 30)
	addAll(t, ix, prompts, 100)
	c := campaignsOf(t, ix)[1]
	n := slices.IndexFunc(g.planted, func(p *planted) bool { return c.Members[0].Account[:2] == p.name })
	give(t, ix, Label{Campaign: c.ID, Verdict: Confirmed, Reason: "seen before"})
	if all := campaignsOf(t, ix); all[0].ID != c.ID || all[0].Status != Confirmed {
		t.Errorf("first is %s, %s", all[0].ID, all[0].Status)
	}
	before := len(flagsOf(t, ix))
	next := prompts[len(prompts)-1].Time.Truncate(24*time.Hour).AddDate(0, 0, 1)
	add(t, ix, g.sing(n, 3, next)) // not new
	for day := range 3 {
		for i := range 4 {
			add(t, ix, g.sing(n, 100+10*day+i, next.AddDate(0, 0, day).Add(time.Duration(i)*time.Minute)))
		}
		if day == 1 {
			closeIndex(t, ix)
			ix = open(t, path, small())
			add(t, ix, g.sing(n, 200, next.AddDate(0, 0, day).Add(time.Hour)))
		}
	}
	all := flagsOf(t, ix)
	flags := all[before:]
	if len(flags) != 3 {
		t.Fatalf("%+v", flags)
	}
	for day, want := range []int{31, 35, 40} {
		if f := flags[day]; f.Kind != "template" || f.ID != c.Templates[0].ID || f.Accounts != want || !strings.Contains(f.Text, "confirmed") {
			t.Errorf("day %d: %+v, want %d accounts", day, f, want)
		}
	}
	killed := filepath.Join(t.TempDir(), "killed.db")
	settle(t, ix)
	copyFile(t, path, killed)
	if diff := cmp.Diff(all, flagsOf(t, open(t, killed, small()))); diff != "" {
		t.Errorf("after a kill: %s", diff)
	}
}

func TestLabelInvalid(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	for _, l := range []Label{
		{Verdict: Benign},
		{Verdict: Benign, Template: "t1", Campaign: "c1"},
		{Verdict: "fine", Template: "t1"},
		{Verdict: Benign, Template: "c1"},
		{Verdict: Benign, Campaign: "t1"},
		{Verdict: Benign, Campaign: "c01"},
		{Verdict: Benign, Template: "t+1"},
		{Verdict: Benign, Text: strings.Repeat("x", maxText+1)},
	} {
		if err := ix.Label(t.Context(), Label{Template: "t1", Verdict: None}, l); !errors.Is(err, ErrLabel) {
			t.Errorf("%.60v: %v", l, err)
		}
	}
	if labels, err := ix.Labels(t.Context()); err != nil || len(labels) != 0 {
		t.Errorf("%v, %v", labels, err)
	}
	unknown, err := ix.Unknown(t.Context(), Label{Template: "t1"}, Label{Text: "x"}, Label{Campaign: "c1"})
	if err != nil || !slices.Equal(unknown, []int{0, 2}) {
		t.Errorf("unknown: %v, %v", unknown, err)
	}
}

// TestAccountWith: what an account shares, and with whom.
func TestAccountWith(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	_, prompts := ring(2, 30)
	addAll(t, ix, prompts, 100)
	c := campaignsOf(t, ix)[0]
	a, err := ix.Account(t.Context(), c.Members[0].Account)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Templates) != 1 || len(a.Templates[0].With) != 29 || len(a.Peers) != maxPeers || a.Peers[0].Templates != 1 {
		t.Errorf("%+v", a)
	}
	if len(a.Campaigns) != 1 || a.Campaigns[0].ID != c.ID || a.Campaigns[0].Prompts != c.Members[0].Prompts || a.Campaigns[0].Confidence != c.Members[0].Confidence {
		t.Errorf("%+v, want %+v", a.Campaigns, c.Members[0])
	}
	sum, fresh := 0, 0
	for _, d := range c.Days {
		sum, fresh = sum+d.Prompts, fresh+d.NewAccounts
	}
	if sum != c.Prompts || fresh != c.Accounts {
		t.Errorf("days have %d prompts and %d accounts, the campaign %d and %d", sum, fresh, c.Prompts, c.Accounts)
	}
	if ordinary, err := ix.Account(t.Context(), "o1"); err != nil || len(ordinary.Campaigns)+len(ordinary.Peers) != 0 {
		t.Errorf("%+v, %v", ordinary, err)
	}
}

func TestParseLabel(t *testing.T) {
	l, err := ParseLabel([]byte(` {"template":"t7","verdict":"benign","reason":"ours","author":"ann","until":"2026-07-01T00:00:00Z","more":1}` + "\r"))
	if diff := cmp.Diff(Label{Template: "t7", Verdict: Benign, Reason: "ours", Author: "ann", Until: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)}, l); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	for _, bad := range []string{
		"", "[]", "sesame", `{"text":"sesame`, `{"text":["sesame"],"verdict":"none"}`, `{"text":"sesame","verdict":"sesame"}`,
		`{"text":"x","verdict":"none","until":"sesame"}`, `{"verdict":"none"}`, "{\"text\":\"sesame\xff\",\"verdict\":\"none\"}",
	} {
		if _, err := ParseLabel([]byte(bad)); !errors.Is(err, ErrLabel) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseLabel(f *testing.F) {
	f.Add([]byte(`{"template":"t7","verdict":"benign","reason":"ours","author":"ann","until":"2026-07-01T00:00:00Z"}`))
	f.Add([]byte(`{"text":"follow these steps","verdict":"none"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := ParseLabel(b)
		if err == nil {
			err = l.Validate()
		}
		if err != nil && !errors.Is(err, ErrLabel) {
			t.Error(err)
		}
	})
}

// TestLabelWhileAdding asks and labels while prompts come in; it is for the
// race detector.
func TestLabelWhileAdding(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	_, prompts := ring(2, 30)
	addAll(t, ix, prompts[:len(prompts)/2], 100)
	id := campaignsOf(t, ix)[0].ID
	done := make(chan error, 5)
	go func() {
		for i := range 5 {
			give := Label{Campaign: id, Verdict: []string{Benign, Confirmed, None}[i%3]}
			_, err1 := ix.Campaigns(t.Context(), Filter{Members: true})
			_, err2 := ix.Templates(t.Context(), Filter{Status: Benign})
			_, err3 := ix.Account(t.Context(), "p0-a1")
			done <- errors.Join(err1, err2, err3, ix.Label(t.Context(), give))
		}
		close(done)
	}()
	addAll(t, ix, prompts[len(prompts)/2:], 10)
	n := 0
	for err := range done {
		if n++; err != nil {
			t.Error(err)
		}
	}
	if labels, err := ix.Labels(t.Context()); err != nil || len(labels) != n {
		t.Errorf("%d labels, want %d, %v", len(labels), n, err)
	}
}
