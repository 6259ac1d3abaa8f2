package store

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// benchSegment makes a segment as real traffic has them: 25 shingles, 24 bands, a
// 96-byte signature and a 9-byte id a prompt; all keys are distinct, which is the worst case.
func benchSegment(rng *rand.Rand, first uint64, n int) *SegmentData {
	d := &SegmentData{First: first, Width: 96, Records: make([]Record, n), Signatures: make([]byte, 96*n)}
	for i := range d.Records {
		d.Records[i] = Record{
			Account:  rng.Uint32N(1 << 24),
			Time:     1_700_000_000_000 + int64(first+uint64(i))*10 + rng.Int64N(100),
			Shingles: 10 + rng.Uint32N(200),
			ID:       fmt.Sprintf("%09x", rng.Uint64N(1<<36)),
		}
		d.Postings[KindID] = append(d.Postings[KindID], Pack(rng.Uint64N(1<<40), i))
		for range 25 {
			d.Postings[KindShingle] = append(d.Postings[KindShingle], Pack(rng.Uint64N(1<<40), i))
		}
		for range 24 {
			d.Postings[KindBand] = append(d.Postings[KindBand], Pack(rng.Uint64N(1<<32), i))
		}
	}
	for i := range d.Signatures {
		d.Signatures[i] = byte(rng.Uint32())
	}
	return d
}

const benchPrompts = 130_000

func BenchmarkSeal(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	s, err := Open(filepath.Join(b.TempDir(), "a.db"), Options{})
	must(b, err)
	defer s.Close()
	first := uint64(1)
	for b.Loop() {
		b.StopTimer()
		d := benchSegment(rng, first, benchPrompts)
		b.StartTimer()
		must(b, s.Seal(d, nil, 0))
		first += benchPrompts
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(first-1), "ns/prompt")
	var total [Kinds]struct{ bytes, postings float64 }
	must(b, s.View(func(r *Reader) error {
		for kind := range r.cat.runs {
			for shard := range r.cat.runs[kind] {
				for _, u := range r.cat.runs[kind][shard] {
					total[kind].postings += float64(u.postings)
					c := r.tx.Bucket(bucketNames[tagPostings]).Cursor()
					k, v := c.Seek(be64(u.id))
					for range u.blocks {
						total[kind].bytes += float64(len(k) + len(v))
						k, v = c.Next()
					}
				}
			}
		}
		return nil
	}))
	for kind, name := range []string{"B/shingle", "B/band", "B/id"} {
		b.ReportMetric(total[kind].bytes/total[kind].postings, name)
	}
	b.ReportMetric(float64(s.Size())/float64(first-1), "B/prompt")
}

// benchStore makes a store of eight segments, with or without their runs merged.
func benchStore(b *testing.B, merged bool) *Store {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	s, err := Open(filepath.Join(b.TempDir(), "a.db"), Options{NoSync: true})
	must(b, err)
	b.Cleanup(func() { s.Close() })
	for i := range uint64(8) {
		must(b, s.Seal(benchSegment(rng, 1+i*benchPrompts, benchPrompts), nil, 0))
	}
	for did := merged; did; {
		did, err = s.Merge()
		must(b, err)
	}
	return s
}

func BenchmarkLookup(b *testing.B) {
	for _, merged := range []bool{false, true} {
		b.Run(map[bool]string{false: "8runs", true: "merged"}[merged], func(b *testing.B) {
			s := benchStore(b, merged)
			rng := rand.New(rand.NewPCG(1, 1))
			var hits []uint64
			must(b, s.View(func(r *Reader) error {
				return r.ScanPostings(KindShingle, 3, func(keys, _ []uint64) error {
					for _, key := range keys {
						if rng.IntN(100) == 0 {
							hits = append(hits, key)
						}
					}
					return nil
				})
			}))
			for _, bench := range []struct {
				name string
				kind Kind
				key  func(i int) uint64
			}{
				{"shingle/miss", KindShingle, func(int) uint64 { return rng.Uint64N(1 << 40) }},
				{"shingle/hit", KindShingle, func(i int) uint64 { return hits[i*7919%len(hits)] }},
				{"band/miss", KindBand, func(int) uint64 { return rng.Uint64N(1 << 32) }},
			} {
				b.Run(bench.name, func(b *testing.B) {
					must(b, s.View(func(r *Reader) error {
						i := 0
						for b.Loop() {
							must(b, r.Lookup(bench.kind, bench.key(i), func(uint64) bool { return true }))
							i++
						}
						return nil
					}))
				})
			}
		})
	}
}

// BenchmarkSimilar is what the index reads for one query.
func BenchmarkSimilar(b *testing.B) {
	s := benchStore(b, false)
	rng := rand.New(rand.NewPCG(1, 1))
	var dst []byte
	for b.Loop() {
		must(b, s.View(func(r *Reader) error {
			for range 24 {
				must(b, r.Lookup(KindBand, rng.Uint64N(1<<32), func(uint64) bool { return true }))
			}
			for range 100 {
				n := 1 + rng.Uint64N(8*benchPrompts)
				var err error
				if dst, err = r.Signature(dst[:0], n); err != nil {
					return err
				}
				if _, err = r.Record(n); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

func BenchmarkMerge(b *testing.B) {
	var postings, bytes float64
	for b.Loop() {
		b.StopTimer()
		s := benchStore(b, false)
		b.StartTimer()
		did, err := s.Merge()
		must(b, err)
		if !did {
			b.Fatal("nothing to merge")
		}
		b.StopTimer()
		must(b, s.View(func(r *Reader) error {
			c := r.tx.Bucket(bucketNames[tagPostings]).Cursor()
			for shard := range mergeShards {
				u := r.cat.runs[KindShingle][shard][0]
				postings += float64(u.postings)
				k, v := c.Seek(be64(u.id))
				for range u.blocks {
					bytes += float64(len(k) + len(v))
					k, v = c.Next()
				}
			}
			return nil
		}))
		must(b, s.Close())
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/postings, "ns/posting")
	b.ReportMetric(bytes/postings, "B/posting")
}

func BenchmarkScan(b *testing.B) {
	s := benchStore(b, false)
	n := 0
	for b.Loop() {
		must(b, s.View(func(r *Reader) error {
			return r.ScanPostings(KindShingle, 5, func(keys, _ []uint64) error { n += len(keys); return nil })
		}))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/posting")
}

func BenchmarkDecode(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	d := benchSegment(rng, 1, 20_000)
	var blocks [][]byte
	w := newBlockWriter(20_000, func(_ uint64, p []byte) error { blocks = append(blocks, p); return nil })
	sorted := sortPostings(d.Postings[KindShingle], make([]uint64, len(d.Postings[KindShingle])))
	for _, p := range sorted {
		must(b, w.add(p>>offsetBits, p&(MaxSegment-1)))
	}
	must(b, w.flush())
	var keys, offs [groupLen]uint64
	for b.Loop() {
		for _, p := range blocks {
			p, ok := parseBlock(p, 20_000)
			for g := 0; ok && g < p.groups; g++ {
				ok = p.decode(g, &keys, &offs) > 0
			}
			if !ok {
				b.Fatal("malformed")
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(sorted)), "ns/posting")
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{500, 30_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s, err := Open(filepath.Join(b.TempDir(), "a.db"), Options{})
			must(b, err)
			defer s.Close()
			value := make([]byte, size)
			for b.Loop() {
				_, err := s.Append([][]byte{value})
				must(b, err)
			}
		})
	}
}

func BenchmarkSort(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	d := benchSegment(rng, 1, benchPrompts)
	for kind, name := range []string{"shingle", "band"} {
		b.Run(name, func(b *testing.B) {
			postings := d.Postings[kind]
			a, tmp := make([]uint64, len(postings)), make([]uint64, len(postings))
			for b.Loop() {
				copy(a, postings)
				sortPostings(a, tmp)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(a)), "ns/posting")
		})
	}
}
