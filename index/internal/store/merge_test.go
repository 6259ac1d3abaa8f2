package store

import (
	"slices"
	"testing"
)

// TestTurns: after each seal some shards merge, and never many at once; what a
// look-up must read stays as little as if all merged at once.
func TestTurns(t *testing.T) {
	var lists [Kinds * Shards][]*run
	var merged [512]int // postings, by seal, a run having one a seal
	total := 0
	for seal := range len(merged) {
		for i, list := range lists {
			at := uint64(seal + 1)
			list = append(list, &run{kind: Kind(i % Kinds), shard: i / Kinds, first: at, end: at + 1})
			for runs := lowest(list, fanIn); runs != nil; runs = lowest(list, fanIn) {
				one := &run{kind: runs[0].kind, shard: runs[0].shard, first: runs[0].first, end: runs[len(runs)-1].end, level: runs[0].level + 1}
				merged[seal] += int(one.end - one.first)
				from := slices.Index(list, runs[0])
				list = slices.Replace(list, from, from+len(runs), one)
			}
			lists[i] = list
			if most := (fanIn - 1) * (list[0].level + 1); len(list) > most {
				t.Fatalf("seal %d: %d runs of shard %d, of level %d at most", seal, len(list), i, list[0].level)
			}
		}
		total += merged[seal]
	}
	all := len(lists) * len(merged)
	if total < 2*all || total > 3*all { // two levels, the third at the end in some
		t.Errorf("%d postings merged of %d", total, all)
	}
	for seal := range len(merged) - 64 {
		if seal < 16 {
			continue
		}
		sum := 0
		for _, n := range merged[seal : seal+8] {
			sum += n
		}
		if share := float64(sum) * float64(len(merged)) / 8 / float64(total); share < .3 || share > 2.5 {
			t.Errorf("seals %d to %d merge %.2f times what is due", seal, seal+8, share)
		}
		most := len(lists) * fanIn / 2 // half of what there would be to do at once
		if seal > fanIn*fanIn {
			most *= fanIn
		}
		if merged[seal] > most {
			t.Errorf("seal %d merges %d postings, more than %d", seal, merged[seal], most)
		}
	}
}
