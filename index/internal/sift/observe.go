package sift

import "runtime"

// chunk bounds how many buckets Observe touches ahead: few enough to stay in
// a first-level cache of 32 KB.
const chunk = 256

// Observe records that account sent keys and sets out[i] to the state of
// keys[i]. The same account sending a key again promotes nothing; a key that
// occurs twice in keys is observed twice. It panics, before recording
// anything, when out is shorter than keys.
func (t *Table) Observe(account uint32, keys []uint64, out []State) {
	if len(keys) > 0 {
		_ = out[len(keys)-1]
	}
	if t.clock.advance() {
		t.sweep()
	}
	who := accountTag(account)
	for len(keys) > 0 {
		n := min(len(keys), chunk)
		t.touch(keys[:n])
		for i, key := range keys[:n] {
			out[i] = t.observe(key, who)
		}
		keys, out = keys[n:], out[n:]
	}
	runtime.KeepAlive(t)
}

// touch loads the buckets of all keys. The loads do not wait for each other,
// so that what follows finds in the cache what it would fetch line by line.
func (t *Table) touch(keys []uint64) {
	sum := t.touched
	for _, key := range keys {
		sum ^= t.entries[key&t.bucketMask*perBucket]
	}
	t.touched = sum
}

func (t *Table) observe(key, who uint64) State {
	b, tag := t.locate(key)
	stamp := t.clock.stamp
	i := find(b, tag)
	if i == perBucket {
		t.insert(b, tag|who<<firstShift|stamp)
		return Single
	}
	e := b[i]&^stampField | stamp
	state := Single
	first, second := e>>firstShift&accountMask, e>>secondShift&accountMask
	switch {
	case e&prevalentBit != 0:
		state = Prevalent
	case first == who || second == who:
	case second == 0 && t.accounts > 2:
		e |= who << secondShift
	default:
		e = tag | stamp | prevalentBit
		t.prevalent++
		state = Promoted
	}
	if b[i] != e { // spare a cache line that did not change its writing back
		b[i] = e
	}
	return state
}

// Mark makes key prevalent without evidence.
func (t *Table) Mark(key uint64) {
	b, tag := t.locate(key)
	e := tag | t.clock.stamp | prevalentBit
	i := find(b, tag)
	if i == perBucket {
		t.insert(b, e)
		t.prevalent++
		return
	}
	if b[i]&prevalentBit == 0 {
		t.prevalent++
	}
	b[i] = e
	runtime.KeepAlive(t)
}

// Forget removes what is known of key.
func (t *Table) Forget(key uint64) {
	b, tag := t.locate(key)
	i := find(b, tag)
	if i == perBucket {
		return
	}
	if b[i]&prevalentBit != 0 {
		t.prevalent--
	}
	t.used--
	last := i
	for last+1 < perBucket && b[last+1] != 0 {
		last++
	}
	b[i], b[last] = b[last], 0 // unused entries come last
	runtime.KeepAlive(t)
}

// Load observes many keys, each of its own account: a table is rebuilt from
// stored postings this way. len(accounts) must be len(keys).
func (t *Table) Load(keys []uint64, accounts []uint32) {
	accounts = accounts[:len(keys)]
	for len(keys) > 0 {
		n := min(len(keys), chunk)
		t.touch(keys[:n])
		for i, key := range keys[:n] {
			t.observe(key, accountTag(accounts[i]))
		}
		keys, accounts = keys[n:], accounts[n:]
	}
	runtime.KeepAlive(t)
}
