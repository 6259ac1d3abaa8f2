package index

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The log of the benchmarks: diverse prompts with 200 planted templates.
func benchTraffic() *traffic {
	g := newTraffic(61, 200, 300, 3*time.Second)
	g.ordinary, g.share = 20000, .1
	return g
}

// fill submits n prompts in batches.
func fill(b *testing.B, ix *Index, g *traffic, n int) {
	b.Helper()
	submit(b, ix, g.take(n))
}

func submit(b *testing.B, ix *Index, prompts []Prompt) {
	b.Helper()
	var last *Pending
	for batch := range slices.Chunk(prompts, 2048) {
		p, err := ix.Submit(context.Background(), batch...)
		if err != nil {
			b.Fatal(err)
		}
		last = p
	}
	if _, err := last.Wait(); err != nil {
		b.Fatal(err)
	}
}

func openBench(b *testing.B, o *Options) (ix *Index, path string) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "bench.db")
	ix, err := Open(path, o)
	if err != nil {
		b.Fatal(err)
	}
	return ix, path
}

func quantile(d []time.Duration, q float64) time.Duration {
	slices.Sort(d)
	return d[min(len(d)-1, int(q*float64(len(d))))]
}

// BenchmarkAddSingle adds prompts one by one from 64 goroutines, each durable
// before its Add returns.
func BenchmarkAddSingle(b *testing.B) {
	ix, _ := openBench(b, nil)
	defer ix.Close()
	prompts := benchTraffic().take(50000)
	for i := range prompts {
		prompts[i].ID = ""
	}
	var mu sync.Mutex
	var waits []time.Duration
	next := 0
	b.SetParallelism((63 + runtime.GOMAXPROCS(0)) / runtime.GOMAXPROCS(0))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		var mine []time.Duration
		mu.Lock()
		next += 997
		i := next
		mu.Unlock()
		for pb.Next() {
			i++
			at := time.Now()
			if _, err := ix.Add(context.Background(), prompts[i%len(prompts)]); err != nil {
				b.Error(err)
				return
			}
			mine = append(mine, time.Since(at))
		}
		mu.Lock()
		waits = append(waits, mine...)
		mu.Unlock()
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "adds/s")
	b.ReportMetric(float64(quantile(waits, .99).Microseconds())/1000, "p99-ms")
}

// BenchmarkLoad loads a log of 200,000 prompts into a new index and closes it.
func BenchmarkLoad(b *testing.B) {
	const n = 200_000
	prompts := benchTraffic().take(n)
	var before, after runtime.MemStats
	var bytes int64
	runtime.ReadMemStats(&before)
	b.ResetTimer()
	for range b.N {
		ix, path := openBench(b, nil)
		submit(b, ix, prompts)
		if err := ix.Close(); err != nil {
			b.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		bytes = info.Size()
	}
	b.StopTimer()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "prompts/s")
	b.ReportMetric(float64(bytes)/n, "bytes/prompt")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(b.N)/n, "allocs/prompt")
}

// BenchmarkSimilar asks for near-duplicates among 100,000 prompts;
// CHORUS_BENCH_PROMPTS sets another number.
func BenchmarkSimilar(b *testing.B) {
	n := 100_000
	if s := os.Getenv("CHORUS_BENCH_PROMPTS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	ix, _ := openBench(b, &Options{NoSync: true})
	defer ix.Close()
	g := benchTraffic()
	for left := n; left > 0; left -= 50_000 {
		fill(b, ix, g, min(left, 50_000))
	}
	var texts []string
	for i := range 1000 {
		if i%2 == 0 { // half of them have many near-duplicates
			t := g.planted[i%len(g.planted)]
			texts = append(texts, strings.Join(slices.Concat(t.prefix, g.some(2, 4), t.suffix), " "))
		} else {
			texts = append(texts, strings.Join(g.some(20, 40), " "))
		}
	}
	var took []time.Duration
	b.ResetTimer()
	for i := range b.N {
		at := time.Now()
		if _, err := ix.Similar(context.Background(), texts[i%len(texts)], .5, 20); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(at))
	}
	b.StopTimer()
	b.ReportMetric(float64(quantile(took, .5).Nanoseconds())/1000, "p50-µs")
	b.ReportMetric(float64(quantile(took, .99).Nanoseconds())/1000, "p99-µs")
}

// BenchmarkReopen opens an index of 100,000 prompts, about 30,000 of them in
// the journal that a kill leaves.
func BenchmarkReopen(b *testing.B) {
	o := &Options{NoSync: true, MemtablePostings: 3_500_000}
	ix, path := openBench(b, o)
	fill(b, ix, benchTraffic(), 100_000)
	settle(b, ix)
	left := path + ".left"
	whole, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	ix.Close()
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		if err := os.WriteFile(left, whole, 0o600); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		ix, err := Open(left, o)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if st, err := ix.Stats(context.Background()); err != nil || st.Prompts != 100_000 {
			b.Fatal(fmt.Sprint(st.Prompts, " prompts ", err))
		}
		ix.Close()
		b.StartTimer()
	}
}
