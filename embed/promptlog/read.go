package promptlog

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"sync"
	"unicode/utf8"

	"github.com/seed-368d3dfa/chorus/index"
)

// Read yields what r holds in batches, in order, with line numbers. A batch
// with an error is the last one: reading failed or ctx is done. Compressed
// input that is cut off or damaged is no error but ends with a Skip, as what
// came before it is good.
//
// Decoding runs ahead of the caller by a few batches. When the caller stops
// early or ctx is done, a call of r.Read may still be under way; nothing is
// read after that.
func Read(ctx context.Context, r io.Reader, o *Options) iter.Seq2[Batch, error] {
	o = o.filled()
	return func(yield func(Batch, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		jobs := make(chan *chunk)
		ordered := make(chan *chunk, 2*o.Workers)
		go func() {
			defer close(ordered)
			defer close(jobs)
			split(ctx, r, o, func(c *chunk) bool {
				c.done = make(chan struct{})
				return send(ctx, ordered, c) && send(ctx, jobs, c)
			})
		}()
		var last Batch
		var workers sync.WaitGroup
		defer workers.Wait()
		defer cancel()
		for range o.Workers {
			workers.Go(func() { work(ctx, jobs, o) })
		}
		j := &joiner{o: o}
		for {
			var c *chunk
			select {
			case c = <-ordered:
			case <-ctx.Done():
			}
			if c != nil {
				select {
				case <-c.done:
				case <-ctx.Done():
				}
			}
			if err := ctx.Err(); err != nil {
				yield(Batch{}, fmt.Errorf("promptlog: %w", err))
				return
			}
			if c == nil {
				if len(j.order) > 0 {
					b := last
					b.Prompts, b.Skipped, b.Used = nil, nil, nil
					if j.end(&b); len(b.Prompts)+len(b.Skipped) > 0 {
						yield(b, nil)
					}
				}
				return
			}
			if len(c.parts) > 0 {
				if j.d == nil {
					j.d = newDecoder(o)
				}
				j.batch(&c.batch, c.parts)
			}
			last = c.batch
			if c.err != nil {
				if c.err != ErrTooLarge {
					c.err = fmt.Errorf("promptlog: %w", c.err)
				}
				yield(c.batch, c.err)
				return
			}
			if !yield(c.batch, nil) {
				return
			}
		}
	}
}

func send(ctx context.Context, to chan<- *chunk, c *chunk) bool {
	select {
	case to <- c:
		return true
	case <-ctx.Done():
		return false
	}
}

// work decodes chunks until there are no more.
func work(ctx context.Context, jobs <-chan *chunk, o *Options) {
	d := newDecoder(o)
	for {
		select {
		case c, ok := <-jobs:
			if !ok {
				return
			}
			d.chunk(c, o)
			close(c.done)
		case <-ctx.Done():
			return
		}
	}
}

var bom = []byte("\xef\xbb\xbf")

// chunk decodes all lines of c and gives its buffer back.
func (d *decoder) chunk(c *chunk, o *Options) {
	b := &c.batch
	b.Skipped = c.skips
	if len(c.lines) > 0 {
		// Bounded by what can be prompts: a chunk of line breaks has many lines.
		b.Prompts = make([]index.Prompt, 0, min(b.Lines-c.first+1, len(c.lines)/24))
	}
	if d.used = nil; o.Explain {
		d.used = make(map[Use]int)
		b.Used = d.used
	}
	to := &batch{Batch: b, name: o.Name, id: idSource{on: c.ids, first: c.firstID}}
	lines := c.lines
	if c.first == 1 {
		lines = bytes.TrimPrefix(lines, bom)
	}
	for n := c.first; len(lines) > 0; n++ {
		end := bytes.IndexByte(lines, '\n')
		line := lines[:end]
		lines = lines[end+1:]
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		to.line, to.nth, to.id.record = n, 0, line
		switch {
		case c.adapted && line[0] == mark:
			to.skip(string(line[1:]))
		case len(line) > o.LineBytes:
			to.skip(o.tooLong())
		case c.format == nil:
			d.native(line, to)
		case !utf8.Valid(line):
			to.skip("invalid UTF-8")
		default:
			d.foreign(c.format, line, to)
		}
	}
	c.parts = to.parts
	c.release(o)
}

// native decodes one line of the native format.
func (d *decoder) native(line []byte, to *batch) {
	var p index.Prompt
	if reason := d.prompt(line, &p); reason != "" {
		to.skip(reason)
		return
	}
	d.identify(&p, to.nth)
	if p.ID == "" && to.id.on {
		p.ID = to.id.of(to.line, 0)
	}
	if d.used != nil {
		d.noteNative(&p)
	}
	to.Prompts = append(to.Prompts, p)
}

func (d *decoder) noteNative(p *index.Prompt) {
	d.note("account", "account")
	if !p.Time.IsZero() {
		d.note("time", "time")
	}
	if p.Text != "" {
		d.note("text", "text")
	}
	if len(p.Messages) > 0 {
		d.note("text", "messages")
	}
	if p.Model != "" {
		d.note("model", "model")
	}
	d.commit()
}
