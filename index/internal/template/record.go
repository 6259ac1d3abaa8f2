package template

import (
	"encoding/binary"
	"errors"
	"slices"
)

// A template is stored as one core record, one stat record and a day record
// for each day with prompts. All integers are uvarints unless said otherwise.
//
//	core → born, past, offered, partials,
//	       core keys: count, each key [5] hits [1] part [1], ascending,
//	       candidates: count, each key [5] n [1],
//	       exemplars: count, each the account
//	stat → flags [1] (statFlagged, statOut), prompts, seen, first [8], last [8], used,
//	       days: count, each less its predecessor,
//	       accounts, due accounts, due prompts, raised [8], campaign, openers,
//	       texts: seen, count, each hash [4], ascending,
//	       networks: seen, lost, four times: count and, unless 0, hash [4],
//	       sketch of the accounts: count, each [4],
//	       payments: as networks; absent if none was seen
//	day  → count, each account less its predecessor, prompts,
//	       values of attributes: count, each less its predecessor, prompts; absent if there are none
//
// statOut marks a template that left memory: its core keys are then listed by
// key, so that it is found when met again.
const (
	statFlagged = 1 << iota
	statOut
)

// ErrRecord reports a stored record that is malformed.
var ErrRecord = errors.New("template: malformed record")

// A Records receives what must be stored. A nil value deletes.
type Records interface {
	Core(id uint32, value []byte)
	Stat(id uint32, value []byte)
	Day(id uint32, day int32, value []byte)
	Exemplars(id uint32, n int)          // delete them all
	Out(key uint64, id uint32, out bool) // key belongs to a template on disk, or no longer
}

// changes are the templates of a set with records to write, and maybe others.
type changes struct{ list []*Template }

// recore and restate note that the core's record has to be written, and that of
// the stats.
func (t *Template) recore()  { t.change(); t.coreDirty = true }
func (t *Template) restate() { t.change(); t.statDirty = true }

func (t *Template) change() {
	if t.changes != nil && !t.coreDirty && !t.statDirty {
		t.changes.list = append(t.changes.list, t)
	}
}

// Changed hands out the records of everything that changed since the last
// call.
func (s *Set) Changed(to Records) {
	s.changedOut(to)
	for _, t := range s.changes.list {
		s.write(t, to)
	}
	clear(s.changes.list) // some have left
	s.changes.list = s.changes.list[:0]
}

// write hands out what changed of one template, and weighs it again.
func (s *Set) write(t *Template, to Records) {
	if t.changes == nil || !t.coreDirty && !t.statDirty {
		return
	}
	t.changed(to, &s.pad)
	s.weigh(t)
}

// changedOut hands out which keys are no longer those of a template on disk.
func (s *Set) changedOut(to Records) {
	for _, b := range s.back {
		to.Out(b.key, b.id, false)
	}
	s.back = s.back[:0]
}

// A pad is where records are written one after the other. They stay as they
// are: only the memory behind the last one is used further.
type pad struct{ b []byte }

func (p *pad) write(fill func([]byte) []byte) []byte {
	const chunk, typical = 1 << 16, 1 << 9
	if cap(p.b)-len(p.b) < typical {
		p.b = make([]byte, 0, chunk)
	}
	n := len(p.b)
	p.b = fill(p.b)
	return p.b[n:len(p.b):len(p.b)]
}

func (t *Template) changed(to Records, p *pad) {
	if t.coreDirty {
		to.Core(t.ID, p.write(t.appendCore))
		t.coreDirty = false
	}
	if t.statDirty {
		for i := range t.days {
			if d := &t.days[i]; d.dirty {
				to.Day(t.ID, d.number, p.write(d.append))
				d.dirty = false
			}
		}
		to.Stat(t.ID, p.write(func(b []byte) []byte { return t.appendStat(b, false) }))
		t.statDirty = false
	}
}

func appendKey(b []byte, k uint64) []byte {
	return append(b, byte(k), byte(k>>8), byte(k>>16), byte(k>>24), byte(k>>32))
}

func (t *Template) appendCore(b []byte) []byte {
	for _, v := range []uint64{t.Born, t.Past, uint64(t.offered), uint64(t.partials), uint64(len(t.core))} {
		b = binary.AppendUvarint(b, v)
	}
	for _, c := range t.core {
		b = append(appendKey(b, c.key), c.hits, c.part)
	}
	b = binary.AppendUvarint(b, uint64(len(t.cands)))
	for _, c := range t.cands {
		b = append(appendKey(b, c.key), c.n)
	}
	b = binary.AppendUvarint(b, uint64(len(t.Exemplars)))
	for _, a := range t.Exemplars {
		b = binary.AppendUvarint(b, uint64(a))
	}
	return b
}

func (t *Template) appendStat(b []byte, out bool) []byte {
	flags := byte(0)
	if t.Flagged {
		flags |= statFlagged
	}
	if out {
		flags |= statOut
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, t.Prompts)
	b = binary.AppendUvarint(b, uint64(t.seen))
	b = binary.LittleEndian.AppendUint64(b, uint64(t.First))
	b = binary.LittleEndian.AppendUint64(b, uint64(t.Last))
	b = binary.AppendUvarint(b, t.usedAt)
	b = binary.AppendUvarint(b, uint64(len(t.days)))
	at := int32(0)
	for i := range t.days {
		b = binary.AppendUvarint(b, uint64(t.days[i].number-at))
		at = t.days[i].number
	}
	return t.appendTraits(b)
}

func (d *day) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(d.len()))
	at := uint32(0)
	d.each(func(u Use) {
		b = binary.AppendUvarint(b, uint64(u.Account-at))
		b = binary.AppendUvarint(b, uint64(u.Prompts))
		at = u.Account
	})
	if v := d.values(); len(v) > 0 { // older records end before
		b = appendValues(b, v)
	}
	return b
}

// A fields reads a record from the front; bad is set by the first field that
// is not there.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) bytes(n int) []byte {
	if f.bad || n > len(f.b) {
		f.bad = true
		return make([]byte, n)
	}
	out := f.b[:n]
	f.b = f.b[n:]
	return out
}

func (f *fields) uvarint() uint64 {
	v, n := binary.Uvarint(f.b)
	if f.bad || n <= 0 || n > 1 && f.b[n-1] == 0 { // not there, or not the shortest spelling
		f.bad = true
		return 0
	}
	f.b = f.b[n:]
	return v
}

// below is a uvarint below a limit.
func (f *fields) below(limit uint64) uint64 {
	v := f.uvarint()
	f.bad = f.bad || v >= limit
	return v
}

func (f *fields) count(size int) int {
	v := f.uvarint()
	if v > uint64(len(f.b)/size) {
		f.bad = true
		return 0
	}
	return int(v)
}

func (f *fields) key() uint64 {
	b := f.bytes(5)
	return uint64(binary.LittleEndian.Uint32(b)) | uint64(b[4])<<32
}

func (f *fields) err() error {
	if f.bad || len(f.b) > 0 {
		return ErrRecord
	}
	return nil
}

// Decode makes a template of its core and stat records. dayOf returns the
// record of one of its days. out reports whether it had left memory. Records
// that no template would be stored as are ErrRecord; other errors are dayOf's.
func Decode(id uint32, core, stat []byte, dayOf func(day int32) ([]byte, error)) (t *Template, out bool, err error) {
	t = &Template{ID: id}
	f := fields{b: core}
	t.Born, t.Past = f.uvarint(), f.uvarint()
	t.offered, t.partials = uint8(f.below(1<<8)), uint8(f.below(1<<8))
	for range f.count(7) {
		t.core = append(t.core, coreKey{key: f.key(), hits: f.bytes(1)[0], part: f.bytes(1)[0]})
	}
	for range f.count(6) {
		t.cands = append(t.cands, candidate{key: f.key(), n: f.bytes(1)[0]})
	}
	for range f.count(1) {
		t.Exemplars = append(t.Exemplars, uint32(f.below(1<<32)))
	}
	if err := f.err(); err != nil {
		return nil, false, err
	}
	for i := range len(t.core) - 1 {
		if t.core[i].key >= t.core[i+1].key {
			return nil, false, ErrRecord
		}
	}
	t.recount()
	t.coreDirty = false

	days, out, err := t.decodeStat(stat)
	if err != nil {
		return nil, false, err
	}
	for _, n := range days {
		rec, err := dayOf(n)
		if err != nil {
			return nil, false, err
		}
		d, err := decodeDay(n, rec)
		if err != nil {
			return nil, false, err
		}
		t.days = append(t.days, d)
	}
	return t, out, nil
}

// A Stat is what a stat record says of a template at a glance.
type Stat struct {
	Out      bool
	Days     []int32
	Accounts int
	Prompts  uint64
}

// DecodeStat decodes a stat record.
func DecodeStat(b []byte) (Stat, error) {
	var t Template
	days, out, err := t.decodeStat(b)
	return Stat{out, days, int(t.accounts), t.Prompts}, err
}

func (t *Template) decodeStat(b []byte) (days []int32, out bool, err error) {
	f := fields{b: b}
	flags := f.bytes(1)[0]
	f.bad = f.bad || flags&^(statFlagged|statOut) != 0
	t.Flagged, out = flags&statFlagged != 0, flags&statOut != 0
	t.Prompts, t.seen = f.uvarint(), uint32(f.below(1<<32))
	t.First = int64(binary.LittleEndian.Uint64(f.bytes(8)))
	t.Last = int64(binary.LittleEndian.Uint64(f.bytes(8)))
	t.usedAt = f.uvarint()
	at := uint64(0)
	for i := range f.count(1) {
		step := f.below(1 << 31)
		at += step
		if i > 0 && step == 0 || at >= 1<<31 {
			return nil, false, ErrRecord
		}
		days = append(days, int32(at))
	}
	t.decodeTraits(&f)
	return days, out, f.err()
}

func decodeDay(number int32, b []byte) (d day, err error) {
	f := fields{b: b}
	d.number = number
	account := uint64(0)
	n := f.count(2)
	for i := range n {
		step, prompts := f.below(1<<32), f.below(1<<32)
		account += step
		if f.bad || i > 0 && step == 0 || account >= 1<<32 || prompts == 0 {
			return d, ErrRecord
		}
		if n <= fewUses {
			d.few = append(d.few, Use{uint32(account), uint32(prompts)})
		} else {
			d.add(uint32(account), uint32(prompts))
		}
	}
	if len(f.b) > 0 && !f.bad {
		d.setValues(decodeValues(&f))
	}
	d.dirty = false
	return d, f.err()
}

// Restore puts a decoded template back into memory. Keys that another
// template owns by now are taken out of its core.
func (s *Set) Restore(t *Template) {
	s.nextID = max(s.nextID, t.ID+1)
	s.place(t)
	n := len(t.core)
	t.core = slices.DeleteFunc(t.core, func(c coreKey) bool { return s.owners.get(c.key) >= 0 })
	for _, c := range t.core {
		s.owners.set(c.key, t.slot)
		s.sieve.Forget(c.key)
	}
	if len(t.core) != n {
		t.recount()
	}
	s.weigh(t)
}

// NextID is the id that the next template will get; SetNextID restores it.
func (s *Set) NextID() uint32      { return s.nextID }
func (s *Set) SetNextID(id uint32) { s.nextID = max(s.nextID, id) }
