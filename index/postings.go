package index

import "github.com/seed-368d3dfa/chorus/index/internal/store"

// postings is an append-only multimap from keys to prompts of one memtable:
// chains of postings threaded through a hash table that doubles. A posting is
// packed as store.Pack does, with the prompt's offset in the memtable.
type postings struct {
	heads []uint32 // index + 1 of the newest posting whose key hashes here
	next  []uint32 // the same, of the next older one; shorter than posts while unthreaded
	posts []uint64
}

const perHead = 2 // postings of one chain, about: the heads should fit into caches

// newPostings makes room for so many postings, which costs memory only as it
// fills up.
func newPostings(room int) *postings {
	size := 1 << 10
	for size*perHead < room {
		size *= 2
	}
	return &postings{heads: make([]uint32, size), next: make([]uint32, 0, room), posts: make([]uint64, 0, room)}
}

// reset empties m and keeps its room.
func (m *postings) reset() {
	clear(m.heads)
	m.next, m.posts = m.next[:0], m.posts[:0]
}

func (m *postings) home(key uint64) uint64 {
	return (key * 0x9e3779b97f4a7c15 >> 24) & uint64(len(m.heads)-1)
}

// append adds one posting for each key without threading it: that waits for
// thread.
func (m *postings) append(keys []uint64, offset uint32) {
	for _, k := range keys {
		m.posts = append(m.posts, store.Pack(k, int(offset)))
	}
}

// thread makes all postings findable.
func (m *postings) thread() {
	for len(m.posts) > perHead*len(m.heads) {
		m.grow()
	}
	for _, p := range m.posts[len(m.next):] {
		key, _ := store.Unpack(p)
		h := m.home(key)
		m.next = append(m.next, m.heads[h])
		m.heads[h] = uint32(len(m.next))
	}
}

// threaded reports whether all postings are findable.
func (m *postings) threaded() bool { return len(m.next) == len(m.posts) }

// add appends one findable posting for each key.
func (m *postings) add(keys []uint64, offset uint32) {
	for len(m.posts)+len(keys) > perHead*len(m.heads) {
		m.grow()
	}
	var warm uint32
	for _, k := range keys { // touch all places first: the misses overlap
		warm |= m.heads[m.home(k)]
	}
	_ = warm
	for _, k := range keys {
		h := m.home(k)
		m.posts = append(m.posts, store.Pack(k, int(offset)))
		m.next = append(m.next, m.heads[h])
		m.heads[h] = uint32(len(m.posts))
	}
}

func (m *postings) grow() {
	m.heads = make([]uint32, 2*len(m.heads))
	for i, p := range m.posts[:len(m.next)] {
		key, _ := store.Unpack(p)
		h := m.home(key)
		m.next[i] = m.heads[h]
		m.heads[h] = uint32(i + 1)
	}
}

// each calls fn with the offsets of the prompts that hold key, newest first.
func (m *postings) each(key uint64, fn func(offset uint32) bool) {
	for i := m.heads[m.home(key)]; i != 0; i = m.next[i-1] {
		if k, offset := store.Unpack(m.posts[i-1]); k == key && !fn(uint32(offset)) {
			return
		}
	}
}
