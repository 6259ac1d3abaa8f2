package sift

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
)

var rates = flag.Bool("rates", false, "measure the rates of TestRates on 2 million prompts")

// traffic makes synthetic prompts of 25 keys. Of the keys
//
//   - 30 % are language: Zipf-distributed over eight phrases a prompt,
//   - 10 % repeat one of 20 things that the account says again and again,
//   - 60 % never occur again,
//
// and one prompt in 100 fills a template: its first 15 keys are the
// template's. A template belongs to 10 accounts and is used all the time, some
// 50 times in all. Accounts are Zipf-distributed, too. About 68 % of all keys
// observed are new.
type traffic struct {
	r         *rand.Rand
	phrase    *rand.Zipf
	account   *rand.Zipf
	phrases   uint64
	accounts  uint64
	templates uint64
	once      uint64 // keys so far that occur once
}

const (
	keysPerPrompt       = 25
	ownPerAccount       = 20
	keysPerTemplate     = 15
	accountsPerTemplate = 10
)

func newTraffic(prompts int) *traffic {
	r := rand.New(rand.NewPCG(1, 2))
	g := &traffic{
		r:         r,
		phrases:   8 * uint64(prompts),
		accounts:  uint64(prompts)/10 + 1,
		templates: uint64(prompts)/5000 + 1,
	}
	g.phrase = rand.NewZipf(r, 1.05, 20, g.phrases-1)
	g.account = rand.NewZipf(r, 1.1, 100, g.accounts-1)
	return g
}

// ids returns how many ids may come from several accounts: those of phrases,
// then of what accounts repeat, then of templates. From there on are the ids
// of keys that occur once.
func (g *traffic) ids() uint64 {
	return g.phrases + g.accounts*ownPerAccount + g.templates*keysPerTemplate
}

// next returns the account of one prompt and fills in its keys' ids.
func (g *traffic) next(ids []uint64) uint32 {
	account := g.account.Uint64()
	own := g.phrases
	templates := own + g.accounts*ownPerAccount
	fixed := 0
	if g.r.Uint32N(100) == 0 {
		which := g.r.Uint64N(g.templates)
		account = (which*7919 + g.r.Uint64N(accountsPerTemplate)) % g.accounts
		for ; fixed < keysPerTemplate; fixed++ {
			ids[fixed] = templates + which*keysPerTemplate + uint64(fixed)
		}
	}
	for i := fixed; i < len(ids); i++ {
		switch p := g.r.Uint32N(100); {
		case p < 30:
			ids[i] = g.phrase.Uint64()
		case p < 40:
			ids[i] = own + account*ownPerAccount + g.r.Uint64N(ownPerAccount)
		default:
			ids[i] = g.ids() + g.once
			g.once++
		}
	}
	return uint32(account)
}

// keyOf spreads ids over all keys, one to one.
func keyOf(id uint64) uint64 {
	const mask = 1<<keyBits - 1
	for range 2 {
		id = id * 0x9e3779b97f4a7c15 & mask
		id ^= id >> (keyBits / 2)
	}
	return id
}

// An exact counter knows up to three accounts of every id below its length.
type exact [][3]uint32

// add returns how many distinct accounts of id, at most three, are known.
func (x exact) add(id uint64, account uint32) int {
	if id >= uint64(len(x)) {
		return 1 // occurs once
	}
	for i := range x[id] {
		switch x[id][i] {
		case account + 1:
			return x.count(id)
		case 0:
			x[id][i] = account + 1
			return i + 1
		}
	}
	return 3
}

func (x exact) count(id uint64) int {
	n := 0
	for _, a := range x[id] {
		if a != 0 {
			n++
		}
	}
	return n
}

// A rate compares what one table promoted with what it should have promoted.
type rate struct {
	table    *Table
	promoted []bool // rightly, of every id that may come from several accounts
	missed   int    // prevalent keys that were not
	wrong    int    // promotions of keys that were not prevalent
}

// measure plays prompts to tables of several sizes and to an exact counter.
func measure(t *testing.T, prompts, m int, sizes []int) (prevalent int, all []*rate) {
	g := newTraffic(prompts)
	truth := make(exact, g.ids())
	for _, size := range sizes {
		all = append(all, &rate{
			table:    newTable(t, Options{Bytes: size, Accounts: m}),
			promoted: make([]bool, g.ids()),
		})
	}
	ids, keys := make([]uint64, keysPerPrompt), make([]uint64, keysPerPrompt)
	out, accounts := make([]State, keysPerPrompt), make([]int, keysPerPrompt)
	for range prompts {
		account := g.next(ids)
		for i, id := range ids {
			keys[i] = keyOf(id)
			accounts[i] = truth.add(id, account)
		}
		for _, r := range all {
			r.table.Observe(account, keys, out)
			for i, id := range ids {
				switch {
				case out[i] != Promoted:
				case accounts[i] < m:
					r.wrong++
				default:
					r.promoted[id] = true
				}
			}
		}
	}
	for id := range truth {
		if truth.count(uint64(id)) < m {
			continue
		}
		prevalent++
		for _, r := range all {
			if !r.promoted[id] {
				r.missed++
			}
		}
	}
	return prevalent, all
}

// TestRates reports which share of the prevalent keys tables of several sizes
// miss and promote wrongly. The traffic is small, and the tables in
// proportion, unless run as
//
//	go test -run TestRates -v ./index/internal/sift -rates
func TestRates(t *testing.T) {
	prompts, unit, limit := 1<<15, 16<<20>>6, 2.0
	if *rates {
		prompts, unit, limit = 1<<21, 16<<20, 1.0
	}
	for m := 2; m <= 3; m++ {
		prevalent, all := measure(t, prompts, m, []int{unit, 4 * unit, 16 * unit})
		t.Logf("m = %d: %d prompts, %d keys observed, %d prevalent", m, prompts, prompts*keysPerPrompt, prevalent)
		t.Logf("%10s %9s %9s %6s %11s %11s %11s", "KiB", "missed %", "false %", "fill %", "evicted 1", "2", "prevalent")
		for i, r := range all {
			missed, wrong := 100*float64(r.missed)/float64(prevalent), 100*float64(r.wrong)/float64(prevalent)
			s := r.table.Stats()
			t.Logf("%10d %9.3f %9.4f %6.1f %11d %11d %11d", r.table.Bytes()>>10, missed, wrong,
				100*float64(s.Entries)/float64(r.table.Bytes()/8), s.EvictedOne, s.EvictedTwo, s.EvictedPrevalent)
			if m == defaultAccounts && i == len(all)-1 && missed > limit {
				t.Errorf("%.3f %% of prevalent keys missed, want at most %v", missed, limit)
			}
			if wrong > limit {
				t.Errorf("%.3f %% of prevalent keys promoted wrongly, want at most %v", wrong, limit)
			}
		}
	}
}

// BenchmarkObserve gives prompts of 25 random keys to a full table: all of
// them new, or every other one of a million that recur.
func BenchmarkObserve(b *testing.B) {
	for _, size := range []int{16 << 20, 64 << 20, 256 << 20} {
		for _, kind := range []string{"new", "half"} {
			b.Run(fmt.Sprintf("MiB=%d/%s", size>>20, kind), func(b *testing.B) {
				table := newTable(b, Options{Bytes: size})
				r := rand.New(rand.NewPCG(1, 2))
				keys, out := make([]uint64, keysPerPrompt), make([]State, keysPerPrompt)
				observe := func() {
					x := r.Uint64()
					account := uint32(x)
					for i := range keys {
						keys[i] = r.Uint64() >> (64 - keyBits)
						if kind == "half" && x>>(32+i)&1 != 0 {
							keys[i] = keyOf(keys[i] % 1e6)
						}
					}
					table.Observe(account, keys, out)
				}
				for table.Stats().Entries < table.Bytes()/8*9/10 {
					observe()
				}
				for b.Loop() {
					observe()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/keysPerPrompt, "ns/key")
			})
		}
	}
}
