package index

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/seed-368d3dfa/chorus/index/internal/template"
	"github.com/seed-368d3dfa/chorus/minhash"
)

const fuzzRows = 96

// reencode makes an entry of what readEntry read. Flags that only say what
// follows are implied.
func reencode(e *entry, fresh bool) []byte {
	flags := byte(0)
	if e.last {
		flags |= entryLast
	}
	if fresh {
		flags |= entryFresh
	}
	return appendEntry(nil, flags, e.account, e.name, e.time, e.prompt.ID, &e.sketch, e.texts)
}

// valued gives a sketch up to two values, some of them new.
func valued(s *sketched, i int) {
	values := []freshValue{{template.MakeValue(0, uint16(i)), "model", "a model"}, {template.MakeValue(300, 0), "plan", ""}}
	for j, f := range values[:i%3] {
		s.values = append(s.values, f.id)
		if (i+j)%2 == 0 {
			s.fresh = append(s.fresh, f)
		}
	}
}

func FuzzJournalEntry(f *testing.F) {
	scheme := minhash.NewScheme(1)
	s, err := newSketchers(scheme, nil)
	if err != nil {
		f.Fatal(err)
	}
	g := newTraffic(51, 2, 5, 1)
	prompts := append(g.take(8), Prompt{Account: "a", Text: "…"})
	sketches := make([]sketched, len(prompts))
	s.get().sketchAll(prompts, sketches, new(sketchArena))
	for i := range prompts {
		valued(&sketches[i], i)
		b := appendEntry(nil, entryFresh, 7, "name", 1234567, prompts[i].ID, &sketches[i], []string{"an exemplar", ""}[:i%3])
		f.Add(b)
		f.Add(append(b, appendEntry(nil, entryLast, 7, "", 1234567, "", &sketches[i], nil)...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := cutter{b: b}
		for len(c.b) > 0 {
			var e, again entry
			before := c.b
			if err := readEntry(&c, &e, fuzzRows); err != nil {
				if !errors.Is(err, ErrDamaged) {
					t.Fatal(err)
				}
				return
			}
			if len(c.b) >= len(before) {
				t.Fatal("an entry of no bytes")
			}
			out := reencode(&e, before[0]&entryFresh != 0)
			d := cutter{b: out}
			if err := readEntry(&d, &again, fuzzRows); err != nil || len(d.b) > 0 {
				t.Fatalf("an entry encoded again: %v, %d bytes left", err, len(d.b))
			}
			if !bytes.Equal(reencode(&again, before[0]&entryFresh != 0), out) || !slices.Equal(again.sketch.keys, e.sketch.keys) ||
				!slices.Equal(again.sketch.values, e.sketch.values) || !slices.Equal(again.sketch.fresh, e.sketch.fresh) ||
				!slices.Equal(again.texts, e.texts) || again.account != e.account || again.time != e.time || again.name != e.name {
				t.Fatal("an entry changed when encoded again")
			}
		}
	})
}

// What appendEntry writes comes back.
func TestJournalEntry(t *testing.T) {
	scheme := minhash.NewScheme(1)
	s, err := newSketchers(scheme, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := newTraffic(52, 2, 5, 1)
	prompts := append(g.take(50), Prompt{Account: "a", Text: "…"})
	sketches := make([]sketched, len(prompts))
	s.get().sketchAll(prompts, sketches, new(sketchArena))
	var b []byte
	for i := range prompts {
		valued(&sketches[i], i)
		flags, name := byte(0), ""
		if i%2 == 0 {
			flags, name = entryFresh, fmt.Sprint("account ", i)
		}
		if i%5 == 4 {
			flags |= entryLast
		}
		b = appendEntry(b, flags, uint32(i+1), name, int64(i)*1e9, prompts[i].ID, &sketches[i], slices.Repeat([]string{"text"}, i%4))
	}
	c := cutter{b: b}
	var e entry
	for i := range prompts {
		if err := readEntry(&c, &e, scheme.Rows); err != nil {
			t.Fatal(err)
		}
		if e.account != uint32(i+1) || (e.name != "") != (i%2 == 0) || e.last != (i%5 == 4) || e.time != int64(i)*1e9 || e.prompt.ID != prompts[i].ID ||
			len(e.texts) != i%4 || !slices.Equal(e.sketch.keys, sketches[i].keys) || !bytes.Equal(e.sketch.signature, sketches[i].signature) ||
			!slices.Equal(e.sketch.values, sketches[i].values) || !slices.Equal(e.sketch.fresh, sketches[i].fresh) || e.sketch.scale != sketches[i].scale || e.sketch.shingles != sketches[i].shingles {
			t.Fatalf("entry %d came back as %+v", i, e)
		}
	}
	if len(c.b) > 0 {
		t.Errorf("%d bytes are left", len(c.b))
	}
	for i := range len(b) / 7 { // no prefix that ends within an entry is taken whole
		c := cutter{b: b[:i*7]}
		for len(c.b) > 0 {
			if err := readEntry(&c, &e, scheme.Rows); err != nil {
				if !errors.Is(err, ErrDamaged) {
					t.Fatal(err)
				}
				break
			}
		}
	}
}

func FuzzAccountUses(f *testing.F) {
	m := newMemtable(1, fuzzRows, 1000)
	for i := range 40 {
		m.add(&sketched{}, uint32(1+i*i%30), &Prompt{}, int64(i)*1e6)
	}
	for _, p := range accountUses(m) {
		f.Add(p.Value, 30)
	}
	f.Add([]byte{1, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1, 0, 0}, 3)
	f.Fuzz(func(t *testing.T, b []byte, accounts int) {
		accounts = min(max(0, accounts), 1<<20)
		at := uint32(0)
		err := eachAccountUse(b, accounts, func(id uint32, first, last int64, n uint32) {
			if id <= at || int(id) > accounts || n == 0 {
				t.Fatalf("account %d of %d with %d prompts, after %d", id, accounts, n, at)
			}
			at = id
		})
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
	})
}

// Accounts' sums come back from their records.
func TestAccountUses(t *testing.T) {
	m := newMemtable(1, fuzzRows, 1000)
	want := make([]accountStat, 4000)
	for i := range 9000 {
		id, at := uint32(1+i*i%4000), int64(i%777)*1e6
		m.add(&sketched{}, id, &Prompt{}, at)
		want[id-1].count(at, at, 1)
	}
	got := make([]accountStat, len(want))
	for _, p := range accountUses(m) {
		if err := eachAccountUse(p.Value, len(got), func(id uint32, first, last int64, n uint32) { got[id-1].count(first, last, n) }); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, want) {
		t.Error("the accounts' sums changed")
	}
}

func FuzzNames(f *testing.F) {
	a := newAccounts(1)
	for i := range 100 {
		a.intern(fmt.Sprint("account ", i))
	}
	puts, _ := a.seal()
	f.Add(puts[0].Value)
	f.Add([]byte{0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		if err := eachName(b, func(name []byte) error { n += 1 + len(name); return nil }); err == nil && n > len(b) {
			t.Fatalf("names of %d bytes in %d", n, len(b))
		} else if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
	})
}

func FuzzTemplateID(f *testing.F) {
	for _, s := range []string{"t1", "t4294967295", "t01", "t+1", "t", "", "x1", "t18446744073709551617"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := parseTemplateID(s); ok && templateID(id) != s {
			t.Fatalf("%q is template %d", s, id)
		}
		fl := Filter{ID: s}
		if id, ok := fl.only(); ok && s != "" && templateID(id) != s {
			t.Fatalf("%q selects %d", s, id)
		}
	})
}
