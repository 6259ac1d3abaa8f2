package template

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/minhash"
)

func TestFounding(t *testing.T) {
	w := newWorld(t, Options{FlagAccounts: 5})
	core := keysOf(0, 10)
	for i := range 6 { // one account, and another, know it at first
		if r := w.add(uint32(i%2), int64(i), 0, append(core, key(100+i))...); len(r.Matches) != 0 {
			t.Fatalf("prompt %d of two accounts belongs to something", i)
		}
	}
	if w.set.Len() != 0 {
		t.Fatal("two accounts founded a template")
	}
	r := w.add(2, 50, 0, append(core, key(200))...)
	x := w.only()
	if len(r.Matches) != 1 || r.Matches[0].Hits != 10 || !r.Matches[0].Exemplar {
		t.Errorf("the founding prompt matches %v", r.Matches)
	}
	want := slices.Sorted(slices.Values(core))
	if !slices.Equal(x.Core(), want) || x.Prompts != 7 || x.First != 0 || x.Last != 50 || x.Spread(0, 0) != 3 {
		t.Errorf("core %v, %d prompts, %d accounts: earlier prompts are not counted", x.Core(), x.Prompts, x.Spread(0, 0))
	}
	if r := w.add(3, 60, 0, core[:5]...); len(r.Matches) != 0 {
		t.Error("half of the core is enough")
	}
	if r := w.add(3, 60, 0, core[:6]...); len(r.Matches) != 1 || len(r.Flags) != 0 {
		t.Error("60 % of the core are not enough")
	}
	if r := w.add(4, 60, 0, core...); len(r.Flags) != 1 || r.Flags[0] != (Flag{x.ID, 5}) {
		t.Errorf("the fifth account gives flags %v", r.Flags)
	}
	if r := w.add(5, 60, 0, core...); len(r.Flags) != 0 {
		t.Error("a template is flagged twice")
	}
	w.check()
}

// A template split off with accounts enough is flagged then, though the
// account that sent the prompt is not new to it.
func TestFlagAtFounding(t *testing.T) {
	w := newWorld(t, Options{FlagAccounts: 8})
	for i := range 10 {
		w.add(uint32(i), 0, 0, keysOf(0, 20)...)
	}
	for i := range partialsJudge {
		r := w.add(uint32(i), 0, 0, keysOf(0, 6)...)
		if last := i == partialsJudge-1; last != (len(r.Flags) == 1) || last && r.Flags[0] != (Flag{2, 10}) {
			t.Errorf("part %d gives flags %v", i, r.Flags)
		}
	}
}

// Accounts more than seven days apart do not add up to a flag.
func TestFlagWindow(t *testing.T) {
	w := newWorld(t, Options{FlagAccounts: 4})
	for i := range 12 {
		if r := w.add(uint32(i), int64(i)*3*msPerDay, 0, keysOf(0, 4)...); len(r.Flags) != 0 {
			t.Fatalf("account %d gives flags %v", i, r.Flags)
		}
	}
	w.add(50, 34*msPerDay, 0, keysOf(0, 4)...)
	if r := w.add(51, 34*msPerDay, 0, keysOf(0, 4)...); len(r.Flags) != 1 || r.Flags[0].Accounts != 4 {
		t.Errorf("four accounts in a week give flags %v", r.Flags)
	}
}

// Under noise a template is founded on part of its keys; the others join.
func TestCoreGrows(t *testing.T) {
	w := newWorld(t, Options{})
	core := keysOf(0, 20)
	f := newTraffic(5, true)
	for i := range 3 {
		w.add(uint32(i), 0, 0, core[:17]...)
	}
	if n := len(w.only().core); n != 17 {
		t.Fatalf("founded on %d keys", n)
	}
	for i := range 200 {
		var keys []uint64
		for _, k := range core {
			if f.rng.IntN(10) > 0 {
				keys = append(keys, k)
			}
		}
		f.fresh++
		w.add(uint32(i%30), int64(i), 0, append(keys, key(f.fresh))...)
	}
	if x := w.only(); !slices.Equal(x.Core(), slices.Sorted(slices.Values(core))) || x.Prompts < 195 {
		t.Errorf("the core has %d keys of 20, %d prompts of 203", len(x.core), x.Prompts)
	}
	w.check()
}

// Keys that only the first prompts held leave the core.
func TestRareKeysLeave(t *testing.T) {
	w := newWorld(t, Options{})
	core, rare := keysOf(0, 20), keysOf(100, 5)
	for i := range 3 {
		w.add(uint32(i), 0, 0, append(slices.Clone(core), rare...)...)
	}
	if n := len(w.only().core); n != 25 {
		t.Fatalf("founded on %d keys", n)
	}
	for i := range 40 {
		w.add(uint32(i), 0, 0, core...)
	}
	if x := w.only(); !slices.Equal(x.Core(), slices.Sorted(slices.Values(core))) || x.Prompts != 43 {
		t.Errorf("the core has %d keys, %d prompts", len(x.core), x.Prompts)
	}
	w.check()
}

// A part of a core that keeps coming alone becomes a template of its own, with
// all prompts that hold it; the rest stays.
func TestSplit(t *testing.T) {
	w := newWorld(t, Options{})
	core := keysOf(0, 20)
	for i := range 10 {
		w.add(uint32(i), 0, 0, core...)
	}
	for i := range 5 {
		w.add(uint32(20+i), 0, 0, core[:6]...)
	}
	if w.set.Len() != 2 {
		t.Fatalf("%d templates, want 2", w.set.Len())
	}
	x, part := w.set.Get(1), w.set.Get(2)
	if len(x.core) != 14 || !slices.Equal(part.Core(), slices.Sorted(slices.Values(core[:6]))) {
		t.Errorf("cores of %d and %d keys, want 14 and 6", len(x.core), len(part.core))
	}
	if x.Prompts != 10 || part.Prompts != 15 || part.Spread(0, 0) != 15 {
		t.Errorf("%d and %d prompts, want 10 and 15", x.Prompts, part.Prompts)
	}
	if r := w.add(50, 0, 0, core...); len(r.Matches) != 2 || r.Matches[0].Hits < r.Matches[1].Hits {
		t.Errorf("a whole prompt matches %v", r.Matches)
	}
	w.check()
}

// A long prompt shows only keys below its threshold and is held against those.
func TestThinned(t *testing.T) {
	w := newWorld(t, Options{})
	core := keysOf(0, 200)
	for i := range 3 {
		w.add(uint32(i), 0, 0, core...)
	}
	x := w.only()
	for scale := range uint8(5) {
		below := 0
		for _, k := range core {
			if k < 1<<(minhash.KeyBits-scale) {
				below++
			}
		}
		if got := x.need(scale); got != int(math.Ceil(.6*float64(below))) {
			t.Errorf("scale %d: %d of %d keys are needed", scale, got, below)
		}
		if r := w.add(9, 0, scale, core...); len(r.Matches) != 1 || r.Matches[0].Hits != below {
			t.Errorf("scale %d: %v, want %d hits", scale, r.Matches, below)
		}
		if got := w.set.Contained(core, scale); len(got) != 1 || got[0] != x {
			t.Errorf("scale %d: Contained finds %d", scale, len(got))
		}
	}
	if x.Prompts != 8 || x.seen != 2 { // the founding one and that of scale 0
		t.Errorf("%d prompts, %d windowed", x.Prompts, x.seen)
	}
	before := spell(x)
	w.set.Contained(core, 0)
	if spell(x) != before {
		t.Error("Contained counts")
	}
}

// Windows go on after 2^31 prompts; they once did not end there.
func TestWindowOfHugeTemplates(t *testing.T) {
	for _, seen := range []uint32{1<<31 - 1, 1 << 31, math.MaxUint32} {
		w := newWorld(t, Options{})
		for i := range 3 {
			w.add(uint32(i), 0, 0, keysOf(0, 5)...)
		}
		w.only().seen = seen
		done := make(chan bool)
		go func() {
			w.add(9, 0, 0, keysOf(0, 5)...)
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Fatalf("prompt %d does not end", seen)
		}
	}
}

func TestExemplarsAreOfDistinctAccounts(t *testing.T) {
	w := newWorld(t, Options{})
	var at []int
	for i := range 400 {
		if r := w.add(uint32(i%100), 0, 0, keysOf(0, 5)...); len(r.Matches) == 1 && r.Matches[0].Exemplar {
			at = append(at, i)
		}
	}
	x := w.only()
	got := slices.Clone(x.Exemplars)
	slices.Sort(got)
	if len(slices.Compact(got)) != 8 || len(at) != 8 || at[7] < 30 || at[2] > 10 {
		t.Errorf("exemplars of accounts %v at prompts %v", x.Exemplars, at)
	}
	w = newWorld(t, Options{MaxExemplars: -1})
	for i := range 20 {
		w.add(uint32(i), 0, 0, keysOf(0, 5)...)
	}
	if len(w.only().Exemplars) != 0 {
		t.Error("exemplars are kept that nobody wants")
	}
}

// A prompt that belongs to a template holds some of Head, at every scale.
func TestHead(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for range 2000 {
		tp := &Template{ID: 1, Past: 2}
		for range 1 + rng.IntN(24) {
			tp.core = append(tp.core, coreKey{key: rng.Uint64() >> (64 - minhash.KeyBits + rng.IntN(6))})
		}
		tp.recount()
		tp.core = slices.CompactFunc(tp.core, func(a, b coreKey) bool { return a.key == b.key })
		tp.recount()
		l, _ := tp.Lost()
		if !slices.Equal(slices.Concat(l.Head(), l.Rest()), l.Keys) {
			t.Fatalf("%d keys are cut into %d and %d", len(l.Keys), len(l.Head()), len(l.Rest()))
		}
		for scale := range uint8(8) {
			shown := int(l.below[scale]) // the most keys without any of Head
			if lacking := max(0, shown-len(l.Head())); lacking >= l.Need(scale) {
				t.Fatalf("a prompt of scale %d belongs by %d keys of %d without the first %d", scale, lacking, shown, len(l.Head()))
			}
		}
	}
}
