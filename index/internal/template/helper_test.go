package template

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed-368d3dfa/chorus/index/internal/sift"
	"github.com/seed-368d3dfa/chorus/minhash"
)

// key returns the i-th of a fixed sequence of distinct, scattered keys.
func key(i int) uint64 {
	return uint64(i+1) * 0x9e3779b97f4a7c15 >> 7 & (1<<minhash.KeyBits - 1)
}

func keysOf(from, n int) []uint64 {
	keys := make([]uint64, n)
	for i := range keys {
		keys[i] = key(from + i)
	}
	return keys
}

// memory is a Past that forgets nothing.
type memory struct {
	prompts []Prompt
	holders map[uint64][]uint64
}

func (m *memory) Start() uint64 { return 1 }

func (m *memory) Prompt(n uint64) Prompt { return m.prompts[n-1] }

func (m *memory) Each(key uint64, fn func(uint64)) {
	for _, n := range m.holders[key] {
		fn(n)
	}
}

// disk is where records go: a store and an Archive.
type disk struct {
	cores, stats map[uint32][]byte
	days         map[uint32]map[int32][]byte
	outs         map[uint64]map[uint32]bool
	erased       map[uint32]int // exemplars deleted
}

func newDisk() *disk {
	return &disk{map[uint32][]byte{}, map[uint32][]byte{}, map[uint32]map[int32][]byte{}, map[uint64]map[uint32]bool{}, map[uint32]int{}}
}

func put[K comparable](m map[K][]byte, k K, v []byte) {
	if v == nil {
		delete(m, k)
		return
	}
	m[k] = bytes.Clone(v)
}

func (d *disk) Core(id uint32, v []byte)   { put(d.cores, id, v) }
func (d *disk) Stat(id uint32, v []byte)   { put(d.stats, id, v) }
func (d *disk) Exemplars(id uint32, n int) { d.erased[id] = n }
func (d *disk) Out(k uint64, id uint32, o bool) {
	if d.outs[k] == nil {
		d.outs[k] = map[uint32]bool{}
	}
	if delete(d.outs[k], id); o {
		d.outs[k][id] = true
	}
}

func (d *disk) Day(id uint32, day int32, v []byte) {
	if d.days[id] == nil {
		d.days[id] = map[int32][]byte{}
	}
	put(d.days[id], day, v)
}

func (d *disk) Owners(keys []uint64) (ids []uint32) {
	for _, k := range keys {
		ids = append(ids, slices.Sorted(maps.Keys(d.outs[k]))...)
	}
	return ids
}

func (d *disk) Load(id uint32) *Template {
	t, _, err := d.decode(id)
	if err != nil {
		panic(err)
	}
	return t
}

func (d *disk) decode(id uint32) (*Template, bool, error) {
	return Decode(id, d.cores[id], d.stats[id], func(n int32) ([]byte, error) {
		if v, ok := d.days[id][n]; ok {
			return v, nil
		}
		return nil, fmt.Errorf("no day %d", n)
	})
}

// world is a Set with all that it needs around it.
type world struct {
	t *testing.T
	memory
	disk *disk
	opts Options
	set  *Set
	res  Result
}

func newWorld(t *testing.T, o Options) *world {
	w := &world{t: t, memory: memory{holders: map[uint64][]uint64{}}, disk: newDisk(), opts: o}
	w.opts.Archive = w.disk
	w.set = New(w.opts, newTable(t), w)
	return w
}

func newTable(t *testing.T) *sift.Table {
	table, err := sift.New(sift.Options{Bytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// add applies one prompt. The result is valid until the next.
func (w *world) add(account uint32, at int64, scale uint8, keys ...uint64) *Result {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	keys = slices.Compact(keys)
	n, _ := slices.BinarySearch(keys, 1<<(minhash.KeyBits-scale))
	p := Prompt{Number: uint64(len(w.prompts) + 1), Account: account, Time: at, Keys: keys[:n], Scale: scale}
	p.Values = []Value{MakeValue(0, uint16(account%3)), MakeValue(1, uint16(account))}
	w.prompts = append(w.prompts, p)
	for _, k := range p.Keys {
		w.holders[k] = append(w.holders[k], p.Number)
	}
	w.set.Apply(&p, &w.res)
	return &w.res
}

// reopen stores the set and makes it anew from its records.
func (w *world) reopen() {
	w.set.Changed(w.disk)
	old, table := w.set, newTable(w.t)
	for _, p := range w.prompts {
		table.Observe(p.Account, p.Keys, make([]sift.State, len(p.Keys)))
	}
	w.set = New(w.opts, table, w)
	w.set.SetNextID(old.NextID())
	w.set.SetOut(old.Out())
	for _, id := range slices.Sorted(maps.Keys(w.disk.stats)) {
		t, out, err := w.disk.decode(id)
		if err != nil {
			w.t.Fatalf("template %d: %v", id, err)
		}
		if !out {
			w.set.Restore(t)
		}
	}
}

// state spells every template's records out, in memory or not.
func (w *world) state() map[uint32]string {
	w.set.Changed(w.disk)
	all := map[uint32]string{}
	for id := range w.disk.stats {
		t, _, err := w.disk.decode(id)
		if err != nil {
			w.t.Fatalf("template %d: %v", id, err)
		}
		all[id] = spell(t)
	}
	return all
}

func spell(t *Template) string {
	s := fmt.Sprintf("%x %x", t.appendCore(nil), t.appendStat(nil, false))
	for i := range t.days {
		d := &t.days[i]
		s += fmt.Sprintf(" %x", d.append(nil))
	}
	return s
}

func (w *world) only() *Template {
	w.t.Helper()
	if w.set.Len() != 1 {
		w.t.Fatalf("%d templates, want 1", w.set.Len())
	}
	var only *Template
	w.set.Each(func(t *Template) { only = t })
	return only
}

func (w *world) check() {
	w.t.Helper()
	n, weight := 0, 0
	w.set.Each(func(t *Template) {
		sum, valued := uint64(0), uint64(0)
		for i := range t.days {
			d := &t.days[i]
			d.each(func(u Use) { sum += uint64(u.Prompts) })
			for _, u := range d.values() {
				valued += uint64(u.Prompts)
			}
		}
		if valued != 2*sum {
			w.t.Errorf("template %d counts %d values of the attributes of %d prompts", t.ID, valued, sum)
		}
		weight += t.weighed
		if t.coreDirty || t.statDirty {
			if !slices.Contains(w.set.changes.list, t) {
				w.t.Errorf("nobody knows that template %d has changed", t.ID)
			}
		} else if weight := t.bytes() + 24*len(t.core); t.weighed != weight {
			w.t.Errorf("template %d weighs %d, counted as %d", t.ID, weight, t.weighed)
		}
		if _, lost := t.Lost(); lost && !slices.Contains(w.set.lost, t) {
			w.t.Errorf("nobody will look for the past of template %d", t.ID)
		}
		if sum != t.Prompts {
			w.t.Errorf("template %d counts %d prompts, its days %d", t.ID, t.Prompts, sum)
		}
		for i, c := range t.core {
			n++
			if w.set.owners.get(c.key) != t.slot || i > 0 && t.core[i-1].key >= c.key {
				w.t.Errorf("template %d does not own key %d", t.ID, i)
			}
		}
	})
	if n != w.set.owners.n {
		w.t.Errorf("%d keys are owned, cores have %d", w.set.owners.n, n)
	}
	if weight != w.set.weight {
		w.t.Errorf("templates weigh %d, counted as %d", weight, w.set.weight)
	}
}

// traffic is one random prompt after the other.
type traffic struct {
	rng   *rand.Rand
	cores [][]uint64
	now   int64
	fresh int
	clean bool // whole templates only
}

func newTraffic(seed uint64, clean bool) *traffic {
	f := &traffic{rng: rand.New(rand.NewPCG(seed, 1)), clean: clean, fresh: 1 << 20}
	for i := range 8 {
		f.cores = append(f.cores, keysOf(1000*i, 3+f.rng.IntN(30)))
	}
	return f
}

func (f *traffic) next() (account uint32, at int64, scale uint8, keys []uint64) {
	core := f.cores[f.rng.IntN(len(f.cores))]
	if !f.clean && f.rng.IntN(5) == 0 { // a part, or two
		core = core[:1+f.rng.IntN(len(core))]
		other := f.cores[f.rng.IntN(len(f.cores))]
		keys = append(keys, other[f.rng.IntN(len(other)):]...)
	}
	for _, k := range core {
		if f.clean || f.rng.IntN(8) > 0 {
			keys = append(keys, k)
		}
	}
	for range f.rng.IntN(6) {
		f.fresh++
		keys = append(keys, key(f.fresh))
	}
	if !f.clean {
		keys = append(keys, key(1<<19+f.rng.IntN(40))) // phrases of the language
		if f.rng.IntN(10) == 0 {
			scale = uint8(f.rng.IntN(4))
		}
	}
	f.now += int64(f.rng.IntN(msPerDay / 16))
	return uint32(f.rng.IntN(60)), f.now - int64(f.rng.IntN(2*msPerDay)), scale, keys
}
