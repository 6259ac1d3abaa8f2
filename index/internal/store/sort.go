package store

import (
	"math/bits"
	"slices"
)

// sortPostings sorts packed postings in place and drops duplicates. tmp is
// working space, as long as a.
//
// It is a radix sort: by the top 8 bits first, which leaves parts that fit a
// core's cache, then each part by digits of up to 11 bits from the lowest up.
func sortPostings(a, tmp []uint64) []uint64 {
	if len(a) == 0 {
		return a
	}
	// Postings mostly come in order of their offsets: then those bits need no sorting.
	from, varying := offsetBits, uint64(0)
	for i := 1; i < len(a); i++ {
		if a[i]&(MaxSegment-1) < a[i-1]&(MaxSegment-1) {
			from = 0
		}
		varying |= a[i] ^ a[0]
	}
	if top := bits.Len64(varying); top > from {
		shift := max(top-8, from)
		var ends [256]int
		digit := func(v uint64) uint64 { return v >> shift & 255 }
		for _, v := range a {
			ends[digit(v)]++
		}
		at := 0
		for i, n := range ends {
			ends[i] = at
			at += n
		}
		for _, v := range a {
			d := digit(v)
			tmp[ends[d]] = v
			ends[d]++
		}
		start := 0
		for _, end := range ends {
			sortPart(a[start:end], tmp[start:end], from, shift)
			start = end
		}
	}
	return slices.Compact(a)
}

// sortPart sorts what is in src by the bits [from, to) into dst, of the same length; the bits
// above are all the same, and those below are in order.
func sortPart(dst, src []uint64, from, to int) {
	const small, widest = 128, 11
	if len(src) <= small {
		copy(dst, src)
		slices.Sort(dst)
		return
	}
	passes := (to - from + widest - 1) / widest
	into := dst
	for p := range passes {
		shift := from + (to-from)*p/passes
		mask := uint64(1)<<(from+(to-from)*(p+1)/passes-shift) - 1
		var at [1 << widest]uint32
		for _, v := range src {
			at[v>>shift&mask]++
		}
		sum := uint32(0)
		for i, n := range at[:mask+1] {
			at[i] = sum
			sum += n
		}
		for _, v := range src {
			d := v >> shift & mask
			into[at[d]] = v
			at[d]++
		}
		into, src = src, into
	}
	if passes%2 == 0 {
		copy(dst, src)
	}
}
