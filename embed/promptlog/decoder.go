package promptlog

import (
	"bytes"
	"time"
	"unicode/utf8"

	"github.com/seed-368d3dfa/chorus/index"
)

// A Decoder turns single records into prompts, for programs that get them one
// by one: from a queue, or from a shipper of logs. Records of different formats
// may come mixed. Not for concurrent use.
//
// Of the options, Format, Map, TimeOptional, ContentIDs, LineBytes and Values count; a
// Format of "" is taken as "auto". Prompts that several records make up come
// when they are complete, or with Flush.
type Decoder struct {
	d      *decoder
	o      *Options
	fixed  *format             // of all records; nil: detected
	last   *format             // of the last record; nil: none was known so far
	over   map[*format]*format // with what Options.Map says in its place
	joiner joiner
	line   int

	context tree         // of the resource that OTLP's records belong to
	proto   bytes.Buffer // JSON of a record in protobuf
}

// Beside is what a sender says about a record. It counts where the record says
// nothing itself.
type Beside struct {
	Fields  []Field   // taken as if they were in the record
	Account string    // "": unknown; unlike one of Fields it does not tell what format the record is
	Time    time.Time // zero: unknown
	ID      string    // "": unknown
	Text    bool      // a record that does not begin like a JSON object is a prompt's text
}

// A Field is a name with its value.
type Field struct{ Name, Value string }

// NewDecoder makes a Decoder.
func NewDecoder(o *Options) *Decoder {
	o = o.filled()
	d := &Decoder{d: newDecoder(o), o: o, fixed: formatNamed(o.Format)}
	d.context = tree{names: d.d.name, max: o.Values}
	d.joiner = joiner{o: o, d: d.d}
	switch m := o.Map; {
	case d.fixed == nil && m != nil && m.speaks():
		d.fixed = mapped
	case d.fixed != nil && d.fixed.name == nativeName:
		d.fixed = shipped
	}
	return d
}

// Decode appends the prompts of one record to b.Prompts, and why something in
// it is no prompt to b.Skipped, with the record's number from 1 as Line. A
// record that is part of a prompt may add nothing. The record may be reused
// after the call.
func (d *Decoder) Decode(b *Batch, record []byte, beside *Beside) {
	to := d.begin(b, beside)
	switch {
	case len(record) > d.o.LineBytes:
		to.skip(d.o.tooLong())
	case !utf8.Valid(record):
		to.skip("invalid UTF-8")
	case d.d.beside.Text && !bytes.HasPrefix(bytes.TrimLeft(record, " \t\r\n"), []byte(`{"`)):
		d.text(record, to)
	default:
		d.record(record, to)
	}
	d.end(to)
}

// Flush appends the prompts of which no more records are to come.
func (d *Decoder) Flush(b *Batch) {
	d.d.beside = Beside{}
	d.joiner.end(b)
}

func (d *Decoder) begin(b *Batch, beside *Beside) *batch {
	d.line++
	b.Lines = d.line
	if d.d.beside = (Beside{}); beside != nil {
		d.d.beside = *beside
	}
	d.d.tree.reset()
	d.d.noted = d.d.noted[:0]
	return &batch{Batch: b, name: d.o.Name, line: d.line}
}

// end puts what belongs together into one.
func (d *Decoder) end(to *batch) {
	for i := range to.parts {
		if p := &to.parts[i].prompt; p.Time.IsZero() {
			p.Time = d.d.beside.Time
		}
	}
	d.joiner.batch(to.Batch, to.parts)
}

func (d *Decoder) record(record []byte, to *batch) {
	strict := ""
	native := d.o.Map == nil && (d.fixed == nil || d.fixed == shipped)
	if native && (d.last == nil || d.last == shipped) {
		var done bool
		if done, strict = d.native(record, to); done {
			return
		}
	}
	v, reason := d.d.tree.parse(record)
	if reason == "" && v.kind != '{' {
		reason = "not a JSON object"
	}
	if reason != "" {
		to.skip(reason)
		return
	}
	v = d.with(&v)
	f := d.format(&v)
	if d.fixed == nil && (f == nil || d.last.name == "fields") { // which much matches
		if in, ok := d.unwrap(&v); ok {
			if g := d.format(&in); g != nil || f == nil {
				v, f = in, g
			}
		}
	} else if f == shipped && native && len(d.d.beside.Fields) == 0 {
		if strict == "" {
			var done bool
			if done, strict = d.native(record, to); done {
				return
			}
		}
		if strict != "" { // in chorus's own format types are strict
			to.skip(strict)
			return
		}
	}
	if f == nil { // for what a map says, or to say what is missing
		f = d.mapped(formatNamed("fields"))
	}
	d.d.recordOf(f, &v, to)
}

// native takes a record of chorus's own format, by its own decoder. A prompt
// without a time is left to the others, which know more names for it.
func (d *Decoder) native(record []byte, to *batch) (done bool, reason string) {
	var p index.Prompt
	if reason = d.d.prompt(record, &p); reason != "" && reason != noTime {
		return false, reason
	}
	if p.Time.IsZero() {
		return false, ""
	}
	d.last = shipped
	d.d.identify(&p, 0)
	to.Prompts = append(to.Prompts, p)
	return true, ""
}

// text takes a record that is a prompt's text.
func (d *Decoder) text(record []byte, to *batch) {
	const name = "text"
	v := value{kind: '{', elems: []value{{kind: '"', key: name, text: record}}}
	v = d.with(&v)
	f := *d.mapped(formatNamed("fields"))
	f.body, f.system = []string{name}, nil
	d.d.recordOf(&f, &v, to)
}

// with returns an object with what is known beside it: its own members come
// later, and therefore count.
func (d *Decoder) with(v *value) value {
	fields := d.d.beside.Fields
	if len(fields) == 0 {
		return *v
	}
	all := make([]value, 0, len(fields)+len(v.elems))
	for _, f := range fields {
		all = append(all, value{kind: '"', key: d.d.name([]byte(f.Name)), text: []byte(f.Value)})
	}
	return value{kind: '{', elems: append(all, v.elems...)}
}

// shipped is chorus's own format as shippers pass it on, which add a time under
// a name of theirs.
var shipped *format

// format returns the format of a record, nil if it is not known.
func (d *Decoder) format(v *value) *format {
	f := d.fixed
	switch last := d.last; {
	case f != nil:
	case last != nil && last.telling && last.match(d.d, v):
		f = last
	default:
		for _, g := range formats {
			if g.match(d.d, v) {
				f = g
				break
			}
		}
		if f == nil {
			return nil
		}
		if f.name == nativeName {
			f = shipped
		}
		d.last = f
	}
	return d.mapped(f)
}

// mapped returns f with what Options.Map says in its place.
func (d *Decoder) mapped(f *format) *format {
	if d.o.Map == nil {
		return f
	}
	g, ok := d.over[f]
	if !ok {
		g = d.o.Map.over(f)
		if d.over == nil {
			d.over = make(map[*format]*format)
		}
		d.over[f] = g
	}
	return g
}

// lines are the names under which shippers put the line that they have read.
var lines = []string{"message", "log", "msg", "_msg", "line", "event.original", "MESSAGE"}

// unwrap returns the record that a shipper has put into a string of its own
// record, whose other members stand beside it.
func (d *Decoder) unwrap(v *value) (in value, ok bool) {
	for _, name := range lines {
		e := d.d.tree.find(v, name)
		if e == nil || e.kind != '"' {
			continue
		}
		if o := d.d.object(e); o != nil {
			all := make([]value, 0, len(v.elems)+len(o.elems))
			for i := range v.elems {
				if v.elems[i].kind != '{' && v.elems[i].kind != '[' && v.elems[i].key != name {
					all = append(all, v.elems[i])
				}
			}
			return value{kind: '{', elems: append(all, o.elems...)}, true
		}
	}
	return value{}, false
}
