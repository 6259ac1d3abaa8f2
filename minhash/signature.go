package minhash

import "slices"

// Signature appends the signature of a set of keys to dst: Scheme.Rows bytes, or nothing for no keys. Order and repetition of
// the keys do not matter. Any numbers will do for keys, shingles' or not.
//
// This is Fast Similarity Sketching (Dahlgaard, Knudsen, Thorup, "Fast Similarity Sketching", FOCS 2017, algorithm 1). With t
// rows, in round i = 0, 1, …, t-1 every key falls into a random bin, in round t+b all fall into bin b; a bin keeps
// its least value of the first round that reaches it, and rounds end when no bin is empty. The time is O(t log t + keys).
func (k *Sketcher) Signature(dst []byte, keys []uint64) []byte {
	if len(keys) == 0 {
		return dst
	}
	k.mixed = k.mixed[:0]
	for _, key := range keys {
		k.mixed = append(k.mixed, mix(key))
	}
	bins := k.bins
	for i := range bins {
		bins[i] = emptyBin
	}
	rows := uint64(len(bins))
	secret := k.secrets.row
	for round, full := uint64(0), 0; full < len(bins); round++ {
		stage := round << 32
		for _, key := range k.mixed { // without branches: they could not be foretold
			x := stir(key + secret)
			bin := (x >> 32) * rows >> 32
			if round >= rows {
				bin = round - rows
			}
			bins[bin] = min(bins[bin], stage|x&(1<<32-1))
		}
		for full < len(bins) && bins[full] != emptyBin {
			full++
		}
		secret += 0xa0761d6478bd642f
	}
	dst = slices.Grow(dst, len(k.bins))
	for _, v := range k.bins {
		dst = append(dst, byte(v))
	}
	return dst
}

const emptyBin = 1<<64 - 1

// Resemblance estimates the Jaccard resemblance of two sets, 0 to 1, from their signatures of one scheme. Before it is cut off
// at 0 the estimate is unbiased: rows of different keys are equal by chance once in 256. Signatures of different lengths, and empty ones,
// resemble nothing.
func Resemblance(a, b []byte) float64 {
	if len(a) != len(b) || len(a) == 0 {
		return 0
	}
	equal := 0
	for i, v := range a {
		if v == b[i] {
			equal++
		}
	}
	const chance = 1.0 / 256
	return max(0, (float64(equal)/float64(len(a))-chance)/(1-chance))
}
