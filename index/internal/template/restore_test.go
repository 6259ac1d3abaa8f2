package template

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

func sameState(t *testing.T, at string, got, want map[uint32]string) {
	t.Helper()
	for id := range want {
		if got[id] != want[id] {
			t.Fatalf("%s: template %d is\n%s\nwant\n%s", at, id, got[id], want[id])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d templates, want %d", at, len(got), len(want))
	}
}

// The same prompts make the same templates, however often the set is restored
// from its records in between.
func TestRestoredSetsContinueAlike(t *testing.T) {
	for seed := range uint64(8) {
		a, b := newWorld(t, Options{FlagAccounts: 10}), newWorld(t, Options{FlagAccounts: 10})
		f, g := newTraffic(seed, false), newTraffic(seed, false)
		rng := rand.New(rand.NewPCG(seed, 4))
		splits := 0
		for i := range 1500 {
			account, at, scale, keys := f.next()
			ra := fmt.Sprint(*a.add(account, at, scale, keys...))
			account, at, scale, keys = g.next()
			if rb := fmt.Sprint(*b.add(account, at, scale, keys...)); ra != rb {
				t.Fatalf("seed %d, prompt %d: restored %s, not %s", seed, i+1, rb, ra)
			}
			if rng.IntN(100) == 0 {
				b.reopen()
				b.check()
			}
		}
		a.check()
		sameState(t, fmt.Sprint("seed ", seed), b.state(), a.state())
		if splits = a.set.Len(); splits < 6 {
			t.Errorf("seed %d: only %d templates", seed, splits)
		}
	}
}

// Templates that leave memory and come back are as if they had stayed.
func TestEvictedTemplatesComeBackAlike(t *testing.T) {
	for seed := range uint64(8) {
		a, b := newWorld(t, Options{}), newWorld(t, Options{})
		f, g := newTraffic(seed, true), newTraffic(seed, true)
		rng := rand.New(rand.NewPCG(seed, 5))
		back := 0
		for i := range 600 {
			account, at, scale, keys := f.next()
			ra := fmt.Sprint(*a.add(account, at, scale, keys...))
			account, at, scale, keys = g.next()
			out := b.set.Out()
			if rb := fmt.Sprint(*b.add(account, at, scale, keys...)); ra != rb {
				t.Fatalf("seed %d, prompt %d: %s after an eviction, not %s", seed, i+1, rb, ra)
			}
			back += out - b.set.Out()
			if rng.IntN(30) == 0 {
				b.set.Each(func(t *Template) { t.Past = 0 })
				a.set.Each(func(t *Template) { t.Past = 0; t.recore() })
				n := b.set.Len()
				takes := 0
				b.set.Each(func(t *Template) { takes += t.bytes() + 24*len(t.core) })
				gone := b.set.Evict(rng.IntN(takes+1), 0, b.disk)
				if b.set.Len() != n-len(gone) {
					t.Fatalf("seed %d: %d of %d templates left, %d stay", seed, len(gone), n, b.set.Len())
				}
				b.check()
			}
			if rng.IntN(60) == 0 {
				b.reopen()
			}
		}
		if back < 5 {
			t.Errorf("seed %d: only %d templates came back", seed, back)
		}
		a.set.Each(func(t *Template) { t.Past = 0; t.recore() })
		b.set.Each(func(t *Template) { t.Past = 0; t.recore() })
		want, got := a.state(), b.state()
		for id := range b.disk.stats { // what is out cannot be set here
			if b.set.Get(id) == nil && want[id] != got[id] {
				x, _, _ := a.disk.decode(id)
				y, _, _ := b.disk.decode(id)
				y.Past = x.Past
				got[id] = spell(y)
			}
		}
		sameState(t, fmt.Sprint("seed ", seed), got, want)
	}
}

// A template can come back and leave again before its records are taken.
func TestEvictTwice(t *testing.T) {
	w := newWorld(t, Options{})
	for i := range 3 {
		w.add(uint32(i), 0, 0, keysOf(0, 5)...)
	}
	w.only().Past = 0
	w.set.Evict(0, 0, w.disk)
	for i := range 3 {
		if w.set.Len() != 0 || w.set.Out() != 1 || len(w.disk.Owners(keysOf(0, 1))) != 1 {
			t.Fatalf("round %d: %d templates in memory, %d out", i, w.set.Len(), w.set.Out())
		}
		w.add(9, 0, 0, keysOf(0, 5)...)
		w.only()
		w.set.Evict(0, 0, w.disk)
		w.set.Changed(w.disk)
	}
	if x := w.disk.Load(1); x.Prompts != 6 || len(w.disk.stats) != 1 {
		t.Errorf("%d templates, the first of %d prompts", len(w.disk.stats), x.Prompts)
	}
	if s, err := DecodeStat(w.disk.stats[1]); err != nil || !s.Out || s.Accounts != 4 {
		t.Errorf("stat %+v, %v", s, err)
	}
}

// Parts are counted once, also when the prompt brings a template back.
func TestReviveCountsOnce(t *testing.T) {
	w := newWorld(t, Options{})
	for i := range 3 {
		w.add(uint32(i), 0, 0, keysOf(0, 5)...)
	}
	w.only().Past = 0
	w.set.Evict(0, 0, w.disk)
	for i := range 3 {
		w.add(uint32(i), 0, 0, keysOf(100, 20)...)
	}
	w.add(7, 0, 0, append(keysOf(0, 5), keysOf(100, 4)...)...)
	if x := w.set.Get(2); x.partials != 1 {
		t.Errorf("%d parts counted of one prompt", x.partials)
	}
	if x := w.set.Get(1); x == nil || x.Prompts != 4 {
		t.Error("the template did not come back")
	}
}

// A template whose keys all went to others while it was out keeps its counts
// and can be stored.
func TestReviveWithoutKeys(t *testing.T) {
	w := newWorld(t, Options{})
	for i := range 3 {
		w.add(uint32(i), 0, 0, keysOf(0, 2)...)
	}
	w.only().Past = 0
	w.set.Evict(0, 0, w.disk)
	other := &Template{ID: 50, core: []coreKey{{key: key(0)}, {key: key(1)}}}
	slices.SortFunc(other.core, func(a, b coreKey) int { return int(int64(a.key) - int64(b.key)) })
	other.recount()
	other.use(1, 0, 0, 1)
	w.set.Restore(other)
	w.set.revive(keysOf(0, 2))
	w.reopen()
	if x := w.set.Get(1); x == nil || len(x.core) != 0 || x.Prompts != 3 {
		t.Errorf("the template is %+v", x)
	}
	if r := w.add(9, 0, 0, keysOf(0, 2)...); len(r.Matches) != 1 || r.Matches[0].ID != 50 {
		t.Errorf("a prompt matches %v", r.Matches)
	}
}

func TestLostAndRecalled(t *testing.T) {
	w := newWorld(t, Options{})
	for i := range 3 {
		w.add(uint32(i), 9*msPerDay, 0, keysOf(0, 10)...)
	}
	x := w.only()
	if lost := w.set.Lost(); len(lost) != 0 {
		t.Errorf("all of memory was searched, %v is lost", lost)
	}
	x.Past, w.set.lost = 40, []*Template{x}
	lost := w.set.Lost()
	if len(lost) != 1 || lost[0].Need(0) != 6 || lost[0].Need(30) != 1 || len(lost[0].Keys) != 10 || lost[0].Before != 40 {
		t.Fatalf("lost %v", lost)
	}
	found := Found{1, 40, []Earlier{{Account: 7, Time: 5}, {Account: 7, Time: 6}, {Account: 1, Time: 8 * msPerDay}}}
	for i := range found.Members {
		found.Members[i].Values = []Value{MakeValue(0, 1), MakeValue(1, 7)}
	}
	w.set.Recalled([]Found{found, {99, 1, nil}})
	w.set.Recalled([]Found{found}) // again: the template wants it no more
	if x.Prompts != 6 || x.Spread(0, 99) != 4 || x.First != 5 || len(w.set.Lost()) != 0 {
		t.Errorf("%d prompts of %d accounts since %d", x.Prompts, x.Spread(0, 99), x.First)
	}
	w.check()
}

func TestExpire(t *testing.T) {
	w := newWorld(t, Options{})
	for day := range 6 {
		for i := range 3 {
			w.add(uint32(day+i), int64(day)*msPerDay, 0, keysOf(0, 5)...)
			if day < 2 {
				w.add(uint32(day+i), int64(day)*msPerDay, 0, keysOf(100, 5)...)
				w.add(uint32(day+i), int64(day)*msPerDay, 0, keysOf(200, 5)...)
			}
		}
	}
	w.set.Changed(w.disk)
	third := w.set.Get(3)
	third.Past = 0
	w.set.evict(third, w.disk)
	w.set.Expire(3, w.disk)
	w.set.ExpireOut(w.disk.Load(3), 3, w.disk)
	x := w.only()
	if x.ID != 1 || x.Prompts != 9 || x.First != 3*msPerDay || len(x.days) != 3 || x.Spread(0, 99) != 5 {
		t.Errorf("template %d has %d prompts since %d", x.ID, x.Prompts, x.First)
	}
	if ids := slices.Collect(maps.Keys(w.disk.stats)); len(ids) != 1 || len(w.disk.cores) != 1 || w.set.Out() != 0 {
		t.Errorf("records of %v are left, %d out", ids, w.set.Out())
	}
	if len(w.disk.days[1]) != 3 || len(w.disk.days[2]) != 0 || len(w.disk.days[3]) != 0 || len(w.disk.Owners(keysOf(200, 5))) != 0 {
		t.Error("days or keys of expired templates are left")
	}
	if w.disk.erased[2] != 3 || w.disk.erased[3] != 3 {
		t.Errorf("exemplars deleted: %v", w.disk.erased)
	}
	w.check()
	w.reopen()
	w.check()
	if r := w.add(99, 6*msPerDay, 0, keysOf(0, 5)...); len(r.Matches) != 1 {
		t.Error("what did not expire is not found")
	}
}

// One template's records, spelled by hand.
func TestRecordsByHand(t *testing.T) {
	x := &Template{
		ID: 7, Born: 300, Past: 2, Flagged: true, Exemplars: []uint32{5, 200},
		core:  []coreKey{{0x0102030405, 9, 1}, {0xffffffffff, 2, 3}},
		cands: []candidate{{0x11, 6}}, seen: 33, offered: 4, partials: 2, usedAt: 130,
	}
	x.use(5, 0, 1, 1)
	x.use(300, 0, 2, 200)
	x.use(5, 0, 3*msPerDay, 1) // 0x0f731400 ms
	x.due = due{21, 400}
	x.Raise(2, 6)
	x.Suspect([]uint32{0x01020304})
	x.traits.note(Traits{Text: 0x0a0b0c0d, Network: 9, Opens: true})
	x.traits.note(Traits{Text: 0x0a0b0c0d, Network: 9})
	core := []byte{
		0xac, 0x02, 2, 4, 2, // born, past, offered, partials
		2, 0x05, 0x04, 0x03, 0x02, 0x01, 9, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 3,
		1, 0x11, 0, 0, 0, 0, 6,
		2, 5, 0xc8, 0x01,
	}
	stat := []byte{
		3, 0xca, 0x01, 33, // flagged and out, prompts, seen
		1, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x14, 0x73, 0x0f, 0, 0, 0, 0,
		0x82, 0x01, // used
		2, 0, 3, // days 0 and 3
		2, 21, 0x90, 0x03, // accounts, due accounts and prompts
		2, 0, 0, 0, 0, 0, 0, 0, 6, 1, // raised, campaign, openers
		2, 1, 0x0d, 0x0c, 0x0b, 0x0a, // texts
		2, 0, 0, 0, 0, 2, 9, 0, 0, 0, // networks
		1, 4, 3, 2, 1, // sketch
	}
	day := []byte{2, 5, 1, 0xa7, 0x02, 0xc8, 0x01}
	if got := x.appendCore(nil); !bytes.Equal(got, core) {
		t.Errorf("core\n%x, want\n%x", got, core)
	}
	if got := x.appendStat(nil, true); !bytes.Equal(got, stat) {
		t.Errorf("stat\n%x, want\n%x", got, stat)
	}
	if got := x.days[0].append(nil); !bytes.Equal(got, day) {
		t.Errorf("day\n%x, want\n%x", got, day)
	}
	d := newDisk()
	d.Core(7, core)
	d.Stat(7, stat)
	d.Day(7, 0, day)
	d.Day(7, 3, []byte{1, 5, 1})
	y, out, err := d.decode(7)
	if err != nil || !out || spell(y) != spell(x) || y.Born != 300 || y.Past != 2 || y.below[0] != 2 || y.below[1] != 1 {
		t.Errorf("decoded %+v, %v, %v", y, out, err)
	}
}

// Values are part of a day's record only where there are any.
func TestValuesRecord(t *testing.T) {
	x := &Template{}
	x.use(5, 0, 1, 2)
	without := x.days[0].append(nil)
	for range 2 {
		x.days[0].value(MakeValue(1, 0))
	}
	x.days[0].value(MakeValue(0, 3))
	x.days[0].value(MakeValue(1, 2))
	with := x.days[0].append(nil)
	if want := append(slices.Clone(without), 3, 3, 1, 0xfd, 0xff, 0x03, 2, 2, 1); !bytes.Equal(with, want) {
		t.Fatalf("day\n%x, want\n%x", with, want)
	}
	for _, day := range [][]byte{without, with} {
		d, err := decodeDay(0, day)
		if err != nil || !bytes.Equal(d.append(nil), day) {
			t.Errorf("decoded %x, %v", day, err)
		}
	}
	for _, bad := range [][]byte{{0}, {1, 3, 0}, {2, 3, 1, 0, 1}, {1, 3}, {1, 3, 1, 9}, {1, 0xff, 0xff, 0xff, 0xff, 0x1f, 1}} {
		if _, err := decodeDay(0, append(slices.Clone(without), bad...)); !errors.Is(err, ErrRecord) {
			t.Errorf("values %x: %v", bad, err)
		}
	}
}

// Means of payment are part of the record only where there are any.
func TestPaymentRecord(t *testing.T) {
	x := &Template{ID: 7, core: []coreKey{{key: 1}, {key: 2}}}
	without := x.appendStat(nil, false)
	x.traits.note(Traits{Payment: 0x0a0b0c0d})
	with := x.appendStat(nil, false)
	if want := append(slices.Clone(without), 1, 0, 0, 0, 0, 1, 0x0d, 0x0c, 0x0b, 0x0a); !bytes.Equal(with, want) {
		t.Fatalf("stat\n%x, want\n%x", with, want)
	}
	for _, stat := range [][]byte{without, with} {
		y, _, err := Decode(7, x.appendCore(nil), stat, nil)
		if err != nil || !bytes.Equal(y.appendStat(nil, false), stat) {
			t.Errorf("decoded %x, %v", stat, err)
		}
	}
	if _, _, err := Decode(7, x.appendCore(nil), append(without, 0, 0, 0, 0, 0, 0), nil); !errors.Is(err, ErrRecord) {
		t.Errorf("payments of no prompt: %v", err)
	}
}

func TestMalformedRecords(t *testing.T) {
	good := func() (core, stat, day []byte) {
		x := &Template{core: []coreKey{{key: 1}, {key: 2}}, Exemplars: []uint32{1}}
		x.use(1, 0, 0, 1)
		return x.appendCore(nil), x.appendStat(nil, false), x.days[0].append(nil)
	}
	core, stat, day := good()
	decode := func() error {
		_, _, err := Decode(1, core, stat, func(int32) ([]byte, error) { return day, nil })
		return err
	}
	if err := decode(); err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(){
		"no core":             func() { core = nil },
		"no stat":             func() { stat = nil },
		"no day":              func() { day = nil },
		"core cut":            func() { core = core[:len(core)-1] },
		"stat cut":            func() { stat = stat[:len(stat)-1] },
		"day cut":             func() { day = day[:len(day)-1] },
		"core longer":         func() { core = append(core, 0) },
		"keys equal":          func() { core[5] = 2 },
		"unknown flag":        func() { stat[0] |= 4 },
		"number spelled long": func() { day = []byte{0x81, 0, 1, 1} },
		"offered too large":   func() { core = append([]byte{0, 0, 0x80, 2}, core[3:]...) },
		"account twice":       func() { day = []byte{2, 1, 1, 0, 1} },
		"nothing sent":        func() { day = []byte{1, 1, 0} },
		"account too large":   func() { day = []byte{1, 0xff, 0xff, 0xff, 0xff, 0x7f, 1} },
		"too many uses":       func() { day = []byte{0xff, 0xff, 0xff, 0xff, 0x7f, 1, 1} },
	} {
		core, stat, day = good()
		damage()
		if err := decode(); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
	core, stat, _ = good()
	broken := errors.New("broken")
	if _, _, err := Decode(1, core, stat, func(int32) ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("a day that cannot be read gives %v", err)
	}
}

// Any bytes give an error or a template whose records are these bytes.
func FuzzDecode(f *testing.F) {
	x := &Template{core: []coreKey{{key: 1, hits: 2}, {key: 1 << 39, part: 3}}, cands: []candidate{{3, 1}}, Exemplars: []uint32{1, 1 << 31}, seen: 70}
	for i := range uint32(40) {
		x.use(i*i, 0, int64(i%3)*msPerDay, 1+i, []Value{MakeValue(0, uint16(i/3)), MakeValue(7, 0)}[:i%3]...)
	}
	for _, d := range x.days {
		f.Add(x.appendCore(nil), x.appendStat(nil, false), d.append(nil))
		f.Add(x.appendCore(nil), x.appendStat(nil, true), d.append(nil))
	}
	f.Fuzz(func(t *testing.T, core, stat, day []byte) {
		if len(stat) > 1000 {
			return
		}
		x, out, err := Decode(1, core, stat, func(int32) ([]byte, error) { return day, nil })
		if err != nil {
			if x != nil {
				t.Error("a template comes with an error")
			}
			return
		}
		if got := x.appendCore(nil); !bytes.Equal(got, core) {
			t.Errorf("core %x becomes %x", core, got)
		}
		for _, d := range x.days {
			if got := d.append(nil); !bytes.Equal(got, day) {
				t.Errorf("day %x becomes %x", day, got)
			}
		}
		got := x.appendStat(nil, out)
		s, _ := DecodeStat(stat)
		if out && s.Accounts != x.Spread(0, 1<<31-1) { // derived: what a writer would not write
			return
		}
		if !bytes.Equal(got, stat) {
			t.Errorf("stat %x becomes %x", stat, got)
		}
		x.expire(5, newDisk())
		x.bytes()
	})
}
