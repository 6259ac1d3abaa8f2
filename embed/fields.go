package embed

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Fields say under which names a log has a prompt's parts. A name is a path:
// its parts, separated by dots, are the groups (slog) or objects (JSON) that
// enclose a value, and its own name last. "llm.prompt" finds {"llm":{"prompt":…}}
// and {"llm.prompt":…} alike. Names are compared exactly.
type Fields struct {
	Account string // who sent it: a string or a number; "": "account"
	Text    string // the prompt as one string; "": "text"

	// Messages is the prompt as a conversation, instead of Text or besides:
	// index.Messages, or objects with role and content as LLM APIs have them,
	// also as JSON in a string. "": "messages"
	Messages string

	Model string // "": "model"

	// ID is for logs that have an id of each prompt: one seen before is not
	// counted again. An id that several prompts share would lose them, so
	// there is no default. "": none
	ID string

	// Time is for JSON lines only; a log record has its own. RFC 3339, or seconds,
	// milliseconds, microseconds or nanoseconds since 1970; if it is neither, the
	// line's time is when it came. "": "time"
	Time string

	// Attrs are more fields to keep, as Prompt.Attrs, under the same names.
	Attrs []string
}

// What a field is to a prompt. From fieldAttrs on they are Fields.Attrs.
type field int

const (
	fieldAccount field = iota
	fieldText
	fieldMessages
	fieldModel
	fieldID
	fieldTime
	fieldAttrs
)

// A names tells which names of a group or object lead to a field.
type names struct {
	fields []fieldName
	groups []groupName
}

type fieldName struct {
	name string // may have dots
	field
}

type groupName struct {
	name string // may have dots
	*names
}

// field returns what the value of a name is.
func (n *names) field(name string) (field, bool) {
	for i := range n.fields {
		if n.fields[i].name == name {
			return n.fields[i].field, true
		}
	}
	return 0, false
}

// group returns the names in a group, nil if no field is in it.
func (n *names) group(name string) *names {
	for i := range n.groups {
		if n.groups[i].name == name {
			return n.groups[i].names
		}
	}
	return nil
}

// add makes path lead to f, whichever of its dots belong to a name and whichever
// separate names.
func (n *names) add(path string, f field) {
	n.fields = append(n.fields, fieldName{path, f})
	for i := range path {
		if path[i] != '.' {
			continue
		}
		inner := n.group(path[:i])
		if inner == nil {
			inner = new(names)
			n.groups = append(n.groups, groupName{path[:i], inner})
		}
		inner.add(path[i+1:], f)
	}
}

// maxDots bounds the groups of a path: names.add takes 2^dots steps.
const maxDots = 8

// filled returns the fields with defaults, and their names.
func (f Fields) filled() (Fields, *names, error) {
	def := func(p *string, name string) {
		if *p == "" {
			*p = name
		}
	}
	def(&f.Account, "account")
	def(&f.Text, "text")
	def(&f.Messages, "messages")
	def(&f.Model, "model")
	def(&f.Time, "time")
	f.Attrs = slices.Clone(f.Attrs)
	root := new(names)
	paths := append([]string{f.Account, f.Text, f.Messages, f.Model, f.ID, f.Time}, f.Attrs...)
	for i, path := range paths {
		if path == "" && field(i) == fieldID {
			continue
		}
		if path == "" || path[0] == '.' || path[len(path)-1] == '.' {
			return f, nil, errors.New("embed: Fields: a name is empty, or begins or ends with a dot")
		}
		if strings.Count(path, ".") > maxDots {
			return f, nil, fmt.Errorf("embed: Fields: %q has more than %d dots", path, maxDots)
		}
		if slices.Contains(paths[:i], path) {
			return f, nil, fmt.Errorf("embed: Fields: %q is named twice", path)
		}
		root.add(path, field(i))
	}
	return f, root, nil
}
