package sift

// Ranks order entries by what evidence their eviction would lose.
const (
	rankOne = iota
	rankTwo
	rankPrevalent
)

const rankShift = 62

// worth puts the rank of an entry in bits 62 and 63 and its youth, which is
// the complement of its age, right below; the low bits are 0. There are no
// branches in it, since a processor could not predict them.
func (c *clock) worth(e uint64) uint64 {
	age := (c.stamp - e&stampField) & stampField
	two := (e&secondField + secondField) & (1 << stampShift) // the carry: 0 if second is
	return e&prevalentBit | two<<(rankShift-stampShift) | (age^stampField)>>1
}

// insert puts a new entry in the first unused place of b or, when there is
// none, in that of the entry worth least, the first such entry of the bucket.
func (t *Table) insert(b *bucket, e uint64) {
	if b[perBucket-1] == 0 {
		i := 0
		for b[i] != 0 {
			i++
		}
		b[i] = e
		t.used++
		return
	}
	least := ^uint64(0)
	for i, old := range b {
		least = min(least, t.clock.worth(old)|uint64(i))
	}
	rank := least >> rankShift
	t.evictedFrom[rank]++
	if rank == rankPrevalent {
		t.prevalent--
	}
	b[least%perBucket] = e
}

// A clock counts calls of Observe in ticks coarse enough for a stamp's few
// bits and fine enough that a bucket rarely takes two new entries in one: a
// tick is buckets/1024 calls.
type clock struct {
	calls     uint64
	tickShift uint
	stamp     uint64 // of the present tick, in its place in an entry
}

func newClock(bucketBits uint) clock {
	return clock{tickShift: max(bucketBits, 10) - 10}
}

// advance counts one call and reports whether it began a tick.
func (c *clock) advance() bool {
	c.calls++
	if c.calls&(1<<c.tickShift-1) != 0 {
		return false
	}
	c.stamp = c.tick() << stampShift & stampField
	return true
}

func (c *clock) tick() uint64 { return c.calls >> c.tickShift }

// age returns how many ticks ago entry e was last observed. Sweeping keeps
// ages below 2^stampBits, so that the difference of two stamps is one.
func (c *clock) age(e uint64) uint64 {
	return (c.stamp - e&stampField) & stampField >> stampShift
}

// A sweep passes over the table in sweepTicks and makes older entries
// maxAge old. An entry that was maxAge old at one visit is at most
// maxAge+sweepTicks = stampMask old at the next: stamps never wrap.
const (
	sweepTicks = 1 << (stampBits - 1)
	maxAge     = sweepTicks - 1
)

// sweep visits the part of the table that is due at this tick.
func (t *Table) sweep() {
	n := max(len(t.entries)/sweepTicks, perBucket)
	from := int(t.clock.tick()*uint64(n)) & (len(t.entries) - 1)
	stamp := (t.clock.tick() - maxAge) << stampShift & stampField
	for i, e := range t.entries[from : from+n] {
		if e != 0 && t.clock.age(e) > maxAge {
			t.entries[from+i] = e&^stampField | stamp
		}
	}
}
