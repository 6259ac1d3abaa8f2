package index

import (
	"math"
	"math/rand/v2"

	"github.com/seed-368d3dfa/chorus/index/internal/campaign"
)

// sharing answers how improbable shared accounts are.
type sharing struct {
	graph *campaign.Graph
	place map[uint32]int // template → its number in graph
}

func newSharing(all []*assessed) *sharing {
	s := &sharing{place: make(map[uint32]int)}
	lists := make([][]uint32, len(all))
	for i := range all {
		lists[i] = all[i].accounts
		s.place[all[i].id] = i
	}
	s.graph = campaign.NewGraph(lists)
	return s
}

// log10p is log10 of the probability that chance gives the templates so many
// shared accounts, not below -999.
func (s *sharing) log10p(templates []uint32) float64 {
	set := make([]int, len(templates))
	for i, t := range templates {
		set[i] = s.place[t]
	}
	return max(-999, math.Round(100*s.graph.Log10Set(set))/100)
}

// rewired is the share of graphs with memberships dealt out anew, to accounts
// and templates of as many as before, in which the templates share as many
// accounts. It is not below the inverse of the number of graphs, which a bound
// on their cost gives.
func (s *sharing) rewired(templates []uint32) float64 {
	const most, least, work = 199, 19, 20_000
	set, memberships := make([]int, len(templates)), 0
	for i, t := range templates {
		set[i] = s.place[t]
		memberships += s.graph.Size(set[i])
	}
	rounds := min(most, max(least, work/max(1, memberships)))
	return s.graph.Rewired(set, rounds, rand.New(rand.NewPCG(1, 1)))
}
