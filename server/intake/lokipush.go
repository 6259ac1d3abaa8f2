package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
)

// maxLabels is how many labels a stream may have, and a line in its metadata.
const maxLabels = 1024

const errPushJSON = RequestError(`the body is not JSON like {"streams":[{"stream":{"label":"value"},"values":[["<nanoseconds>","<line>"]]}]}`)

// parsePushJSON reads {"streams":[{"stream":{label:value},"values":[["ns","line",{name:value}]]}]}.
// Nothing is held that does not count, whatever the body has.
func parsePushJSON(b []byte) (streams []stream, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	n := 0 // streams and lines
	more := func() error {
		if n++; n > maxItems {
			return promptlog.ErrTooLarge
		}
		return nil
	}
	err = members(d, func(key string) error {
		if key != "streams" {
			return pass(d)
		}
		return elements(d, func() error {
			if err := more(); err != nil {
				return err
			}
			var s stream
			err := members(d, func(key string) error {
				switch key {
				case "stream":
					return members(d, func(name string) error {
						var value string
						if err := d.Decode(&value); err != nil {
							return err
						}
						if s.labels = append(s.labels, promptlog.Field{Name: name, Value: value}); len(s.labels) > maxLabels {
							return badRequest("a stream has more than %d labels", maxLabels)
						}
						return nil
					})
				case "values":
					return elements(d, func() error {
						if err := more(); err != nil {
							return err
						}
						var e jsonEntry
						if err := d.Decode(&e); err != nil {
							return err
						}
						s.lines = append(s.lines, entry(e))
						return nil
					})
				}
				return pass(d)
			})
			streams = append(streams, s)
			return err
		})
	})
	if err == nil {
		if _, e := d.Token(); e != io.EOF {
			err = errPushJSON
		}
	}
	var bad RequestError
	if err != nil && !errors.As(err, &bad) && !errors.Is(err, promptlog.ErrTooLarge) {
		err = errPushJSON // err might quote the text
	}
	return streams, err
}

// members reads an object; member reads the value of one key.
func members(d *json.Decoder, member func(key string) error) error {
	return nested(d, '{', func() error {
		key, err := d.Token()
		if err != nil {
			return err
		}
		return member(key.(string)) // as a key always is
	})
}

// elements reads an array; element reads one element.
func elements(d *json.Decoder, element func() error) error { return nested(d, '[', element) }

func nested(d *json.Decoder, open json.Delim, each func() error) error {
	t, err := d.Token()
	if err != nil || t == nil { // null
		return err
	}
	if t != open {
		return errPushJSON
	}
	for d.More() {
		if err := each(); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// pass skips a value.
func pass(d *json.Decoder) error {
	var v json.RawMessage
	return d.Decode(&v)
}

// A jsonEntry is ["<nanoseconds>","<line>"] or that with {"name":"value"}. What
// is wrong with one is its reason: the others are good.
type jsonEntry entry

func (e *jsonEntry) UnmarshalJSON(b []byte) error {
	var parts []json.RawMessage
	if json.Unmarshal(b, &parts) != nil || len(parts) < 2 || len(parts) > 3 {
		e.reason = `an entry is not like ["<nanoseconds>","<line>"]`
		return nil
	}
	var at, line string
	if json.Unmarshal(parts[0], &at) != nil {
		e.reason = "an entry's time is not a string"
		return nil
	}
	ns, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		e.reason = "an entry's time is not a number of nanoseconds"
		return nil
	}
	if ns != 0 {
		e.at = time.Unix(0, ns).UTC()
	}
	if json.Unmarshal(parts[1], &line) != nil {
		e.reason = "an entry's line is not a string"
		return nil
	}
	e.line = []byte(line)
	if len(parts) == 3 {
		d := json.NewDecoder(bytes.NewReader(parts[2]))
		err := members(d, func(name string) error {
			var value string
			if err := d.Decode(&value); err != nil {
				return err
			}
			if e.meta = append(e.meta, promptlog.Field{Name: name, Value: value}); len(e.meta) > maxLabels {
				return errPushJSON
			}
			return nil
		})
		if err != nil {
			e.reason = fmt.Sprintf("an entry's metadata is not an object of at most %d strings", maxLabels)
		}
	}
	return nil
}

const errPush = RequestError("the body is not a push request in protobuf")

// parsePushProto reads a PushRequest of
// https://github.com/grafana/loki/blob/main/pkg/push/push.proto.
//
//	PushRequest   1 streams: Stream…
//	Stream        1 labels: string  2 entries: Entry…
//	Entry         1 timestamp: Timestamp  2 line: string  3 structuredMetadata: Pair…
//	Timestamp     1 seconds: int64  2 nanos: int32
//	Pair          1 name: string  2 value: string
func parsePushProto(b []byte) (streams []stream, err error) {
	count := 0 // streams and lines
	err = eachField(b, func(n protowire.Number, _ uint64, b []byte) error {
		if n != 1 || b == nil {
			return nil
		}
		if count++; count > maxItems {
			return promptlog.ErrTooLarge
		}
		var s stream
		err := eachField(b, func(n protowire.Number, _ uint64, b []byte) (err error) {
			switch {
			case n == 1 && b != nil:
				s.labels, err = parseLabels(string(bytes.ToValidUTF8(b, []byte("\ufffd"))))
			case n == 2 && b != nil:
				var e entry
				e, err = parseEntry(b)
				count++
				if s.lines = append(s.lines, e); count > maxItems {
					err = promptlog.ErrTooLarge
				}
			}
			return err
		})
		streams = append(streams, s)
		return err
	})
	return streams, err
}

func parseEntry(b []byte) (e entry, err error) {
	err = eachField(b, func(n protowire.Number, _ uint64, b []byte) error {
		switch {
		case n == 1 && b != nil:
			var sec, ns int64
			if err := eachField(b, func(n protowire.Number, v uint64, _ []byte) error {
				switch n {
				case 1:
					sec = int64(v)
				case 2:
					ns = int64(int32(v))
				}
				return nil
			}); err != nil {
				return err
			}
			if sec != 0 || ns != 0 {
				e.at = time.Unix(sec, ns).UTC()
			}
		case n == 2 && b != nil:
			e.line = b
		case n == 3 && b != nil:
			var f promptlog.Field
			if err := eachField(b, func(n protowire.Number, _ uint64, b []byte) error {
				switch text := string(bytes.ToValidUTF8(b, []byte("\ufffd"))); n {
				case 1:
					f.Name = text
				case 2:
					f.Value = text
				}
				return nil
			}); err != nil {
				return err
			}
			if len(e.meta) == maxLabels {
				e.reason = fmt.Sprintf("an entry's metadata has more than %d pairs", maxLabels)
				return nil
			}
			e.meta = append(e.meta, f)
		}
		return nil
	})
	return e, err
}

// eachField calls f for every field of a message: with its bytes, which are
// then not nil, or with its number.
func eachField(b []byte, f func(n protowire.Number, v uint64, b []byte) error) error {
	for len(b) > 0 {
		number, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errPush
		}
		b = b[n:]
		var v uint64
		var inner []byte
		switch typ {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			inner, n = protowire.ConsumeBytes(b)
			if n >= 0 && inner == nil {
				inner = []byte{}
			}
		default:
			n = protowire.ConsumeFieldValue(number, typ, b)
		}
		if n < 0 {
			return errPush
		}
		b = b[n:]
		if typ == protowire.VarintType || inner != nil {
			if err := f(number, v, inner); err != nil {
				return err
			}
		}
	}
	return nil
}

// parseLabels reads labels as Prometheus writes them: {a="b", c="d"}.
func parseLabels(s string) (labels []promptlog.Field, err error) {
	const bad = RequestError(`a stream's labels are not like {name="value"}`)
	s, ok := strings.CutPrefix(strings.TrimSpace(s), "{")
	if !ok {
		return nil, bad
	}
	for {
		if s = strings.TrimLeft(s, " \t,"); strings.HasPrefix(s, "}") {
			if strings.TrimSpace(s[1:]) != "" {
				return nil, bad
			}
			return labels, nil
		}
		name, rest, ok := strings.Cut(s, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, bad
		}
		rest = strings.TrimLeft(rest, " \t")
		q, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return nil, bad
		}
		value, err := strconv.Unquote(q)
		if err != nil {
			return nil, bad
		}
		if labels = append(labels, promptlog.Field{Name: name, Value: strings.ToValidUTF8(value, "\ufffd")}); len(labels) > maxLabels {
			return nil, badRequest("a stream has more than %d labels", maxLabels)
		}
		s = rest[len(q):]
	}
}
