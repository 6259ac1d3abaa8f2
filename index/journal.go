package index

import (
	"encoding/binary"
	"fmt"

	"github.com/seed-368d3dfa/chorus/index/internal/template"
	"github.com/seed-368d3dfa/chorus/minhash"
)

// A journal entry is one prompt as it was counted:
//
//	flags    [1]       entryFresh, entryLast, entrySigned, entryTexts,
//	                   entryTurn, entryNetwork, entryPayment
//	account  [uvarint] its number
//	name     [uvarint length, bytes] entryFresh only
//	time     [8]       unix ms
//	id       [uvarint length, bytes] empty: none
//	scale    [1]       its highest bit is scaleValues
//	shingles [uvarint] distinct, before thinning
//	keys     [uvarint count, 5 each] ascending
//	signature [rows]   entrySigned only
//	turn     [5] entryTurn only: hash of the conversation so far
//	network  [4] entryNetwork only: hash of the network
//	payment  [4] entryPayment only: hash of the means of payment
//	values   scaleValues only: of its attributes [uvarint count, each uvarint twice
//	         its number (template.Value); one more if it is new, followed by the
//	         names of attribute and value, each [uvarint length, bytes]]
//	texts    [uvarint count, each uvarint length, bytes] entryTexts only: the
//	         exemplars that this prompt became, in the order of its templates
//
// Entries stand one after the other in journal values; none crosses values.
const (
	entryFresh   = 1 << iota // the account is new
	entryLast                // the last prompt of its Add
	entrySigned              // has a signature
	entryTexts               // has exemplars
	entryTurn                // is a turn of a conversation
	entryNetwork             // came from a known network
	entryLabel               // is a label: nothing but its JSON follows, [uvarint length, bytes]
	entryPayment             // has a known means of payment

	entryFlags = 1<<iota - 1
)

const scaleValues = 1 << 7 // has attributes that are counted

// An entry is one decoded journal entry. Its slices belong to the journal.
type entry struct {
	label   []byte // of a label; nothing else is set but last
	account uint32
	name    string
	last    bool
	prompt  Prompt // ID only
	time    int64
	sketch  sketched
	texts   []string
}

func appendEntry(b []byte, flags byte, account uint32, name string, at int64, id string, s *sketched, texts []string) []byte {
	if len(s.signature) > 0 {
		flags |= entrySigned
	}
	if len(texts) > 0 {
		flags |= entryTexts
	}
	if s.turn != 0 {
		flags |= entryTurn
	}
	if s.network != 0 {
		flags |= entryNetwork
	}
	if s.payment != 0 {
		flags |= entryPayment
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, uint64(account))
	if flags&entryFresh != 0 {
		b = appendString(b, name)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(at))
	b = appendString(b, id)
	scale := s.scale
	if len(s.values) > 0 {
		scale |= scaleValues
	}
	b = append(b, scale)
	b = binary.AppendUvarint(b, uint64(s.shingles))
	b = binary.AppendUvarint(b, uint64(len(s.keys)))
	for _, k := range s.keys {
		b = appendKey(b, k)
	}
	b = append(b, s.signature...)
	if s.turn != 0 {
		b = appendKey(b, s.turn)
	}
	if s.network != 0 {
		b = binary.LittleEndian.AppendUint32(b, s.network)
	}
	if s.payment != 0 {
		b = binary.LittleEndian.AppendUint32(b, s.payment)
	}
	if len(s.values) > 0 {
		b = appendValues(b, s)
	}
	if len(texts) > 0 {
		b = binary.AppendUvarint(b, uint64(len(texts)))
		for _, t := range texts {
			b = appendString(b, t)
		}
	}
	return b
}

// appendKey appends a key of 40 bits in 5 bytes.
func appendKey(b []byte, k uint64) []byte {
	return append(b, byte(k), byte(k>>8), byte(k>>16), byte(k>>24), byte(k>>32))
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// A cutter takes fields off the front of stored bytes. After the first field
// that is not there, bad is set and every field is zero.
type cutter struct {
	b   []byte
	bad bool
}

func (c *cutter) bytes(n int) []byte {
	if c.bad || n < 0 || n > len(c.b) {
		c.bad = true
		return nil
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

func (c *cutter) byte() byte {
	if b := c.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cutter) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if c.bad || n <= 0 {
		c.bad = true
		return 0
	}
	c.b = c.b[n:]
	return v
}

// count reads a number of things of at least size bytes each.
func (c *cutter) count(size int) int {
	v := c.uvarint()
	if v > uint64(len(c.b)/size) {
		c.bad = true
		return 0
	}
	return int(v)
}

func (c *cutter) uint64() uint64 {
	if b := c.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func readKey(b []byte) uint64 { return uint64(binary.LittleEndian.Uint32(b)) | uint64(b[4])<<32 }

func (c *cutter) string() string { return string(c.bytes(c.count(1))) }

func appendValues(b []byte, s *sketched) []byte {
	b = binary.AppendUvarint(b, uint64(len(s.values)))
	fresh := s.fresh
	for _, v := range s.values {
		if len(fresh) == 0 || fresh[0].id != v {
			b = binary.AppendUvarint(b, 2*uint64(v))
			continue
		}
		b = binary.AppendUvarint(b, 2*uint64(v)+1)
		b = appendString(appendString(b, fresh[0].name), fresh[0].value)
		fresh = fresh[1:]
	}
	return b
}

func (c *cutter) values(s *sketched) {
	n := c.count(1)
	c.bad = c.bad || n == 0
	for range n {
		v := c.uvarint()
		c.bad = c.bad || v >= 1<<33
		s.values = append(s.values, template.Value(v/2))
		if v%2 != 0 {
			s.fresh = append(s.fresh, freshValue{template.Value(v / 2), c.string(), c.string()})
		}
	}
}

// readEntry takes the next entry off a journal value.
func readEntry(c *cutter, e *entry, rows int) error {
	flags := c.byte()
	e.last, e.label = flags&entryLast != 0, nil
	if flags&entryLabel != 0 {
		e.label = c.bytes(c.count(1))
		if c.bad || len(e.label) == 0 || flags&^(entryLast|entryLabel) != 0 {
			return fmt.Errorf("%w: a journal entry is malformed", ErrDamaged)
		}
		return nil
	}
	e.account = uint32(c.uvarint())
	e.name = ""
	if flags&entryFresh != 0 {
		e.name = c.string()
	}
	e.time = int64(c.uint64())
	e.prompt = Prompt{ID: c.string()}
	s := &e.sketch
	scale := c.byte()
	s.scale = scale &^ scaleValues
	s.shingles = uint32(c.uvarint())
	s.keys = s.keys[:0]
	raw := c.bytes(5 * c.count(5))
	for i := 0; i < len(raw); i += 5 {
		s.keys = append(s.keys, readKey(raw[i:]))
		if n := len(s.keys); n > 1 && s.keys[n-1] <= s.keys[n-2] {
			c.bad = true
		}
	}
	if s.scale > minhash.KeyBits || flags&^entryFlags != 0 {
		c.bad = true
	}
	s.signature = nil
	if flags&entrySigned != 0 {
		s.signature = c.bytes(rows)
	}
	s.turn = 0
	if flags&entryTurn != 0 {
		if b := c.bytes(5); b != nil {
			s.turn = readKey(b)
		}
	}
	s.network = 0
	if flags&entryNetwork != 0 {
		if b := c.bytes(4); b != nil {
			s.network = binary.LittleEndian.Uint32(b)
		}
	}
	s.payment = 0
	if flags&entryPayment != 0 {
		if b := c.bytes(4); b != nil {
			s.payment = binary.LittleEndian.Uint32(b)
		}
	}
	s.values, s.fresh = s.values[:0], s.fresh[:0]
	if scale&scaleValues != 0 {
		c.values(s)
	}
	e.texts = e.texts[:0]
	if flags&entryTexts != 0 {
		for range c.count(1) {
			e.texts = append(e.texts, c.string())
		}
	}
	if c.bad {
		return fmt.Errorf("%w: a journal entry is malformed", ErrDamaged)
	}
	return nil
}
