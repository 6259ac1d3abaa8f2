package promptlog

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// A message says which fields of a protobuf message become members of a JSON
// object, as OTLP's JSON encoding has them (opentelemetry-proto 1.9, "JSON
// Protobuf Encoding" of the OTLP specification). Others are left out.
type message struct {
	fields []protoField // by number
	oneOf  bool         // the last field counts
}

type protoField struct {
	number protowire.Number
	name   string
	kind   protoKind
	of     *message // of a protoMessage
	list   bool     // of messages
}

type protoKind byte

const (
	protoMessage protoKind = iota
	protoString
	protoBytes // as text; no convention has any
	protoHex   // bytes as OTLP writes ids
	protoBool
	protoInt // int64, as a string
	protoFixed
	protoDouble
)

var resourceMessage, spanMessage, logMessage, tracesRequest, logsRequest = otlpMessages()

func otlpMessages() (resource, span, record, traces, logs *message) {
	anyValue := &message{oneOf: true}
	keyValue := &message{fields: []protoField{{1, "key", protoString, nil, false}, {2, "value", protoMessage, anyValue, false}}}
	values := &message{fields: []protoField{{1, "values", protoMessage, anyValue, true}}}
	members := &message{fields: []protoField{{1, "values", protoMessage, keyValue, true}}}
	anyValue.fields = []protoField{
		{1, "stringValue", protoString, nil, false},
		{2, "boolValue", protoBool, nil, false},
		{3, "intValue", protoInt, nil, false},
		{4, "doubleValue", protoDouble, nil, false},
		{5, "arrayValue", protoMessage, values, false},
		{6, "kvlistValue", protoMessage, members, false},
		{7, "bytesValue", protoBytes, nil, false},
	}
	resource = &message{fields: []protoField{{1, "attributes", protoMessage, keyValue, true}}}
	event := &message{fields: []protoField{
		{1, "timeUnixNano", protoFixed, nil, false},
		{2, "name", protoString, nil, false},
		{3, "attributes", protoMessage, keyValue, true},
	}}
	span = &message{fields: []protoField{
		{1, "traceId", protoHex, nil, false},
		{2, "spanId", protoHex, nil, false},
		{5, "name", protoString, nil, false},
		{7, "startTimeUnixNano", protoFixed, nil, false},
		{8, "endTimeUnixNano", protoFixed, nil, false},
		{9, "attributes", protoMessage, keyValue, true},
		{11, "events", protoMessage, event, true},
	}}
	record = &message{fields: []protoField{
		{1, "timeUnixNano", protoFixed, nil, false},
		{5, "body", protoMessage, anyValue, false},
		{6, "attributes", protoMessage, keyValue, true},
		{9, "traceId", protoHex, nil, false},
		{10, "spanId", protoHex, nil, false},
		{11, "observedTimeUnixNano", protoFixed, nil, false},
		{12, "eventName", protoString, nil, false},
	}}
	request := func(resources, scopes, records string, of *message) *message {
		scope := &message{fields: []protoField{{2, records, protoMessage, of, true}}}
		one := &message{fields: []protoField{{1, "resource", protoMessage, resource, false}, {2, scopes, protoMessage, scope, true}}}
		return &message{fields: []protoField{{1, resources, protoMessage, one, true}}}
	}
	return resource, span, record, request("resourceSpans", "scopeSpans", "spans", span), request("resourceLogs", "scopeLogs", "logRecords", record)
}

var errProto = errors.New("promptlog: OTLP: malformed protobuf")

// A field as it stands in a message.
type rawField struct {
	field *protoField
	bits  uint64 // of a number
	bytes []byte
}

// encode writes the message that b encodes as JSON. Of a number or string that
// is there more than once the last counts, and messages are put together; null
// stands for what is nested too deep. The error is errProto, or says that it
// has too many values.
func (m *message) encode(out *bytes.Buffer, b []byte, values int) error {
	e := protoEncoder{out, values, values}
	return e.message(m, b, 0)
}

// A protoEncoder writes JSON of at most a number of values.
type protoEncoder struct {
	*bytes.Buffer
	left, values int
}

// message writes a message as an object at a depth.
func (out *protoEncoder) message(m *message, b []byte, depth int) error {
	var few [12]rawField
	raw := few[:0]
	for len(b) > 0 {
		number, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errProto
		}
		b = b[n:]
		f := m.field(number)
		r := rawField{field: f}
		switch {
		case f == nil || typ != f.kind.wire():
			n = protowire.ConsumeFieldValue(number, typ, b)
			f = nil
		case typ == protowire.VarintType:
			r.bits, n = protowire.ConsumeVarint(b)
		case typ == protowire.Fixed64Type:
			r.bits, n = protowire.ConsumeFixed64(b)
		default:
			r.bytes, n = protowire.ConsumeBytes(b)
		}
		if n < 0 {
			return errProto
		}
		b = b[n:]
		if out.left--; out.left < 0 {
			return errors.New(tooMany(out.values))
		}
		if f != nil && (f.kind != protoFixed || r.bits != 0) { // a time of 0 is unknown
			raw = append(raw, r)
		}
	}
	if m.oneOf {
		last := len(raw) - 1
		for last > 0 && raw[last-1].field == raw[last].field {
			last--
		}
		raw = raw[max(last, 0):]
	}
	slices.SortStableFunc(raw, func(a, b rawField) int { return int(a.field.number) - int(b.field.number) })
	out.WriteByte('{')
	first := true
	for i := 0; i < len(raw); {
		f := raw[i].field
		end := i + 1
		for end < len(raw) && raw[end].field == f {
			end++
		}
		if !first {
			out.WriteByte(',')
		}
		first = false
		out.WriteByte('"')
		out.WriteString(f.name)
		out.WriteString(`":`)
		same := raw[i:end]
		i = end
		var err error
		switch {
		case f.kind == protoMessage && depth+2 >= maxDepth:
			out.WriteString("null")
		case f.list:
			out.WriteByte('[')
			for j := range same {
				if j > 0 {
					out.WriteByte(',')
				}
				if err = out.message(f.of, same[j].bytes, depth+2); err != nil {
					return err
				}
			}
			out.WriteByte(']')
		case f.kind == protoMessage:
			whole := same[0].bytes
			if len(same) > 1 {
				var parts [][]byte
				for _, s := range same {
					parts = append(parts, s.bytes)
				}
				whole = bytes.Join(parts, nil)
			}
			err = out.message(f.of, whole, depth+1)
		default:
			same[len(same)-1].scalar(out.Buffer)
		}
		if err != nil {
			return err
		}
	}
	out.WriteByte('}')
	return nil
}

func (m *message) field(n protowire.Number) *protoField {
	for i := range m.fields {
		if m.fields[i].number == n {
			return &m.fields[i]
		}
	}
	return nil
}

func (k protoKind) wire() protowire.Type {
	switch k {
	case protoBool, protoInt:
		return protowire.VarintType
	case protoFixed, protoDouble:
		return protowire.Fixed64Type
	}
	return protowire.BytesType
}

// scalar writes a field that is no message.
func (r *rawField) scalar(out *bytes.Buffer) {
	switch r.field.kind {
	case protoString, protoBytes:
		text := r.bytes
		if !utf8.Valid(text) { // the rest of the request is good
			text = bytes.ToValidUTF8(text, []byte("\ufffd"))
		}
		quote(out, text)
	case protoHex:
		out.WriteByte('"')
		out.Write(hex.AppendEncode(out.AvailableBuffer(), r.bytes))
		out.WriteByte('"')
	case protoBool:
		out.Write(strconv.AppendBool(out.AvailableBuffer(), r.bits != 0))
	case protoInt:
		out.WriteByte('"')
		number(out, int64(r.bits))
		out.WriteByte('"')
	case protoFixed:
		out.WriteByte('"')
		out.Write(strconv.AppendUint(out.AvailableBuffer(), r.bits, 10))
		out.WriteByte('"')
	case protoDouble:
		float(out, math.Float64frombits(r.bits), 64)
	}
}
