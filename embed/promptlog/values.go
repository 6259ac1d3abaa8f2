package promptlog

import (
	"bufio"
	"bytes"
	"io"
)

// mark begins a line that an adapter makes up: the rest is the reason why what
// stood there is no record. No adapter passes on a line that begins with it.
const mark = 0

// A rewriter turns input into lines of JSON by writing them to out.
type rewriter interface {
	// step reads some input. It returns io.EOF when there is no more.
	step(out *bytes.Buffer) error
}

// An adapter is what a rewriter writes, as a Reader.
type adapter struct {
	rewriter
	out bytes.Buffer
	err error
}

func (a *adapter) Read(p []byte) (int, error) {
	for a.out.Len() == 0 {
		if a.err != nil {
			return 0, a.err
		}
		a.out.Reset()
		a.err = a.step(&a.out)
	}
	return a.out.Read(p)
}

// values rewrites an array, or a run of objects that have line breaks inside,
// into one line each. A line's number is where the value begins, as long as no
// two values share a line; in an array on one line it is the element's.
type values struct {
	r      *bufio.Reader
	ahead  int // lines written that the input has not had
	passed int // line ends inside the value, to be written behind it
	array  bool
	done   bool // an array has ended

	depth  int
	str    bool // inside a string
	escape bool
	scalar bool // inside a value that is neither array nor object
	lost   bool // behind a value with an open string: wait for the next one's start

	column int // of the byte being read, from 0
	blank  bool
	indent int  // column at which values begin, -1 unknown
	broken bool // values have line breaks inside
}

func newValues(r *bufio.Reader) *adapter {
	return &adapter{rewriter: &values{r: r, blank: true, indent: -1}}
}

func (v *values) step(out *bytes.Buffer) error {
	_, err := v.r.Peek(1)
	if err == nil {
		b, _ := v.r.Peek(v.r.Buffered())
		for _, c := range b {
			v.byte(c, out)
		}
		v.r.Discard(len(b))
		return nil
	}
	switch {
	case v.depth > 0 || v.scalar: // cut off; as a line it is malformed
		out.WriteByte('\n')
	case err == io.EOF && v.array:
		out.WriteByte(mark)
		out.WriteString("the array is not closed: the input ends too early\n")
	}
	return err
}

func (v *values) byte(c byte, out *bytes.Buffer) {
	first := v.blank && c != ' ' && c != '\t' && c != '\n' && c != '\r'
	if first {
		v.blank = false
	}
	switch {
	case v.lost:
		if first && c == '{' && v.column <= v.indent {
			v.lost = false
			v.between(c, first, out)
		}
	case v.str:
		v.inString(c, out)
	case v.depth > 0:
		v.inside(c, first, out)
	default:
		v.between(c, first, out)
	}
	v.column++
	if c == '\n' {
		v.column, v.blank = 0, true
		v.passed++
	}
	if v.depth == 0 && !v.scalar {
		v.number(out)
	}
}

// number writes blank lines for the input's line ends that no value has used.
func (v *values) number(out *bytes.Buffer) {
	for ; v.passed > 0; v.passed-- {
		if v.ahead > 0 {
			v.ahead--
		} else {
			out.WriteByte('\n')
		}
	}
}

// end ends the line of a value.
func (v *values) end(out *bytes.Buffer) {
	out.WriteByte('\n')
	v.ahead++
	v.number(out)
	v.depth, v.str, v.escape, v.scalar = 0, false, false, false
}

func (v *values) inString(c byte, out *bytes.Buffer) {
	if c == '\n' { // which no string may have: a quote is missing
		v.end(out)
		v.lost = v.indent >= 0
		return
	}
	out.WriteByte(c)
	switch {
	case v.escape:
		v.escape = false
	case c == '\\':
		v.escape = true
	case c == '"':
		v.str = false
	}
}

func (v *values) inside(c byte, first bool, out *bytes.Buffer) {
	switch c {
	case '\n':
		v.broken = true
		c = ' '
	case '"':
		v.str = true
	case '{':
		// Where a value should begin: the one before was never closed.
		if first && v.column <= v.indent && (v.indent > 0 || !v.broken) {
			v.end(out)
			v.between(c, first, out)
			return
		}
		v.depth++
	case '[':
		v.depth++
	case '}', ']':
		v.depth--
	}
	out.WriteByte(c)
	if v.depth == 0 {
		v.end(out)
	}
}

// between reads what stands between values, and values without brackets.
func (v *values) between(c byte, first bool, out *bytes.Buffer) {
	if v.scalar {
		if c == '\n' || c == ',' || c == ']' {
			v.end(out)
		} else {
			out.WriteByte(c)
			return
		}
	}
	switch c {
	case ' ', '\t', '\r', '\n', ',':
	case ']':
		if v.array {
			v.array, v.done = false, true
		}
	case '[':
		if !v.array && !v.done {
			v.array = true
			return
		}
		v.depth = 1
		out.WriteByte(c)
	case '{':
		if first && v.indent < 0 {
			v.indent = v.column
		}
		v.depth = 1
		out.WriteByte(c)
	case '"':
		v.scalar = true
		out.WriteByte(c)
	case mark:
		v.scalar = true
		out.WriteString(" ")
	default:
		v.scalar = true
		out.WriteByte(c)
	}
}
