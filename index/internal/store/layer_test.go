package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// compareTables looks every record up, and scans stretches of tables.
func (m *model) compareTables(t testing.TB, s *Store, rng *rand.Rand, keys int) {
	t.Helper()
	must(t, s.View(func(r *Reader) error {
		for table := range Table(Tables) {
			var want []string
			for i := range keys {
				key := tableKey(i)
				value, ok, err := r.Get(table, key)
				must(t, err)
				v, there := m.tables[string(append([]byte{byte(table)}, key...))]
				if ok != there || !bytes.Equal(value, v) {
					t.Fatalf("table %d: %q is %q, %v; want %q, %v", table, key, value, ok, v, there)
				}
				if there {
					want = append(want, string(key)+"\x00"+string(v))
				}
			}
			slices.Sort(want)
			from, to := tableKey(rng.IntN(keys)), tableKey(rng.IntN(keys))
			var got []string
			must(t, r.Scan(table, from, to, func(k, v []byte) error {
				got = append(got, string(k)+"\x00"+string(v))
				return nil
			}))
			want = slices.DeleteFunc(want, func(s string) bool {
				key, _, _ := bytes.Cut([]byte(s), []byte{0})
				return bytes.Compare(key, from) < 0 || bytes.Compare(key, to) >= 0
			})
			if !slices.Equal(got, want) {
				t.Fatalf("table %d from %q to %q: %q, want %q", table, from, to, got, want)
			}
		}
		return nil
	}))
}

// tableKey has keys that begin like others.
func tableKey(i int) []byte { return bytes.Repeat([]byte(fmt.Sprint(i%10)), 1+i/10) }

func TestLayers(t *testing.T) {
	const keys = 90
	rng := rand.New(rand.NewPCG(3, 4))
	path := filepath.Join(t.TempDir(), "a.db")
	open := func() *Store {
		s := try(t, path, Options{})
		s.maxTransaction, s.maxSweep, s.fanIn = 3000, 7, 3
		return s
	}
	s := open()
	m := newModel()
	for i := range 60 {
		var puts []Put
		for range rng.IntN(40) {
			p := Put{Table: Table(rng.IntN(Tables)), Key: tableKey(rng.IntN(keys))}
			if rng.IntN(4) > 0 {
				p.Value = bytes.Repeat([]byte{byte(i)}, rng.IntN(6)*rng.IntN(6)*rng.IntN(800)) // some longer than a block
			}
			puts = append(puts, m.put(p))
		}
		switch rng.IntN(3) {
		case 0:
			must(t, s.Write(puts))
		case 1:
			must(t, s.Seal(nil, func() []Put { return puts }, 0))
		case 2:
			must(t, s.Seal(m.segment(rng, 1+rng.IntN(20)), func() []Put { return puts }, 0))
		}
		m.compareTables(t, s, rng, keys)
		switch rng.IntN(6) {
		case 0:
			for did := true; did; {
				var err error
				did, err = s.Merge()
				must(t, err)
			}
			must(t, s.View(func(r *Reader) error {
				if n := len(r.cat.layers); n >= s.fanIn {
					t.Errorf("%d layers are left", n)
				}
				return nil
			}))
		case 1, 2: // a part of a fold: records are in both places
			_, err := s.foldSome()
			must(t, err)
		case 3:
			sound(t, s)
			must(t, s.Close())
			s = open()
		}
		m.compareTables(t, s, rng, keys)
	}
}

// TestVersion1 opens a store from before there were layers.
func TestVersion1(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := try(t, path, Options{})
	rng := rand.New(rand.NewPCG(5, 6))
	m := newModel()
	must(t, s.Seal(m.segment(rng, 30), nil, 0))
	must(t, s.update(func(tx *bolt.Tx) error {
		for table := range Table(Tables) {
			p := m.put(Put{table, tableKey(int(table)), []byte("old")})
			must(t, apply(tx, &p))
		}
		must(t, tx.DeleteBucket(bucketNames[tagLayers]))
		must(t, tx.DeleteBucket(bucketNames[tagLayered]))
		return put(tx, tagStore, keyFormat, binary.LittleEndian.AppendUint32(nil, 1))
	}))
	version := func() (v []byte) {
		must(t, s.read(func(tx *bolt.Tx) error {
			v = bytes.Clone(tx.Bucket(bucketNames[tagStore]).Get(keyFormat)[:4])
			return nil
		}))
		return v
	}
	reopen := func(o Options) {
		sound(t, s)
		must(t, s.Close())
		s = try(t, path, o)
		m.compare(t, s)
		m.compareTables(t, s, rng, 20)
	}
	reopen(Options{ReadOnly: true})
	reopen(Options{})
	if _, err := s.Merge(); err != nil {
		t.Fatal(err)
	}
	compacted := filepath.Join(t.TempDir(), "b.db")
	must(t, s.Compact(ctx, compacted))
	m.compare(t, try(t, compacted, Options{}))
	must(t, s.Write([]Put{m.put(Put{TableLabel, []byte("l"), []byte("v")})}))
	if v := version(); v[0] != 1 {
		t.Errorf("version %d without a layer", v)
	}
	must(t, s.Write([]Put{m.put(Put{TableStat, tableKey(1), nil}), m.put(Put{TableUse, tableKey(2), []byte("new")})}))
	if v := version(); v[0] != formatVersion {
		t.Errorf("version %d with a layer", v)
	}
	reopen(Options{})
	reopen(Options{ReadOnly: true})
}

func FuzzLayer(f *testing.F) {
	f.Add(appendLayerRecord(appendLayerRecord(nil, TableUse, []byte("key"), []byte("value")), TableExemplar, []byte("k"), nil))
	f.Add([]byte{0, 1, 'k', 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		rest := b
		for len(rest) > 0 {
			table, key, value, after, ok := cutLayerRecord(rest)
			if !ok {
				return
			}
			again = appendLayerRecord(again, table, key, value)
			rest = after
		}
		if len(again) > len(b) { // the shortest spelling of numbers may be shorter
			t.Fatalf("%x came back as %x", b, again)
		}
		for rest := again; len(rest) > 0; {
			var ok bool
			if _, _, _, rest, ok = cutLayerRecord(rest); !ok {
				t.Fatalf("%x does not read", again)
			}
		}
	})
}

// TestOrdered holds that of any puts the last of each record is left, in order
// of tables and keys.
func TestOrdered(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		puts := make([]Put, rng.IntN(60))
		last := make(map[string]*Put)
		for i := range puts {
			key := bytes.Repeat([]byte{byte(rng.IntN(3))}, 1+rng.IntN(10))
			puts[i] = Put{Table: Table(rng.IntN(Tables)), Key: key, Value: []byte{byte(i)}}
			last[string(byte(puts[i].Table))+string(key)] = &puts[i]
		}
		var want []*Put
		for _, name := range slices.Sorted(maps.Keys(last)) {
			want = append(want, last[name])
		}
		if got := ordered(puts); !slices.Equal(got, want) {
			t.Fatalf("of %v: %v, want %v", puts, got, want)
		}
	}
}
