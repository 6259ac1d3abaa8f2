package promptlog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"time"
	"unicode/utf8"
)

// rows rewrites CSV (RFC 4180) or TSV with a header into objects of strings,
// one a line. Lines keep their numbers: a row with line breaks inside is
// followed by as many blank lines. In TSV without quotes, \t, \n, \r and \\
// stand for what they do in JSON.
type rows struct {
	r      *bufio.Reader
	o      *Options
	comma  byte
	keys   [][]byte // of the header, as JSON with a colon; nil before it
	field  []byte
	fields []byte // of a row, one behind the other
	ends   []int
}

func newRows(r *bufio.Reader, comma byte, o *Options) *adapter {
	return &adapter{rewriter: &rows{r: r, comma: comma, o: o}}
}

// line reads up to a line's end. Of a line longer than the bound it keeps
// nothing.
func (c *rows) line() (b []byte, long bool, err error) {
	for {
		part, err := c.r.ReadSlice('\n')
		if len(b)+len(part) > c.o.LineBytes {
			b, long = b[:0], true
		} else if !long {
			if err == nil && b == nil {
				return part, false, nil
			}
			b = append(b, part...)
		}
		if err != bufio.ErrBufferFull {
			if err == io.EOF && (len(b) > 0 || long) {
				err = nil
			}
			return b, long, err
		}
	}
}

// refuse writes a line that says why a row is none.
func refuse(out *bytes.Buffer, reason string, lines int) {
	out.WriteByte(mark)
	out.WriteString(reason)
	for range lines {
		out.WriteByte('\n')
	}
}

func (c *rows) step(out *bytes.Buffer) error {
	c.fields, c.ends, c.field = c.fields[:0], c.ends[:0], c.field[:0]
	lines, open := 0, false
	for {
		b, long, err := c.line()
		if err != nil {
			if open && err == io.EOF {
				refuse(out, "a quote is not closed; what follows is lost", lines)
			}
			return err
		}
		lines++
		if long || len(c.fields)+len(c.field)+len(b) > c.o.LineBytes {
			refuse(out, c.o.tooLong(), lines)
			return nil
		}
		reason := ""
		if open, reason = c.cells(b, open); reason != "" {
			refuse(out, reason, lines)
			return nil
		}
		if !open {
			break
		}
	}
	if len(c.ends) == 1 && len(c.fields) == 0 { // a blank line
		out.WriteByte('\n')
		return nil
	}
	if c.keys == nil {
		if c.header(); len(c.ends) == 1 && bytes.IndexByte(c.cell(0), ';') >= 0 {
			refuse(out, "the columns are separated by semicolons: want commas, or tabs in a file named .tsv", lines)
			return nil
		}
		if c.headless() {
			refuse(out, "the first line is no header: it has a time or a number where a column's name belongs", lines)
			return nil
		}
	} else if len(c.ends) != len(c.keys) {
		refuse(out, columns(len(c.ends))+" where the header has "+strconv.Itoa(len(c.keys)), 1)
		lines--
	} else {
		c.write(out)
	}
	for range lines {
		out.WriteByte('\n')
	}
	return nil
}

// cells splits a line, which goes on inside a quoted field if open is set.
func (c *rows) cells(b []byte, open bool) (stillOpen bool, reason string) {
	for {
		if !open && (len(b) == 0 || b[0] != '"') {
			end := bytes.IndexByte(b, c.comma)
			last := end < 0
			cell := b
			if last {
				cell = bytes.TrimRight(b, "\r\n")
			} else {
				cell, b = b[:end], b[end+1:]
			}
			if c.comma == '\t' {
				cell = unescapeTSV(cell)
			} else if bytes.IndexByte(cell, '"') >= 0 {
				return false, "a quote inside a field that does not begin with one"
			}
			c.fields = append(c.fields, cell...)
			c.ends = append(c.ends, len(c.fields))
			if last {
				return false, ""
			}
			continue
		}
		if !open {
			b = b[1:]
		}
		open = false
		for {
			q := bytes.IndexByte(b, '"')
			if q < 0 { // the field goes on in the next line
				if bytes.HasSuffix(b, []byte("\r\n")) {
					b = append(b[:len(b)-2:len(b)-2], '\n')
				}
				c.fields = append(c.fields, b...)
				return true, ""
			}
			c.fields = append(c.fields, b[:q]...)
			b = b[q+1:]
			if len(b) == 0 || b[0] != '"' {
				break
			}
			c.fields = append(c.fields, '"')
			b = b[1:]
		}
		c.ends = append(c.ends, len(c.fields))
		switch rest := bytes.TrimRight(b, "\r\n"); {
		case len(rest) == 0:
			return false, ""
		case rest[0] != c.comma:
			return false, "text behind a closing quote"
		}
		b = b[1:]
	}
}

func unescapeTSV(b []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	var out []byte
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+1 < len(b) {
			if j := bytes.IndexByte([]byte(`tnr\`), b[i+1]); j >= 0 {
				out = append(out, "\t\n\r\\"[j])
				i++
				continue
			}
		}
		out = append(out, b[i])
	}
	return out
}

func (c *rows) cell(i int) []byte {
	start := 0
	if i > 0 {
		start = c.ends[i-1]
	}
	return c.fields[start:c.ends[i]]
}

func (c *rows) header() {
	c.keys = make([][]byte, len(c.ends))
	for i := range c.keys {
		key := bytes.TrimSpace(bytes.TrimPrefix(c.cell(i), bom))
		b, _ := json.Marshal(string(key)) // of a string: cannot fail
		c.keys[i] = append(b, ':')
	}
}

// headless reports whether what was taken for the header is a row: one of its
// columns is a time.
func (c *rows) headless() bool {
	for i := range c.ends {
		if cell := c.cell(i); len(cell) >= 9 && cell[0] >= '0' && cell[0] <= '9' {
			_, err := strconv.ParseFloat(string(cell), 64)
			if _, e := time.Parse(time.DateOnly, string(cell[:min(len(cell), len(time.DateOnly))])); err == nil || e == nil {
				return true
			}
		}
	}
	return false
}

func columns(n int) string {
	if n == 1 {
		return "1 column"
	}
	return strconv.Itoa(n) + " columns"
}

func (c *rows) write(out *bytes.Buffer) {
	out.WriteByte('{')
	for i, key := range c.keys {
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(key)
		quote(out, c.cell(i))
	}
	out.WriteByte('}')
}

// quote writes b as a JSON string. Invalid UTF-8 stays: the decoder refuses it.
func quote(out *bytes.Buffer, b []byte) {
	const hex = "0123456789abcdef"
	out.WriteByte('"')
	for len(b) > 0 {
		n := plain(b)
		out.Write(b[:n])
		if b = b[n:]; len(b) == 0 {
			break
		}
		switch c := b[0]; c {
		case '"', '\\':
			out.Write([]byte{'\\', c})
		case '\n':
			out.WriteString(`\n`)
		case '\t':
			out.WriteString(`\t`)
		default:
			out.WriteString(`\u00`)
			out.Write([]byte{hex[c>>4], hex[c&15]})
		}
		b = b[1:]
	}
	out.WriteByte('"')
}

// tabular guesses whether input whose first line is given is CSV or TSV by its
// header: at least two columns, one of them named like an account and one like
// a text, or by what a map says. 0 means neither. Semicolons between columns are
// taken for commas, so that the header is refused with a hint.
func tabular(line []byte, m *Map) (comma byte) {
	if len(line) == 0 || !utf8.Valid(line) || line[0] == '{' || line[0] == '[' {
		return 0
	}
	known := [][]string{commonAccount, append([]string{"text", "conversation", "request_body", "RequestMessages", "full_request"}, commonText...)}
	if m != nil {
		known = [][]string{append([]string(nil), m.Account...), append(append([]string(nil), m.Text...), m.Messages...)}
		if len(known[0]) == 0 {
			known[0] = commonAccount
		}
	}
	for _, comma := range []byte{'\t', ',', ';'} {
		c := rows{comma: comma}
		open, reason := c.cells(append([]byte(nil), line...), false)
		if open || reason != "" || len(c.ends) < 2 {
			continue
		}
		found := 0
		for _, names := range known {
		next:
			for _, name := range names {
				for i := range c.ends {
					if string(bytes.TrimSpace(bytes.TrimPrefix(c.cell(i), bom))) == name {
						found++
						break next
					}
				}
			}
		}
		if found == len(known) {
			if comma == ';' {
				comma = ','
			}
			return comma
		}
	}
	return 0
}
