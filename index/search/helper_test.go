package search

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/testdata/testleak"
)

func TestMain(m *testing.M) {
	testleak.Main(m)
}

var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// openIndex opens an index of its own, with little memory.
func openIndex(t testing.TB, o *index.Options) *index.Index {
	t.Helper()
	if o == nil {
		o = &index.Options{SiftBytes: 4 << 20, NoSync: true, FlagAccounts: 5}
	}
	ix, err := index.Open(filepath.Join(t.TempDir(), "chorus.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ix.Close() })
	return ix
}

// openSearch opens a search that the test's end closes.
func openSearch(t testing.TB, ix *index.Index, folder string) *Search {
	t.Helper()
	s, err := Open(ix, folder, &Options{Every: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// send adds one prompt of a text, with other words in place of {}, for each of
// so many accounts.
func send(t testing.TB, ix *index.Index, accounts int, text string) {
	t.Helper()
	var prompts []index.Prompt
	for i := range accounts {
		prompts = append(prompts, index.Prompt{
			Account: fmt.Sprintf("a%d", i), Time: start.Add(time.Duration(i) * time.Minute),
			Text: strings.ReplaceAll(text, "{}", filling(i)),
		})
	}
	if _, err := ix.Add(context.Background(), prompts...); err != nil {
		t.Fatal(err)
	}
}

var fillings = strings.Fields("apricot blackbird candlestick doorbell elderberry fishpond gingerbread hedgehog")

func filling(i int) string {
	return fillings[i%len(fillings)] + " " + fillings[i/len(fillings)%len(fillings)]
}

func catchUp(t testing.TB, s *Search) {
	t.Helper()
	if err := s.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func find(t testing.TB, s *Search, q Query) Result {
	t.Helper()
	r, err := s.Search(context.Background(), q)
	if err != nil {
		t.Fatalf("%q: %v", q.Text, err)
	}
	return r
}

// found is how many templates a text finds.
func found(t testing.TB, s *Search, text string) int { return find(t, s, Query{Text: text}).Total }

// vocabulary draws words as language does: some often, most seldom.
type vocabulary struct {
	rng  *rand.Rand
	zipf *rand.Zipf
	all  []string
}

func newWords(seed uint64, n int) *vocabulary {
	w := &vocabulary{rng: rand.New(rand.NewPCG(seed, 1))}
	w.zipf = rand.NewZipf(w.rng, 1.1, 8, uint64(n-1))
	syllables := strings.Fields("ba be bi bo da de di do fa fe ga go ka ke ki ko la le li lo ma me mi mo na ne ni no pa pe ra re ri ro sa se si so ta te ti to va ve")
	seen := make(map[string]bool)
	for len(w.all) < n {
		s := ""
		for range 1 + w.rng.IntN(4) {
			s += syllables[w.rng.IntN(len(syllables))]
		}
		if !seen[s] {
			seen[s] = true
			w.all = append(w.all, s)
		}
	}
	slices.SortStableFunc(w.all, func(a, b string) int { return len(a) - len(b) })
	return w
}

func (w *vocabulary) text(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = w.all[w.zipf.Uint64()]
	}
	return strings.Join(out, " ")
}

// count counts the documents in the folder.
func count(s *Search) (n int, err error) {
	err = s.text.each(func(string) { n++ })
	return n, err
}
