package store

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// A Segment is a stretch of sealed prompts, numbered [First, First+N).
type Segment struct {
	First            uint64
	N                int
	MinTime, MaxTime int64 // unix ms
	Width            int   // bytes of one signature; 0: none kept
}

// End is the number after the segment's last prompt.
func (s Segment) End() uint64 { return s.First + uint64(s.N) }

// A Record is what is kept of one prompt.
type Record struct {
	Account  uint32
	Time     int64  // unix ms
	Shingles uint32 // distinct shingles of the whole prompt
	Scale    uint8  // the sample's scale as the caller codes it
	ID       string // the prompt's own id; may be empty; at most MaxID bytes
}

// MaxID is the longest id of a record, in bytes.
const MaxID = 4096

// MaxWidth is the widest signature, in bytes.
const MaxWidth = 4096

// SegmentData is a memtable on its way to become a segment. Seal keeps no
// reference to it after it has returned, but sorts Postings in place.
type SegmentData struct {
	First      uint64 // must be Sealed()+1
	Records    []Record
	Width      int             // bytes of one signature; 0: none
	Signatures []byte          // len(Records) rows of Width bytes; a row of zeros costs next to nothing
	Postings   [Kinds][]uint64 // made by Pack, in any order; sorted quickest when offsets ascend; duplicates are dropped
}

func (d *SegmentData) validate(sealed uint64) error {
	n := len(d.Records)
	switch {
	case d.First != sealed+1:
		return fmt.Errorf("store: segment starts at prompt %d where %d is next", d.First, sealed+1)
	case n == 0 || n > MaxSegment:
		return fmt.Errorf("store: segment of %d prompts; 1 to %d can be", n, MaxSegment)
	case d.Width < 0 || d.Width > MaxWidth || len(d.Signatures) != n*d.Width:
		return fmt.Errorf("store: %d bytes of signatures for %d prompts of width %d", len(d.Signatures), n, d.Width)
	}
	for i := range d.Records {
		if len(d.Records[i].ID) > MaxID {
			return fmt.Errorf("store: id of %d bytes; at most %d can be", len(d.Records[i].ID), MaxID)
		}
	}
	for kind := range Kind(Kinds) {
		limit := uint64(1)<<(kind.Bits()+offsetBits) - 1 // all ones when they are 64
		for _, p := range d.Postings[kind] {
			if p > limit || p&(MaxSegment-1) >= uint64(n) {
				return fmt.Errorf("store: posting of kind %d out of range", kind)
			}
		}
	}
	return nil
}

func (d *SegmentData) segment() Segment {
	s := Segment{First: d.First, N: len(d.Records), Width: d.Width, MinTime: d.Records[0].Time, MaxTime: d.Records[0].Time}
	for i := range d.Records {
		s.MinTime = min(s.MinTime, d.Records[i].Time)
		s.MaxTime = max(s.MaxTime, d.Records[i].Time)
	}
	return s
}

const segmentLen = 4 + 2 + 8 + 8

func appendSegment(b []byte, s Segment) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(s.N))
	b = binary.LittleEndian.AppendUint16(b, uint16(s.Width))
	b = binary.LittleEndian.AppendUint64(b, uint64(s.MinTime))
	return binary.LittleEndian.AppendUint64(b, uint64(s.MaxTime))
}

func parseSegment(key, b []byte) (Segment, bool) {
	if len(key) != 8 || len(b) != segmentLen {
		return Segment{}, false
	}
	s := Segment{
		First:   binary.BigEndian.Uint64(key),
		N:       int(binary.LittleEndian.Uint32(b)),
		Width:   int(binary.LittleEndian.Uint16(b[4:])),
		MinTime: int64(binary.LittleEndian.Uint64(b[6:])),
		MaxTime: int64(binary.LittleEndian.Uint64(b[14:])),
	}
	ok := s.First > 0 && s.First < 1<<keyBits && s.N > 0 && s.N <= MaxSegment && s.Width <= MaxWidth && s.MinTime <= s.MaxTime
	return s, ok
}

// Record blocks.

const recordGroup = 64

// appendRecordGroup appends the code of up to recordGroup records.
func appendRecordGroup(b []byte, records []Record) []byte {
	var col [recordGroup]uint64
	n := len(records)
	for i := range records {
		col[i] = uint64(records[i].Account)
	}
	b = appendColumn(b, col[:n], false)
	for i := range records {
		col[i] = uint64(records[i].Time)
	}
	b = appendColumn(b, col[:n], true)
	for i := range records {
		col[i] = uint64(records[i].Shingles)
	}
	b = appendColumn(b, col[:n], false)
	for i := range records {
		col[i] = uint64(records[i].Scale)
	}
	b = appendColumn(b, col[:n], false)
	prev := ""
	for i := range records {
		id := records[i].ID
		shared := 0
		for shared < len(id) && shared < len(prev) && id[shared] == prev[shared] {
			shared++
		}
		rest := len(id) - shared
		b = append(b, byte(min(shared, 15)<<4|min(rest, 15)))
		if shared >= 15 {
			b = binary.AppendUvarint(b, uint64(shared-15))
		}
		if rest >= 15 {
			b = binary.AppendUvarint(b, uint64(rest-15))
		}
		b = append(b, id[shared:]...)
		prev = id
	}
	return b
}

func appendColumn(b []byte, col []uint64, signed bool) []byte {
	least := col[0]
	for _, v := range col[1:] {
		if signed {
			least = uint64(min(int64(least), int64(v)))
		} else {
			least = min(least, v)
		}
	}
	var all uint64
	for _, v := range col {
		all |= v - least
	}
	if signed {
		b = binary.AppendVarint(b, int64(least))
	} else {
		b = binary.AppendUvarint(b, least)
	}
	width := uint(bits.Len64(all))
	var w bitWriter
	for _, v := range col {
		v -= least
		if width > 32 { // put takes 57 bits
			w.put(v&(1<<32-1), 32)
			w.put(v>>32, width-32)
		} else {
			w.put(v, width)
		}
	}
	return append(append(b, byte(width)), w.bytes()...)
}

// A column is a column of a record group being read.
type column struct {
	least uint64
	width uint
	bits  []byte
}

// parseColumn reads a column of n values at the start of b and returns what follows it.
func parseColumn(b []byte, n int, signed bool) (c column, rest []byte, ok bool) {
	var size int
	if signed {
		var v int64
		v, size = binary.Varint(b)
		c.least = uint64(v)
	} else {
		c.least, size = binary.Uvarint(b)
	}
	if size <= 0 || len(b) <= size || b[size] > 64 {
		return c, nil, false
	}
	c.width = uint(b[size])
	b = b[size+1:]
	l := (n*int(c.width) + 7) / 8
	if len(b) < l {
		return c, nil, false
	}
	c.bits = b[:l:l]
	return c, b[l:], true
}

func (c *column) at(i int) uint64 {
	pos := uint(i) * c.width
	if c.width <= 32 {
		return c.least + peek(c.bits, pos)&(1<<c.width-1)
	}
	return c.least + (peek(c.bits, pos)&(1<<32-1) | peek(c.bits, pos+32)&(1<<(c.width-32)-1)<<32)
}

// A recordGroupReader reads the records of one group in order.
type recordGroupReader struct {
	account, time, shingles, scale column
	ids                            []byte
	id                             []byte // of the record read last
	i                              int
}

func (g *recordGroupReader) init(b []byte, n int) (ok bool) {
	g.i, g.id = 0, g.id[:0]
	if g.account, b, ok = parseColumn(b, n, false); !ok {
		return false
	}
	if g.time, b, ok = parseColumn(b, n, true); !ok {
		return false
	}
	if g.shingles, b, ok = parseColumn(b, n, false); !ok {
		return false
	}
	g.scale, g.ids, ok = parseColumn(b, n, false)
	return ok
}

// skip reads past one record's id.
func (g *recordGroupReader) skip() bool {
	b := g.ids
	if len(b) == 0 {
		return false
	}
	shared, rest := int(b[0]>>4), int(b[0]&15)
	b = b[1:]
	if shared == 15 {
		v, size := binary.Uvarint(b)
		if size <= 0 || v > MaxID {
			return false
		}
		shared += int(v)
		b = b[size:]
	}
	if rest == 15 {
		v, size := binary.Uvarint(b)
		if size <= 0 || v > MaxID {
			return false
		}
		rest += int(v)
		b = b[size:]
	}
	if shared > len(g.id) || rest > len(b) || shared+rest > MaxID {
		return false
	}
	g.id = append(g.id[:shared], b[:rest]...)
	g.ids = b[rest:]
	g.i++
	return true
}

// read fills r with the next record.
func (g *recordGroupReader) read(r *Record) bool {
	i := g.i
	if !g.skip() {
		return false
	}
	r.ID = string(g.id)
	return g.fields(i, r)
}

// fields fills r with record i of the group but for its id.
func (g *recordGroupReader) fields(i int, r *Record) bool {
	account, shingles, scale := g.account.at(i), g.shingles.at(i), g.scale.at(i)
	r.Account, r.Shingles, r.Scale = uint32(account), uint32(shingles), uint8(scale)
	r.Time = int64(g.time.at(i))
	return account>>32 == 0 && shingles>>32 == 0 && scale>>8 == 0
}

// encodeRecords makes record blocks; emit is given the number of records in each.
func encodeRecords(records []Record, emit func(n int, block []byte) error) error {
	var dir, body, group []byte
	count := 0
	flush := func() error {
		b := make([]byte, 0, 2+len(dir)+len(body)+sumLen)
		b = binary.LittleEndian.AppendUint16(b, uint16(count))
		b = append(append(b, dir...), body...)
		n := count
		dir, body, count = dir[:0], body[:0], 0
		return emit(n, b)
	}
	for len(records) > 0 {
		// Long ids may make even one group too large for a block: then halve it.
		// A group of fewer than recordGroup records ends its block.
		n := min(recordGroup, len(records))
		group = appendRecordGroup(group[:0], records[:n])
		if count > 0 && 2+len(dir)+2+len(body)+len(group)+sumLen > maxRecordBlock {
			if err := flush(); err != nil {
				return err
			}
		}
		for n > 1 && 2+2+len(group)+sumLen > maxRecordBlock {
			n /= 2
			group = appendRecordGroup(group[:0], records[:n])
		}
		dir = binary.LittleEndian.AppendUint16(dir, uint16(len(body)))
		body = append(body, group...)
		count += n
		records = records[n:]
		if n < recordGroup {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if count > 0 {
		return flush()
	}
	return nil
}

// A recordBlock is a record block being read. Its methods are safe on any bytes.
type recordBlock struct {
	n         int
	dir, body []byte
}

func parseRecordBlock(b []byte) (recordBlock, bool) {
	if len(b) < 2 {
		return recordBlock{}, false
	}
	n := int(binary.LittleEndian.Uint16(b))
	groups := (n + recordGroup - 1) / recordGroup
	if n == 0 || len(b) < 2+2*groups {
		return recordBlock{}, false
	}
	return recordBlock{n, b[2 : 2+2*groups], b[2+2*groups:]}, true
}

func (p *recordBlock) group(g *recordGroupReader, i int) bool {
	from, to := int(binary.LittleEndian.Uint16(p.dir[2*i:])), len(p.body)
	if 2*i+2 < len(p.dir) {
		to = int(binary.LittleEndian.Uint16(p.dir[2*i+2:]))
	}
	if from > to || to > len(p.body) {
		return false
	}
	return g.init(p.body[from:to], min(recordGroup, p.n-i*recordGroup))
}

// at reads record i < p.n.
func (p *recordBlock) at(g *recordGroupReader, i int, r *Record) bool {
	if !p.group(g, i/recordGroup) {
		return false
	}
	for range i % recordGroup {
		if !g.skip() {
			return false
		}
	}
	return g.read(r)
}

// Signature blocks.

// encodeSignatures makes signature blocks; emit is given the number of rows in each.
func encodeSignatures(rows []byte, width int, emit func(n int, block []byte) error) error {
	const maxRows = 4096
	for len(rows) > 0 {
		n, present := 0, 0
		for n < maxRows && n*width < len(rows) {
			p := present
			if !zero(rows[n*width : (n+1)*width]) {
				p++
			}
			if 2+(n+8)/8+p*width+sumLen > maxRecordBlock {
				break
			}
			present = p
			n++
		}
		b := make([]byte, 2+(n+7)/8, 2+(n+7)/8+present*width+sumLen)
		binary.LittleEndian.PutUint16(b, uint16(n))
		for i := range n {
			if row := rows[i*width : (i+1)*width]; !zero(row) {
				b[2+i/8] |= 1 << (i % 8)
				b = append(b, row...)
			}
		}
		if err := emit(n, b); err != nil {
			return err
		}
		rows = rows[n*width:]
	}
	return nil
}

func zero(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}

// A signatureBlock is a signature block being read.
type signatureBlock struct {
	n, width      int
	present, rows []byte
}

func parseSignatureBlock(b []byte, width int) (signatureBlock, bool) {
	if len(b) < 2 || width == 0 {
		return signatureBlock{}, false
	}
	n := int(binary.LittleEndian.Uint16(b))
	if n == 0 || len(b) < 2+(n+7)/8 {
		return signatureBlock{}, false
	}
	p := signatureBlock{n, width, b[2 : 2+(n+7)/8], b[2+(n+7)/8:]}
	count := 0
	for _, v := range p.present {
		count += bits.OnesCount8(v)
	}
	if n%8 != 0 && p.present[n/8]>>(n%8) != 0 || len(p.rows) != count*width {
		return signatureBlock{}, false
	}
	return p, true
}

// appendRow appends row i < p.n to dst.
func (p *signatureBlock) appendRow(dst []byte, i int) []byte {
	if p.present[i/8]>>(i%8)&1 == 0 {
		return append(dst, make([]byte, p.width)...)
	}
	row := bits.OnesCount8(p.present[i/8] & (1<<(i%8) - 1))
	for _, v := range p.present[:i/8] {
		row += bits.OnesCount8(v)
	}
	return append(dst, p.rows[row*p.width:(row+1)*p.width]...)
}
