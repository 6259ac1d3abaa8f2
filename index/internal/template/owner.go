package template

// owners maps keys to the templates that own them: open addressing with
// linear probing, one word a slot: key<<24 | slot number of the template + 1.
// Each key has at most one owner. Most keys that are looked up have none: their
// look-up ends at the slots' tags, which fit into caches. A tag is 0 where
// its slot is, else eight bits of the key's hash.
type owners struct {
	slots []uint64
	tags  []uint8
	mask  uint64
	n     int
}

const (
	ownerBits = 24
	ownerMask = 1<<ownerBits - 1
	maxSlots  = ownerMask - 1 // templates in memory at a time
)

func newOwners(hint int) *owners {
	size := 1 << 12
	for size < 2*hint {
		size *= 2
	}
	o := &owners{}
	o.make(size)
	return o
}

func (o *owners) make(size int) {
	o.slots, o.tags, o.mask = make([]uint64, size), make([]uint8, size), uint64(size-1)
}

// home is where probing for a key starts. Keys are uniform in their low bits.
func (o *owners) home(key uint64) uint64 { return (key * 0x9e3779b97f4a7c15 >> 20) & o.mask }

func (o *owners) tag(key uint64) uint8 { return max(1, uint8(key*0x9e3779b97f4a7c15>>56)) }

// get returns the slot of the key's owner, or -1.
func (o *owners) get(key uint64) int {
	tag := o.tag(key)
	for i := o.home(key); ; i = (i + 1) & o.mask {
		switch o.tags[i] {
		case 0:
			return -1
		case tag:
			if w := o.slots[i]; w>>ownerBits == key {
				return int(w&ownerMask) - 1
			}
		}
	}
}

// set makes slot the owner of key, whoever owned it before.
func (o *owners) set(key uint64, slot int) {
	if 2*(o.n+1) > len(o.slots) {
		o.grow()
	}
	i := o.home(key)
	for o.slots[i] != 0 && o.slots[i]>>ownerBits != key {
		i = (i + 1) & o.mask
	}
	if o.slots[i] == 0 {
		o.n++
	}
	o.slots[i], o.tags[i] = key<<ownerBits|uint64(slot+1), o.tag(key)
}

// remove deletes a key and closes the gap, so that probing needs no tombstones.
func (o *owners) remove(key uint64) {
	i := o.home(key)
	for o.slots[i]>>ownerBits != key || o.slots[i] == 0 {
		if o.slots[i] == 0 {
			return
		}
		i = (i + 1) & o.mask
	}
	o.n--
	for j := (i + 1) & o.mask; o.slots[j] != 0; j = (j + 1) & o.mask {
		if h := o.home(o.slots[j] >> ownerBits); (j-h)&o.mask >= (j-i)&o.mask {
			o.slots[i], o.tags[i] = o.slots[j], o.tags[j]
			i = j
		}
	}
	o.slots[i], o.tags[i] = 0, 0
}

func (o *owners) grow() {
	old := o.slots
	o.make(2 * len(old))
	for _, w := range old {
		if w != 0 {
			key := w >> ownerBits
			i := o.home(key)
			for o.slots[i] != 0 {
				i = (i + 1) & o.mask
			}
			o.slots[i], o.tags[i] = w, o.tag(key)
		}
	}
}

func (o *owners) bytes() int { return 9 * len(o.slots) }
