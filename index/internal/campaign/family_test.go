package campaign

import (
	"math"
	"slices"
	"testing"
)

func TestJaccard(t *testing.T) {
	for seed := range uint64(300) {
		rng := newRand(seed)
		a, b := choose(rng, rng.IntN(30), 40), choose(rng, rng.IntN(30), 40)
		both, all := 0, slices.Clone(a)
		for _, x := range b {
			if slices.Contains(a, x) {
				both++
			} else {
				all = append(all, x)
			}
		}
		want := 0.0
		if len(all) > 0 {
			want = float64(both) / float64(len(all))
		}
		if got := Jaccard(a, b); math.Abs(got-want) > 1e-12 || Jaccard(b, a) != got {
			t.Fatalf("Jaccard(%v, %v) = %v, want %v", a, b, got, want)
		}
	}
}

// TestNeighbours: sketches find what coincides, nothing else, each pair once.
func TestNeighbours(t *testing.T) {
	rng := newRand(1)
	var lists [][]uint32
	for range 150 {
		base := choose(rng, 30+rng.IntN(100), 1_000_000)
		lists = append(lists, base)
		if rng.IntN(2) == 0 { // with another of resemblance of about .8
			other := slices.Concat(base[:len(base)*9/10], choose(rng, 5, 1_000_000))
			slices.Sort(other)
			lists = append(lists, slices.Compact(other))
		}
	}
	sketches := make([]Sketch, len(lists))
	for i := range lists {
		sketches[i] = SketchOf(lists[i])
	}
	got := make(map[[2]int]bool)
	for i, near := range Neighbours(sketches) {
		for _, j := range near {
			if j <= i || got[[2]int{i, j}] {
				t.Errorf("pair %d, %d is out of order or there twice", i, j)
			}
			got[[2]int{i, j}] = true
			if !sketches[i].Near(&sketches[j]) || !sketches[j].Near(&sketches[i]) {
				t.Errorf("%d and %d are not near", i, j)
			}
		}
	}
	right, missed, wrong := 0, 0, 0
	for i := range lists {
		for j := i + 1; j < len(lists); j++ {
			switch close, found := Jaccard(lists[i], lists[j]) >= .6, got[[2]int{i, j}]; {
			case close && found:
				right++
			case close:
				missed++
			case found:
				wrong++
			}
		}
	}
	if right < 50 || missed > 0 || wrong > 0 {
		t.Errorf("%d pairs found, %d missed, %d wrong", right, missed, wrong)
	}
}

// TestUnion compares with adding up account by account.
func TestUnion(t *testing.T) {
	for seed := range uint64(100) {
		rng := newRand(seed)
		traffic := make([]uint32, 60)
		for i := range traffic {
			traffic[i] = uint32(1 + rng.IntN(40))
		}
		var parts []*Evidence
		want, prompts := make(map[uint32]uint32), 0
		for range 1 + rng.IntN(4) {
			e := &Evidence{Texts: rng.IntN(9), Openers: rng.IntN(9)}
			for _, a := range choose(rng, 1+rng.IntN(50), len(traffic)) {
				n := uint32(1 + rng.IntN(int(traffic[a])))
				e.Uses = append(e.Uses, Use{a, n, traffic[a], 20000})
				e.Prompts += int(n)
				want[a] = min(traffic[a], want[a]+n)
			}
			prompts += e.Prompts
			parts = append(parts, e)
		}
		u := Union(parts)
		if len(u.Uses) != len(want) || u.Prompts != prompts {
			t.Fatalf("seed %d: %d accounts and %d prompts, want %d and %d", seed, len(u.Uses), u.Prompts, len(want), prompts)
		}
		for _, use := range u.Uses {
			if use.Prompts != want[use.Account] || use.Traffic != traffic[use.Account] {
				t.Errorf("seed %d: %+v, want %d prompts", seed, use, want[use.Account])
			}
		}
	}
	if u := Union(nil); len(u.Uses) != 0 || u.Prompts != 0 {
		t.Errorf("of nothing: %+v", u)
	}
}

// TestSketches: the tables find exactly the near ones, also after changes.
func TestSketches(t *testing.T) {
	rng := newRand(3)
	var s Sketches
	all := make(map[uint32]Sketch)
	for i := range 400 {
		id := uint32(rng.IntN(60))
		switch {
		case i%5 == 4:
			s.Drop(id)
			delete(all, id)
		default:
			sketch := SketchOf(choose(rng, 20, 60))
			s.Put(id, sketch)
			all[id] = sketch
		}
		var want []uint32
		for other, o := range all {
			if mine, ok := all[id]; ok && other != id && mine.Near(&o) {
				want = append(want, other)
			}
		}
		slices.Sort(want)
		if got := s.Near(id); !slices.Equal(got, want) {
			t.Fatalf("step %d: near %d are %v, want %v", i, id, got, want)
		}
	}
}

// TestCrowdedSketches: rows in which too many agree tell nothing, but do not
// hide who agrees in others.
func TestCrowdedSketches(t *testing.T) {
	rng := newRand(4)
	var s Sketches
	var all []Sketch
	for id := range 3 * maxMeeting {
		sketch := SketchOf(choose(rng, 20, 4000))
		for row := range 4 {
			if rng.IntN(2) == 0 {
				sketch[row] = 0
			}
		}
		if id%2 == 1 {
			copy(sketch[6:], all[id-1][6:6+rng.IntN(4)])
		}
		all = append(all, sketch)
		s.Put(uint32(id), sketch)
	}
	found := 0
	for id, sketch := range all {
		near := s.Near(uint32(id))
		var want []uint32
		for other, o := range all {
			meet := false // in a row that tells
			for row := range sketch {
				meet = meet || sketch[row] == o[row] && len(s.rows[row][o[row]]) <= maxMeeting
			}
			if other != id && meet && o.Near(&sketch) {
				want = append(want, uint32(other))
			}
		}
		if found += len(near); !slices.Equal(near, want) {
			t.Fatalf("near %d are %v, want %v", id, near, want)
		}
	}
	if found < maxMeeting {
		t.Errorf("%d pairs are too few for a test", found)
	}
}
