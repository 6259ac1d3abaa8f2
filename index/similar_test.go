package index

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/minhash"
)

// shinglesOf returns a text's distinct shingle keys, unthinned.
func shinglesOf(k *minhash.Sketcher, text string) map[uint64]bool {
	set := make(map[uint64]bool)
	for _, s := range k.Shingles(nil, text) {
		set[s.Key] = true
	}
	return set
}

func jaccard(a, b map[uint64]bool) float64 {
	both := 0
	for k := range a {
		if b[k] {
			both++
		}
	}
	return float64(both) / float64(len(a)+len(b)-both)
}

// near returns a text with a share of its words changed.
func near(g *traffic, rng *rand.Rand, text string, share float64) string {
	words := strings.Fields(text)
	for i := range words {
		if rng.Float64() < share {
			words[i] = g.words[rng.IntN(len(g.words))]
		}
	}
	return strings.Join(words, " ")
}

func TestSimilarRecall(t *testing.T) {
	path := tempIndex(t)
	o := small()
	o.MemtablePostings = 20000
	ix := open(t, path, o)
	g := newTraffic(31, 0, 0, time.Second)
	rng := rand.New(rand.NewPCG(31, 1))
	var texts []string
	var prompts []Prompt
	for i := range 120 {
		base := strings.Join(g.some(60, 120), " ")
		for range 8 {
			texts = append(texts, near(g, rng, base, rng.Float64()*.12))
			prompts = append(prompts, Prompt{ID: fmt.Sprint(len(texts) - 1), Account: fmt.Sprint("a", i), Text: texts[len(texts)-1]})
		}
	}
	rng.Shuffle(len(prompts), func(i, j int) { prompts[i], prompts[j] = prompts[j], prompts[i] })
	addAll(t, ix, prompts, 50)
	k := ix.sketchers.get()
	defer ix.sketchers.put(k)
	sets := make([]map[uint64]bool, len(texts))
	for i, text := range texts {
		sets[i] = shinglesOf(k.Sketcher, text)
	}
	recall := func(ix *Index) {
		t.Helper()
		type count struct{ found, all int }
		var half, most count // J in [.5, .6), J >= .6
		for i := range texts {
			matches, err := ix.Similar(context.Background(), texts[i], 0, 1000)
			if err != nil {
				t.Fatal(err)
			}
			got := make(map[string]bool)
			for _, m := range matches {
				got[m.ID] = true
			}
			if !got[fmt.Sprint(i)] {
				t.Errorf("text %d does not find itself", i)
			}
			for j := i - i%8; j < i-i%8+8; j++ { // other texts share next to nothing
				c := &half
				if sim := jaccard(sets[i], sets[j]); i == j || sim < .5 {
					continue
				} else if sim >= .6 {
					c = &most
				}
				c.all++
				if got[fmt.Sprint(j)] {
					c.found++
				}
			}
		}
		at5, at6 := float64(half.found+most.found)/float64(half.all+most.all), float64(most.found)/float64(most.all)
		t.Logf("recall %.3f of %d pairs at J >= .5, %.3f of %d at J >= .6", at5, half.all+most.all, at6, most.all)
		if at5 < .75 || at6 < .95 || half.all < 200 || most.all < 200 {
			t.Errorf("recall is %.3f at J >= .5 and %.3f at J >= .6", at5, at6)
		}
	}
	recall(ix) // the last prompts in a memtable, the others in segments
	if st := stats(t, ix); st.Segments < 2 {
		t.Errorf("%d segments", st.Segments)
	}
	closeIndex(t, ix)
	recall(open(t, path, o))
}

func TestSimilar(t *testing.T) {
	path := tempIndex(t)
	o := small()
	ix := open(t, path, o)
	g := newTraffic(32, 2, 10, time.Minute)
	rng := rand.New(rand.NewPCG(32, 1))
	base := strings.Join(g.some(80, 80), " ")
	addAll(t, ix, g.take(600), 50)
	for i := range 30 {
		add(t, ix, Prompt{Account: fmt.Sprint("s", i), Text: near(g, rng, base, float64(i)*.002), Time: trafficStart})
		add(t, ix, g.next())
	}
	check := func(ix *Index) {
		t.Helper()
		ctx := context.Background()
		all, err := ix.Similar(ctx, base, 0, 1000)
		if err != nil || len(all) <= 20 {
			t.Fatalf("%d matches, %v", len(all), err)
		}
		if all[0].Account[0] != 's' || all[0].Similarity != 1 || !all[0].Time.Equal(trafficStart) || !strings.HasPrefix(all[0].ID, "#") {
			t.Errorf("the best match is %+v", all[0])
		}
		if !slices.IsSortedFunc(all, func(a, b Match) int {
			if a.Similarity > b.Similarity {
				return -1
			}
			return int(1000*b.Similarity) - int(1000*a.Similarity)
		}) {
			t.Error("matches are not sorted")
		}
		five, err := ix.Similar(ctx, base, 0, 5)
		if err != nil || len(five) != 5 || !slices.EqualFunc(five, all[:5], func(a, b Match) bool { return a.ID == b.ID }) {
			t.Errorf("with a limit of 5: %d matches, %v", len(five), err)
		}
		if unlimited, err := ix.Similar(ctx, base, 0, 0); err != nil || len(unlimited) != len(all) {
			t.Errorf("without a limit: %d matches of %d, %v", len(unlimited), len(all), err)
		}
		some, err := ix.Similar(ctx, base, .8, 1000)
		if err != nil || len(some) == 0 || len(some) == len(all) {
			t.Errorf("at .8: %d matches, %v", len(some), err)
		}
		for _, m := range some {
			if m.Similarity < .8 {
				t.Errorf("a match of %g at .8", m.Similarity)
			}
		}
		for _, bad := range []float64{-.1, 1.1} {
			if _, err := ix.Similar(ctx, base, bad, 1); err == nil {
				t.Errorf("min of %g was taken", bad)
			}
		}
		if none, err := ix.Similar(ctx, "…", 0, 1); err != nil || none == nil || len(none) != 0 {
			t.Errorf("a text without words: %v, %v", none, err)
		}
	}
	check(ix)
	closeIndex(t, ix)
	check(open(t, path, o))
}
