package template

// Keys returns how many keys the core has.
func (t *Template) Keys() int { return len(t.core) }

// Stamp is a hash, never 0, of what a pattern is made from: the core's keys and
// whose exemplars there are.
func (t *Template) Stamp() uint64 {
	h := uint64(len(t.core))<<8 | uint64(len(t.Exemplars))
	for _, c := range t.core {
		h = (h ^ c.key) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	for _, a := range t.Exemplars {
		h = (h ^ uint64(a)) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	return max(1, h)
}
