package index

import (
	"strings"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// A memtable holds the newest prompts: everything since the last seal. It
// makes them visible to queries and, when full, becomes a segment.
type memtable struct {
	first      uint64 // number of its first prompt
	bound      int    // of size
	records    []store.Record
	signatures []byte // width bytes a prompt, zero for an empty sketch
	width      int
	shingles   *postings
	bands      *postings // threaded when somebody asks
	ids        *postings // of ids and of conversations
	said       texts     // ids of records: the prompts themselves need not stay
	values     []template.Value
	valueEnds  []uint32 // by prompt, where its values end
}

// newMemtable makes a memtable of about so many postings.
func newMemtable(first uint64, width, room int) *memtable {
	return &memtable{
		first: first, bound: room, width: width,
		records: make([]store.Record, 0, room/48), signatures: make([]byte, 0, room/48*width),
		values: make([]template.Value, 0, room/48), valueEnds: make([]uint32, 0, room/48),
		shingles: newPostings(room * 9 / 16), bands: newPostings(room * 9 / 16), ids: newPostings(room / 32),
	}
}

// reset empties m for prompts from first on and keeps its room. Nothing may
// use m any more.
func (m *memtable) reset(first uint64) {
	m.first = first
	clear(m.records) // lets go of ids
	m.records, m.signatures = m.records[:0], m.signatures[:0]
	m.values, m.valueEnds = m.values[:0], m.valueEnds[:0]
	m.shingles.reset()
	m.bands.reset()
	m.ids.reset()
	m.said = texts{}
}

// next is the number that the next prompt will get.
func (m *memtable) next() uint64 { return m.first + uint64(len(m.records)) }

// full reports whether the memtable is to become a segment.
func (m *memtable) full() bool {
	return len(m.shingles.posts)+len(m.bands.posts)+len(m.records) >= m.bound
}

func (m *memtable) record(n uint64) *store.Record { return &m.records[n-m.first] }

func (m *memtable) signature(n uint64) []byte {
	at := int(n-m.first) * m.width
	return m.signatures[at : at+m.width]
}

// valuesOf returns the values of a prompt's attributes.
func (m *memtable) valuesOf(n uint64) []template.Value {
	i, from := n-m.first, uint32(0)
	if i > 0 {
		from = m.valueEnds[i-1]
	}
	return m.values[from:m.valueEnds[i]]
}

func (m *memtable) add(s *sketched, account uint32, p *Prompt, at int64) {
	offset := uint32(len(m.records))
	m.records = append(m.records, store.Record{
		Account: account, Time: at, ID: m.said.keep(p.ID), Scale: s.scale, Shingles: s.shingles,
	})
	if len(s.signature) == 0 {
		m.signatures = append(m.signatures, make([]byte, m.width)...)
	} else {
		m.signatures = append(m.signatures, s.signature...)
	}
	m.values = append(m.values, s.values...)
	m.valueEnds = append(m.valueEnds, uint32(len(m.values)))
	m.shingles.add(s.keys, offset)
	m.bands.append(s.bands, offset)
	if p.ID != "" {
		m.ids.add([]uint64{s.idKey}, offset)
	}
	if s.turn != 0 {
		m.ids.add([]uint64{s.turn}, offset)
	}
}

// Start and Each serve template.Past.

func (m *memtable) Start() uint64 { return m.first }

func (m *memtable) Each(key uint64, fn func(number uint64)) {
	m.shingles.each(key, func(offset uint32) bool {
		fn(m.first + uint64(offset))
		return true
	})
}

// texts copies short strings into few pieces of memory.
type texts struct{ open *strings.Builder }

func (t *texts) keep(s string) string {
	if s == "" {
		return ""
	}
	if t.open == nil || t.open.Len()+len(s) > t.open.Cap() {
		t.open = new(strings.Builder)
		t.open.Grow(max(len(s), 32<<10))
	}
	from := t.open.Len()
	t.open.WriteString(s) // within its capacity: what was kept does not move
	return t.open.String()[from:]
}
