package search

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// spread gives the index n templates of 30 to 120 words and returns their fixed
// texts. An index that has them already gets nothing more.
func spread(b *testing.B, w *vocabulary, ix *index.Index, n int) []string {
	texts := make([]string, n)
	var prompts []index.Prompt
	for i := range n {
		texts[i] = w.text(30 + w.rng.IntN(90))
		for a := range 3 + int(w.rng.ExpFloat64()*w.rng.ExpFloat64()) {
			prompts = append(prompts, index.Prompt{
				ID:      strconv.Itoa(len(prompts)),
				Account: fmt.Sprintf("a%d", w.rng.IntN(n)), Time: start.Add(time.Duration(len(prompts)) * time.Second),
				Text: texts[i] + " " + w.text(5+a%3),
			})
		}
	}
	if st, err := ix.Stats(context.Background()); err != nil || st.Prompts == len(prompts) {
		return texts
	}
	began := time.Now()
	defer func() { b.Logf("%d prompts added in %v", len(prompts), time.Since(began).Round(time.Second)) }()
	for batch := range slices.Chunk(prompts, 5000) {
		if _, err := ix.Add(context.Background(), batch...); err != nil {
			b.Fatal(err)
		}
	}
	return texts
}

// BenchmarkSearch asks an index of CHORUS_BENCH_TEMPLATES templates (20,000) of
// 30 to 120 words each, of a vocabulary of 50,000, by each kind of query. In
// CHORUS_BENCH_DIR it stays for the next time.
func BenchmarkSearch(b *testing.B) {
	n := 20_000
	if v, err := strconv.Atoi(os.Getenv("CHORUS_BENCH_TEMPLATES")); err == nil {
		n = v
	}
	dir := os.Getenv("CHORUS_BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	ix, err := index.Open(filepath.Join(dir, "chorus.db"), &index.Options{NoSync: true, MemtablePostings: 60_000_000}) // one segment: quickly built
	if err != nil {
		b.Fatal(err)
	}
	defer ix.Close()
	w := newWords(1, 50_000)
	texts := spread(b, w, ix, n)
	folder := filepath.Join(dir, "chorus.db.search")
	began := time.Now()
	s := openSearch(b, ix, folder)
	catchUp(b, s)
	st, err := ix.Stats(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	bytes, raw := int64(0), 0
	filepath.Walk(folder, func(_ string, i os.FileInfo, _ error) error { bytes += i.Size(); return nil })
	for _, t := range texts {
		raw += len(t)
	}
	b.Logf("%d templates of %d prompts written in %v; folder %d MB, text of the templates without fillings %d MB",
		st.Templates, st.Prompts, time.Since(began).Round(time.Millisecond), bytes>>20, raw>>20)

	rng := rand.New(rand.NewPCG(2, 2))
	some := func(k int) []string { // k words in a row of some template
		f := strings.Fields(texts[rng.IntN(n)])
		i := rng.IntN(len(f) - k)
		return f[i : i+k]
	}
	kinds := []struct {
		name string
		text func() string
	}{
		{"word", func() string { return some(1)[0] }},
		{"commonest", func() string { return w.all[rng.IntN(5)] }},
		{"words", func() string { return strings.Join(some(3), " ") }},
		{"phrase", func() string { return `"` + strings.Join(some(4), " ") + `"` }},
		{"common-phrase", func() string { return `"` + w.all[rng.IntN(5)] + " " + w.all[rng.IntN(5)] + `"` }},
		{"prefix", func() string { return some(1)[0][:2] + "*" }},
		{"letter", func() string { return some(1)[0][:1] + "*" }},
		{"fuzzy", func() string { return some(1)[0] + "~" }},
		{"or", func() string { return strings.Join(some(3), " OR ") }},
	}
	for _, kind := range kinds {
		b.Run(kind.name, func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				q := Query{Text: kind.text(), MinAccounts: rng.IntN(3) * 4}
				began := time.Now()
				if _, err := s.Search(context.Background(), q); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(began))
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(times[len(times)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}

// BenchmarkFlagged measures, while prompts stream in as fast as they can, how
// long after the Add that flags a template a phrase of it is found.
func BenchmarkFlagged(b *testing.B) {
	ix := openIndex(b, &index.Options{NoSync: true, FlagAccounts: 5, Lag: 2 * time.Second}) // as chorus serve has it
	s, err := Open(ix, filepath.Join(b.TempDir(), "search"), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	stop, stopped := make(chan struct{}), make(chan struct{})
	streamed := 0
	go func() {
		defer close(stopped)
		w := newWords(3, 50_000)
		var texts []string
		for range 500 {
			texts = append(texts, w.text(40))
		}
		for {
			var prompts []index.Prompt
			for range 1000 {
				text := w.text(40)
				if w.rng.IntN(4) == 0 {
					text = texts[w.rng.IntN(len(texts))] + " " + w.text(5)
				}
				prompts = append(prompts, index.Prompt{Account: fmt.Sprintf("o%d", w.rng.IntN(5000)), Time: start, Text: text})
			}
			if _, err := ix.Add(context.Background(), prompts...); err != nil {
				b.Error(err)
				return
			}
			streamed += len(prompts)
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	var times []time.Duration
	began := time.Now()
	for n := 0; b.Loop(); n++ {
		name := letters(n)
		send(b, ix, 5, strings.ReplaceAll("Sentence NAME says the same to all NAME who ask, and nobody NAME else says anything NAME like it: {}", "NAME", name))
		sent := time.Now()
		for found(b, s, `"same to all `+name+` who ask"`) == 0 {
			time.Sleep(5 * time.Millisecond)
		}
		times = append(times, time.Since(sent))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Milliseconds()), "p50-ms")
	b.ReportMetric(float64(times[len(times)-1].Milliseconds()), "max-ms")
	b.ReportMetric(float64(streamed)/time.Since(began).Seconds(), "streamed/s")
}
