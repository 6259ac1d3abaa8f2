package promptlog

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
)

// A container is how records are kept in a file.
const (
	inLines   = "JSON lines"
	inValues  = "JSON"
	inCSV     = "CSV"
	inTSV     = "TSV"
	inParquet = "Parquet"
	inProto   = "protobuf"
)

// open finds out how s.in keeps records, by its first bytes and for CSV its
// name or header, and puts the adapter in place that makes lines of them.
func (s *splitter) open() error {
	if s.o.Format == "" {
		return nil
	}
	b, ok := s.in.Reader.(*bufio.Reader)
	if !ok {
		b = bufio.NewReaderSize(s.in.Reader, 128<<10)
		s.in.Reader = b
	}
	// All of it: the first line decides, and may be long.
	start, err := b.Peek(64 << 10)
	if err != nil && err != io.EOF && len(start) == 0 {
		return err
	}
	if bytes.HasPrefix(start, []byte("PAR1")) {
		s.container = inParquet
		a, err := s.parquet(b)
		if err != nil {
			return err
		}
		s.in.Reader, s.adapted = a, true
		return nil
	}
	if isOTLPFile(start) {
		s.container = inProto
		s.in.Reader, s.adapted = &adapter{rewriter: &otlpFile{b, s.o}}, true
		return nil
	}
	s.container = inLines
	line, rest, _ := bytes.Cut(bytes.TrimPrefix(start, bom), []byte{'\n'})
	text := bytes.TrimLeft(bytes.TrimPrefix(start, bom), " \t\r\n")
	switch comma := s.comma(bytes.TrimSuffix(line, []byte{'\r'})); {
	case comma != 0:
		s.container = inCSV
		if comma == '\t' {
			s.container = inTSV
		}
		s.in.Reader, s.adapted = newRows(b, comma, s.o), true
	case len(text) > 0 && text[0] == '[' || broken(line, rest):
		s.container = inValues
		if bytes.HasPrefix(start, bom) {
			b.Discard(len(bom))
		}
		s.in.Reader, s.adapted = newValues(b), true
	}
	return nil
}

// recognise finds out the format, unless it is known, from the first lines of
// the input or, as long as none of them is known, of each chunk.
func (s *splitter) recognise(lines []byte) {
	if !s.begun {
		s.begun = true
		if s.ids = s.o.MakeIDs; s.ids {
			first, _, _ := bytes.Cut(bytes.TrimPrefix(lines, bom), []byte{'\n'})
			s.firstID = xxhash.Sum64(first)
		}
	}
	if s.detected != "" {
		return
	}
	f := formatNamed(s.o.Format)
	m := s.o.Map
	switch {
	case s.o.Format == "":
		s.detected = nativeName
		return
	case f != nil:
	case m != nil && m.speaks():
		f = mapped
	default:
		d := newDecoder(s.o)
		for tries := 0; f == nil && len(lines) > 0 && tries < maxTries; {
			var line []byte
			line, lines, _ = bytes.Cut(lines, []byte{'\n'})
			if line = bytes.TrimPrefix(line, bom); len(bytes.TrimSpace(line)) > 0 && utf8.Valid(line) {
				f = d.detect(line)
				tries++
			}
		}
		if f == nil && s.container != inLines && s.container != inValues {
			f = formatNamed("fields")
		}
		if f == nil {
			return
		}
	}
	s.detected = f.name
	if m != nil {
		f = m.over(f)
	} else if f.name == nativeName && (s.container == inLines || s.container == inValues) {
		f = nil
	}
	s.format = f
}

// maxTries bounds the lines of a chunk that are looked at.
const maxTries = 200

// comma returns what separates columns, 0 if the input is not CSV or TSV.
func (s *splitter) comma(line []byte) byte {
	name := strings.ToLower(s.o.Name)
	for _, z := range []string{".gz", ".zst", ".zstd"} {
		name = strings.TrimSuffix(name, z)
	}
	switch {
	case strings.HasSuffix(name, ".csv"):
		return ','
	case strings.HasSuffix(name, ".tsv"), strings.HasSuffix(name, ".tab"):
		return '\t'
	}
	return tabular(line, s.o.Map)
}

// broken reports whether an object begins in the first line and goes on in the
// next, as printed for people.
func broken(line, rest []byte) bool {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] != '{' || len(rest) == 0 {
		return false
	}
	return len(line) == 1 && (rest[0] == ' ' || rest[0] == '\t' || rest[0] == '"' || rest[0] == '\r')
}

// parquet returns an adapter for Parquet, which needs all of the file: from the
// file itself if it is one, else from memory.
func (s *splitter) parquet(b *bufio.Reader) (io.Reader, error) {
	if f, ok := s.src.r.(*os.File); ok && s.in.kind == "" {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return newParquet(f, info.Size(), s.src), nil
		}
	}
	if s.o.ParquetBytes < 0 {
		return nil, ErrParquet
	}
	all, err := io.ReadAll(&bounded{b, s.o.ParquetBytes})
	if err != nil {
		return nil, err
	}
	return newParquet(bytes.NewReader(all), int64(len(all)), nil), nil
}
