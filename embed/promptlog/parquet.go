package promptlog

import (
	"bytes"
	"errors"
	"io"
	"math"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	pqformat "github.com/parquet-go/parquet-go/format"
)

// table rewrites the rows of a Parquet file into objects, one a line; lists
// become arrays, maps objects, timestamps RFC 3339.
//
// What the library panics with, on damaged files, ends the rows with a reason
// as its errors do. Neither is shown: they may quote values.
type table struct {
	file   *parquet.File
	open   func() (*parquet.File, error)
	src    *source // told how far reading is; nil for none
	size   int64
	groups []parquet.RowGroup
	rows   parquet.Rows
	read   int64
	buf    []parquet.Row
	root   *node
	cols   [][]parquet.Value // of the row at hand, by leaf
	bad    bool              // a value was not of its column's type
}

func newParquet(r io.ReaderAt, size int64, src *source) *adapter {
	return &adapter{rewriter: &table{src: src, size: size, open: func() (*parquet.File, error) {
		return parquet.OpenFile(r, size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true), parquet.ReadBufferSize(256<<10))
	}}}
}

// rowsAtOnce is how many rows are asked for in one call.
const rowsAtOnce = 128

var errParquet = errors.New("damaged, too many columns, or nested too deep")

func (t *table) step(out *bytes.Buffer) (err error) {
	whole := out.Len()
	// The library reads memory by offsets from the file: a wrong one is to be a
	// panic, not the end of the process.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = errParquet
		}
		if err != nil && err != io.EOF {
			out.Truncate(whole)
			refuse(out, "the Parquet data is damaged; what follows is lost", 1)
			t.close()
			err = io.EOF
		}
	}()
	if t.file == nil {
		if t.file, err = t.open(); err != nil {
			return err
		}
		leaves := 0
		if t.root, err = newNode(t.file.Root(), 0, &leaves); err != nil {
			return err
		}
		t.cols = make([][]parquet.Value, leaves)
		t.groups = t.file.RowGroups()
		t.buf = make([]parquet.Row, rowsAtOnce)
	}
	if t.rows == nil {
		if len(t.groups) == 0 {
			if t.read != t.file.NumRows() {
				return io.ErrUnexpectedEOF
			}
			return io.EOF
		}
		t.rows, t.groups = t.groups[0].Rows(), t.groups[1:]
	}
	n, err := t.rows.ReadRows(t.buf)
	for _, row := range t.buf[:n] {
		for i := range t.cols {
			t.cols[i] = nil
		}
		row.Range(func(column int, values []parquet.Value) bool {
			if column < len(t.cols) {
				t.cols[column] = values
			}
			return true
		})
		t.root.write(t, out)
		if t.bad {
			return errParquet
		}
		out.WriteByte('\n')
		whole = out.Len()
	}
	t.read += int64(n)
	if t.src != nil {
		t.src.n = int64(float64(t.size) * float64(t.read) / float64(max(1, t.file.NumRows())))
	}
	if err == io.EOF || n == 0 && err == nil {
		err = t.rows.Close()
		t.rows = nil
	}
	return err
}

// close gives up the rows under way, which may be the ones that panicked.
func (t *table) close() {
	defer func() { recover() }()
	if t.rows != nil {
		t.rows.Close()
		t.rows = nil
	}
}

// A node is a column or group of columns, and how to write its values. The
// levels are those of Dremel (Melnik et al. 2010): a value's definition level
// says how much of its path is there, its repetition level which list goes on.
type node struct {
	name     []byte // as a JSON key with a colon
	nodes    []*node
	leaf     int // the first leaf's index
	leaves   int
	optional bool
	repeated bool
	rep, def int
	list     bool // of a group: its one repeated child stands for it
	pairs    bool // the same, and the child has a key and a value
	kind     parquet.Kind
	scalar   func(out *bytes.Buffer, v parquet.Value)
}

const maxLeaves = 4096

func newNode(c *parquet.Column, depth int, leaves *int) (*node, error) {
	var key bytes.Buffer
	quote(&key, []byte(strings.ToValidUTF8(c.Name(), "\ufffd")))
	key.WriteByte(':')
	n := &node{
		name: key.Bytes(), leaf: *leaves, optional: depth > 0 && c.Optional(), repeated: depth > 0 && c.Repeated(),
		rep: c.MaxRepetitionLevel(), def: c.MaxDefinitionLevel(),
	}
	if depth > maxDepth || *leaves > maxLeaves {
		return nil, errParquet
	}
	if c.Leaf() {
		n.leaves = 1
		*leaves++
		n.kind, n.scalar = c.Type().Kind(), scalarOf(c.Type())
		return n, nil
	}
	for _, child := range c.Columns() {
		x, err := newNode(child, depth+1, leaves)
		if err != nil {
			return nil, err
		}
		n.nodes = append(n.nodes, x)
	}
	n.leaves = *leaves - n.leaf
	if n.leaves == 0 {
		return nil, errParquet
	}
	if columns := c.Columns(); depth > 0 && len(columns) == 1 && columns[0].Repeated() {
		switch name := columns[0].Name(); name {
		case "list", "array", "bag":
			n.list = true
		case "key_value", "map", "entries":
			n.list = true
			n.pairs = len(n.nodes[0].nodes) == 2
		}
	}
	return n, nil
}

// there reports whether the node's next value has at least a definition level.
func (n *node) there(t *table, def int) bool {
	values := t.cols[n.leaf]
	return len(values) > 0 && values[0].DefinitionLevel() >= def
}

// skip passes over one value of every leaf below.
func (n *node) skip(t *table) {
	for i := n.leaf; i < n.leaf+n.leaves; i++ {
		if len(t.cols[i]) > 0 {
			t.cols[i] = t.cols[i][1:]
		}
	}
}

func (n *node) write(t *table, out *bytes.Buffer) {
	switch {
	case n.repeated:
		out.WriteByte('[')
		n.each(t, func(first bool) {
			if !first {
				out.WriteByte(',')
			}
			n.one(t, out)
		})
		out.WriteByte(']')
	case n.optional && !n.there(t, n.def):
		n.skip(t)
		out.WriteString("null")
	default:
		n.one(t, out)
	}
}

// each calls f for every element of a repeated node, in which it consumes one.
func (n *node) each(t *table, f func(first bool)) {
	if !n.there(t, n.def) {
		n.skip(t)
		return
	}
	for first := true; ; first = false {
		left := len(t.cols[n.leaf])
		f(first)
		if now := t.cols[n.leaf]; len(now) == 0 || len(now) == left || now[0].RepetitionLevel() != n.rep {
			return
		}
	}
}

// one writes a value that is there.
func (n *node) one(t *table, out *bytes.Buffer) {
	switch {
	case n.scalar != nil:
		values := t.cols[n.leaf]
		if len(values) == 0 || values[0].IsNull() {
			out.WriteString("null")
		} else if values[0].Kind() != n.kind {
			t.bad = true // reading it as another kind would be undefined
		} else {
			n.scalar(out, values[0])
		}
		n.skip(t)
	case n.pairs:
		key, value := n.nodes[0].nodes[0], n.nodes[0].nodes[1]
		out.WriteByte('{')
		n.nodes[0].each(t, func(first bool) {
			if !first {
				out.WriteByte(',')
			}
			start := out.Len()
			key.write(t, out)
			if b := out.Bytes()[start:]; len(b) == 0 || b[0] != '"' { // names are strings in JSON
				b = bytes.Clone(b)
				out.Truncate(start)
				quote(out, b)
			}
			out.WriteByte(':')
			value.write(t, out)
		})
		out.WriteByte('}')
	case n.list:
		out.WriteByte('[')
		n.nodes[0].each(t, func(first bool) {
			if !first {
				out.WriteByte(',')
			}
			if e := n.nodes[0]; len(e.nodes) == 1 {
				e.nodes[0].write(t, out)
			} else {
				e.one(t, out)
			}
		})
		out.WriteByte(']')
	default:
		out.WriteByte('{')
		for i, x := range n.nodes {
			if i > 0 {
				out.WriteByte(',')
			}
			out.Write(x.name)
			x.write(t, out)
		}
		out.WriteByte('}')
	}
}

// scalarOf returns how values of a type are written.
func scalarOf(typ parquet.Type) func(*bytes.Buffer, parquet.Value) {
	unit, layout := time.Duration(0), time.RFC3339Nano
	if l := typ.LogicalType(); l != nil {
		switch x := l.Value.(type) {
		case *pqformat.TimestampType:
			if !x.IsAdjustedToUTC {
				layout = "2006-01-02T15:04:05.999999999" // in whatever zone
			}
			switch x.Unit.Value.(type) {
			case *pqformat.MilliSeconds:
				unit = time.Millisecond
			case *pqformat.MicroSeconds:
				unit = time.Microsecond
			default:
				unit = time.Nanosecond
			}
		}
	}
	switch typ.Kind() {
	case parquet.Boolean:
		return func(out *bytes.Buffer, v parquet.Value) { out.WriteString(strconv.FormatBool(v.Boolean())) }
	case parquet.Int32:
		return func(out *bytes.Buffer, v parquet.Value) { number(out, int64(v.Int32())) }
	case parquet.Int64:
		if unit == 0 {
			return func(out *bytes.Buffer, v parquet.Value) { number(out, v.Int64()) }
		}
		return func(out *bytes.Buffer, v parquet.Value) {
			per := int64(time.Second / unit)
			moment(out, time.Unix(v.Int64()/per, v.Int64()%per*int64(unit)), layout)
		}
	case parquet.Int96: // nanoseconds of a Julian day, as Impala and Spark write times
		return func(out *bytes.Buffer, v parquet.Value) {
			x := v.Int96()
			days, nanos := int64(x[2])-2440588, int64(x[1])<<32|int64(x[0])
			moment(out, time.Unix(days*86400, nanos), layout)
		}
	case parquet.Float:
		return func(out *bytes.Buffer, v parquet.Value) { float(out, float64(v.Float()), 32) }
	case parquet.Double:
		return func(out *bytes.Buffer, v parquet.Value) { float(out, v.Double(), 64) }
	}
	return func(out *bytes.Buffer, v parquet.Value) { quote(out, v.ByteArray()) }
}

func number(out *bytes.Buffer, n int64) { out.Write(strconv.AppendInt(out.AvailableBuffer(), n, 10)) }

func float(out *bytes.Buffer, f float64, bits int) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		out.WriteString("null") // JSON has neither
		return
	}
	out.Write(strconv.AppendFloat(out.AvailableBuffer(), f, 'f', -1, bits))
}

func moment(out *bytes.Buffer, t time.Time, layout string) {
	out.WriteByte('"')
	out.Write(t.UTC().AppendFormat(out.AvailableBuffer(), layout))
	out.WriteByte('"')
}
