package minhash

import (
	"encoding/binary"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// secrets are the keys of the package's hash functions, all drawn from a scheme's seed.
type secrets struct {
	token, shingle, row, band uint64
	begin, end                uint64 // hashes of the marks around a message
}

func newSecrets(seed uint64) secrets {
	draw := func(name string) uint64 {
		return xxhash.Sum64(append(binary.LittleEndian.AppendUint64(nil, seed), name...))
	}
	return secrets{
		token: draw("token"), shingle: draw("shingle"), row: draw("row"), band: draw("band"),
		begin: draw("begin"), end: draw("end"),
	}
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection in which every input
// bit reaches every output bit.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// stir is one step of wyrand (Wang Yi): cheaper than mix, not a bijection.
func stir(x uint64) uint64 {
	hi, lo := bits.Mul64(x, x^0xe7037ed1a0b428db)
	return hi ^ lo
}
