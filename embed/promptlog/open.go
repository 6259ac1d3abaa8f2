package promptlog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Open opens the named file, or standard input for "-". size is the file's
// length in bytes, -1 if that is not known.
func Open(name string) (f io.ReadCloser, size int64, err error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), -1, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = &os.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	size = info.Size()
	if !info.Mode().IsRegular() {
		size = -1
	}
	return file, size, nil
}

// A source counts the bytes read from r and remembers why that failed.
type source struct {
	r   io.Reader
	n   int64
	err error // the first that is not io.EOF
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.n += int64(n)
	if err != nil && err != io.EOF && s.err == nil {
		s.err = err
	}
	return n, err
}

// A stream is a source's content after decompression.
type stream struct {
	io.Reader
	kind  string // of compression, for reasons; "" for none
	close func()
}

// decompress opens what s holds, by its first bytes: gzip, zstd or as it is, and
// UTF-16 with a byte order mark as UTF-8.
// The stream is to be closed even after an error.
func decompress(s *source, o *Options) (stream, error) {
	z := stream{close: func() {}}
	b := bufio.NewReaderSize(s, 128<<10)
	magic, err := b.Peek(4)
	if err != nil && err != io.EOF {
		return z, err
	}
	switch {
	case len(magic) >= 2 && magic[0] == 0x1f && magic[1] == 0x8b:
		z.kind = "gzip"
		r, err := gzip.NewReader(b)
		if err != nil {
			return z, fmt.Errorf("gzip: %w", err)
		}
		z.Reader = r
	case string(magic) == "\x28\xb5\x2f\xfd":
		z.kind = "zstd"
		r, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(uint64(o.WindowBytes)))
		if err != nil {
			return z, fmt.Errorf("zstd: %w", err)
		}
		z.Reader, z.close = r, r.Close
	default:
		if how := foreign(magic); how != "" {
			return z, packed(how)
		}
		z.Reader = b
	}
	z.Reader = fromUTF16(z.Reader)
	if o.MaxBytes > 0 {
		z.Reader = &bounded{z.Reader, o.MaxBytes}
	}
	return z, nil
}

// packed is the error of input that is compressed in the way it names, which is
// not read.
type packed string

func (how packed) Error() string {
	return "compressed with " + string(how) + ", and only gzip and zstd are read: unpack it first"
}

// foreign names the compression, other than gzip and zstd, whose files begin so.
func foreign(magic []byte) string {
	switch {
	case len(magic) == 4 && string(magic[:3]) == "BZh" && magic[3] >= '1' && magic[3] <= '9':
		return "bzip2"
	case string(magic) == "\xfd7zX":
		return "xz"
	case string(magic) == "PK\x03\x04":
		return "zip"
	case string(magic) == "7z\xbc\xaf":
		return "7-Zip"
	case string(magic) == "\x04\x22\x4d\x18":
		return "LZ4"
	}
	return ""
}

func fromUTF16(r io.Reader) io.Reader {
	b, ok := r.(*bufio.Reader)
	if !ok {
		b = bufio.NewReaderSize(r, 128<<10)
	}
	// An error comes again when what is before it has been read.
	if start, _ := b.Peek(2); string(start) == "\xff\xfe" || string(start) == "\xfe\xff" {
		return transform.NewReader(b, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder())
	}
	return b
}

// A bounded reader fails with ErrTooLarge after n bytes.
type bounded struct {
	r io.Reader
	n int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.n < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.n+1 {
		p = p[:b.n+1]
	}
	n, err := b.r.Read(p)
	if b.n -= int64(n); b.n < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}

// Decompress reads all of r, which may be compressed as for Read. Options.MaxBytes
// and WindowBytes apply.
func Decompress(r io.Reader, o *Options) ([]byte, error) {
	z, err := decompress(&source{r: r}, o.filled())
	defer z.close()
	if err != nil {
		return nil, fmt.Errorf("promptlog: %w", err)
	}
	b, err := io.ReadAll(z)
	if err != nil && err != ErrTooLarge {
		err = fmt.Errorf("promptlog: %w", err)
	}
	return b, err
}

// NewReader returns what r holds, decompressed as for Read, as it comes.
// Options.MaxBytes and WindowBytes apply. Close lets go of what decompression
// needs, not of r.
func NewReader(r io.Reader, o *Options) (io.ReadCloser, error) {
	z, err := decompress(&source{r: r}, o.filled())
	if err != nil {
		z.close()
		return nil, fmt.Errorf("promptlog: %w", err)
	}
	return &reader{z}, nil
}

type reader struct{ stream }

func (r *reader) Read(b []byte) (int, error) {
	n, err := r.stream.Read(b)
	if err != nil && err != io.EOF && err != ErrTooLarge {
		err = fmt.Errorf("promptlog: %w", err)
	}
	return n, err
}

func (r *reader) Close() error {
	r.close()
	return nil
}
