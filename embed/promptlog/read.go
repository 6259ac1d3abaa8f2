package promptlog

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"sync"

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
		var workers sync.WaitGroup
		defer workers.Wait()
		defer cancel()
		for range o.Workers {
			workers.Go(func() { work(ctx, jobs, o) })
		}
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
				return
			}
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
		var p index.Prompt
		var reason string
		if len(line) > o.LineBytes {
			reason = o.tooLong()
		} else {
			reason = d.prompt(line, &p)
		}
		if reason != "" {
			b.Skipped = append(b.Skipped, Skip{o.Name, n, reason})
			continue
		}
		b.Prompts = append(b.Prompts, p)
	}
	c.release(o)
}
