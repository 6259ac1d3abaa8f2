package main

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/minhash"
)

// A method says which accounts alert.
type method struct {
	name    string
	alerted func(context.Context, *scenario) (map[string]bool, error)
}

var methods = []method{
	{"exact hash of the prompt", exact},
	{"MinHash LSH over whole prompts, J >= .5", near(.5, 4)},
	{"MinHash LSH over whole prompts, J >= .7", near(.7, 6)},
	{"MinHash LSH over whole prompts, J >= .8", near(.8, 8)},
	{"spread alone: chorus's templates of 20 accounts and more", spread},
	{"chorus's campaigns", campaigns},
}

// messages returns what an account sent, one text a message.
func messages(p *index.Prompt) (texts []string) {
	if p.Text != "" {
		texts = append(texts, p.Text)
	}
	for _, m := range p.Messages {
		if m.Role != "assistant" && m.Role != "tool" {
			texts = append(texts, m.Content)
		}
	}
	return texts
}

// exact groups prompts of the very same text.
func exact(_ context.Context, s *scenario) (map[string]bool, error) {
	seed := maphash.MakeSeed()
	first := make(map[uint64]int)
	g := newGroups(len(s.prompts))
	for i := range s.prompts {
		var h maphash.Hash
		h.SetSeed(seed)
		for _, t := range messages(&s.prompts[i]) {
			h.WriteString(t)
			h.WriteByte(0)
		}
		if j, ok := first[h.Sum64()]; ok {
			g.join(i, j)
		} else {
			first[h.Sum64()] = i
		}
	}
	return g.alerted(s), nil
}

// rows of a signature. They divide by every band's.
const rows = 96

// near joins prompts whose estimated Jaccard similarity is at least least.
// Candidates share a band of so many rows; a prompt is compared with the first
// one of each of its bands.
func near(least float64, band int) func(context.Context, *scenario) (map[string]bool, error) {
	return func(_ context.Context, s *scenario) (map[string]bool, error) {
		scheme := minhash.NewScheme(1)
		scheme.Rows, scheme.Bands = rows, rows/band
		k, err := minhash.NewSketcher(scheme)
		if err != nil {
			return nil, err
		}
		type key struct {
			band int
			rows uint64
		}
		first := make(map[key]int)
		signatures := make([][]byte, len(s.prompts))
		g := newGroups(len(s.prompts))
		for i := range s.prompts {
			k.Reset()
			for _, t := range messages(&s.prompts[i]) {
				k.Add(t)
			}
			signature := slices.Clone(k.Sketch().Signature)
			if signature == nil {
				continue
			}
			signatures[i] = signature
			for b := range rows / band {
				var buf [8]byte
				copy(buf[:], signature[b*band:(b+1)*band])
				at := key{b, binary.LittleEndian.Uint64(buf[:])}
				j, ok := first[at]
				if !ok {
					first[at] = i
				} else if g.find(i) != g.find(j) && similarity(signature, signatures[j]) >= least {
					g.join(i, j)
				}
			}
		}
		return g.alerted(s), nil
	}
}

// similarity estimates the Jaccard similarity: rows of 8 bits are equal by
// chance once in 256.
func similarity(a, b []byte) float64 {
	same := 0
	for i := range a {
		if a[i] == b[i] {
			same++
		}
	}
	return (float64(same)/float64(len(a)) - 1./256) / (1 - 1./256)
}

// spread takes every template that many accounts share.
func spread(ctx context.Context, s *scenario) (map[string]bool, error) {
	ix, err := s.index(ctx)
	if err != nil {
		return nil, err
	}
	found, err := ix.Templates(ctx, index.Filter{MinAccounts: alertAccounts, Members: true})
	out := make(map[string]bool)
	for i := range found {
		for _, m := range found[i].Members {
			out[m.Account] = true
		}
	}
	return out, err
}

// campaigns takes chorus's alerts.
func campaigns(ctx context.Context, s *scenario) (map[string]bool, error) {
	ix, err := s.index(ctx)
	if err != nil {
		return nil, err
	}
	found, err := ix.Campaigns(ctx, index.Filter{Status: "alert", Members: true})
	out := make(map[string]bool)
	for i := range found {
		for _, m := range found[i].Members {
			out[m.Account] = true
		}
	}
	return out, err
}

// index loads the scenario into a temporary index, once.
func (s *scenario) index(ctx context.Context) (*index.Index, error) {
	if s.ix != nil {
		return s.ix, nil
	}
	dir, err := os.MkdirTemp("", "chorus-baselines-")
	if err != nil {
		return nil, err
	}
	s.dir = dir
	ix, err := index.Open(filepath.Join(dir, "x.db"), &index.Options{NoSync: true})
	if err != nil {
		return nil, err
	}
	s.ix = ix
	for batch := range slices.Chunk(s.prompts, 4096) {
		if _, err := ix.Add(ctx, batch...); err != nil {
			return nil, err
		}
	}
	return ix, nil
}

// close removes the index.
func (s *scenario) close() error {
	if s.ix == nil {
		return nil
	}
	return errors.Join(s.ix.Close(), os.RemoveAll(s.dir))
}

// groups are sets of prompts that were joined (union-find).
type groups []int

func newGroups(n int) groups {
	g := make(groups, n)
	for i := range g {
		g[i] = i
	}
	return g
}

func (g groups) find(i int) int {
	for g[i] != i {
		g[i] = g[g[i]]
		i = g[i]
	}
	return i
}

func (g groups) join(i, j int) { g[g.find(i)] = g.find(j) }

// alerted returns the accounts of the groups that have enough of them.
func (g groups) alerted(s *scenario) map[string]bool {
	accounts := make(map[int]map[string]bool)
	for i := range g {
		root := g.find(i)
		if accounts[root] == nil {
			accounts[root] = make(map[string]bool)
		}
		accounts[root][s.prompts[i].Account] = true
	}
	out := make(map[string]bool)
	for _, members := range accounts {
		if len(members) >= alertAccounts {
			for a := range members {
				out[a] = true
			}
		}
	}
	return out
}
