package index

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
)

// tools is traffic of rings of accounts and, every other one, of tools of an
// office each: their seats share a network and ask for the same again.
func tools(rings int) (g *traffic, prompts []Prompt) {
	g, prompts = ring(rings, 24)
	for i := range prompts {
		p := &prompts[i]
		var ring, account int
		if n, _ := fmt.Sscanf(p.Account, "p%d-a%d", &ring, &account); n < 2 {
			continue
		}
		if p.Attrs = map[string]string{"ip": fmt.Sprintf("10.%d.%d.1", ring, account)}; ring%2 == 0 {
			p.Attrs["ip"] = fmt.Sprintf("10.%d.1.1", ring)
			if account%4 != 0 {
				continue
			}
			t := g.planted[ring]
			p.Text = strings.Join(slices.Concat(t.prefix, t.suffix[:4], t.suffix), " ")
		}
	}
	return g, prompts
}

// isTool reports whether a campaign is one.
func isTool(c *Campaign) bool {
	n := 0
	fmt.Sscanf(c.Members[0].Account, "p%d-", &n)
	return n%2 == 0
}

// taught is an index with labels of all campaigns but four of each kind, and the ids of those.
func taught(t *testing.T, path string) (ix *Index, crews, offices []string) {
	t.Helper()
	ix = open(t, path, small())
	_, prompts := tools(24)
	addAll(t, ix, prompts, 100)
	before := campaignsOf(t, ix)
	if len(before) != 24 {
		t.Fatalf("%d campaigns: %v", len(before), statuses(before))
	}
	for i := range before {
		c := &before[i]
		l, some := Label{Campaign: c.ID, Verdict: Confirmed, Author: "ann"}, &crews
		if isTool(c) {
			l.Verdict, some = Benign, &offices
		}
		if c.Status != "alert" {
			t.Errorf("%s is on %s with %v", c.ID, c.Status, c.Score)
		}
		if len(*some) < 4 {
			*some = append(*some, c.ID)
			continue
		}
		give(t, ix, l)
	}
	return ix, crews, offices
}

func learn(t testing.TB, ix *Index, o LearnOptions) *Learning {
	t.Helper()
	got, err := ix.Learn(context.Background(), o)
	if err != nil {
		t.Fatalf("Learn: %v", err)
	}
	return got
}

// TestLearn teaches an index that offices are none of its campaigns: that holds
// for offices without a label, for copies, and until it is forgotten; crews stay.
func TestLearn(t *testing.T) {
	path := tempIndex(t)
	ix, crews, offices := taught(t, path)
	before := campaignsOf(t, ix)
	got := learn(t, ix, LearnOptions{})
	if !got.Better || got.Applied || got.Benign != 8 || got.Confirmed != 8 || got.Shipped.False < 6 || got.Shipped.Missed != 0 || got.Learnt.False+got.Learnt.Missed > 1 || len(got.History) != 0 {
		t.Fatalf("%+v", got)
	}
	if diff := cmp.Diff(before, campaignsOf(t, ix)); diff != "" {
		t.Errorf("looking changed campaigns: %s", diff)
	}
	flags := flagsOf(t, ix)
	got = learn(t, ix, LearnOptions{Apply: true, Author: "ann"})
	if !got.Applied || len(got.Begin) != 0 || len(got.End) == 0 || len(got.History) != 1 || got.History[0].Author != "ann" || got.History[0].Labels != 16 {
		t.Errorf("%+v", got)
	}
	after := campaignsOf(t, ix)
	for _, id := range crews {
		if statuses(after)[id] != "alert" {
			t.Errorf("crew %s: %v", id, statuses(after)[id])
		}
	}
	ended := len(got.End)
	for _, r := range got.End {
		if !slices.Contains(offices, r.Campaign) || r.Before < alertScore || r.After >= alertScore || statuses(after)[r.Campaign] == "alert" {
			t.Errorf("%+v", r)
		}
	}
	for _, f := range after[len(after)-1].Factors {
		if f.Name == "learnt" && !strings.Contains(f.Text, "16 verdicts taught, on 20") {
			t.Errorf("%+v", f)
		}
	}
	if diff := cmp.Diff(flags, flagsOf(t, ix)); diff != "" {
		t.Errorf("flags: %s", diff)
	}
	same := func(ix *Index, when string) {
		t.Helper()
		if diff := cmp.Diff(after, campaignsOf(t, ix)); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	killed, copied := filepath.Join(t.TempDir(), "killed.db"), filepath.Join(t.TempDir(), "backup.db")
	settle(t, ix)
	copyFile(t, path, killed)
	same(open(t, killed, small()), "after a kill")
	f, err := os.Create(copied)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(ix.Backup(t.Context(), f), f.Close()); err != nil {
		t.Fatal(err)
	}
	same(open(t, copied, small()), "a backup")
	if _, err := ix.Expire(t.Context(), trafficStart); err != nil {
		t.Fatal(err)
	}
	same(ix, "after Expire")
	closeIndex(t, ix)
	reader := open(t, path, &Options{ReadOnly: true, SiftBytes: 1 << 20})
	same(reader, "read-only")
	if _, err := reader.Learn(t.Context(), LearnOptions{Forget: true}); err == nil {
		t.Error("a reader forgets")
	}
	closeIndex(t, reader)
	ix = open(t, path, small())
	same(ix, "reopened")
	got = learn(t, ix, LearnOptions{Forget: true, Author: "bob"})
	if !got.Applied || len(got.Begin) != ended || len(got.End) != 0 || len(got.History) != 2 || got.History[1].Labels != 0 || got.History[1].Author != "bob" {
		t.Errorf("%+v", got)
	}
	sure := func(all []Campaign) []Campaign { // that do not stay alerts only for having been one
		return slices.DeleteFunc(all, func(c Campaign) bool { return c.Score < alertScore })
	}
	if diff := cmp.Diff(sure(before), sure(campaignsOf(t, ix))); diff != "" {
		t.Errorf("forgotten: %s", diff)
	}
	if got := learn(t, ix, LearnOptions{Forget: true}); got.Applied || len(got.History) != 2 {
		t.Errorf("forgotten twice: %+v", got)
	}
}

// TestLearnReplayed adds prompts before and after a table is learnt, then kills
// the index: each part counts by the table of its time, so that flags are the same.
func TestLearnReplayed(t *testing.T) {
	path := tempIndex(t)
	ix, _, _ := taught(t, path)
	more := func(seed int) {
		_, prompts := tools(24)
		for i := range prompts {
			p := &prompts[i]
			p.ID, p.Time = fmt.Sprintf("%s-%d", p.ID, seed), p.Time.AddDate(0, 0, 10*seed)
			p.Text = strings.ReplaceAll(p.Text, "a", strings.Repeat("u", seed))
		}
		addAll(t, ix, prompts[:2000], 100)
	}
	more(1)
	if !learn(t, ix, LearnOptions{Apply: true}).Applied {
		t.Fatal("not applied")
	}
	more(2)
	want, flags := campaignsOf(t, ix), flagsOf(t, ix)
	killed := filepath.Join(t.TempDir(), "killed.db")
	settle(t, ix)
	copyFile(t, path, killed)
	again := open(t, killed, small())
	if diff := cmp.Diff(flags, flagsOf(t, again)); diff != "" {
		t.Errorf("flags: %s", diff)
	}
	if diff := cmp.Diff(want, campaignsOf(t, again)); diff != "" {
		t.Errorf("campaigns: %s", diff)
	}
}

// TestLearnRefused: too few labels teach nothing, nor do those that the shipped table
// agrees with; and both flags at once make no sense.
func TestLearnRefused(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	_, prompts := ring(16, 24)
	addAll(t, ix, prompts, 100)
	all := campaignsOf(t, ix)
	for i, c := range all {
		if i == 15 {
			if _, err := ix.Learn(t.Context(), LearnOptions{Apply: true}); !errors.Is(err, ErrFewLabels) || !strings.Contains(err.Error(), "7 benign and 8 confirmed, where 8") {
				t.Errorf("%v", err)
			}
		}
		give(t, ix, Label{Campaign: c.ID, Verdict: []string{Confirmed, Benign}[i%2]})
	}
	before := campaignsOf(t, ix)
	if got := learn(t, ix, LearnOptions{Apply: true}); got.Applied || got.Better || len(got.History) != 0 {
		t.Errorf("labels that say nothing: %+v", got)
	}
	if diff := cmp.Diff(before, campaignsOf(t, ix)); diff != "" {
		t.Error(diff)
	}
	if _, err := ix.Learn(t.Context(), LearnOptions{Apply: true, Forget: true}); err == nil {
		t.Error("applied and forgot")
	}
}

// TestLearnDamaged opens indexes whose learnt table is not what one can be.
func TestLearnDamaged(t *testing.T) {
	for value, want := range map[string]error{
		`{"seq":1,"labels":16,"offset":-3}`:                      nil,
		`{"seq":1,"labels":16,"offset":-30}`:                     ErrDamaged,
		`{"seq":2,"labels":16}`:                                  ErrDamaged,
		`{"seq":1,`:                                              ErrDamaged,
		`{"seq":1,"labels":16,"times":{"focus":9}}`:              ErrDamaged,
		`{"seq":1,"labels":16,"times":{"tomorrow":1.1}}`:         ErrVersion,
		`{"seq":1,"labels":16,"points":{"focus":1},"offset":.5}`: ErrDamaged,
	} {
		path := tempIndex(t)
		closeIndex(t, open(t, path, small()))
		s, err := store.Open(path, store.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Write([]store.Put{{Table: store.TableAux, Key: learntKey(1), Value: []byte(value)}}), s.Close()); err != nil {
			t.Fatal(err)
		}
		ix, err := Open(path, small())
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v, want %v", value, err, want)
		}
		if err == nil {
			if got := learn(t, ix, LearnOptions{Forget: true}); !got.Applied {
				t.Errorf("%+v", got)
			}
			closeIndex(t, ix)
		} else {
			os.Remove(path)
		}
	}
}
