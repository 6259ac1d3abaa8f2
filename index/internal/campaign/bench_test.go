package campaign

import (
	"math"
	"slices"
	"testing"
)

// BenchmarkScale scores every template of a large service, compares the
// suspicious ones, gathers them and tells how improbable each campaign is: one million
// accounts, 100,000 templates.
//
//	go test -run '^$' -bench Scale -benchtime 1x ./index/internal/campaign
func BenchmarkScale(b *testing.B) { benchmarkScale(b, 1_000_000, 100_000) }

// BenchmarkScaleTenth is a tenth of it: the ratio of the two tells whether
// the cost grows with the memberships.
func BenchmarkScaleTenth(b *testing.B) { benchmarkScale(b, 100_000, 10_000) }

func benchmarkScale(b *testing.B, accounts, templates int) {
	rng := newRand(1)
	p := &Population{}
	traffic, first := make([]uint32, accounts), make([]int32, accounts)
	for a := range traffic {
		traffic[a] = 1 + uint32(min(1e6, 5*math.Exp(1.5*rng.NormFloat64())))
		first[a] = 20000 + int32(rng.IntN(200))
		p.Put(traffic[a], first[a])
	}
	lists := make([][]uint32, templates)
	memberships := 0
	for t := range lists {
		if t%50 == 0 { // a campaign's: its accounts stand side by side
			n := min(20+rng.IntN(400), accounts/10)
			from := rng.IntN(accounts - n)
			for a := range n {
				lists[t] = append(lists[t], uint32(from+a))
			}
		} else {
			n := min(accounts/20, 3+int(4e4/math.Pow(float64(1+rng.IntN(templates)), .9)))
			for range n {
				lists[t] = append(lists[t], uint32(float64(accounts)*math.Pow(rng.Float64(), 1.5)))
			}
			slices.Sort(lists[t])
			lists[t] = slices.Compact(lists[t])
		}
		memberships += len(lists[t])
	}
	b.ReportMetric(float64(memberships), "memberships")
	for b.Loop() {
		scored := make([]Template, templates)
		var e Evidence
		for t, list := range lists {
			e.Uses = e.Uses[:0]
			for _, a := range list {
				e.Uses = append(e.Uses, Use{a, min(traffic[a], 1+uint32(t%7)), traffic[a], first[a]})
			}
			e.Texts, e.Distinct = len(list), float64(len(list)*(t%10))/10
			score, _ := Score(&e, p)
			scored[t] = Template{ID: uint32(t), Accounts: list, Score: score}
		}
		var sketches []Sketch
		for t, list := range lists {
			if scored[t].Score >= 45 {
				sketches = append(sketches, SketchOf(list))
			}
		}
		near := 0
		for _, n := range Neighbours(sketches) {
			near += len(n)
		}
		b.ReportMetric(float64(near), "neighbours")
		found := Gather(scored, Limits{Least: 60, Members: 8})
		g := NewGraph(lists)
		improbable := 0
		for _, c := range found {
			set := make([]int, len(c.Templates))
			for i, t := range c.Templates {
				set[i] = int(t)
			}
			if g.Log10Set(set) < -3 {
				improbable++
			}
		}
		b.ReportMetric(float64(len(found)), "campaigns")
		b.ReportMetric(float64(improbable), "improbable")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(memberships), "ns/membership")
}
