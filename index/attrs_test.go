package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// attributed gives prompts of traffic models and regions, and returns how
// often each planted template has which, by the template's name.
func attributed(g *traffic, prompts []Prompt) map[string]map[string]map[string]int {
	truth := make(map[string]map[string]map[string]int)
	for i := range prompts {
		p := &prompts[i]
		name, _, planted := strings.Cut(p.Account, "-")
		p.Model = fmt.Sprint("m", i%3)
		p.Attrs = map[string]string{"ip": "192.0.2.7", "card": "4111 1111 1111", "secret": "s3cr3t"}
		if i%4 > 0 {
			p.Attrs["region"] = "of " + name
		}
		if !planted {
			continue
		}
		of := truth[name]
		if of == nil {
			of = map[string]map[string]int{"model": {}, "region": {}}
			truth[name] = of
		}
		of["model"][p.Model]++
		if r := p.Attrs["region"]; r != "" {
			of["region"][r]++
		}
	}
	return truth
}

// backup copies an index as a crash would leave it: with its journal.
func backup(t *testing.T, ix *Index, to string) {
	t.Helper()
	var b bytes.Buffer
	if err := ix.Backup(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Templates count prompts by attribute exactly, and go on doing so after a
// crash, a restart and time on the disk.
func TestAttrs(t *testing.T) {
	for name, o := range map[string]*Options{
		"one memtable":           {SiftBytes: 4 << 20, NoSync: true},
		"segments":               small(),
		"templates leave memory": {MemtablePostings: 3000, SiftBytes: 4 << 20, NoSync: true, TemplateBytes: 64 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			o.KeepAttrs = []string{"region"}
			g := newTraffic(81, 40, 30, time.Minute)
			prompts := g.take(8000)
			truth := attributed(g, prompts)
			regions := make(map[string]bool)
			for _, p := range prompts {
				regions[p.Attrs["region"]] = true
			}
			delete(regions, "")
			path := tempIndex(t)
			ix := open(t, path, o)
			addAll(t, ix, prompts, 100)
			check := func(at string, ix *Index) {
				t.Helper()
				all := templatesOf(t, ix, Filter{})
				for _, p := range g.planted {
					found := p.find(all)
					if len(found) != 1 {
						t.Fatalf("%s: template %s was found %d times", at, p.name, len(found))
					}
					got, want := found[0].Attrs, truth[p.name]
					lost := found[0].Prompts
					for _, n := range got["model"] {
						lost -= n
					}
					if o.MemtablePostings == 0 && !reflect.DeepEqual(got, want) {
						t.Errorf("%s: template %s counts %v, want %v", at, p.name, got, want)
					}
					if lost < 0 || lost > 10 || len(got) != 2 {
						t.Errorf("%s: template %s of %d prompts counts %v", at, p.name, found[0].Prompts, got)
					}
				}
				if st := stats(t, ix); st.AttrValues != 3+len(regions) || st.AttrOthers != 0 {
					t.Errorf("%s: %d values, %d others", at, st.AttrValues, st.AttrOthers)
				}
			}
			check("live", ix)
			if out := ix.templates.Out(); (out > 0) != (o.TemplateBytes > 0) {
				t.Errorf("%d templates are on disk", out)
			}
			crashed := tempIndex(t)
			backup(t, ix, crashed)
			other := *o
			other.KeepAttrs = nil // what was counted stays
			check("after a crash", open(t, crashed, &other))
			live := templatesOf(t, ix, Filter{})
			closeIndex(t, ix)
			ix = open(t, path, o)
			check("after a restart", ix)
			if again := templatesOf(t, ix, Filter{}); !reflect.DeepEqual(again, live) {
				t.Error("templates differ after a restart")
			}
			for _, never := range []string{"192.0.2.7", "4111 1111 1111", "s3cr3t"} {
				if b, err := os.ReadFile(path); err != nil || bytes.Contains(b, []byte(never)) {
					t.Errorf("the file holds %q, %v", never, err)
				}
			}
		})
	}
}

// A filter by attributes selects what has prompts with all of them.
func TestFilterAttrs(t *testing.T) {
	for _, o := range []*Options{small(), {MemtablePostings: 5000, SiftBytes: 4 << 20, NoSync: true, TemplateBytes: 64 << 10}} {
		o.KeepAttrs = []string{"region"}
		g := newTraffic(82, 6, 30, time.Minute)
		prompts := g.take(4000)
		attributed(g, prompts)
		ix := open(t, tempIndex(t), o)
		addAll(t, ix, prompts, 100)
		since := prompts[len(prompts)/2].Time
		for _, f := range []Filter{
			{Attrs: []Attr{{"model", "m1"}}}, {Attrs: []Attr{{"region", "of p3"}}}, {Attrs: []Attr{{"model", "m1"}, {"model", "m2"}}},
			{Attrs: []Attr{{"region", "of p3"}, {"model", "m0"}}}, {Attrs: []Attr{{"region", "of p3"}, {"region", "of p4"}}},
			{Attrs: []Attr{{"region", "p3"}}}, {Attrs: []Attr{{"model", "other"}}},
			{Attrs: []Attr{{"region", "of p3"}}, Since: since}, {Attrs: []Attr{{"model", "m1"}}, Since: since, MinAccounts: 4},
		} {
			all := f
			all.Attrs = nil
			has := func(of map[string]map[string]int) bool {
				return !slices.ContainsFunc(f.Attrs, func(a Attr) bool { return of[a.Name][a.Value] == 0 })
			}
			var want []string
			for _, x := range templatesOf(t, ix, all) {
				if has(x.Attrs) {
					want = append(want, x.ID)
				}
			}
			var got []string
			for _, x := range templatesOf(t, ix, f) {
				got = append(got, x.ID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v selects templates %v, not %v", f.Attrs, got, want)
			}
			campaigns, err := ix.Campaigns(context.Background(), all)
			if err != nil || len(campaigns) == 0 {
				t.Fatalf("%d campaigns, %v", len(campaigns), err)
			}
			selected, err := ix.Campaigns(context.Background(), f)
			if err != nil {
				t.Fatal(err)
			}
			if want := slices.DeleteFunc(campaigns, func(c Campaign) bool { return !has(c.Attrs) }); !reflect.DeepEqual(selected, want) {
				t.Errorf("%v selects %d campaigns, not %d", f.Attrs, len(selected), len(want))
			}
		}
		_, err1 := ix.Templates(context.Background(), Filter{Attrs: []Attr{{"ip", "192.0.2.7"}}})
		_, err2 := ix.Campaigns(context.Background(), Filter{Attrs: []Attr{{"ip", "192.0.2.7"}}})
		if !errors.Is(err1, ErrAttr) || !errors.Is(err2, ErrAttr) || !strings.Contains(err1.Error(), "model, region") {
			t.Errorf("an attribute that is not counted: %v, %v", err1, err2)
		}
	}
}

// What expires is forgotten, numbers and words.
func TestExpireAttrs(t *testing.T) {
	path := tempIndex(t)
	o := small()
	o.KeepAttrs = []string{"who"}
	ix := open(t, path, o)
	g := newTraffic(83, 3, 12, 10*time.Minute)
	prompts := g.take(2000)
	half := prompts[1000].Time.Truncate(24 * time.Hour)
	for i := range prompts {
		prompts[i].Attrs = map[string]string{"who": "person before"}
		if !prompts[i].Time.Before(half) {
			prompts[i].Attrs["who"] = "person since"
		}
	}
	addAll(t, ix, prompts, 100)
	if n := stats(t, ix).AttrValues; n != 3 {
		t.Errorf("%d values", n)
	}
	if _, err := ix.Expire(context.Background(), half); err != nil {
		t.Fatal(err)
	}
	check := func(at string) {
		t.Helper()
		if n := stats(t, ix).AttrValues; n != 2 {
			t.Errorf("%s: %d values", at, n)
		}
		for _, x := range templatesOf(t, ix, Filter{}) {
			if want := map[string]int{"person since": x.Prompts}; !maps.Equal(x.Attrs["who"], want) || x.Attrs["model"]["m"] != x.Prompts {
				t.Errorf("%s: template %s counts %v, want %v", at, x.ID, x.Attrs, want)
			}
		}
		if n := len(templatesOf(t, ix, Filter{Attrs: []Attr{{"who", "person before"}}})); n > 0 {
			t.Errorf("%s: %d templates have what expired", at, n)
		}
	}
	check("live")
	again := g.take(100) // what was forgotten may come again
	for i := range again {
		again[i].Attrs = map[string]string{"who": "person since"}
	}
	addAll(t, ix, again, 100)
	closeIndex(t, ix)
	if _, _, err := Compact(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || bytes.Contains(b, []byte("person before")) || !bytes.Contains(b, []byte("person since")) {
		t.Error("the file holds what expired, or not what has not", err)
	}
	ix = open(t, path, o)
	check("after a restart")
	for i := range again {
		again[i].ID += "-again"
		again[i].Attrs["who"] = "person before"
	}
	addAll(t, ix, again, 100)
	crashed := tempIndex(t)
	backup(t, ix, crashed)
	for _, ix := range []*Index{ix, open(t, crashed, o)} {
		found := g.planted[0].find(templatesOf(t, ix, Filter{Attrs: []Attr{{"who", "person before"}}}))
		if len(found) != 1 || found[0].Attrs["who"]["person before"] == 0 || found[0].Attrs["who"]["person since"] == 0 {
			t.Errorf("what came again is not counted: %+v", found)
		}
	}
}

// The number of values is bounded; what is beyond is others.
func TestManyAttrs(t *testing.T) {
	path := tempIndex(t)
	o := small()
	o.KeepAttrs = []string{"n"}
	ix := open(t, path, o)
	g := newTraffic(84, 1, 30, time.Second)
	prompts := g.take(6000)
	odd := []string{strings.Repeat("x", attrBytes+1), "\xff", "other"}
	for i := range prompts {
		v := fmt.Sprint(i)
		if i < len(odd) {
			v = odd[i]
		}
		prompts[i].Attrs = map[string]string{"n": v}
	}
	addAll(t, ix, prompts, 100)
	want := stats(t, ix)
	if want.AttrValues != maxAttrValues || want.AttrOthers != 6000-maxAttrValues+1 {
		t.Errorf("%d values, %d others", want.AttrValues, want.AttrOthers)
	}
	crashed := tempIndex(t)
	backup(t, ix, crashed)
	closeIndex(t, ix)
	for _, path := range []string{path, crashed} {
		ix := open(t, path, o)
		if st := stats(t, ix); st.AttrValues != want.AttrValues || st.AttrOthers != want.AttrOthers {
			t.Errorf("opened again: %d values, %d others", st.AttrValues, st.AttrOthers)
		}
		found := g.planted[0].find(templatesOf(t, ix, Filter{Attrs: []Attr{{"n", "other"}}}))
		if len(found) != 1 || len(found[0].Attrs["n"]) != shownValues+1 {
			t.Fatalf("found %+v", found)
		}
		sum := 0
		for _, n := range found[0].Attrs["n"] {
			sum += n
		}
		if lost := found[0].Prompts - sum; lost < 0 || lost > 10 || found[0].Attrs["n"]["other"] < sum/2 {
			t.Errorf("%d prompts count %v", found[0].Prompts, found[0].Attrs)
		}
	}
}

func TestKeepAttrs(t *testing.T) {
	for _, bad := range [][]string{{""}, {"a=b"}, {strings.Repeat("x", 65)}, {"\xff"}, {"model"}, {"ip"}, {"card"}, {"a", "a"}, make([]string, 17)} {
		if _, err := Open(tempIndex(t), &Options{KeepAttrs: bad}); !errors.As(err, new(*OptionError)) || !strings.Contains(err.Error(), "index: Options.KeepAttrs: ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestParseAttr(t *testing.T) {
	for s, want := range map[string]Attr{"model=m": {"model", "m"}, "a=b=c": {"a", "b=c"}} {
		if got, err := ParseAttr(s); err != nil || got != want || got.String() != s {
			t.Errorf("%q is %v, %v", s, got, err)
		}
	}
	for _, bad := range []string{"", "model", "=m", "model="} {
		if _, err := ParseAttr(bad); !errors.Is(err, ErrAttr) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A journal or table that contradicts itself is refused.
func TestContradictoryAttrs(t *testing.T) {
	value := func(attr, value int) Attr { return Attr{fmt.Sprint("a", attr), fmt.Sprint("v", value)} }
	fresh := func(attr, number uint16, is Attr) freshValue {
		return freshValue{template.MakeValue(attr, number), is.Name, is.Value}
	}
	good := []freshValue{fresh(0, 1, value(0, 1)), fresh(0, 5, value(0, 5)), {template.MakeValue(1, 0), "a1", ""}, fresh(1, 1, value(1, 1))}
	for _, bad := range []freshValue{
		fresh(0, 1, value(0, 2)), fresh(0, 2, value(0, 1)), fresh(0, 2, value(1, 2)), fresh(2, 1, value(0, 2)),
		fresh(1, 2, value(2, 2)), fresh(3, 1, value(3, 1)), {template.MakeValue(0, 2), "a0", ""}, {template.MakeValue(0, 0), "a0", "v9"}, {template.MakeValue(0, 2), "", "v9"},
		{template.MakeValue(0, 2), "a0", strings.Repeat("x", 65)},
	} {
		a := newAttrs(nil)
		for _, f := range good {
			if err := a.replay(&sketched{fresh: []freshValue{f}, values: []template.Value{f.id}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.replay(&sketched{fresh: []freshValue{bad}}); !errors.Is(err, ErrDamaged) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := newAttrs(nil).replay(&sketched{values: []template.Value{0}}); !errors.Is(err, ErrDamaged) {
		t.Errorf("an unknown attribute: %v", err)
	}
}
