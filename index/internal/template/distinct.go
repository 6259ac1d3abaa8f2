package template

import (
	"encoding/binary"
	"slices"
)

// A distinct estimates how many different values it has seen by keeping the
// least of their hashes: k minimum values (Bar-Yossef et al., "Counting
// distinct elements in a data stream", 2002). Up to leastHashes it is exact,
// beyond that its standard error is about an eighth.
type distinct struct {
	seen  uint32   // values, repeated ones too
	least []uint32 // hashes, ascending
}

const leastHashes = 64

func (d *distinct) add(hash uint32) {
	d.seen++
	if len(d.least) == leastHashes && hash >= d.least[leastHashes-1] {
		return
	}
	i, ok := slices.BinarySearch(d.least, hash)
	if ok {
		return
	}
	if len(d.least) == leastHashes {
		d.least = d.least[:leastHashes-1]
	}
	d.least = slices.Insert(d.least, i, hash)
}

// estimate returns about how many of the seen values differ.
func (d *distinct) estimate() float64 {
	if len(d.least) < leastHashes {
		return float64(len(d.least))
	}
	return min(float64(d.seen), (leastHashes-1)*float64(1<<32)/float64(d.least[leastHashes-1]))
}

// overlap compares two sets of values by their least hashes: of the values
// that both sides know, as far as they go, it says how many each has and how
// many both.
func overlap(d, o []uint32) (inD, inO, both int) {
	d, o = known(d, o), known(o, d)
	for i, j := 0, 0; i < len(d) && j < len(o); {
		switch {
		case d[i] < o[j]:
			i++
		case d[i] > o[j]:
			j++
		default:
			both, i, j = both+1, i+1, j+1
		}
	}
	return len(d), len(o), both
}

// known is d without what o could not have kept.
func known(d, o []uint32) []uint32 {
	if len(o) < leastHashes {
		return d
	}
	n, ok := slices.BinarySearch(d, o[leastHashes-1])
	if ok {
		n++
	}
	return d[:n]
}

// share is n of all, and 0 of none.
func share(n, all int) float64 {
	if all == 0 {
		return 0
	}
	return float64(n) / float64(all)
}

func (d *distinct) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(d.seen))
	b = binary.AppendUvarint(b, uint64(len(d.least)))
	for _, h := range d.least {
		b = binary.LittleEndian.AppendUint32(b, h)
	}
	return b
}

func (d *distinct) decode(f *fields) {
	d.seen = uint32(f.below(1 << 32))
	n := f.count(4)
	if n > leastHashes {
		f.bad = true
		return
	}
	for range n {
		d.least = append(d.least, binary.LittleEndian.Uint32(f.bytes(4)))
	}
	for i := 1; i < len(d.least); i++ {
		f.bad = f.bad || d.least[i] <= d.least[i-1]
	}
}

// A busiest estimates how often the most frequent of many values occurs
// (Misra and Gries, "Finding repeated elements", 1982).
type busiest struct {
	seen   uint32
	lost   uint32 // taken off every count
	values [4]uint32
	counts [4]uint32
}

func (m *busiest) add(v uint32) {
	m.seen++
	free := -1
	for i := range m.values {
		if m.counts[i] > 0 && m.values[i] == v {
			m.counts[i]++
			return
		}
		if m.counts[i] == 0 {
			free = i
		}
	}
	if free >= 0 {
		m.values[free], m.counts[free] = v, 1
		return
	}
	m.lost++
	for i := range m.counts {
		m.counts[i]--
	}
}

// top is at least, and mostly about, the count of the most frequent value
// less what was lost.
func (m *busiest) top() uint32 { return slices.Max(m.counts[:]) }

func (m *busiest) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(m.seen))
	b = binary.AppendUvarint(b, uint64(m.lost))
	for i := range m.values {
		b = binary.AppendUvarint(b, uint64(m.counts[i]))
		if m.counts[i] > 0 {
			b = binary.LittleEndian.AppendUint32(b, m.values[i])
		}
	}
	return b
}

func (m *busiest) decode(f *fields) {
	m.seen, m.lost = uint32(f.below(1<<32)), uint32(f.below(1<<32))
	for i := range m.values {
		if m.counts[i] = uint32(f.below(1 << 32)); m.counts[i] > 0 {
			m.values[i] = binary.LittleEndian.Uint32(f.bytes(4))
		}
	}
}
