package intake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zlib"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
)

// Errors of a request's headers.
var (
	ErrEncoding = errors.New("Content-Encoding: want gzip or zstd")
	ErrType     = errors.New("Content-Type: want application/json or application/x-ndjson")
)

// A headerError is that of a header which is to have something else than the
// error beneath says, in words.
type headerError struct {
	words string
	error
}

func (e *headerError) Error() string { return e.words }
func (e *headerError) Unwrap() error { return e.error }

var errEncoding = &headerError{"Content-Encoding: want gzip, zstd, deflate or snappy", ErrEncoding}

// ErrBusy is the error of a request for which the index had no time: the same
// request may succeed later. What came before it counts.
var ErrBusy = errors.New("too much to do at the moment")

// A RequestError is a request that asks for something impossible, in words.
type RequestError string

func (e RequestError) Error() string { return string(e) }

func badRequest(format string, args ...any) error {
	return RequestError(fmt.Sprintf(format, args...))
}

// packages are what errors of chorus's libraries begin with.
var packages = []string{"index", "store", "search", "share", "promptlog", "intake", "webhook", "access"}

// Words is an error's text for clients, without the names of packages that it
// came through.
func Words(err error) string {
	parts := strings.Split(err.Error(), ": ")
	last := parts[len(parts)-1]
	parts = slices.DeleteFunc(parts[:len(parts)-1], func(part string) bool { return slices.Contains(packages, part) })
	return strings.Join(append(parts, last), ": ")
}

// WindowBytes is what zstd content may ask for over HTTP (RFC 9659).
const WindowBytes = 8 << 20

// ReadBody reads a JSON body of at most limit bytes, decompressed by its
// content. The client learns of damaged compression.
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	body := &blamed{r: r.Body}
	b, err := promptlog.Decompress(body, &promptlog.Options{WindowBytes: WindowBytes, MaxBytes: limit})
	return b, body.blame(err)
}

// A blamed reader remembers that it was the one that failed.
type blamed struct {
	r   io.Reader
	err error
}

func (b *blamed) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// blame makes a damaged body out of an error of reading it that has no other
// cause.
func (b *blamed) blame(err error) error {
	if err != nil && err != io.EOF && b.err == nil && !errors.Is(err, promptlog.ErrTooLarge) {
		return badRequest("%v", err)
	}
	return err
}

// IsStream says whether the body is a stream of lines. Decompression goes by
// the content; here only what cannot be decompressed is refused.
func IsStream(r *http.Request) (stream bool, err error) {
	if err := checkEncoding(r); err != nil {
		return false, err
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return true, nil
	case "", "application/json", "text/json", "application/x-www-form-urlencoded": // the last is curl's default
		return false, nil
	}
	return false, ErrType
}

func checkEncoding(r *http.Request) error {
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity", "gzip", "x-gzip", "zstd":
		return nil
	}
	return ErrEncoding
}

// A body is a request's body after decompression, of at most a number of
// bytes.
type body struct {
	*blamed
	r     io.Reader
	close func() error
}

// openBody returns the body of a request of another's protocol, decompressed as
// Content-Encoding says, or with gzip or zstd also if it does not.
func openBody(r *http.Request, limit int64) (*body, error) {
	b := &body{blamed: &blamed{r: r.Body}, close: func() error { return nil }}
	var in io.Reader = b.blamed
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity", "gzip", "x-gzip", "zstd":
	case "deflate":
		var err error
		if in, err = inflate(in); err != nil {
			return nil, b.blame(err)
		}
	case "snappy", "x-snappy-framed":
		whole, err := readSnappy(in, limit)
		if err != nil {
			return nil, b.blame(err)
		}
		in = whole
	default:
		return nil, errEncoding
	}
	z, err := promptlog.NewReader(in, &promptlog.Options{WindowBytes: WindowBytes, MaxBytes: limit})
	if err != nil {
		return nil, b.blame(err)
	}
	b.r, b.close = z, z.Close
	return b, nil
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		err = b.blame(err)
	}
	return n, err
}

func (b *body) Close() error { return b.close() }

// inflate opens deflate as HTTP has it (RFC 9110): with zlib's header, or
// without it as some clients send it.
func inflate(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	head, err := b.Peek(2)
	if err != nil {
		return nil, fmt.Errorf("deflate: %w", err)
	}
	if head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		return zlib.NewReader(b)
	}
	return flate.NewReader(b), nil
}

// readSnappy opens snappy: its framing format, or one block, which is held in
// memory.
func readSnappy(r io.Reader, limit int64) (io.Reader, error) {
	b := bufio.NewReader(r)
	if head, err := b.Peek(10); err == nil && string(head) == "\xff\x06\x00\x00sNaPpY" {
		return snappy.NewReader(b), nil
	}
	block, err := readAll(b, limit)
	if err != nil {
		return nil, err
	}
	if block, err = unsnap(block, limit); err != nil {
		return nil, err
	}
	return bytes.NewReader(block), nil
}

// readAll reads at most limit bytes.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = promptlog.ErrTooLarge
	}
	return b, err
}

// unsnap decompresses a block of snappy.
func unsnap(block []byte, limit int64) ([]byte, error) {
	n, err := snappy.DecodedLen(block)
	if err != nil {
		return nil, fmt.Errorf("snappy: %w", err)
	}
	if int64(n) > limit {
		return nil, promptlog.ErrTooLarge
	}
	if block, err = snappy.Decode(nil, block); err != nil {
		return nil, fmt.Errorf("snappy: %w", err)
	}
	return block, nil
}
