package index

import "math/bits"

// An idFilter says whether a prompt id may have been seen: blocked Bloom
// filters (Putze, Sanders, Singler 2007) of one cache line a key, in layers
// each four times the one before, so that it grows without being rebuilt. In
// each layer about one key in 700 that was never added seems known; the caller
// then looks it up.
type idFilter struct {
	layers [][][8]uint64
	left   int // keys that the last layer still takes
}

const (
	idsPerBlock = 32 // of 512 bits: 16 bits a key
	idProbes    = 7
)

func (f *idFilter) places(key uint64, blocks int) (block int, h uint64) {
	h = key * 0x9e3779b97f4a7c15
	hi, lo := bits.Mul64(h, uint64(blocks))
	return int(hi), (lo ^ h>>32) * 0xff51afd7ed558ccd
}

func (f *idFilter) add(key uint64) {
	if f.left == 0 {
		blocks := 1 << 12 << (2 * len(f.layers))
		f.layers = append(f.layers, make([][8]uint64, blocks))
		f.left = blocks * idsPerBlock
	}
	f.left--
	layer := f.layers[len(f.layers)-1]
	b, h := f.places(key, len(layer))
	for range idProbes {
		layer[b][h>>61] |= 1 << (h >> 55 & 63)
		h = bits.RotateLeft64(h, 9) * 0xd6e8feb86659fd93
	}
}

// touch loads what has and add will read. The loads do not wait for each other.
func (f *idFilter) touch(key uint64) (sum uint64) {
	for _, layer := range f.layers {
		b, _ := f.places(key, len(layer))
		sum ^= layer[b][0]
	}
	return sum
}

func (f *idFilter) has(key uint64) bool {
next:
	for i := len(f.layers) - 1; i >= 0; i-- {
		layer := f.layers[i]
		b, h := f.places(key, len(layer))
		for range idProbes {
			if layer[b][h>>61]>>(h>>55&63)&1 == 0 {
				continue next
			}
			h = bits.RotateLeft64(h, 9) * 0xd6e8feb86659fd93
		}
		return true
	}
	return false
}
