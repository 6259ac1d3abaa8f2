package index

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain gives every index the same seed, so that what a test finds it finds
// again; with CHORUS_TEST_SEED=random each has its own.
func TestMain(m *testing.M) {
	if os.Getenv("CHORUS_TEST_SEED") != "random" {
		entropy = seeds{}
	}
	os.Exit(m.Run())
}

type seeds struct{}

func (seeds) Read(b []byte) (int, error) { return copy(b, "chorus's"), nil }

// small are options under which little traffic makes many segments.
func small() *Options {
	return &Options{MemtablePostings: 5000, SiftBytes: 4 << 20, NoSync: true}
}

// open opens an index; when the test ends, it is checked and closed.
func open(t testing.TB, path string, o *Options) *Index {
	t.Helper()
	ix, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := ix.Check(context.Background())
		if errors.Is(err, ErrClosed) {
			if _, err := os.Stat(path); err != nil {
				return
			}
			verify(t, path)
			return
		}
		if err != nil {
			t.Errorf("Check: %v", err)
		}
		if err := ix.Close(); err != nil && !errors.Is(err, ErrFailed) {
			t.Errorf("Close: %v", err)
		}
	})
	return ix
}

// verify checks a file that nobody has open.
func verify(t testing.TB, path string) {
	t.Helper()
	ix, err := Open(path, &Options{ReadOnly: true, SiftBytes: 1 << 20})
	if errors.Is(err, ErrLocked) { // another of the test's indexes has it and checks it
		return
	}
	if err != nil {
		t.Errorf("opening to check: %v", err)
		return
	}
	defer ix.Close()
	if err := ix.Check(context.Background()); err != nil {
		t.Errorf("Check: %v", err)
	}
}

func tempIndex(t testing.TB) string { return filepath.Join(t.TempDir(), "chorus.db") }

func closeIndex(t testing.TB, ix *Index) {
	t.Helper()
	if err := ix.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func add(t testing.TB, ix *Index, prompts ...Prompt) []Placement {
	t.Helper()
	got, err := ix.Add(context.Background(), prompts...)
	if err != nil {
		t.Fatalf("Add: %v", err)
	}
	return got
}

// addAll adds prompts in batches of up to n.
func addAll(t testing.TB, ix *Index, prompts []Prompt, n int) (placed []Placement) {
	t.Helper()
	for batch := range slices.Chunk(prompts, n) {
		placed = append(placed, add(t, ix, batch...)...)
	}
	return placed
}

func stats(t testing.TB, ix *Index) Stats {
	t.Helper()
	st, err := ix.Stats(context.Background())
	if err != nil {
		t.Fatalf("Stats: %v", err)
	}
	return st
}

func templatesOf(t testing.TB, ix *Index, f Filter) []Template {
	t.Helper()
	ts, err := ix.Templates(context.Background(), f)
	if err != nil {
		t.Fatalf("Templates: %v", err)
	}
	return ts
}

func flagsOf(t testing.TB, ix *Index) []Flag {
	t.Helper()
	flags, err := ix.FlagsAfter(context.Background(), 0, 0)
	if err != nil {
		t.Fatalf("FlagsAfter: %v", err)
	}
	return flags
}

// copyFile copies a file as it is now.
func copyFile(t testing.TB, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// traffic makes the same prompts for the same seed: mostly diverse texts, and
// planted templates whose accounts and times it remembers.
type traffic struct {
	rng      *rand.Rand
	words    []string
	ordinary int // accounts
	share    float64
	planted  []*planted
	step     time.Duration
	at       time.Time
	made     int
}

// planted is one template with the truth about its prompts.
type planted struct {
	prefix, suffix []string
	from           int // the number of the prompt from which on it is in use
	until          int // and the first where it is not any more; 0: none
	pool           int // accounts
	name           string

	prompts     int
	members     map[string]int
	first, last time.Time
	at          []time.Time // of its prompts, in order
	who         []string
}

var trafficStart = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// newTraffic plants so many templates of pool accounts each in a stream with
// a prompt every step.
func newTraffic(seed uint64, templates, pool int, step time.Duration) *traffic {
	g := &traffic{rng: rand.New(rand.NewPCG(seed, 7)), ordinary: 500, share: .25, step: step, at: trafficStart}
	syllables := strings.Fields("ba be bi bo da de di do fa fe ga go ka ke ki ko la le li lo ma me mi mo na ne ni no pa pe ra re ri ro sa se si so ta te ti to va ve")
	seen := make(map[string]bool)
	for len(g.words) < 3000 {
		w := ""
		for range 2 + g.rng.IntN(3) {
			w += syllables[g.rng.IntN(len(syllables))]
		}
		if !seen[w] {
			seen[w] = true
			g.words = append(g.words, w)
		}
	}
	for i := range templates {
		g.planted = append(g.planted, &planted{
			prefix: g.some(12, 18), suffix: g.some(10, 14), pool: pool, name: fmt.Sprintf("p%d", i), members: make(map[string]int),
		})
	}
	return g
}

// some returns from least to most random words.
func (g *traffic) some(least, most int) []string {
	out := make([]string, least+g.rng.IntN(most-least+1))
	for i := range out {
		out[i] = g.words[g.rng.IntN(len(g.words))]
	}
	return out
}

// next makes one prompt.
func (g *traffic) next() Prompt {
	g.made++
	g.at = g.at.Add(g.step)
	p := Prompt{ID: fmt.Sprintf("id-%d", g.made), Time: g.at, Model: "m"}
	if t := g.pick(); t != nil {
		p.Account = fmt.Sprintf("%s-a%d", t.name, g.rng.IntN(t.pool))
		p.Text = strings.Join(slices.Concat(t.prefix, g.some(3, 9), t.suffix), " ")
		t.saw(p.Account, p.Time)
		return p
	}
	p.Account = fmt.Sprintf("o%d", g.rng.IntN(g.ordinary))
	p.Text = strings.Join(g.some(8, 40), " ")
	return p
}

func (t *planted) saw(account string, at time.Time) {
	if t.prompts == 0 {
		t.first = at
	}
	t.prompts++
	t.members[account]++
	t.last = at
	t.at, t.who = append(t.at, at), append(t.who, account)
}

// pick chooses the planted template of the next prompt, or nil.
func (g *traffic) pick() *planted {
	if len(g.planted) == 0 || g.rng.Float64() >= g.share {
		return nil
	}
	t := g.planted[g.rng.IntN(len(g.planted))]
	if g.made < t.from || t.until > 0 && g.made >= t.until {
		return nil
	}
	return t
}

func (g *traffic) take(n int) []Prompt {
	out := make([]Prompt, n)
	for i := range out {
		out[i] = g.next()
	}
	return out
}

// crossed returns the time of the prompt with which the n-th account within 7
// days (UTC, its own included) came.
func (t *planted) crossed(n int) (at time.Time, ok bool) {
	for i := range t.at {
		from := t.at[i].Truncate(24*time.Hour).AddDate(0, 0, -6)
		seen := make(map[string]bool)
		for j := 0; j <= i; j++ {
			if !t.at[j].Before(from) {
				seen[t.who[j]] = true
			}
		}
		if len(seen) >= n {
			return t.at[i], true
		}
	}
	return time.Time{}, false
}

// find returns the found template that is the planted one.
func (t *planted) find(all []Template) (found []Template) {
	for _, f := range all {
		if strings.Contains(f.Pattern, strings.Join(t.prefix[2:10], " ")) {
			found = append(found, f)
		}
	}
	return found
}

// compare holds what an index says of planted templates against the truth.
func (g *traffic) compare(t testing.TB, ix *Index) {
	t.Helper()
	all := templatesOf(t, ix, Filter{Members: true})
	for _, p := range g.planted {
		if len(p.members) < 3 {
			continue
		}
		found := p.find(all)
		if len(found) != 1 {
			t.Errorf("template %s of %d accounts and %d prompts was found %d times", p.name, len(p.members), p.prompts, len(found))
			continue
		}
		f := found[0]
		if f.Accounts != len(p.members) || f.Prompts != p.prompts {
			t.Errorf("template %s (%s) has %d accounts, %d prompts; really %d, %d", p.name, f.ID, f.Accounts, f.Prompts, len(p.members), p.prompts)
		}
		if !f.FirstSeen.Equal(p.first) || !f.LastSeen.Equal(p.last) {
			t.Errorf("template %s was seen from %v to %v; really %v to %v", p.name, f.FirstSeen, f.LastSeen, p.first, p.last)
		}
		for _, m := range f.Members {
			if m.Prompts != p.members[m.Account] {
				t.Errorf("template %s: account %s has %d prompts, really %d", p.name, m.Account, m.Prompts, p.members[m.Account])
			}
		}
		if len(f.Members) != len(p.members) {
			t.Errorf("template %s has %d members, really %d", p.name, len(f.Members), len(p.members))
		}
	}
}
