package campaign

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// mixed makes templates whose accounts partly overlap: bundles of one
// campaign, templates that several share, and some on their own.
func mixed(rng *rand.Rand) []Template {
	var out []Template
	pools := make([][]uint32, 2+rng.IntN(6))
	for i := range pools {
		pools[i] = choose(rng, 10+rng.IntN(80), 1500)
	}
	for id := range uint32(5 + rng.IntN(40)) {
		var accounts []uint32
		for range 1 + rng.IntN(2)*rng.IntN(2) {
			for _, a := range pools[rng.IntN(len(pools))] {
				if rng.Float64() < .8 {
					accounts = append(accounts, a)
				}
			}
		}
		if rng.IntN(4) == 0 {
			accounts = append(accounts, choose(rng, rng.IntN(40), 1500)...)
		}
		slices.Sort(accounts)
		out = append(out, Template{
			ID: id + 1, Accounts: slices.Compact(accounts), Score: float64(rng.IntN(101)), Raised: int64(rng.IntN(3)) * int64(rng.IntN(1000)),
			Benign: rng.IntN(8) == 0, Confirms: rng.IntN(12) == 0,
		})
	}
	return out
}

func TestGather(t *testing.T) {
	for seed := range uint64(500) {
		rng := newRand(seed)
		templates := mixed(rng)
		before := make([]Template, len(templates))
		for i := range templates {
			before[i] = templates[i]
			before[i].Accounts = slices.Clone(templates[i].Accounts)
		}
		l := Limits{Least: float64(rng.IntN(90)), Members: 1 + rng.IntN(30)}
		got := Gather(templates, l)
		if !reflect.DeepEqual(templates, before) {
			t.Fatalf("seed %d: Gather changed its input", seed)
		}
		byID := make(map[uint32]*Template)
		for i := range templates {
			byID[templates[i].ID] = &templates[i]
		}
		home, used := make(map[uint32]int), make(map[uint32]bool)
		for i, c := range got {
			if len(c.Accounts) < l.Members {
				t.Errorf("seed %d: campaign %d has %d accounts, fewer than %d", seed, i, len(c.Accounts), l.Members)
			}
			if !slices.IsSorted(c.Accounts) {
				t.Errorf("seed %d: accounts of campaign %d are not ascending", seed, i)
			}
			score, raised, confirmed := 0.0, int64(0), false
			members := make(map[uint32]bool)
			for _, id := range c.Templates {
				m := byID[id]
				if used[id] {
					t.Errorf("seed %d: template %d is in two campaigns", seed, id)
				}
				used[id] = true
				if m.Benign || m.Score < l.Least && !m.Confirms || len(m.Accounts) < l.Members {
					t.Errorf("seed %d: template %+v is in a campaign under limits %+v", seed, m, l)
				}
				score, confirmed = max(score, m.Score), confirmed || m.Confirms
				if m.Raised != 0 && (raised == 0 || m.Raised < raised) {
					raised = m.Raised
				}
				for _, a := range m.Accounts {
					members[a] = true
				}
			}
			if c.Score != score || c.Raised != raised || c.Confirmed != confirmed {
				t.Errorf("seed %d: campaign %d is %v, %v, %v; its templates say %v, %v, %v", seed, i, c.Score, c.Raised, c.Confirmed, score, raised, confirmed)
			}
			for _, a := range c.Accounts {
				if other, ok := home[a]; ok {
					t.Errorf("seed %d: account %d is in campaigns %d and %d", seed, a, other, i)
				}
				home[a] = i
				if !members[a] {
					t.Errorf("seed %d: account %d is in campaign %d but in none of its templates", seed, a, i)
				}
			}
		}
		// A suspicious template is left out only when others have its accounts.
		for i := range templates {
			m := &templates[i]
			if used[m.ID] || m.Benign || m.Score < l.Least && !m.Confirms || len(m.Accounts) < l.Members {
				continue
			}
			in := 0
			for _, a := range m.Accounts {
				if _, ok := home[a]; ok {
					in++
				}
			}
			if float64(in) < taken*float64(len(m.Accounts)) && len(m.Accounts)-in >= l.Members {
				t.Errorf("seed %d: template %d is in no campaign, though %d of its %d accounts are free", seed, m.ID, len(m.Accounts)-in, len(m.Accounts))
			}
		}
		for range 3 {
			rng.Shuffle(len(templates), func(i, j int) { templates[i], templates[j] = templates[j], templates[i] })
			if again := Gather(templates, l); !reflect.DeepEqual(again, got) {
				t.Fatalf("seed %d: another order of templates gives other campaigns", seed)
			}
		}
		// A benign verdict on templates that are in no campaign changes nothing.
		for i := range templates {
			if !used[templates[i].ID] {
				templates[i].Benign = true
			}
		}
		if again := Gather(templates, l); !reflect.DeepEqual(again, got) {
			t.Fatalf("seed %d: verdicts on templates of no campaign change campaigns", seed)
		}
	}
}

func TestGatherByHand(t *testing.T) {
	span := func(from, to uint32) (out []uint32) {
		for a := from; a < to; a++ {
			out = append(out, a)
		}
		return out
	}
	for _, test := range []struct {
		name      string
		templates []Template
		want      [][]uint32 // templates of campaigns
	}{
		{"nothing", nil, nil},
		{"one template", []Template{{ID: 1, Accounts: span(0, 20), Score: 80}}, [][]uint32{{1}}},
		{"too few", []Template{{ID: 1, Accounts: span(0, 19), Score: 80}}, nil},
		{"too low", []Template{{ID: 1, Accounts: span(0, 20), Score: 59}}, nil},
		{"low but confirmed", []Template{{ID: 1, Accounts: span(0, 20), Score: 1, Confirms: true}}, [][]uint32{{1}}},
		{"benign", []Template{{ID: 1, Accounts: span(0, 20), Score: 99, Benign: true}}, nil},
		{"absorbed", []Template{{ID: 1, Accounts: span(0, 100), Score: 90}, {ID: 2, Accounts: append(span(0, 60), span(200, 240)...), Score: 80}}, [][]uint32{{1, 2}}},
		{"coincide", []Template{{ID: 1, Accounts: span(0, 40), Score: 90}, {ID: 2, Accounts: span(20, 64), Score: 80}}, [][]uint32{{1, 2}}},
		{"apart", []Template{{ID: 1, Accounts: span(0, 100), Score: 90}, {ID: 2, Accounts: span(80, 180), Score: 80}}, [][]uint32{{1}, {2}}},
		{"mostly taken by two", []Template{
			{ID: 1, Accounts: span(0, 200), Score: 90}, {ID: 2, Accounts: span(200, 400), Score: 90},
			{ID: 3, Accounts: append(append(span(0, 40), span(200, 240)...), span(500, 540)...), Score: 80},
		}, [][]uint32{{1}, {2}}},
		{"the best first", []Template{{ID: 1, Accounts: span(0, 30), Score: 70}, {ID: 2, Accounts: span(0, 30), Score: 90}}, [][]uint32{{2, 1}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got [][]uint32
			for _, c := range Gather(test.templates, Limits{Least: 60, Members: 20}) {
				got = append(got, c.Templates)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("campaigns %v, want %v", got, test.want)
			}
		})
	}
}

func TestCoincide(t *testing.T) {
	for _, test := range []struct {
		shared, a, b int
		want         bool
	}{
		{12, 20, 400, true}, {11, 20, 400, false}, {30, 65, 65, true}, {29, 65, 65, false}, {0, 20, 20, false},
	} {
		if got := Coincide(test.shared, test.a, test.b); got != test.want || Coincide(test.shared, test.b, test.a) != got {
			t.Errorf("Coincide(%d, %d, %d) = %v", test.shared, test.a, test.b, got)
		}
	}
}

// What most accounts of several campaigns send makes them one, unless it
// reaches far beyond them or holds little of each.
func TestGatherParts(t *testing.T) {
	upTo := func(from, to uint32) (accounts []uint32) {
		for a := from; a <= to; a++ {
			accounts = append(accounts, a)
		}
		return accounts
	}
	for name, c := range map[string]struct {
		whole []uint32
		want  []int // accounts of each campaign
	}{
		"whole":       {upTo(1, 99), []int{99}},
		"few of each": {append(upTo(1, 12), append(upTo(29, 40), upTo(57, 68)...)...), []int{28, 28, 28}},
		"far beyond":  {upTo(1, 300), []int{216, 28, 28, 28}},
	} {
		found := Gather([]Template{
			{ID: 1, Accounts: upTo(1, 28), Score: 95, Raised: 9}, {ID: 2, Accounts: upTo(29, 56), Score: 94, Raised: 5},
			{ID: 3, Accounts: upTo(57, 84), Score: 93}, {ID: 4, Accounts: c.whole, Score: 90, Raised: 7},
		}, Limits{Least: 75, Members: 20})
		var got []int
		for _, f := range found {
			got = append(got, len(f.Accounts))
		}
		slices.SortFunc(got, func(a, b int) int { return b - a })
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: campaigns of %v accounts, want %v", name, got, c.want)
		}
		if name == "whole" && (found[0].Raised != 5 || found[0].Score != 95 || !slices.Equal(found[0].Templates, []uint32{1, 4, 2, 3})) {
			t.Errorf("the campaign of all parts is %+v", found[0])
		}
	}
}
