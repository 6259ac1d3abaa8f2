package minhash

import (
	"math/bits"
	"slices"
)

// thin returns the part of distinct, ascending keys that a sample keeps, and its scale.
func (k *Sketcher) thin(all []uint64) (sample []uint64, scale uint8) {
	n := k.scheme.MaxSample
	if len(all) <= n {
		return all, 0
	}
	// The threshold is the largest power of two that is not above the first key too many.
	scale = uint8(KeyBits + 1 - bits.Len64(all[n]))
	kept, _ := slices.BinarySearch(all, 1<<(KeyBits-scale))
	return all[:kept], scale
}

// sort returns the keys in ascending order, in k.sorted. Keys are uniform, so sorting by leading bits into as many buckets as there are
// keys leaves little to do; repeated keys, which are not uniform, may leave much, and then the library sorts.
func (k *Sketcher) sort(keys []uint64) []uint64 {
	n := len(keys)
	k.sorted = slices.Grow(k.sorted[:0], n)[:n]
	sorted := k.sorted
	width := min(bits.Len(uint(n)), KeyBits)
	shift := KeyBits - width
	k.buckets = slices.Grow(k.buckets[:0], 1<<width)[:1<<width]
	clear(k.buckets)
	for _, key := range keys {
		k.buckets[key>>shift]++
	}
	at := uint32(0)
	for i, n := range k.buckets {
		k.buckets[i] = at
		at += n
	}
	for _, key := range keys {
		b := &k.buckets[key>>shift]
		sorted[*b] = key
		*b++
	}
	moves := 0
	for i := 1; i < n; i++ {
		key, j := sorted[i], i
		for ; j > 0 && sorted[j-1] > key; j-- {
			sorted[j] = sorted[j-1]
		}
		sorted[j] = key
		if moves += i - j; moves > 4*n {
			slices.Sort(sorted)
			break
		}
	}
	return sorted
}
