// Package promptlog reads prompts out of logs.
//
// [Read] takes a stream and yields batches of prompts, in the stream's order,
// decoded on several processors; [Open] opens a file or standard input for it.
// [Parse] is for one JSON text that is held in memory.
//
// The native format is one JSON object a line:
//
//	{"id":"p1","time":"2026-06-01T08:00:00.123Z","account":"a1","text":"…","model":"m","attrs":{"ip":"…"}}
//	{"time":"…","account":"a1","messages":[{"role":"system","content":"…"},{"role":"user","content":"…"}]}
//
// account and one of text and messages are needed, and time unless
// [Options.TimeOptional]. content is a string or an array of parts of which
// {"type":"text","text":"…"} count. Names are compared exactly; unknown ones
// are ignored, and null means absent.
//
// A line that is no prompt is skipped and reported with its number and a
// reason; the others are kept. Reasons never have any of a line's text.
// Blank lines, CRLF, a byte order mark at the start and a missing line break at
// the end are fine. Memory is bounded whatever the input, but for Parquet that
// does not come from a file.
//
// Input may be compressed with gzip or zstd: its first bytes tell.
//
// With [Options.Format] other logs are read: those of LLM APIs, gateways and
// tracing as docs/formats.md lists them, detected by their keys, or any log by
// a [Map]; as JSON lines, JSON arrays, objects with line breaks inside, CSV or
// TSV with a header, Parquet, or OTLP's protobuf. One input has one format, that of its first
// record whose keys are known. In these formats text keeps the roles of its
// messages; a prompt that several records make up is put together; a skipped
// record's Line is where it begins, or its number in Parquet and in an array
// on one line.
package promptlog

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/seed-368d3dfa/chorus/index"
)

// Options say how to read. Nil means the defaults.
type Options struct {
	Name         string // of the input, for Skip.File
	TimeOptional bool   // a prompt without a time is no error; its Time stays zero
	Workers      int    // goroutines that decode; 0: one per processor
	ChunkBytes   int    // input decoded at a time; 0: 256 KiB
	LineBytes    int    // longer lines are skipped; 0: 16 MiB
	WindowBytes  int    // zstd input that needs a larger window is refused; 0: 128 MiB
	Values       int    // records of more JSON values are skipped, as each takes about 100 bytes of memory; 0: 4 Mi
	ParquetBytes int64  // of Parquet that does not come from a file and is held in memory, then ErrTooLarge; 0: 1 GiB; negative: ErrParquet
	MaxBytes     int64  // of input after decompression, then ErrTooLarge; 0: no bound

	Format  string // "": native lines only; "auto": detected; or one of Formats
	Map     *Map   // what it says counts in place of the format's own fields; nil: nothing
	MakeIDs bool   // a prompt without an id gets one, the same whenever the input is read again

	// ContentIDs gives a prompt that has a time but no id one that is made of its
	// account, time, model and words, whichever input it stands in: what a sender
	// repeats after a failure is then counted once, and so is what an account
	// really sent twice at the same time.
	ContentIDs bool

	Explain bool // fill in Batch.Used, at some cost
}

func (o *Options) filled() *Options {
	var f Options
	if o != nil {
		f = *o
	}
	if f.Workers <= 0 {
		f.Workers = runtime.GOMAXPROCS(0)
	}
	if f.ChunkBytes <= 0 {
		f.ChunkBytes = 256 << 10
	}
	if f.LineBytes <= 0 {
		f.LineBytes = 16 << 20
	}
	if f.Values <= 0 {
		f.Values = 4 << 20
	}
	if f.ParquetBytes == 0 {
		f.ParquetBytes = 1 << 30
	}
	if f.WindowBytes <= 0 {
		f.WindowBytes = 128 << 20
	}
	return &f
}

// ErrTooLarge is the error of input beyond Options.MaxBytes.
var ErrTooLarge = errors.New("promptlog: input is too large")

// ErrParquet is the error of Parquet where Options.ParquetBytes forbids it.
var ErrParquet = errors.New("promptlog: Parquet is read from files only")

// tooMany is the reason of a record beyond Values.
func tooMany(n int) string { return fmt.Sprintf("more than %d JSON values", n) }

// tooLong is the reason of a line beyond LineBytes.
func (o *Options) tooLong() string {
	if mib := o.LineBytes >> 20; mib<<20 == o.LineBytes {
		return fmt.Sprintf("longer than %d MiB", mib)
	}
	return fmt.Sprintf("longer than %d bytes", o.LineBytes)
}

// A Batch is what a stretch of input held.
type Batch struct {
	Prompts []index.Prompt
	Skipped []Skip
	Bytes   int64 // of input read up to its end, before decompression
	Lines   int   // up to its end, blank ones too

	Format    string      // of its records; "" if none was recognised so far
	Container string      // how they are kept: "JSON lines", "Parquet", …; with Options.Format only
	Used      map[Use]int // how many records gave a field by a path; with Options.Explain only
}

// A Use is a field of prompts and the path in the log that it came from.
type Use struct{ Field, Path string }

// A Skip is a line that is no prompt.
type Skip struct {
	File   string // Options.Name
	Line   int    // from 1
	Reason string // never has any of the line's text
}

// Unrelated reports whether what was skipped is complete and good but about
// something else than a prompt, as most spans of a trace are.
func (s *Skip) Unrelated() bool { return s.Reason == noRequest || s.Reason == anAnswer }

// Strict is the field, "account" or "time", because of which a native line was
// skipped and which might be read with a [Map]: it is no string, or a time in
// another layout. "" for other reasons.
func (s *Skip) Strict() (field string) {
	switch s.Reason {
	case "account" + noString:
		return "account"
	case "time" + noString, noLayout:
		return "time"
	}
	return ""
}

// Kind is the reason with N in place of its numbers, which differ from line to
// line: there are few kinds. The number of a name, as in UTF-8, stays, and so
// does an example.
func (s *Skip) Kind() string {
	if s.Reason == noLayout || !strings.ContainsAny(s.Reason, "0123456789") {
		return s.Reason
	}
	var b strings.Builder
	digits := false
	for i := range len(s.Reason) {
		c := s.Reason[i]
		digit := '0' <= c && c <= '9'
		named := i > 1 && s.Reason[i-1] == '-' && 'A' <= s.Reason[i-2] && s.Reason[i-2] <= 'Z'
		if digit && !digits && !named {
			b.WriteByte('N')
			digits = true
		}
		if digits = digits && digit; !digits {
			b.WriteByte(c)
		}
	}
	return b.String()
}
