package store

// A Kind is one family of posting keys.
type Kind uint8

const (
	KindShingle Kind = iota // a sampled shingle's hash, 40 bits
	KindBand                // a signature's band, 32 bits
	KindID                  // the hash of a prompt's id, 40 bits
	Kinds       = 3
)

// Shards is how many shards the keys of one kind are divided into, by their top 4 bits.
const Shards = 16

// MaxSegment is the largest number of prompts in one segment.
const MaxSegment = 1 << offsetBits

const offsetBits = 24

// Bits is the width of the kind's keys.
func (k Kind) Bits() int {
	if k == KindBand {
		return 32
	}
	return 40
}

// Pack makes a posting for SegmentData.Postings: key has at most Kind.Bits
// bits, offset is the prompt's number less the segment's First.
func Pack(key uint64, offset int) uint64 { return key<<offsetBits | uint64(offset) }

// Unpack is the inverse of Pack.
func Unpack(posting uint64) (key uint64, offset int) {
	return posting >> offsetBits, int(posting & (MaxSegment - 1))
}
