package campaign

import (
	"math/bits"
	"slices"
)

// A Sketch stands for a set of accounts: the least of their hashes under each
// of a few hash functions (Broder, 1997). Sets of resemblance J agree in a row
// with probability J.
type Sketch [sketchRows]uint32

const (
	sketchRows = 16
	nearRows   = 3 // in which sketches of sets that may coincide agree
)

// SketchOf sketches a set of accounts.
func SketchOf(accounts []uint32) (s Sketch) {
	for i := range s {
		s[i] = 1<<32 - 1
	}
	for _, a := range accounts {
		h := uint64(a)*0x9e3779b97f4a7c15 ^ 0x2545f4914f6cdd1d
		for i := range s {
			hi, lo := bits.Mul64(h^uint64(i+1)*0xd6e8feb86659fd93, 0xff51afd7ed558ccd)
			s[i] = min(s[i], uint32((hi^lo)>>16))
		}
	}
	return s
}

// Near reports whether two sets may coincide: they agree in a few rows.
func (s *Sketch) Near(o *Sketch) bool {
	n := 0
	for i := range s {
		if s[i] == o[i] {
			n++
		}
	}
	return n >= nearRows
}

// Sketches finds which of many sketches are near one, at a cost that does not
// grow with their number: those that agree in a row meet in a table.
type Sketches struct {
	of   map[uint32]Sketch
	rows [sketchRows]map[uint32][]uint32 // value → ids
}

// Put keeps the sketch of an id, in place of an earlier one.
func (s *Sketches) Put(id uint32, sketch Sketch) {
	if s.of == nil {
		s.of = make(map[uint32]Sketch)
		for i := range s.rows {
			s.rows[i] = make(map[uint32][]uint32)
		}
	}
	old, known := s.of[id]
	s.of[id] = sketch
	for i, v := range sketch {
		if known {
			if old[i] == v {
				continue
			}
			s.leave(i, old[i], id)
		}
		s.rows[i][v] = append(s.rows[i][v], id)
	}
}

// leave takes an id out of those that have v in a row.
func (s *Sketches) leave(row int, v, id uint32) {
	ids := slices.DeleteFunc(s.rows[row][v], func(x uint32) bool { return x == id })
	if len(ids) == 0 {
		delete(s.rows[row], v)
	} else {
		s.rows[row][v] = ids
	}
}

// Drop forgets an id.
func (s *Sketches) Drop(id uint32) {
	sketch, ok := s.of[id]
	if !ok {
		return
	}
	delete(s.of, id)
	for i, v := range sketch {
		s.leave(i, v, id)
	}
}

// Near returns the ids of the other sketches that are near an id's, ascending.
func (s *Sketches) Near(id uint32) (near []uint32) {
	sketch, ok := s.of[id]
	if !ok {
		return nil
	}
	var met []uint32
	crowded := 0 // rows that do not tell
	for i, v := range sketch {
		if ids := s.rows[i][v]; len(ids) <= maxMeeting {
			met = append(met, ids...)
		} else {
			crowded++
		}
	}
	slices.Sort(met)
	for len(met) > 0 {
		other, rows := met[0], 1 // in which the two agree
		for rows < len(met) && met[rows] == other {
			rows++
		}
		met = met[rows:]
		if other == id || rows+crowded < nearRows {
			continue
		}
		if rows < nearRows {
			if o := s.of[other]; !o.Near(&sketch) {
				continue
			}
		}
		near = append(near, other)
	}
	return near
}

// Neighbours returns, for each sketch, which others are near, each pair once
// at its first. Sketches meet in tables of equal rows, so that the cost does
// not grow with the square of their number.
func Neighbours(sketches []Sketch) [][]int {
	type row struct {
		i int
		v uint32
	}
	tables := make(map[row][]int)
	for n := range sketches {
		for i, v := range sketches[n] {
			if t := tables[row{i, v}]; len(t) < maxMeeting {
				tables[row{i, v}] = append(t, n)
			}
		}
	}
	out := make([][]int, len(sketches))
	met := make(map[int]bool)
	for n := range sketches {
		clear(met)
		for i, v := range sketches[n] {
			for _, m := range tables[row{i, v}] {
				if m > n && !met[m] {
					met[m] = true
					if sketches[n].Near(&sketches[m]) {
						out[n] = append(out[n], m)
					}
				}
			}
		}
	}
	return out
}

// maxMeeting bounds how many sketches meet in one place of a table.
const maxMeeting = 64

// Shared is the number of accounts in both of two ascending lists.
func Shared(a, b []uint32) (both int) {
	i := 0
	for _, x := range a {
		for i < len(b) && b[i] < x {
			i++
		}
		if i < len(b) && b[i] == x {
			both++
		}
	}
	return both
}

// Jaccard is the resemblance of two ascending lists of accounts.
func Jaccard(a, b []uint32) float64 {
	both := Shared(a, b)
	if len(a)+len(b) == both {
		return 0
	}
	return float64(both) / float64(len(a)+len(b)-both)
}

// Union is the evidence of templates that different prompts of the same
// accounts belong to, variants of one family. Templates that come in the same
// prompts must not be added up.
func Union(parts []*Evidence) *Evidence {
	u := &Evidence{}
	at := make(map[uint32]int)
	for _, e := range parts {
		for _, use := range e.Uses {
			i, ok := at[use.Account]
			if !ok {
				at[use.Account] = len(u.Uses)
				u.Uses = append(u.Uses, use)
				continue
			}
			u.Uses[i].Prompts = min(u.Uses[i].Prompts+use.Prompts, max(use.Traffic, use.Prompts))
		}
		u.Prompts += e.Prompts
		u.Texts += e.Texts
		u.Distinct += e.Distinct
		u.Openers += e.Openers
		u.Networks += e.Networks
		u.Busiest += e.Busiest
		u.Payments += e.Payments
		u.Shared += e.Shared
	}
	return u
}
