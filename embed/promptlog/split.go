package promptlog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
)

// A chunk is a run of whole lines on its way to a decoder.
type chunk struct {
	buf   *[]byte // to be returned to buffers; nil for none
	lines []byte  // part of buf
	first int     // number of the first line
	parts []fragment
	chunkFormat
	skips []Skip // of lines that the splitter dropped, before those of lines
	batch Batch  // Bytes and Lines; the decoder adds the rest
	err   error  // the input ends here because of this
	done  chan struct{}
}

// A chunkFormat is what the lines of a chunk are.
type chunkFormat struct {
	format  *format // nil: native lines
	adapted bool    // lines that begin with mark are reasons
	ids     bool    // prompts without an id get one
	firstID uint64  // hash of the input's first line
}

// buffers are reused: they are large, and a server reads many small bodies.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 64<<10); return &b }}

// A splitter cuts a stream into chunks at line ends.
type splitter struct {
	o    *Options
	src  *source
	in   stream
	line int  // lines before the next chunk
	long bool // inside a line that is too long
	emit func(*chunk) bool

	chunkFormat
	begun     bool   // a chunk has been cut
	container string // "" unless Options.Format is set
	detected  string // name of the format, "" as long as it is not known
}

// release gives a chunk's buffer back, unless a long line has made it huge.
func (c *chunk) release(o *Options) {
	if c.buf != nil && cap(*c.buf) <= 2*o.ChunkBytes {
		buffers.Put(c.buf)
	}
	c.buf, c.lines = nil, nil
}

// split reads all of r and emits its chunks, in order. It returns early when
// emit returns false.
func split(ctx context.Context, r io.Reader, o *Options, emit func(*chunk) bool) {
	s := &splitter{o: o, src: &source{r: r}, emit: emit}
	var err error
	s.in, err = decompress(s.src, o)
	defer s.in.close()
	if err == nil {
		err = s.open()
	}
	if err != nil {
		s.end(err)
		return
	}
	s.run(ctx)
}

func (s *splitter) run(ctx context.Context) {
	buf := buffers.Get().(*[]byte)
	var skips []Skip
	b := (*buf)[:0]
	fresh := 0 // where the last read began
	for ctx.Err() == nil {
		if len(b) == cap(b) || len(b) >= s.o.ChunkBytes && bytes.IndexByte(b[fresh:], '\n') >= 0 {
			// Full: what is behind a line's end is less than ChunkBytes. Only a line longer than a chunk gets a buffer beyond ChunkBytes.
			limit := s.o.ChunkBytes
			if bytes.IndexByte(b, '\n') < 0 {
				limit = s.o.LineBytes
			}
			if cap(b) < limit {
				b = append(make([]byte, 0, min(2*cap(b), limit)), b...)
				continue
			}
			end := bytes.LastIndexByte(b, '\n') + 1
			if end == 0 {
				// One line and too long: forget it, go on behind its end.
				s.long = true
				b, fresh = make([]byte, 0, min(s.o.ChunkBytes, 64<<10)), 0
				continue
			}
			next := buffers.Get().(*[]byte)
			rest := append((*next)[:0], b[end:]...)
			*buf = b
			if !s.cut(buf, b[:end], skips) {
				return
			}
			buf, b, skips, fresh = next, rest, nil, 0
			continue
		}
		at := len(b)
		n, err := s.in.Read(b[at:min(cap(b), at+s.o.ChunkBytes)])
		b, fresh = b[:at+n], at
		if s.long {
			end := bytes.IndexByte(b, '\n')
			if end < 0 {
				b = b[:0]
			} else {
				skips = append(skips, s.tooLong())
				b = b[:copy(b, b[end+1:])]
			}
		}
		if err != nil {
			*buf = b
			if s.long {
				skips = append(skips, s.tooLong())
			}
			s.last(buf, b, skips, err)
			return
		}
	}
}

// tooLong ends a line that was dropped.
func (s *splitter) tooLong() Skip {
	s.long = false
	s.line++
	return Skip{s.o.Name, s.line, s.o.tooLong()}
}

// cut emits the lines as one chunk.
func (s *splitter) cut(buf *[]byte, lines []byte, skips []Skip) bool {
	s.recognise(lines)
	c := &chunk{buf: buf, lines: lines, first: s.line + 1, skips: skips, chunkFormat: s.chunkFormat}
	s.line += bytes.Count(lines, []byte{'\n'})
	c.batch.Bytes, c.batch.Lines = s.src.n, s.line
	c.batch.Format, c.batch.Container = s.detected, s.container
	return s.emit(c)
}

// last emits what is left when reading ended with err.
func (s *splitter) last(buf *[]byte, b []byte, skips []Skip, err error) {
	if err == io.EOF {
		if len(b) > 0 && b[len(b)-1] != '\n' {
			b = append(b, '\n')
			*buf = b
		}
		if len(b) > 0 || len(skips) > 0 {
			s.cut(buf, b, skips)
		}
		return
	}
	// What follows the last line break may be half a line.
	if end := bytes.LastIndexByte(b, '\n') + 1; end > 0 || len(skips) > 0 {
		if !s.cut(buf, b[:end], skips) {
			return
		}
	}
	s.end(err)
}

// end emits the error that ended reading. Damaged compression is a line that
// is skipped, for what came before it is good, and so is one that is not read,
// for other files may be good; anything else is an error.
func (s *splitter) end(err error) {
	c := &chunk{first: s.line + 1}
	var how packed
	if errors.As(err, &how) {
		s.line++
		c.skips = []Skip{{s.o.Name, s.line, how.Error()}}
	} else if s.src.err != nil || s.in.kind == "" || err == ErrTooLarge {
		c.err = err
	} else {
		what := "is damaged"
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			what = "ends too early"
		}
		s.line++
		c.skips = []Skip{{s.o.Name, s.line, "the " + s.in.kind + " data " + what + "; what follows is lost"}}
	}
	c.batch.Bytes, c.batch.Lines = s.src.n, s.line
	s.emit(c)
}
