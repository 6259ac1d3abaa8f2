package minhash

// Bands appends the band keys of a signature, Scheme.Bands numbers below 1<<32. Each mixes its band's number with the band's rows, so
// that equal keys mean, but for one chance in 2^32, the same rows of the same band. Two sets of resemblance J share a given
// one with probability J^(Rows/Bands). A signature that is not one of the scheme's has no bands.
func (k *Sketcher) Bands(dst []uint64, signature []byte) []uint64 {
	if len(signature) != k.scheme.Rows {
		return dst
	}
	n := k.scheme.Rows / k.scheme.Bands
	for band := range k.scheme.Bands {
		h := mix(k.secrets.band + uint64(band))
		for _, row := range signature[band*n : (band+1)*n] {
			h = (h ^ uint64(row)) * 0x9fb21c651e98df25
			h ^= h >> 29
		}
		dst = append(dst, mix(h)>>32)
	}
	return dst
}
