package embed

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// A lineDecoder turns JSON objects into prompts. Safe for concurrent use.
type lineDecoder struct {
	names *names
	attrs []string // Fields.Attrs
}

// decode fills in p from a line; its error is errIgnored for a line that has
// neither text nor messages.
func (d *lineDecoder) decode(line []byte, p *index.Prompt) error {
	if line = bytes.TrimSpace(line); len(line) == 0 || line[0] != '{' {
		return errIgnored
	}
	var raw []byte // messages
	said := false
	if err := d.object(line, d.names, p, &raw, &said); err != nil {
		return err
	}
	if !said {
		return errIgnored
	}
	if raw != nil {
		return decodeMessages(raw, p)
	}
	return nil
}

func (d *lineDecoder) object(b []byte, n *names, p *index.Prompt, messages *[]byte, said *bool) error {
	var members map[string]json.RawMessage
	if json.Unmarshal(b, &members) != nil {
		return errJSON
	}
	for i := range n.fields {
		v, ok := members[n.fields[i].name]
		if !ok || len(v) == 0 || v[0] == 'n' {
			continue
		}
		switch what := n.fields[i].field; what {
		case fieldAccount:
			p.Account = scalar(v)
		case fieldText:
			*said = true
			var t text
			if json.Unmarshal(v, &t) == nil {
				p.Text = string(t)
			}
		case fieldMessages:
			*said = true
			*messages = v
		case fieldModel:
			p.Model = scalar(v)
		case fieldID:
			p.ID = scalar(v)
		case fieldTime:
			if t, ok := moment(scalar(v)); ok {
				p.Time = t
			}
		default:
			if s := scalar(v); s != "" {
				if p.Attrs == nil {
					p.Attrs = make(map[string]string)
				}
				p.Attrs[d.attrs[what-fieldAttrs]] = s
			}
		}
	}
	for i := range n.groups {
		if v := members[n.groups[i].name]; len(v) > 0 && v[0] == '{' {
			if err := d.object(v, n.groups[i].names, p, messages, said); err != nil {
				return err
			}
		}
	}
	return nil
}

// scalar is the text of a string, and of a number or a boolean as it is written;
// "" for anything else.
func scalar(v json.RawMessage) string {
	switch v[0] {
	case '"':
		var s string
		if json.Unmarshal(v, &s) != nil {
			return ""
		}
		return s
	case '{', '[', 'n':
		return ""
	}
	return string(v)
}

// layouts are how loggers write times, besides numbers.
var layouts = []string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999Z0700", // zap's ISO8601TimeEncoder
	"2006-01-02 15:04:05.999999999Z07:00",
}

// moment reads a time. A number's magnitude tells its unit: until the year 5138
// seconds have fewer than 12 digits, and milliseconds have more since 1973.
func moment(s string) (time.Time, bool) {
	for _, l := range layouts {
		if t, err := time.Parse(l, s); err == nil {
			return inRange(t)
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0) {
		return time.Time{}, false
	}
	switch {
	case f < 1e11:
		return inRange(time.UnixMicro(int64(f * 1e6)))
	case f < 1e14:
		return inRange(time.UnixMicro(int64(f * 1e3)))
	case f < 1e17:
		return inRange(time.UnixMicro(int64(f)))
	case f < 1e19/2:
		return inRange(time.Unix(0, int64(f)))
	}
	return time.Time{}, false
}

// inRange says whether an index takes the time.
func inRange(t time.Time) (time.Time, bool) {
	p := index.Prompt{Account: "a", Text: "t", Time: t}
	return t.UTC(), !t.IsZero() && p.Validate() == nil
}
