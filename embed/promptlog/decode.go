package promptlog

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-368d3dfa/chorus/index"
)

// A decoder turns lines into prompts. Not for concurrent use.
//
// The strings of a prompt are copies of their own: a prompt may be kept without
// keeping the input, and an account without keeping its prompt.
type decoder struct {
	scan         scanner
	timeOptional bool
	contentIDs   bool
	beside       Beside            // the record; from a Decoder only
	names        map[string]string // models and attribute names, of which there are few
	said         []byte            // what an id is made of; reused
	parts        []byte            // text of a content's parts; reused
	tree         tree              // of formats other than the native one
	used         map[Use]int       // nil unless Options.Explain
	noted        []Use             // of the prompt under way
}

func newDecoder(o *Options) *decoder {
	d := &decoder{timeOptional: o.TimeOptional, contentIDs: o.ContentIDs, names: make(map[string]string)}
	d.tree.names, d.tree.max = d.name, o.Values
	return d
}

// maxNames bounds decoder.names and the length of what it holds.
const maxNames, maxNameLen = 1024, 128

// name returns b as a string, the same one each time.
func (d *decoder) name(b []byte) string {
	if s, ok := d.names[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(d.names) < maxNames && len(s) <= maxNameLen {
		d.names[s] = s
	}
	return s
}

// Fields of a prompt, as bits of what has been seen in a line.
const (
	fieldID = 1 << iota
	fieldTime
	fieldAccount
	fieldText
	fieldMessages
	fieldModel
	fieldAttrs
)

// prompt decodes one line into p. A reason that is not empty says why the line
// is no prompt; it never has any of the line's text. p is then undefined.
func (d *decoder) prompt(line []byte, p *index.Prompt) (reason string) {
	if !utf8.Valid(line) {
		return "invalid UTF-8"
	}
	*p = index.Prompt{}
	s := &d.scan
	s.reset(line)
	if s.peek() != '{' {
		return "not a JSON object"
	}
	seen := 0
	ok := s.object(0, func(key []byte) bool {
		reason = d.field(key, &seen, p)
		return reason == ""
	})
	if reason != "" {
		return reason
	}
	if !ok || s.peek() != 0 || s.pos < len(line) {
		return s.reason()
	}
	if err := p.Validate(); err != nil {
		return strings.TrimPrefix(err.Error(), index.ErrInvalid.Error()+": ")
	}
	if p.Time.IsZero() && !d.timeOptional {
		return noTime
	}
	return ""
}

const (
	noTime   = "time is missing"
	noString = ": not a string" // behind a field's name
	noLayout = "time: not as RFC 3339 has it, like 2026-06-01T08:00:00Z"
)

// field decodes the value of one key of a prompt.
func (d *decoder) field(key []byte, seen *int, p *index.Prompt) (reason string) {
	s := &d.scan
	bit, name := 0, ""
	switch string(key) {
	case "id":
		bit, name = fieldID, "id"
	case "time":
		bit, name = fieldTime, "time"
	case "account":
		bit, name = fieldAccount, "account"
	case "text":
		bit, name = fieldText, "text"
	case "messages":
		bit, name = fieldMessages, "messages"
	case "model":
		bit, name = fieldModel, "model"
	case "attrs":
		bit, name = fieldAttrs, "attrs"
	default:
		if !s.skip(1) {
			return s.reason()
		}
		return ""
	}
	if *seen&bit != 0 {
		return name + ": given twice"
	}
	*seen |= bit
	if s.null() {
		return ""
	}
	switch bit {
	case fieldMessages:
		return d.messages(p)
	case fieldAttrs:
		return d.attrs(p)
	}
	if s.peek() != '"' {
		return name + noString
	}
	text, ok := s.str()
	if !ok {
		return s.reason()
	}
	switch bit {
	case fieldID:
		p.ID = string(text)
	case fieldTime:
		return d.time(text, p)
	case fieldAccount:
		p.Account = string(text)
	case fieldText:
		p.Text = string(text)
	case fieldModel:
		p.Model = d.name(text)
	}
	return ""
}

func (d *decoder) time(text []byte, p *index.Prompt) (reason string) {
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return noLayout
	}
	if t.IsZero() { // which to an index means now
		return "time: the year 1 is too early"
	}
	p.Time = t.UTC()
	return ""
}

func (d *decoder) messages(p *index.Prompt) (reason string) {
	s := &d.scan
	if s.peek() != '[' {
		return "messages: not an array"
	}
	ok := s.array(1, func() bool {
		var m index.Message
		if reason = d.message(&m); reason == "" {
			p.Messages = append(p.Messages, m)
		}
		return reason == ""
	})
	if reason == "" && !ok {
		reason = s.reason()
	}
	return reason
}

func (d *decoder) message(m *index.Message) (reason string) {
	s := &d.scan
	if s.peek() != '{' {
		return "messages: an element is not an object"
	}
	role, content := false, false
	ok := s.object(2, func(key []byte) bool {
		switch string(key) {
		case "role":
			if role {
				reason = "messages: role: given twice"
			} else if role = true; s.null() {
			} else if s.peek() != '"' {
				reason = "messages: role: not a string"
			} else if text, ok := s.str(); ok {
				m.Role = d.name(text)
			} else {
				return false
			}
		case "content":
			if content {
				reason = "messages: content: given twice"
			} else if content = true; s.null() {
			} else {
				m.Content, reason = d.content()
			}
		default:
			return s.skip(3)
		}
		return reason == ""
	})
	if reason == "" && !ok {
		reason = s.reason()
	}
	return reason
}

// content reads a string, or an array of parts of which those of type "text"
// count, joined by line breaks.
func (d *decoder) content() (text, reason string) {
	s := &d.scan
	switch s.peek() {
	case '"':
		b, ok := s.str()
		if !ok {
			return "", s.reason()
		}
		return string(b), ""
	case '[':
	default:
		return "", "messages: content: neither a string nor an array of parts"
	}
	d.parts = d.parts[:0]
	ok := s.array(3, func() bool {
		reason = d.part()
		return reason == ""
	})
	if reason == "" && !ok {
		reason = s.reason()
	}
	return string(d.parts), reason
}

// part reads one part of a content and appends its text to parts.
func (d *decoder) part() (reason string) {
	s := &d.scan
	if s.peek() != '{' {
		return "messages: content: a part is not an object"
	}
	start := len(d.parts)
	kind, text, isText := false, false, false
	ok := s.object(4, func(key []byte) bool {
		switch string(key) {
		case "type":
			if kind {
				reason = "messages: content: type: given twice"
			} else if kind = true; s.null() {
			} else if s.peek() != '"' {
				reason = "messages: content: type: not a string"
			} else if b, ok := s.str(); ok {
				isText = string(b) == "text"
			} else {
				return false
			}
		case "text":
			if text {
				reason = "messages: content: text: given twice"
			} else if text = true; s.null() {
			} else if s.peek() != '"' {
				reason = "messages: content: text: not a string"
			} else if b, ok := s.str(); ok {
				if start > 0 {
					d.parts = append(d.parts, '\n')
				}
				d.parts = append(d.parts, b...)
			} else {
				return false
			}
		default:
			return s.skip(5)
		}
		return reason == ""
	})
	if reason == "" && !ok {
		reason = s.reason()
	}
	if !isText {
		d.parts = d.parts[:start]
	}
	return reason
}

// attrs reads an object of strings. Numbers, true and false count as they are
// written; null is dropped.
func (d *decoder) attrs(p *index.Prompt) (reason string) {
	s := &d.scan
	if s.peek() != '{' {
		return "attrs: not an object"
	}
	ok := s.object(1, func(key []byte) bool {
		name := d.name(key)
		if _, ok := p.Attrs[name]; ok {
			reason = "attrs: a name is given twice"
			return false
		}
		var value string
		switch s.peek() {
		case '"':
			b, ok := s.str()
			if !ok {
				return false
			}
			value = string(b)
		case '{', '[':
			reason = "attrs: a value is neither a string nor a number"
			return false
		default:
			start := s.pos
			if !s.skip(2) {
				return false
			}
			b := s.b[start:s.pos]
			if bytes.Equal(b, []byte("null")) {
				return true
			}
			value = string(b)
		}
		if p.Attrs == nil {
			p.Attrs = make(map[string]string)
		}
		p.Attrs[name] = value
		return true
	})
	if reason == "" && !ok {
		reason = s.reason()
	}
	return reason
}
