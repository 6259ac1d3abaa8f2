package index

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// replica is a copy of what Changes tells.
type replica struct {
	t  testing.TB
	c  *Changes
	of map[string]Digest
}

// follow takes up all that has changed and returns how much that was.
func (r *replica) follow(limit int) (n int) {
	r.t.Helper()
	for {
		told := 0
		more, err := r.c.Next(context.Background(), limit, func(d Digest) { r.of[d.ID] = d; told++ }, func(id string) { delete(r.of, id); n++ })
		if err != nil {
			r.t.Fatal(err)
		}
		if limit > 0 && told > limit {
			r.t.Errorf("%d told, limit %d", told, limit)
		}
		if n += told; !more {
			return n
		}
	}
}

// same holds the replica against the index.
func (r *replica) same(ix *Index) {
	r.t.Helper()
	all := templatesOf(r.t, ix, Filter{})
	want := make(map[string]Digest)
	for _, m := range all {
		want[m.ID] = Digest{ID: m.ID, Accounts: m.Accounts, Prompts: m.Prompts, FirstSeen: m.FirstSeen, LastSeen: m.LastSeen, Score: m.Score, Status: m.Status}
	}
	got := maps.Clone(r.of)
	for id, d := range got {
		if d.Stamp == 0 {
			r.t.Errorf("%s has no stamp", id)
		}
		d.Stamp = 0
		got[id] = d
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Errorf("the copy differs: %s", diff)
	}
}

// A copy kept by Changes is the index, after anything that changes it and with
// templates in memory and on disk.
func TestChanges(t *testing.T) {
	g := newTraffic(5, 12, 25, 20*time.Minute)
	g.planted[0].pool = 5
	o := small()
	o.TemplateBytes = 64 << 10
	path := tempIndex(t)
	ix := open(t, path, o)
	r := &replica{t, ix.Changes(), make(map[string]Digest)}
	for range 4 {
		addAll(t, ix, g.take(700), 100)
		r.follow(7)
	}
	if err := ix.Close(); err != nil { // what is still looked for of the past is found then
		t.Fatal(err)
	}
	ix = open(t, path, o)
	stamps := make(map[string]uint64)
	for id, d := range r.of {
		stamps[id] = d.Stamp
	}
	r = &replica{t, ix.Changes(), make(map[string]Digest)}
	r.follow(0)
	r.same(ix)
	for id, s := range stamps {
		if r.of[id].Stamp != s {
			t.Errorf("%s has another stamp after a restart", id)
		}
	}
	if n := r.follow(0); n != 0 {
		t.Errorf("%d changes where there are none", n)
	}
	narrow, wide := "", templatesOf(t, ix, Filter{Limit: 1})[0].ID
	for id, d := range r.of {
		if d.Accounts < watchAccounts {
			narrow = id
		}
	}
	for _, id := range []string{narrow, wide} {
		if id == "" {
			t.Fatal("no narrow template")
		}
		if err := ix.Label(context.Background(), Label{Template: id, Verdict: Benign}); err != nil {
			t.Fatal(err)
		}
		r.follow(7)
		if r.of[id].Status != Benign {
			t.Errorf("%s is %s", id, r.of[id].Status)
		}
	}
	r.same(ix)
	if _, err := ix.Expire(context.Background(), g.at.Add(-48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	r.follow(7)
	r.same(ix)
}

// Lookup is Templates for some ids.
func TestLookup(t *testing.T) {
	g := newTraffic(6, 8, 25, 20*time.Minute)
	o := small()
	o.TemplateBytes = 64 << 10
	ix := open(t, tempIndex(t), o)
	addAll(t, ix, g.take(2000), 100)
	all := templatesOf(t, ix, Filter{})
	var ids []string
	for _, m := range all {
		ids = append(ids, m.ID)
	}
	ids = append(ids, "t0", "x", "", "t99999999")
	got, err := ix.Lookup(context.Background(), ids...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, got); diff != "" {
		t.Error(diff)
	}
	slices.Reverse(ids)
	texts, err := ix.Texts(context.Background(), ids...)
	if err != nil || len(texts) != len(all) {
		t.Fatalf("%d texts, %v", len(texts), err)
	}
	for i, x := range texts {
		if want := all[len(all)-1-i]; x.ID != want.ID || x.Pattern != want.Pattern || !cmp.Equal(x.Exemplars, want.Exemplars) {
			t.Errorf("%s: other words", x.ID)
		}
	}
	ix.Close()
	if _, err := ix.Lookup(context.Background(), ids...); err == nil {
		t.Error("Lookup after Close")
	}
}
