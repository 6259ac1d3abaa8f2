package promptlog

import (
	"bytes"
	"errors"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// OTLPTraces decodes an ExportTraceServiceRequest in protobuf's encoding. Each
// of its spans is a record as for Decode; after each it calls next, which may
// empty b and whose error ends it. Other errors are for what is no such request
// and have nothing of what was read; what came before is in b.
func (d *Decoder) OTLPTraces(b *Batch, request []byte, next func() error) error {
	return d.otlpProto(b, request, spanMessage, (*decoder).span, next)
}

// OTLPLogs is OTLPTraces for an ExportLogsServiceRequest and its log records.
func (d *Decoder) OTLPLogs(b *Batch, request []byte, next func() error) error {
	return d.otlpProto(b, request, logMessage, (*decoder).event, next)
}

// A recordFunc decodes a span or a log record.
type recordFunc = func(d *decoder, f *format, resource, v *value, to *batch)

// one decodes one span or log record in JSON.
func (d *Decoder) one(b *Batch, record []byte, resource *value, f recordFunc, next func() error) error {
	to := d.begin(b, nil)
	if v, reason := d.d.tree.parse(record); reason != "" {
		to.skip(reason)
	} else {
		f(d.d, d.mapped(formatNamed("otlp")), resource, &v, to)
	}
	d.end(to)
	return next()
}

// resource reads a Resource in JSON. It is valid until the next one.
func (d *Decoder) resource(b []byte) (*value, error) {
	d.context.reset()
	v, reason := d.context.parse(b)
	if reason != "" {
		return nil, errors.New("promptlog: OTLP: resource: " + reason)
	}
	return d.d.attributes(v.get("attributes")), nil
}

// Names of members in OTLP's JSON, as senders of several ages write them.
var (
	spanNames   = otlpNames{[]string{"resourceSpans", "resource_spans"}, []string{"scopeSpans", "scope_spans", "instrumentationLibrarySpans"}, []string{"spans"}}
	recordNames = otlpNames{[]string{"resourceLogs", "resource_logs"}, []string{"scopeLogs", "scope_logs", "instrumentationLibraryLogs"}, []string{"logRecords", "log_records"}}
)

type otlpNames struct{ resources, scopes, records []string }

// OTLPJSON is OTLPTraces and OTLPLogs for OTLP's JSON encoding.
func (d *Decoder) OTLPJSON(b *Batch, request []byte, next func() error) error {
	if !utf8.Valid(request) {
		return errors.New("promptlog: OTLP: invalid UTF-8")
	}
	w := &otlpWalk{d: d, b: b, next: next}
	s := &w.scan
	s.reset(request)
	ok := s.object(0, func(key []byte) bool {
		for _, k := range []struct {
			names otlpNames
			f     recordFunc
		}{{spanNames, (*decoder).span}, {recordNames, (*decoder).event}} {
			if slices.Contains(k.names.resources, string(key)) {
				return w.array(1, func() bool { return w.resource(k.names, k.f) })
			}
		}
		return s.skip(1)
	})
	switch {
	case w.err != nil:
		return w.err
	case !ok || s.peek() != 0 || s.pos < len(request):
		return errors.New("promptlog: OTLP: " + s.reason())
	}
	return nil
}

// An otlpWalk goes through a request in JSON without holding more of it than
// one span.
type otlpWalk struct {
	d    *Decoder
	b    *Batch
	next func() error
	scan scanner
	err  error // beside malformed JSON
}

// array is scanner.array, where null stands for nothing.
func (w *otlpWalk) array(depth int, elem func() bool) bool {
	return w.scan.null() || w.scan.array(depth, elem)
}

// resource reads what one resource says. Its spans may stand before it.
func (w *otlpWalk) resource(names otlpNames, f recordFunc) bool {
	s := &w.scan
	var resource *value
	seen := false
	var early []int // where scopes begin that come before the resource
	ok := s.object(2, func(key []byte) bool {
		switch {
		case string(key) == "resource":
			s.peek()
			start := s.pos
			if !s.skip(3) {
				return false
			}
			seen = true
			resource, w.err = w.d.resource(s.b[start:s.pos])
			return w.err == nil
		case slices.Contains(names.scopes, string(key)):
			if seen {
				return w.scopes(names, resource, f)
			}
			early = append(early, s.pos)
		}
		return s.skip(3)
	})
	for _, pos := range early {
		if ok {
			end := s.pos
			s.pos = pos
			ok = w.scopes(names, resource, f)
			s.pos = end
		}
	}
	return ok
}

func (w *otlpWalk) scopes(names otlpNames, resource *value, f recordFunc) bool {
	s := &w.scan
	return w.array(3, func() bool {
		return s.object(4, func(key []byte) bool {
			if !slices.Contains(names.records, string(key)) {
				return s.skip(5)
			}
			return w.array(5, func() bool {
				s.peek()
				start := s.pos
				if !s.skip(6) {
					return false
				}
				w.err = w.d.one(w.b, s.b[start:s.pos], resource, f, w.next)
				return w.err == nil
			})
		})
	})
}

// otlpProto decodes a request whose records are messages m.
func (d *Decoder) otlpProto(b *Batch, request []byte, m *message, f recordFunc, next func() error) error {
	defer func() {
		if d.proto.Cap() > maxProto {
			d.proto = bytes.Buffer{}
		}
	}()
	return eachBytes(request, 1, func(resources []byte) error {
		var parts [][]byte // of the resource
		if err := eachBytes(resources, 1, func(b []byte) error { parts = append(parts, b); return nil }); err != nil {
			return err
		}
		d.proto.Reset()
		if err := resourceMessage.encode(&d.proto, bytes.Join(parts, nil), d.o.Values); err != nil {
			return err
		}
		resource, err := d.resource(bytes.Clone(d.proto.Bytes())) // which values point into
		if err != nil {
			return err
		}
		return eachBytes(resources, 2, func(scope []byte) error {
			return eachBytes(scope, 2, func(record []byte) error {
				d.proto.Reset()
				if err := m.encode(&d.proto, record, d.o.Values); err != nil {
					if err == errProto {
						return err
					}
					to := d.begin(b, nil)
					to.skip(err.Error())
					return next()
				}
				return d.one(b, d.proto.Bytes(), resource, f, next)
			})
		})
	})
}

// maxProto bounds the buffer that a Decoder keeps.
const maxProto = 1 << 20

// eachBytes calls f for every field of a message that has the number and bytes.
func eachBytes(b []byte, number protowire.Number, f func(b []byte) error) error {
	for len(b) > 0 {
		got, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errProto
		}
		b = b[n:]
		if n = protowire.ConsumeFieldValue(got, typ, b); n < 0 {
			return errProto
		}
		if got == number && typ == protowire.BytesType {
			v, _ := protowire.ConsumeBytes(b)
			if err := f(v); err != nil {
				return err
			}
		}
		b = b[n:]
	}
	return nil
}
