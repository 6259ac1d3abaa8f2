package embed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/seed-368d3dfa/chorus/index"
)

// WriterOptions say how a Writer finds prompts in lines. Nil and the zero value
// mean the defaults.
type WriterOptions struct {
	Fields Fields

	// LineBytes bounds a line. Longer ones are passed on and counted as TooLarge.
	// 0: 4 MiB.
	LineBytes int
}

// A Writer is an io.Writer for loggers that write JSON objects, one a line. It
// passes all bytes on to another writer as they come, and gives its tap the
// prompts among the lines. It may be used concurrently if the other writer may.
type Writer struct {
	next   io.Writer
	tap    *Tap
	lines  lineDecoder
	decode func([]byte, *index.Prompt) error // lines.decode
	marks  [][]byte                          // a line without any of them has no prompt
	limit  int

	mu   sync.Mutex
	rest []byte // of a line whose end has not come yet
	long bool   // that line is over the limit; rest is empty
}

// NewWriter returns a writer that passes bytes on to next, which may be
// [io.Discard], and gives tap the prompts among the lines: objects with a text or
// messages field. One that has no account is counted as Invalid.
func NewWriter(tap *Tap, next io.Writer, o *WriterOptions) (*Writer, error) {
	if tap == nil || next == nil {
		return nil, errors.New("embed: NewWriter without a tap or a next writer")
	}
	var opts WriterOptions
	if o != nil {
		opts = *o
	}
	if opts.LineBytes == 0 {
		opts.LineBytes = 4 << 20
	}
	if opts.LineBytes < 0 {
		return nil, fmt.Errorf("embed: WriterOptions.LineBytes is %d", opts.LineBytes)
	}
	f, names, err := opts.Fields.filled()
	if err != nil {
		return nil, err
	}
	w := &Writer{next: next, tap: tap, limit: opts.LineBytes, lines: lineDecoder{names, f.Attrs}}
	w.decode = w.lines.decode
	for _, path := range []string{f.Text, f.Messages} {
		name := path[strings.LastIndexByte(path, '.')+1:]
		w.marks = append(w.marks, []byte(`"`+name+`"`))
		if name != path {
			w.marks = append(w.marks, []byte(`.`+name+`"`))
		}
	}
	return w, nil
}

// Write passes p on and looks at the lines that end in it. What it returns is
// what the next writer returned.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.next.Write(p)
	w.scan(p[:max(0, min(n, len(p)))])
	return n, err
}

// Flush looks at what has been written since the last line break, as if one had
// come. Call it at the end of a stream that may lack one.
func (w *Writer) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end(nil)
}

func (w *Writer) scan(p []byte) {
	if len(p) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			break
		}
		w.end(p[:i])
		p = p[i+1:]
	}
	if w.long || len(p) == 0 {
		return
	}
	if len(w.rest)+len(p) > w.limit {
		w.rest, w.long = nil, true
		return
	}
	w.rest = append(w.rest, p...)
}

var errLine = errors.New("embed: line is longer than WriterOptions.LineBytes")

// end takes a line that ends with last; what came before is in rest.
func (w *Writer) end(last []byte) {
	line := last
	if len(w.rest) > 0 {
		if len(w.rest)+len(last) <= w.limit {
			w.rest = append(w.rest, last...)
			line = w.rest
		} else {
			w.long = true
		}
	}
	if w.long || len(line) > w.limit {
		w.tap.refuse(&w.tap.stats.TooLarge, errLine)
	} else if w.marked(line) {
		w.tap.offer(context.Background(), &item{raw: bytes.Clone(line), decode: w.decode})
	}
	if w.rest, w.long = w.rest[:0], false; cap(w.rest) > keepBytes {
		w.rest = nil
	}
}

// keepBytes is the largest buffer kept for the next line.
const keepBytes = 64 << 10

// marked says whether a line may hold a prompt. It does not see names that are
// spelled with escapes, which no logger does to letters.
func (w *Writer) marked(line []byte) bool {
	for _, m := range w.marks {
		if bytes.Contains(line, m) {
			return true
		}
	}
	return false
}
