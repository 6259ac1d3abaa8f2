package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// small fills a store with something of everything, garbage too.
func small(t testing.TB, s *Store) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 6))
	m := newModel()
	s.fanIn = 3
	must(t, s.SetMeta("scheme", []byte("some")))
	for i := range 4 {
		m.append(t, s, []byte("entry"), bytes.Repeat([]byte{byte(i)}, 500))
		must(t, s.Seal(m.segment(rng, 20+10*i), func() []Put {
			return []Put{{TableTemplate, []byte{byte(i), 1}, []byte("template")}, {TableAux, bytes.Repeat([]byte{1}, 100), make([]byte, 300*i)}}
		}, m.last-1))
		if i == 2 {
			_, err := s.Merge()
			must(t, err)
			must(t, s.Expire(1))
		}
	}
	must(t, s.Write([]Put{{TableExemplar, []byte("e"), bytes.Repeat([]byte("text"), 50)}}))
	_, err := s.newBulk(2, 1000, 2000)
	must(t, err)
}

// dump is a digest of everything that a store holds, whatever its blocks.
func dump(s *Store) (string, error) {
	h := sha256.New()
	err := s.View(func(r *Reader) error {
		fmt.Fprintln(h, r.Sealed(), r.Segments())
		meta, err := r.Meta("scheme")
		fmt.Fprintln(h, meta, err)
		err = r.Records(0, 1<<62, func(n uint64, rec *Record) error {
			sig, err := r.Signature(nil, n)
			fmt.Fprintln(h, n, *rec, sig)
			return err
		})
		if err != nil {
			return err
		}
		for kind := range Kind(Kinds) {
			for shard := range Shards {
				err := r.ScanPostings(kind, shard, func(keys, numbers []uint64) error {
					_, err := fmt.Fprintln(h, kind, keys, numbers)
					return err
				})
				if err != nil {
					return err
				}
			}
		}
		for table := range Table(Tables) {
			if err := r.Scan(table, nil, nil, func(k, v []byte) error { fmt.Fprintln(h, table, k, v); return nil }); err != nil {
				return err
			}
		}
		return r.Journal(func(seq uint64, value []byte) error { fmt.Fprintln(h, seq, value); return nil })
	})
	return string(h.Sum(nil)), err
}

// smallFile returns the path of a closed small store and what it holds.
func smallFile(t testing.TB) (path string, file []byte, content string) {
	t.Helper()
	// A compact copy, with a few free pages again: each byte more costs the tests time.
	s, err := Open(filepath.Join(t.TempDir(), "a.db"), Options{NoSync: true})
	must(t, err)
	small(t, s)
	path = filepath.Join(t.TempDir(), "b.db")
	must(t, s.Compact(ctx, path))
	must(t, s.Close())
	s, err = Open(path, Options{NoSync: true})
	must(t, err)
	must(t, s.Write([]Put{{TableFlag, []byte("k"), make([]byte, 5000)}}))
	must(t, s.Write([]Put{{TableFlag, []byte("k"), []byte("v")}}))
	content, err = dump(s)
	must(t, err)
	must(t, s.Close())
	file, err = os.ReadFile(path)
	must(t, err)
	if len(file) < 50_000 || len(file) > 120_000 {
		t.Fatalf("%d bytes", len(file))
	}
	return path, file, content
}

// openCheck opens a store, checks it and returns what it holds.
func openCheck(path string, o Options) (string, error) {
	o.NoSync = true
	s, err := Open(path, o)
	if err != nil {
		return "", err
	}
	defer s.Close()
	if err := s.Check(ctx); err != nil {
		return "", err
	}
	return dump(s)
}

func TestFlipAnyByte(t *testing.T) {
	t.Parallel()
	path, file, content := smallFile(t)
	if got, err := openCheck(path, Options{ReadOnly: true}); err != nil || got != content {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	step := 1
	if testing.Short() {
		step = 17
	}
	for i := 0; i < len(file); i += step {
		patterns := []byte{1 << (i % 8), 0xff}
		if i%8 != 0 {
			patterns = patterns[:1]
		}
		for _, pattern := range patterns {
			_, err := f.WriteAt([]byte{file[i] ^ pattern}, int64(i))
			must(t, err)
			if _, err := openCheck(path, Options{ReadOnly: true}); !errors.Is(err, ErrDamaged) {
				t.Fatalf("byte %d of %d flipped by %02x: %v", i, len(file), pattern, err)
			}
		}
		_, err := f.WriteAt(file[i:i+1], int64(i))
		must(t, err)
	}
	if got, err := openCheck(path, Options{}); err != nil || got != content {
		t.Fatal(err)
	}
}

func TestCutAnywhere(t *testing.T) {
	path, file, _ := smallFile(t)
	for n := int64(len(file)) - 1; n >= 0; n-- {
		if n%64 != 0 && n%pageSize > 1 && n%pageSize < pageSize-1 && n != int64(len(file))-1 {
			continue
		}
		must(t, os.Truncate(path, n))
		for _, ro := range []bool{true, false} {
			_, err := openCheck(path, Options{ReadOnly: ro})
			if !errors.Is(err, ErrDamaged) && (n > 80 || !errors.Is(err, ErrNotStore)) {
				t.Fatalf("cut to %d of %d bytes: %v", n, len(file), err)
			}
		}
		if info, err := os.Stat(path); err != nil || info.Size() != n {
			t.Fatalf("cut to %d: opening made it %d bytes", n, info.Size())
		}
	}
}

// TestFlipUnclosed damages a store whose process died, which has no closing page. Then
// bytes that hold nothing may change without notice, but nothing else, and nothing panics.
func TestFlipUnclosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	s := try(t, path, Options{})
	small(t, s)
	content, err := dump(s)
	must(t, err)
	file, err := os.ReadFile(path)
	must(t, err)
	other := filepath.Join(dir, "b.db")
	step := 101
	if testing.Short() {
		step = 997
	}
	found := 0
	for i := 0; i < len(file); i += step {
		if i > pageSize*int(2) && i+pageSize > len(file) {
			break
		}
		b := bytes.Clone(file)
		b[i] ^= byte(1 << (i / step % 8))
		must(t, os.WriteFile(other, b, 0o600))
		got, err := openCheck(other, Options{ReadOnly: i%2 == 0})
		switch {
		case err != nil:
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNotStore) {
				t.Fatalf("byte %d: %v", i, err)
			}
			found++
		case got != content && i >= 2*pageSize:
			t.Fatalf("byte %d: changed without notice", i)
		}
	}
	t.Logf("%d bytes, %d of %d flips found", len(file), found, len(file)/step)
	// Any cut below bbolt's last page is found.
	for n := len(file) - len(file)%pageSize; n > 0; n -= 512 {
		must(t, os.WriteFile(other, file[:n], 0o600))
		if got, err := openCheck(other, Options{}); err == nil && got != content {
			t.Fatalf("cut to %d: changed without notice", n)
		}
	}
}

// FuzzFile opens whatever bytes.
func FuzzFile(f *testing.F) {
	_, file, _ := smallFile(f)
	f.Add(uint32(3*pageSize), []byte{0xff})
	f.Add(uint32(len(file)-pageSize), []byte("OPENING\x00"))
	path := filepath.Join(f.TempDir(), "a.db")
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		b := bytes.Clone(file[:len(file)-pageSize])
		for _, i := range []int{markOffset, pageSize + markOffset} {
			clear(b[i : i+16])
		}
		copy(b[int(at)%len(b):], patch)
		must(t, os.WriteFile(path, b, 0o600))
		_, _ = openCheck(path, Options{})
	})
}

// TestCutWhileOpen takes pages away from under a reader.
func TestCutWhileOpen(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be cut")
	}
	path, _, _ := smallFile(t)
	s, err := Open(path, Options{ReadOnly: true})
	must(t, err)
	defer s.Close()
	must(t, os.Truncate(path, 2*pageSize))
	if err := s.Check(ctx); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	if _, err := s.Record(30); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	if err := s.Journal(func(uint64, []byte) error { return nil }); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
}

// TestCrashWhileClosing stops Close and Open after each of their steps.
func TestCrashWhileClosing(t *testing.T) {
	path, file, content := smallFile(t)
	stop := errors.New("stop")
	for step := range 4 {
		must(t, os.WriteFile(path, file, 0o600))
		s, err := openBolt(path, Options{NoSync: true})
		must(t, err)
		c, err := readClosing(s.file, int64(len(file)))
		must(t, err)
		syncs := func(left int) func() error {
			return func() error {
				if left--; left < 0 {
					return stop
				}
				return nil
			}
		}
		err = unclose(s.file, c, int64(len(file)-pageSize), syncs(step))
		if (err == nil) != (step >= 2) {
			t.Fatal(step, err)
		}
		must(t, s.db.Close())
		if got, err := openCheck(path, Options{}); err != nil || got != content {
			t.Errorf("opening, step %d: %v", step, err)
		}

		must(t, os.WriteFile(path, file, 0o600))
		s, err = Open(path, Options{NoSync: true})
		must(t, err)
		txid := 0
		length := int64(0)
		must(t, s.View(func(r *Reader) error { txid, length = r.tx.ID(), r.tx.Size(); return nil }))
		err = closeFile(s.file, length, txid, syncs(step))
		if (err == nil) != (step >= 3) {
			t.Fatal(step, err)
		}
		must(t, s.db.Close())
		for range 2 {
			if got, err := openCheck(path, Options{}); err != nil || got != content {
				t.Errorf("closing, step %d: %v", step, err)
			}
		}
	}
}

// TestCheckFinds makes faults that have right sums.
func TestCheckFinds(t *testing.T) {
	for name, spoil := range map[string]func(s *Store) error{
		"stray block": func(s *Store) error {
			b, err := s.newBulk(1, 0, 0)
			if err != nil {
				return err
			}
			b.garbage = append(b.garbage[:0], garbageKey('R', b.nextRun))
			w := b.newRun(KindBand, 0, 0, 1, 9)
			must(t, w.add(1, 1))
			must(t, w.flush())
			return s.update(b.finish)
		},
		"stray records": func(s *Store) error {
			b := &bulk{s: s}
			must(t, b.add(tagRecords, be64(999), []byte{1, 0}))
			return s.update(b.finish)
		},
		"lost entry": func(s *Store) error {
			last, err := s.Append([][]byte{{1}, {2}, {3}})
			must(t, err)
			left := 1
			return s.update(func(tx *boltTx) error { return deleteRange(tx, tagJournal, be64(last-1), be64(last), &left) })
		},
		"lost records": func(s *Store) error {
			left := 1
			return s.update(func(tx *boltTx) error { return deleteRange(tx, tagRecords, be64(0), be64(1<<50), &left) })
		},
		"lost signatures": func(s *Store) error {
			left := 1
			return s.update(func(tx *boltTx) error { return deleteRange(tx, tagSignatures, be64(60), be64(1<<50), &left) })
		},
		"lost postings": func(s *Store) error {
			left := 1
			return s.update(func(tx *boltTx) error { return deleteRange(tx, tagPostings, be64(0), be64(1<<50), &left) })
		},
		"lost layer": func(s *Store) error {
			left := 1
			return s.update(func(tx *boltTx) error { return deleteRange(tx, tagLayered, be64(0), be64(1<<50), &left) })
		},
		"stray layer": func(s *Store) error {
			return s.update(func(tx *boltTx) error {
				must(t, stack(tx, []*Put{{TableUse, []byte("k"), nil}}))
				k, _ := tx.Bucket(bucketNames[tagLayers]).Cursor().Last()
				return tx.Bucket(bucketNames[tagLayers]).Delete(k)
			})
		},
		"layer out of order": func(s *Store) error {
			return s.update(func(tx *boltTx) error {
				must(t, withLayers(tx))
				block := appendLayerRecord(appendLayerRecord(nil, TableUse, []byte("k"), nil), TableStat, []byte("k"), nil)
				must(t, put(tx, tagLayered, layerKey(99, TableStat, []byte("k")), block))
				return put(tx, tagGarbage, garbageKey('L', 99), nil)
			})
		},
		"count": func(s *Store) error {
			return s.update(func(tx *boltTx) error {
				cat, err := loadCatalogue(tx, nil)
				must(t, err)
				for _, r := range cat.runs[KindShingle][0] {
					r.postings++
					must(t, put(tx, tagRuns, r.key(), r.value()))
				}
				return changed(tx)
			})
		},
		"sealed": func(s *Store) error {
			return s.update(func(tx *boltTx) error {
				must(t, setCounter(tx, keySealed, 3))
				return changed(tx)
			})
		},
		"sum": func(s *Store) error {
			return s.update(func(tx *boltTx) error {
				return putSummed(tx, tagTables, []byte("k"), binary.LittleEndian.AppendUint32([]byte("v"), 1))
			})
		},
		"bucket": func(s *Store) error {
			return s.update(func(tx *boltTx) error { _, err := tx.CreateBucket([]byte("other")); return err })
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(filepath.Join(t.TempDir(), "a.db"), Options{NoSync: true})
			must(t, err)
			defer s.Close()
			small(t, s)
			must(t, s.Check(ctx))
			must(t, spoil(s))
			err = s.Check(ctx)
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			t.Log(err)
		})
	}
}
