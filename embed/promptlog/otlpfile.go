package promptlog

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// An otlpFile rewrites what the Collector's file exporter writes in its format
// proto: requests in protobuf, each behind its length.
//
//	length  [4, big-endian]
//	request [length]         an ExportTraceServiceRequest or ExportLogsServiceRequest
type otlpFile struct {
	r *bufio.Reader
	o *Options
}

// isOTLPFile reports whether input begins like such a file: no text begins with
// a zero byte, and both requests with field 1.
func isOTLPFile(start []byte) bool { return len(start) > 5 && start[0] == 0 && start[4] == 1<<3|2 }

func (f *otlpFile) step(out *bytes.Buffer) error {
	refuse := func(reason string) {
		out.WriteByte(mark)
		out.WriteString(reason + "\n")
	}
	var length [4]byte
	if n, err := io.ReadFull(f.r, length[:]); err != nil {
		if n > 0 && err == io.ErrUnexpectedEOF {
			refuse("the protobuf data ends too early")
			err = io.EOF
		}
		return err
	}
	n := int64(binary.BigEndian.Uint32(length[:]))
	if n > int64(f.o.LineBytes) {
		if _, err := io.CopyN(io.Discard, f.r, n); err != nil {
			refuse("the protobuf data is damaged or ends too early")
			return err
		}
		refuse(f.o.tooLong())
		return nil
	}
	request := make([]byte, n)
	if _, err := io.ReadFull(f.r, request); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			refuse("the protobuf data ends too early")
			err = io.EOF
		}
		return err
	}
	m := logsRequest
	if hasSpans(request) {
		m = tracesRequest
	}
	at := out.Len()
	if err := m.encode(out, request, f.o.Values); err != nil {
		out.Truncate(at)
		refuse(strings.TrimPrefix(err.Error(), "promptlog: "))
		return nil
	}
	out.WriteByte('\n')
	return nil
}

// hasSpans tells the two requests apart by their first record: field 1 is a
// span's trace id and a log record's time.
func hasSpans(request []byte) bool {
	b := request
	for _, number := range []protowire.Number{1, 2, 2} { // resources, scopes, records
		if b = firstField(b, number); b == nil {
			return false
		}
	}
	return firstField(b, 1) != nil
}

// firstField returns the first field of a message with that number that has
// bytes, nil if there is none.
func firstField(b []byte, number protowire.Number) []byte {
	for len(b) > 0 {
		got, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil
		}
		b = b[n:]
		if got == number && typ == protowire.BytesType {
			v, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return nil
			}
			return v
		}
		if n = protowire.ConsumeFieldValue(got, typ, b); n < 0 {
			return nil
		}
		b = b[n:]
	}
	return nil
}
