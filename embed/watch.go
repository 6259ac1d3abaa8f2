package embed

import (
	"bytes"
	"context"
	"io"
	"sync"
)

// A watchedBody is a request's body that keeps a copy of what is read from it,
// up to a limit, and queues it once: when it has been read to its end, or when
// it is left with a whole body read that has not said so.
type watchedBody struct {
	io.ReadCloser
	ctx    context.Context
	tap    *Tap
	length int64 // of the body; -1: unknown
	limit  int

	mu   sync.Mutex // a transport may read on while its caller has gone
	it   item
	buf  []byte
	read int64
	over bool // queued, refused or given up: nothing more to do
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(p[:max(0, min(n, len(p)))])
	if err == io.EOF {
		b.end(true)
	}
	return n, err
}

func (b *watchedBody) Close() error {
	b.leave()
	return b.ReadCloser.Close()
}

// leave is called when nobody will read on.
func (b *watchedBody) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end(false)
}

func (b *watchedBody) keep(p []byte) {
	if b.over {
		return
	}
	b.read += int64(len(p))
	if b.read > int64(b.limit) {
		b.over, b.buf = true, nil
		b.tap.refuse(&b.tap.stats.TooLarge, errBody)
		return
	}
	if b.buf == nil && b.length > 0 {
		b.buf = make([]byte, 0, min(b.length, keepBytes)) // no more on its word alone
	}
	b.buf = append(b.buf, p...)
}

// end queues the body. A JSON decoder may stop reading after the last brace, so
// one that looks whole counts although its end has not been seen. A body that
// was not read, as when a request is refused, is nobody's prompt.
func (b *watchedBody) end(seen bool) {
	if b.over {
		return
	}
	b.over = true
	whole := seen || b.read == b.length || b.length < 0 && bytes.HasSuffix(bytes.TrimRight(b.buf, " \t\r\n"), []byte("}"))
	if whole && len(b.buf) > 0 {
		b.it.raw = b.buf
		b.tap.offer(b.ctx, &b.it)
	}
	b.buf, b.it = nil, item{}
}
