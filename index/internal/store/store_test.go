package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"
)

var ctx = context.Background()

// try opens a store that is checked, by bbolt too, and closed at the test's end.
func try(t testing.TB, path string, o Options) *Store {
	t.Helper()
	o.NoSync = true
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.closed {
			return
		}
		sound(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func sound(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
	err := s.db.View(func(tx *bolt.Tx) error {
		var first error
		for err := range tx.Check() {
			if first == nil {
				first = err
			}
		}
		return first
	})
	if err != nil {
		t.Error("bbolt:", err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A model is what a store should hold.
type model struct {
	records    []Record // of prompt i+1
	signatures [][]byte
	keys       [Kinds]map[uint64][]uint64 // key → prompts
	expired    map[uint64]bool            // prompts
	journal    map[uint64][]byte
	last, cut  uint64
	tables     map[string][]byte // table and key → value
}

func newModel() *model {
	m := &model{expired: map[uint64]bool{}, journal: map[uint64][]byte{}, tables: map[string][]byte{}}
	for i := range m.keys {
		m.keys[i] = map[uint64][]uint64{}
	}
	return m
}

// segment makes n random prompts and adds them to the model.
func (m *model) segment(rng *rand.Rand, n int) *SegmentData {
	const width = 24
	d := &SegmentData{First: uint64(len(m.records)) + 1, Width: width}
	for i := range n {
		p := d.First + uint64(i)
		r := Record{
			Account:  rng.Uint32N(1 << 20),
			Time:     1_700_000_000_000 + int64(p)*50 + rng.Int64N(1000) - 500,
			Shingles: rng.Uint32N(300),
			Scale:    uint8(rng.UintN(3)),
		}
		switch rng.IntN(5) {
		case 0:
			r.ID = fmt.Sprintf("prompt-%09d", p)
		case 1:
			r.ID = fmt.Sprintf("%x", rng.Uint64())
		case 2:
			r.ID = string(bytes.Repeat([]byte{'a' + byte(p%3)}, rng.IntN(60)))
		}
		sig := make([]byte, width)
		if rng.IntN(4) > 0 {
			for j := range sig {
				sig[j] = byte(rng.Uint32())
			}
		}
		d.Records = append(d.Records, r)
		d.Signatures = append(d.Signatures, sig...)
		m.records = append(m.records, r)
		m.signatures = append(m.signatures, sig)
		for kind := range Kind(Kinds) {
			seen := map[uint64]bool{}
			for range rng.IntN(8) {
				key := rng.Uint64N(1 << kind.Bits())
				if rng.IntN(3) > 0 { // a frequent one
					key = key & 31 * (1<<(kind.Bits()-5) - 77)
				}
				d.Postings[kind] = append(d.Postings[kind], Pack(key, i))
				if !seen[key] {
					m.keys[kind][key] = append(m.keys[kind][key], p)
				}
				seen[key] = true
			}
		}
	}
	return d
}

func (m *model) retained(ns []uint64) []uint64 {
	return slices.DeleteFunc(slices.Clone(ns), func(n uint64) bool { return m.expired[n] })
}

// compare holds the store against the model.
func (m *model) compare(t testing.TB, s *Store) {
	t.Helper()
	must(t, s.View(func(r *Reader) error {
		if got := r.Sealed(); got != uint64(len(m.records)) {
			t.Errorf("sealed %d, want %d", got, len(m.records))
		}
		next := uint64(1)
		err := r.Records(0, 1<<62, func(n uint64, rec *Record) error {
			for m.expired[next] {
				next++
			}
			if n != next || *rec != m.records[n-1] {
				t.Fatalf("record %d: %+v, want %d: %+v", n, *rec, next, m.records[n-1])
			}
			next++
			return nil
		})
		must(t, err)
		for i := range m.records {
			n := uint64(i + 1)
			rec, err := r.Record(n)
			sig, serr := r.Signature([]byte{7}, n)
			if m.expired[n] {
				if !errors.Is(err, ErrNotFound) || !errors.Is(serr, ErrNotFound) {
					t.Fatalf("prompt %d is expired: %v, %v", n, err, serr)
				}
				continue
			}
			if err != nil || rec != m.records[i] {
				t.Fatalf("record %d: %+v, %v, want %+v", n, rec, err, m.records[i])
			}
			rec.ID = ""
			if anonymous, err := r.Anonymous(n); err != nil || anonymous != rec {
				t.Fatalf("record %d without its id: %+v, %v, want %+v", n, anonymous, err, rec)
			}
			if serr != nil || !bytes.Equal(sig, append([]byte{7}, m.signatures[i]...)) {
				t.Fatalf("signature %d: %x, %v, want %x", n, sig, serr, m.signatures[i])
			}
		}
		for kind := range Kind(Kinds) {
			var want [][2]uint64
			for key, all := range m.keys[kind] {
				ns := m.retained(all)
				var got []uint64
				must(t, r.Lookup(kind, key, func(n uint64) bool { got = append(got, n); return true }))
				if !slices.Equal(got, ns) {
					t.Fatalf("kind %d key %x: %d, want %d", kind, key, got, ns)
				}
				for _, n := range ns {
					want = append(want, [2]uint64{key, n})
				}
				must(t, r.Lookup(kind, key+1, func(n uint64) bool {
					if !slices.Contains(m.keys[kind][key+1], n) {
						t.Errorf("kind %d key %x has %d", kind, key+1, n)
					}
					return true
				}))
			}
			var got [][2]uint64
			for shard := range Shards {
				must(t, r.ScanPostings(kind, shard, func(keys, numbers []uint64) error {
					for i, key := range keys {
						got = append(got, [2]uint64{key, numbers[i]})
					}
					return nil
				}))
			}
			order := func(a, b [2]uint64) int { return slices.Compare(a[:], b[:]) }
			slices.SortFunc(want, order)
			var keys []uint64 // those that are there, their neighbours, and some twice
			for key := range m.keys[kind] {
				keys = append(keys, key)
				if key%3 == 0 {
					keys = append(keys, key, key+1)
				}
			}
			slices.Sort(keys)
			seen := make(map[int][]uint64) // by place in keys
			must(t, r.LookupAll(kind, keys, nil, func(i int, n uint64) { seen[i] = append(seen[i], n) }))
			for i, key := range keys {
				if ns := m.retained(m.keys[kind][key]); !slices.Equal(seen[i], ns) {
					t.Fatalf("kind %d key %x: LookupAll gives %d, want %d", kind, key, seen[i], ns)
				}
			}
			for i := uint64(1); i <= uint64(len(m.records)); i += 1 + uint64(len(m.records))/3 { // only the runs of one prompt
				clear(seen)
				must(t, r.LookupAll(kind, keys, func(_ int, first, end uint64) bool { return first <= i && i < end }, func(i int, n uint64) { seen[i] = append(seen[i], n) }))
				for at, key := range keys {
					ns := m.retained(m.keys[kind][key])
					if slices.Contains(ns, i) && !slices.Contains(seen[at], i) {
						t.Fatalf("kind %d key %x: LookupAll misses prompt %d", kind, key, i)
					}
				}
			}
			slices.SortFunc(got, order)
			if !slices.Equal(got, want) {
				t.Fatalf("kind %d: ScanPostings gives %d postings, want %d", kind, len(got), len(want))
			}
		}
		seq := m.cut
		must(t, r.Journal(func(got uint64, value []byte) error {
			if seq++; got != seq || !bytes.Equal(value, m.journal[seq]) {
				t.Fatalf("journal %d: %q, want %d: %q", got, value, seq, m.journal[seq])
			}
			return nil
		}))
		if seq != m.last {
			t.Fatalf("journal ends at %d, want %d", seq, m.last)
		}
		for table := range Table(Tables) {
			got := map[string][]byte{}
			must(t, r.Scan(table, nil, nil, func(k, v []byte) error {
				got[string(k)] = bytes.Clone(v)
				return nil
			}))
			want := map[string][]byte{}
			for k, v := range m.tables {
				if k[0] == byte(table) {
					want[k[1:]] = v
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("table %d: %q, want %q", table, got, want)
			}
		}
		return nil
	}))
}

func (m *model) append(t testing.TB, s *Store, values ...[]byte) {
	t.Helper()
	last, err := s.Append(values)
	must(t, err)
	for _, v := range values {
		m.last++
		m.journal[m.last] = v
	}
	if last != m.last {
		t.Fatalf("Append returned %d, want %d", last, m.last)
	}
}

func (m *model) put(p Put) Put {
	k := string(append([]byte{byte(p.Table)}, p.Key...))
	if p.Value == nil {
		delete(m.tables, k)
	} else {
		m.tables[k] = p.Value
	}
	return p
}

func (m *model) expire(segments []Segment, firsts ...uint64) {
	for _, s := range segments {
		for n := s.First; slices.Contains(firsts, s.First) && n < s.End(); n++ {
			m.expired[n] = true
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(t.TempDir(), "a.db")
	s := try(t, path, Options{})
	s.maxTransaction, s.maxSweep, s.fanIn = 5000, 7, 3
	m := newModel()
	reopen := func() {
		sound(t, s)
		must(t, s.Close())
		s = try(t, path, Options{MustExist: true})
		s.maxTransaction, s.maxSweep, s.fanIn = 5000, 7, 3
		m.compare(t, s)
	}
	m.compare(t, s)
	for i := range 40 {
		m.append(t, s, []byte(fmt.Sprint("entry", i)), []byte{}, bytes.Repeat([]byte{byte(i)}, 3000))
		cut := m.last - rng.Uint64N(3)
		must(t, s.Seal(m.segment(rng, 1+rng.IntN(300)), func() []Put {
			return []Put{
				m.put(Put{TableTemplate, fmt.Append(nil, "t", i%7), fmt.Append(nil, "value", i)}),
				m.put(Put{TableAux, fmt.Append(nil, i%5), nil}),
				m.put(Put{TableAux, fmt.Append(nil, i%3), []byte{}}),
			}
		}, cut))
		m.cut = max(m.cut, cut)
		if rng.IntN(3) == 0 {
			for did := true; did; {
				var err error
				did, err = s.Merge()
				must(t, err)
			}
		}
		if rng.IntN(5) == 0 {
			segments, err := s.Segments()
			must(t, err)
			firsts := []uint64{segments[rng.IntN(len(segments))].First, segments[0].First}
			m.expire(segments, firsts...)
			must(t, s.Expire(firsts...))
		}
		if rng.IntN(4) == 0 {
			reopen()
		}
	}
	m.compare(t, s)
	must(t, s.Write([]Put{m.put(Put{TableLabel, []byte("l"), []byte("v")})}))
	must(t, s.SetMeta("scheme", []byte("x")))
	must(t, s.Seal(nil, nil, m.last))
	m.cut = m.last
	reopen()
	if v, err := s.Meta("scheme"); string(v) != "x" || err != nil {
		t.Errorf("meta: %q, %v", v, err)
	}
	if v, ok, err := s.Get(TableLabel, []byte("l")); string(v) != "v" || !ok || err != nil {
		t.Errorf("get: %q, %v, %v", v, ok, err)
	}
	if v, ok, err := s.Get(TableLabel, []byte("m")); v != nil || ok || err != nil {
		t.Errorf("get: %q, %v, %v", v, ok, err)
	}

	// Copies.
	var b bytes.Buffer
	must(t, s.Backup(ctx, &b))
	copied := filepath.Join(t.TempDir(), "b.db")
	must(t, os.WriteFile(copied, b.Bytes(), 0o600))
	ro := try(t, copied, Options{ReadOnly: true})
	m.compare(t, ro)
	if _, err := ro.Append([][]byte{{1}}); err == nil {
		t.Error("appended to a read-only store")
	}
	compacted := filepath.Join(t.TempDir(), "c.db")
	must(t, s.Compact(ctx, compacted))
	m.compare(t, try(t, compacted, Options{}))
	if err := s.Compact(ctx, compacted); err == nil {
		t.Error("compacted over a file")
	}
	// Everything may go, and numbering goes on.
	segments, err := s.Segments()
	must(t, err)
	for _, seg := range segments {
		m.expire(segments, seg.First)
		must(t, s.Expire(seg.First))
	}
	reopen()
	must(t, s.Seal(m.segment(rng, 10), nil, 0))
	m.append(t, s, []byte("again"))
	reopen()
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	open := func(path string, o Options) error {
		t.Helper()
		s, err := Open(path, o)
		if err == nil {
			must(t, s.Close())
		}
		return err
	}
	if err := open(path, Options{MustExist: true}); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
	if err := open(path, Options{ReadOnly: true}); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
	s := try(t, path, Options{})
	if err := open(path, Options{LockTimeout: 1}); !errors.Is(err, ErrLocked) {
		t.Error(err)
	}
	if err := open(path, Options{LockTimeout: 1, ReadOnly: true}); !errors.Is(err, ErrLocked) {
		t.Error(err)
	}
	must(t, s.Close())
	if _, err := s.Segments(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := s.Append(nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	must(t, s.Close())

	r1 := try(t, path, Options{ReadOnly: true})
	r2 := try(t, path, Options{ReadOnly: true})
	if err := open(path, Options{LockTimeout: 1}); !errors.Is(err, ErrLocked) {
		t.Error(err)
	}
	must(t, r1.Close())
	must(t, r2.Close())

	for _, text := range []string{"", "x", "not a store, but a text that is long enough"} {
		other := filepath.Join(dir, "other")
		must(t, os.WriteFile(other, bytes.Repeat([]byte(text), 1000), 0o600))
		if err := open(other, Options{}); !errors.Is(err, ErrNotStore) {
			t.Errorf("%.9q: %v", text, err)
		}
	}
	foreign := filepath.Join(dir, "foreign")
	db, err := bolt.Open(foreign, 0o600, nil)
	must(t, err)
	must(t, db.Close())
	if err := open(foreign, Options{}); !errors.Is(err, ErrNotStore) {
		t.Error(err)
	}
	if err := open(dir, Options{}); err == nil {
		t.Error("opened a folder")
	}
	if err := open(filepath.Join(dir, "no", "such"), Options{}); err == nil {
		t.Error("created in no folder")
	}

	s = try(t, path, Options{})
	must(t, s.update(func(tx *bolt.Tx) error {
		return put(tx, tagStore, keyFormat, binary.LittleEndian.AppendUint32(nil, formatVersion+1))
	}))
	must(t, s.Close())
	if err := open(path, Options{}); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	if len(entries) != 3 {
		t.Errorf("left over: %v", entries)
	}
}

func TestCreateTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			s, err := Open(path, Options{NoSync: true})
			if err != nil {
				if !errors.Is(err, ErrLocked) {
					t.Error(err)
				}
				return
			}
			if _, err := s.Append([][]byte{{byte(i)}}); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	try(t, path, Options{})
}

func TestSealRefuses(t *testing.T) {
	s := try(t, filepath.Join(t.TempDir(), "a.db"), Options{})
	ok := func() *SegmentData {
		return &SegmentData{First: 1, Records: make([]Record, 2), Width: 3, Signatures: make([]byte, 6)}
	}
	for name, spoil := range map[string]func(d *SegmentData){
		"gap":       func(d *SegmentData) { d.First = 2 },
		"none":      func(d *SegmentData) { d.Records, d.Signatures = nil, nil },
		"width":     func(d *SegmentData) { d.Signatures = d.Signatures[1:] },
		"id":        func(d *SegmentData) { d.Records[0].ID = string(make([]byte, MaxID+1)) },
		"offset":    func(d *SegmentData) { d.Postings[KindBand] = []uint64{Pack(5, 2)} },
		"key":       func(d *SegmentData) { d.Postings[KindBand] = []uint64{Pack(1<<32, 1)} },
		"max width": func(d *SegmentData) { d.Width = MaxWidth + 1; d.Signatures = make([]byte, 2*d.Width) },
	} {
		d := ok()
		spoil(d)
		if err := s.Seal(d, nil, 0); err == nil {
			t.Errorf("%s: sealed", name)
		}
	}
	if err := s.Seal(nil, nil, 1); err == nil {
		t.Error("cut beyond the journal")
	}
	must(t, s.Seal(ok(), nil, 0))
	for _, p := range []Put{{Tables, []byte("k"), []byte("v")}, {TableAux, nil, []byte("v")}} {
		if err := s.Write([]Put{p}); err == nil {
			t.Error("wrote", p)
		}
	}
}

func TestCallersPanic(t *testing.T) {
	s := try(t, filepath.Join(t.TempDir(), "a.db"), Options{})
	must(t, s.Write([]Put{{TableAux, []byte("k"), []byte("v")}}))
	defer func() {
		if p := recover(); p != "mine" {
			t.Errorf("recovered %v", p)
		}
	}()
	_ = s.View(func(r *Reader) error {
		return r.Scan(TableAux, nil, nil, func(_, _ []byte) error {
			if _, _, err := r.Get(TableAux, []byte("k")); err != nil {
				t.Error(err)
			}
			panic("mine")
		})
	})
}

func TestPutLeavesCapacityAlone(t *testing.T) {
	s := try(t, filepath.Join(t.TempDir(), "a.db"), Options{})
	b := []byte("valueREST")
	must(t, s.Write([]Put{{TableAux, []byte("k"), b[:5]}}))
	_, err := s.Append([][]byte{b[:5]})
	must(t, err)
	if string(b) != "valueREST" {
		t.Errorf("%q", b)
	}
}
