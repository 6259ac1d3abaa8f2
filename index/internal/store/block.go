package store

import (
	"encoding/binary"
	"math/bits"
	"sync"
)

const (
	groupLen  = 128
	blockHead = 4
	dirEntry  = 7
	keyBits   = 40
	keyMask   = 1<<keyBits - 1

	riceMaxK   = 36 // so that a code that is no escape fits one peek
	riceEscape = 20
)

// A bitWriter makes a string of bits, lowest first, that is no longer than a group.
type bitWriter struct {
	buf [maxGroup + 8]byte
	end bitEnd
}

// A bitEnd is where a string of bits ends. Loops keep it in registers.
type bitEnd struct {
	at  int    // in buf
	acc uint64 // the bits after buf[:at], fewer than 8
	n   uint
}

// maxGroup is above the length of any group: 128 postings whose gap and offset take
// 60 and 40 bits each, flags and header; or 64 records' column of 64 bits.
const maxGroup = 2040

// put appends the n lowest bits of v, n <= 57; v has no others set.
func (e bitEnd) put(buf *[maxGroup + 8]byte, v uint64, n uint) bitEnd {
	e.acc |= v << (e.n & 63)
	e.n += n
	binary.LittleEndian.PutUint64(buf[e.at:], e.acc)
	e.at += int(e.n >> 3)
	e.acc >>= e.n & 56
	e.n &= 7
	return e
}

func (e bitEnd) rice(buf *[maxGroup + 8]byte, v uint64, k uint) bitEnd {
	if q := v >> (k & 63); q < riceEscape {
		return e.put(buf, 1<<q-1|(v&(1<<(k&63)-1))<<(q+1), uint(q)+1+k)
	}
	return e.put(buf, 1<<riceEscape-1, riceEscape).put(buf, v, keyBits)
}

// put appends to the string as bitEnd.put does.
func (w *bitWriter) put(v uint64, n uint) { w.end = w.end.put(&w.buf, v, n) }

// bytes returns the string, padded to a byte with zeros, and begins another;
// what it returned is valid until the next put.
func (w *bitWriter) bytes() []byte {
	b := w.buf[:w.end.at+int(w.end.n+7)/8]
	w.end = bitEnd{}
	return b
}

// riceK is the parameter that codes n numbers of that sum in the fewest bits, if they are
// geometrically distributed: the least k with 2^k > .481 times the mean
// (where R(k) and R(k+1) cost the same, e^(-2^k/mean) solves y+y²=1).
func riceK(sum uint64, n int) uint {
	if n == 0 {
		return 0
	}
	return min(uint(bits.Len64(sum*481/(1000*uint64(n)))), riceMaxK)
}

// peek returns at least 57 bits from position pos on; zeros follow the end of b.
func peek(b []byte, pos uint) uint64 {
	i := pos >> 3
	if i+8 <= uint(len(b)) {
		return binary.LittleEndian.Uint64(b[i:]) >> (pos & 7)
	}
	var v uint64
	for j := uint(0); i+j < uint(len(b)); j++ {
		v |= uint64(b[i+j]) << (8 * j)
	}
	return v >> (pos & 7)
}

// unrice reads R(k) at pos; k <= riceMaxK.
func unrice(b []byte, pos uint, k uint) (v uint64, next uint) {
	w := peek(b, pos)
	q := uint(bits.TrailingZeros64(^w))
	if q < riceEscape {
		return uint64(q)<<k | w>>(q+1)&(1<<k-1), pos + q + 1 + k
	}
	return peek(b, pos+riceEscape) & keyMask, pos + riceEscape + keyBits
}

// A blockWriter makes posting blocks of postings that arrive in order.
type blockWriter struct {
	width uint
	emit  func(last uint64, block []byte) error // block is the callee's, with room for its sum

	keys, offs [groupLen]uint64
	n          int

	dir, body []byte
	lastLen   int
	last      uint64 // key
	bits      bitWriter
}

// blockBuffers keeps the buffers of posting blocks that are stored.
var blockBuffers = sync.Pool{New: func() any { return new([maxPostingBlock]byte) }}

func newBlockWriter(span uint64, emit func(last uint64, block []byte) error) *blockWriter {
	return &blockWriter{width: offsetWidth(span), emit: emit}
}

// offsetWidth is the width of offsets below span, which is at least 1.
func offsetWidth(span uint64) uint { return uint(bits.Len64(span - 1)) }

// add appends a posting; it must be greater than the one before.
func (w *blockWriter) add(key, off uint64) error {
	w.keys[w.n], w.offs[w.n] = key, off
	if w.n++; w.n == groupLen {
		return w.group()
	}
	return nil
}

// addAll appends postings, of numbers not yet less first.
func (w *blockWriter) addAll(keys, numbers []uint64, first uint64) error {
	for len(keys) > 0 {
		n := min(len(keys), groupLen-w.n)
		copy(w.keys[w.n:], keys[:n])
		offs := w.offs[w.n : w.n+n]
		for i, number := range numbers[:n] {
			offs[i] = number - first
		}
		keys, numbers = keys[n:], numbers[n:]
		if w.n += n; w.n == groupLen {
			if err := w.group(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *blockWriter) group() error {
	g := w.encode()
	if blockHead+len(w.dir)+dirEntry+len(w.body)+len(g)+sumLen > maxPostingBlock {
		if err := w.block(); err != nil {
			return err
		}
	}
	w.dir = key40(w.dir, w.keys[0])
	w.dir = binary.LittleEndian.AppendUint16(w.dir, uint16(len(w.body)))
	w.body = append(w.body, g...)
	w.lastLen, w.last = w.n, w.keys[w.n-1]
	w.n = 0
	return nil
}

// encode returns the code of the group, valid until the next call.
func (w *blockWriter) encode() []byte {
	var gaps, deltas uint64
	var same [2]uint64
	repeats := 0
	for i := 1; i < w.n; i++ {
		if w.keys[i] == w.keys[i-1] {
			same[i>>6] |= 1 << (i & 63)
			deltas += w.offs[i] - w.offs[i-1] - 1
			repeats++
		} else {
			gaps += w.keys[i] - w.keys[i-1] - 1
		}
	}
	k := riceK(gaps, w.n-1-repeats)
	buf, end := &w.bits.buf, bitEnd{}
	if repeats == 0 {
		end = end.put(buf, uint64(k), 8)
		for _, off := range w.offs[:w.n] {
			end = end.put(buf, off, w.width)
		}
		before := w.keys[0]
		for _, key := range w.keys[1:w.n] {
			end = end.rice(buf, key-before-1, k)
			before = key
		}
		w.bits.end = end
		return w.bits.bytes()
	}
	d := riceK(deltas, repeats)
	end = end.put(buf, uint64(k)|128, 8).put(buf, uint64(d), 8)
	for i := 1; i < w.n; i++ {
		end = end.put(buf, same[i>>6]>>(i&63)&1, 1)
	}
	for i := 1; i < w.n; i++ {
		if same[i>>6]>>(i&63)&1 == 0 {
			end = end.rice(buf, w.keys[i]-w.keys[i-1]-1, k)
		}
	}
	end = end.put(buf, w.offs[0], w.width)
	for i := 1; i < w.n; i++ {
		if same[i>>6]>>(i&63)&1 == 0 {
			end = end.put(buf, w.offs[i], w.width)
		} else {
			end = end.rice(buf, w.offs[i]-w.offs[i-1]-1, d)
		}
	}
	w.bits.end = end
	return w.bits.bytes()
}

func (w *blockWriter) block() error {
	if len(w.dir) == 0 {
		return nil
	}
	b := blockBuffers.Get().(*[maxPostingBlock]byte)[:0]
	b = binary.LittleEndian.AppendUint16(b, uint16(len(w.dir)/dirEntry))
	b = append(b, byte(w.lastLen-1), byte(w.width))
	b = append(b, w.dir...)
	b = append(b, w.body...)
	w.dir, w.body = w.dir[:0], w.body[:0]
	return w.emit(w.last, b)
}

// flush emits what is left.
func (w *blockWriter) flush() error {
	if w.n > 0 {
		if err := w.group(); err != nil {
			return err
		}
	}
	return w.block()
}

// A block is a posting block being read. Its methods are safe on any bytes.
type block struct {
	dir, body []byte
	groups    int
	lastLen   int
	width     uint
	span      uint64
}

// parseBlock takes a block of a run that spans so many prompts.
func parseBlock(b []byte, span uint64) (block, bool) {
	if len(b) < blockHead {
		return block{}, false
	}
	g := int(binary.LittleEndian.Uint16(b))
	p := block{groups: g, lastLen: int(b[2]) + 1, width: uint(b[3]), span: span}
	if g == 0 || len(b) < blockHead+g*dirEntry || p.lastLen > groupLen || span == 0 || span > 1<<keyBits || p.width != offsetWidth(span) {
		return block{}, false
	}
	p.dir, p.body = b[blockHead:blockHead+g*dirEntry], b[blockHead+g*dirEntry:]
	return p, true
}

func (p *block) first(g int) uint64 { return get40(p.dir[g*dirEntry:]) }

func (p *block) len(g int) int {
	if g == p.groups-1 {
		return p.lastLen
	}
	return groupLen
}

// bounds returns where group g begins and ends in the body.
func (p *block) bounds(g int) (from, to uint, ok bool) {
	from, to = uint(binary.LittleEndian.Uint16(p.dir[g*dirEntry+5:])), uint(len(p.body))
	if g+1 < p.groups {
		to = uint(binary.LittleEndian.Uint16(p.dir[(g+1)*dirEntry+5:]))
	}
	return from, to, from < to && to <= uint(len(p.body))
}

// decode fills keys and offs with group g and returns its length; 0 if it is malformed.
func (p *block) decode(g int, keys, offs *[groupLen]uint64) int {
	from, to, ok := p.bounds(g)
	if !ok {
		return 0
	}
	n := p.len(g)
	b := p.body[:to:to]
	k := uint(b[from])
	pos := 8 * (from + 1)
	mask := uint64(1)<<p.width - 1
	key := p.first(g)
	keys[0] = key
	var bad uint64 // its top bit is set when an offset is too large
	if k < 128 {
		if k > riceMaxK {
			return 0
		}
		for i := range offs[:n] {
			off := peek(b, pos) & mask
			pos += p.width
			bad |= p.span - 1 - off
			offs[i] = off
		}
		for i := 1; i < n; {
			w, left := peek(b, pos), uint(57)
			for i < n {
				q := uint(bits.TrailingZeros64(^w))
				size := q + 1 + k
				if size > left || q >= riceEscape {
					break
				}
				key += (uint64(q)<<(k&63) | w>>((q+1)&63)&(1<<(k&63)-1)) + 1
				w >>= size & 63
				left -= size
				pos += size
				keys[i] = key
				i++
			}
			if left == 57 {
				var gap uint64
				gap, pos = unrice(b, pos, k)
				key += gap + 1
				keys[i] = key
				i++
			}
		}
	} else {
		k -= 128
		if k > riceMaxK || from+2 > to {
			return 0
		}
		d := uint(b[from+1])
		if d > riceMaxK {
			return 0
		}
		flags := pos + 8 - 1 // that of posting i is at flags+i
		pos = flags + uint(n)
		for i := 1; i < n; i++ {
			if at := flags + uint(i); at>>3 >= uint(len(b)) || b[at>>3]>>(at&7)&1 == 0 {
				var gap uint64
				gap, pos = unrice(b, pos, k)
				key += gap + 1
			}
			keys[i] = key
		}
		off := peek(b, pos) & mask
		pos += p.width
		offs[0] = off
		bad = p.span - 1 - off
		for i := 1; i < n; i++ {
			if keys[i] == keys[i-1] {
				var delta uint64
				delta, pos = unrice(b, pos, d)
				off += delta + 1
			} else {
				off = peek(b, pos) & mask
				pos += p.width
			}
			bad |= p.span - 1 - off
			offs[i] = off
		}
	}
	if bad>>63 != 0 || key > keyMask || (pos+7)>>3 != to {
		return 0
	}
	return n
}

// find calls fn with the offsets of key in group g, ascending, and reads no
// more of the group than it must. more says that fn wants more; ok is false when
// the group is malformed.
func (p *block) find(g int, key uint64, fn func(off uint64) bool) (more, ok bool) {
	from, to, ok := p.bounds(g)
	if !ok {
		return false, false
	}
	b := p.body[:to:to]
	n := uint(p.len(g))
	k := uint(b[from])
	if k&127 > riceMaxK {
		return false, false
	}
	mask := uint64(1)<<p.width - 1
	pos := 8 * (from + 1)
	if k < 128 {
		at, i, _ := seekGap(b, pos+n*p.width, k, p.first(g), key, n-1)
		if at != key {
			return true, true
		}
		off := peek(b, pos+i*p.width) & mask
		if off >= p.span {
			return false, false
		}
		return fn(off), true
	}
	k -= 128
	if from+2 > to || uint(b[from+1]) > riceMaxK {
		return false, false
	}
	d := uint(b[from+1])
	flags := pos + 8 // of the second posting and so on
	const half = 1<<32 - 1
	same := [2]uint64{
		peek(b, flags)&half | peek(b, flags+32)<<32,
		peek(b, flags+64)&half | peek(b, flags+96)<<32,
	}
	if n <= 64 {
		same[0], same[1] = same[0]&(1<<(n-1)-1), 0
	} else {
		same[1] &= 1<<(n-65) - 1
	}
	gaps := n - 1 - uint(bits.OnesCount64(same[0])+bits.OnesCount64(same[1]))
	at, nth, pos := seekGap(b, flags+n-1, k, p.first(g), key, gaps)
	if at != key {
		return true, true
	}
	_, _, pos = seekGap(b, pos, k, 0, 1<<63, gaps-nth)
	var off uint64
	for i := uint(0); i < n; i++ {
		if i > 0 && same[(i-1)>>6]>>((i-1)&63)&1 != 0 {
			var delta uint64
			delta, pos = unrice(b, pos, d)
			off += delta + 1
		} else {
			if i > 0 {
				if nth == 0 {
					break
				}
				nth--
			}
			off = peek(b, pos) & mask
			pos += p.width
		}
		if nth > 0 {
			continue
		}
		if off >= p.span {
			return false, false
		}
		if !fn(off) {
			return false, true
		}
	}
	return true, true
}

// seekGap adds up to n gaps coded as R(k) from pos on to at, until it is key or
// above. It returns how many it took and where the next one is.
func seekGap(b []byte, pos, k uint, at, key uint64, n uint) (sum uint64, taken, next uint) {
	for taken < n && at < key {
		w, left := peek(b, pos), uint(57)
		for taken < n && at < key {
			q := uint(bits.TrailingZeros64(^w))
			size := q + 1 + k
			if size > left || q >= riceEscape {
				break
			}
			at += (uint64(q)<<k | w>>((q+1)&63)&(1<<k-1)) + 1
			w >>= size & 63
			left -= size
			pos += size
			taken++
		}
		if left == 57 {
			var gap uint64
			gap, pos = unrice(b, pos, k)
			at += gap + 1
			taken++
		}
	}
	return at, taken, pos
}

// search returns the first group that starts at key or above. Keys are hashes, mostly: it
// starts where key would be if they were spread evenly, which touches less memory than halving.
func (p *block) search(key uint64) int {
	lo, hi := 0, p.groups // the answer is in [lo, hi]
	if a, b := p.first(0), p.first(hi-1); a < key && key < b {
		g := int((key - a) * uint64(hi-1) / (b - a)) // at most 40 and 16 bits
		if p.first(g) < key {
			lo = g + 1
			for step := 1; lo+step < hi; step *= 2 {
				if p.first(lo+step) >= key {
					hi = lo + step
					break
				}
				lo += step + 1
			}
		} else {
			hi = g
			for step := 1; hi-step > lo; step *= 2 {
				if p.first(hi-step) < key {
					lo = hi - step + 1
					break
				}
				hi -= step
			}
		}
	}
	for lo < hi {
		if m := (lo + hi) / 2; p.first(m) < key {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// lookup calls fn with the offsets of key, ascending. more says that fn wants
// more; ok is false when the block is malformed.
func (p *block) lookup(key uint64, fn func(off uint64) bool) (more, ok bool) {
	// key may begin in the group before the first that starts at it or above.
	for g := max(p.search(key)-1, 0); g < p.groups && p.first(g) <= key; g++ {
		if more, ok := p.find(g, key, fn); !more || !ok {
			return more, ok
		}
	}
	return true, true
}
