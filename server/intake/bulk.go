package intake

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
)

// Bounds of one bulk request, beside its bytes.
const (
	maxItems  = 200_000 // each has to be answered
	maxLine   = 16 << 20
	maxAction = 64 << 10
)

// An item is one action of a bulk request with what became of it.
type item struct {
	op        string // "create", "index", "update" or "delete"
	index, id string
	number    uint64 // the prompt's in the index
	duplicate bool
	placed    bool
	reason    string // why it is no prompt; "": none
	badOp     bool   // the reason is op
}

// A target is what an action line says.
type target struct {
	Index string    `json:"_index"`
	ID    *bulkText `json:"_id"`
}

// A bulkText is a string, or a number taken as one.
type bulkText string

func (t *bulkText) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		return json.Unmarshal(b, (*string)(t))
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	*t = bulkText(n)
	return nil
}

// parseAction reads an action line. The reason why it is none has nothing of it.
func parseAction(line []byte, it *item) (reason string) {
	var ops map[string]*target
	if err := json.Unmarshal(line, &ops); err != nil || len(ops) != 1 {
		return `expected an action like {"create":{}}`
	}
	for op, t := range ops {
		switch op {
		case "create", "index", "update", "delete":
		default:
			return "expected create or index"
		}
		it.op = op
		if t != nil {
			it.index = t.Index
			if t.ID != nil {
				it.id = string(*t.ID)
			}
		}
	}
	return ""
}

// A lineReader reads lines of at most max bytes.
type lineReader struct {
	r   *bufio.Reader
	max int
	buf []byte // of a line longer than the reader's buffer
}

// next returns a line without its end; long says that it was longer and is
// lost. The line is valid until the next call. io.EOF comes alone.
func (l *lineReader) next() (line []byte, long bool, err error) {
	line, err = l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		l.buf = append(l.buf[:0], line...)
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = l.r.ReadSlice('\n')
			if long = long || len(l.buf)+len(line) > l.max; !long {
				l.buf = append(l.buf, line...)
			}
		}
		line = l.buf
	}
	if long {
		line = nil
	} else if err == io.EOF && len(line) > 0 {
		err = nil // the last line may have no end
	}
	return bytes.TrimRight(line, "\r\n"), long, err
}

// bulk adds the documents of a bulk request, as
// https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
// has it. What is wrong with one document is said in its item; a failure that
// another try may mend is the whole request's, so that all of it comes again:
// what counted before then has its id.
func (in *Intake) bulk(w http.ResponseWriter, r *http.Request) error {
	start := time.Now()
	o := in.options()
	o.Format, o.ContentIDs, o.LineBytes = "auto", true, maxLine
	if _, err := fields(r, o); err != nil {
		return err
	}
	b, err := openBody(r, in.o.BulkBytes)
	if err != nil {
		return err
	}
	defer b.Close()
	var items []item
	g := in.newGatherer(r, o, func(i int, p *index.Placement) {
		items[i].placed = true
		items[i].duplicate, items[i].number = p.Duplicate, p.Prompt
	}, func(i int, s *promptlog.Skip) { items[i].reason = s.Reason })
	err = in.readBulk(&lineReader{r: bufio.NewReaderSize(b, 64<<10), max: maxLine}, r.PathValue("index"), &items, g)
	err = g.end(err)
	in.o.Count(Bulk, g.Counts)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	newFilter(r.URL.Query()["filter_path"]).write(&out, items, time.Since(start))
	in.elasticAnswer(w, r, http.StatusOK, out.Bytes())
	return nil
}

// readBulk reads all actions. A malformed one is an error: where the next one
// begins is not known.
func (in *Intake) readBulk(lines *lineReader, defaultIndex string, items *[]item, g *gatherer) error {
	if defaultIndex == "" {
		defaultIndex = "chorus"
	}
	var last []byte // action line, of what many repeat
	var parsed item
	for n := 1; ; n++ {
		line, long, err := lines.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(line)) == 0 && !long {
			continue
		}
		if len(*items) == maxItems {
			return promptlog.ErrTooLarge
		}
		if !bytes.Equal(line, last) {
			parsed = item{index: defaultIndex}
			reason := "longer than " + strconv.Itoa(maxAction) + " bytes"
			if !long && len(line) <= maxAction {
				reason = parseAction(line, &parsed)
			}
			if reason != "" {
				return badRequest("malformed action/metadata line [%d]: %s", n, reason)
			}
			if parsed.index == "" {
				parsed.index = defaultIndex
			}
			last = append(last[:0], line...)
		}
		*items = append(*items, parsed)
		it := &(*items)[len(*items)-1]
		if it.op != "delete" {
			n++
			line, long, err = lines.next()
			if err == io.EOF {
				return badRequest("line [%d]: the action before it has no document", n)
			}
			if err != nil {
				return err
			}
		}
		number := len(*items) - 1
		switch {
		case it.op == "delete" || it.op == "update":
			it.badOp = true
			g.refuse(number, "chorus takes only create and index")
		case long:
			g.refuse(number, "longer than "+strconv.Itoa(maxLine)+" bytes")
		default:
			beside := &promptlog.Beside{ID: it.id}
			if err = g.take(number, line, beside); err != nil {
				return err
			}
		}
	}
}

// A filter says what of an answer is asked for, by filter_path.
type filter struct {
	all, took, errors, items bool
	fields                   map[string]bool // of items; nil: all
}

// newFilter understands what shippers ask for: names, and items.*.name. What it
// does not understand it grants.
func newFilter(values []string) *filter {
	f := &filter{}
	for path := range strings.SplitSeq(strings.Join(values, ","), ",") {
		switch name, rest, _ := strings.Cut(path, "."); {
		case path == "":
		case name == "took":
			f.took = true
		case name == "errors":
			f.errors = true
		case name == "items":
			_, field, ok := strings.Cut(rest, ".")
			field, _, _ = strings.Cut(field, ".")
			if !ok || strings.Contains(field, "*") {
				f.all = true
				continue
			}
			if f.items = true; f.fields == nil {
				f.fields = make(map[string]bool)
			}
			f.fields[field] = true
		default:
			f.all = true
		}
	}
	if !f.took && !f.errors && !f.items {
		f.all = true
	}
	return f
}

func (f *filter) write(out *bytes.Buffer, items []item, took time.Duration) {
	failed := false
	for i := range items {
		failed = failed || items[i].failed()
	}
	sep := byte('{')
	part := func(wanted bool, name string) bool {
		if !wanted && !f.all {
			return false
		}
		out.WriteByte(sep)
		sep = ','
		out.WriteString(`"` + name + `":`)
		return true
	}
	if part(f.took, "took") {
		out.WriteString(strconv.FormatInt(took.Milliseconds(), 10))
	}
	if part(f.errors, "errors") {
		out.WriteString(strconv.FormatBool(failed))
	}
	if part(f.items, "items") {
		out.WriteByte('[')
		first := true
		for i := range items {
			if at := out.Len(); f.item(out, &items[i], first) {
				first = false
			} else {
				out.Truncate(at)
			}
		}
		out.WriteByte(']')
	}
	if sep == '{' {
		out.WriteByte('{')
	}
	out.WriteByte('}')
}

// failed reports whether the item is no prompt.
func (it *item) failed() bool { return it.reason != "" && !it.placed }

// item writes one item, and reports whether anything of it was asked for.
func (f *filter) item(out *bytes.Buffer, it *item, first bool) bool {
	if !first {
		out.WriteByte(',')
	}
	out.WriteString(`{"` + it.op + `":`)
	sep := byte('{')
	field := func(name, text string) {
		if f.all || f.fields[name] {
			out.WriteByte(sep)
			sep = ','
			out.WriteString(`"` + name + `":` + text)
		}
	}
	id := it.id
	if id == "" && it.number > 0 {
		id = "#" + strconv.FormatUint(it.number, 10) // as chorus names prompts without an id
	}
	field("_index", quoted(it.index))
	field("_id", quoted(id))
	if it.failed() {
		kind := "document_parsing_exception"
		if it.badOp {
			kind = "illegal_argument_exception"
		}
		field("status", "400")
		field("error", `{"type":"`+kind+`","reason":`+quoted(it.reason)+`}`)
	} else {
		status, result := "201", `"created"`
		if it.duplicate {
			status, result = "200", `"noop"` // counted before
		}
		field("_version", "1")
		field("result", result)
		field("status", status)
	}
	if sep == '{' {
		return false
	}
	out.WriteString("}}")
	return true
}

// quoted returns s as JSON.
func quoted(s string) string {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			b, _ := json.Marshal(s) // which takes every string
			return string(b)
		}
	}
	return `"` + s + `"`
}
