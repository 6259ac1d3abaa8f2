package promptlog

import (
	"bytes"
	"strconv"
	"strings"
)

// A value is one JSON value in memory. It is valid until the next record: text
// may point into the record, and elems belong to the tree's arena.
type value struct {
	kind  byte    // '{', '[', '"', '0' for a number, 't', 'f' or 'n'
	key   string  // in the object that holds it
	text  []byte  // of a string, unescaped, or a number as written
	elems []value // of an array or object
	in    *value  // what a string holds as JSON, once looked into
	tried bool    // in has been set, maybe to nil
}

// A tree parses records of any shape. Not for concurrent use.
type tree struct {
	scan  scanner
	names func([]byte) string // turns keys into strings
	arena []value             // elems of the record's values
	stack []value             // of the arrays and objects being read
	max   int                 // values of a record; 0: no bound
	count int                 // of the record so far
}

// maxArena bounds how many values a tree keeps between records.
const maxArena = 1 << 14

// reset forgets all values handed out so far.
func (t *tree) reset() {
	if cap(t.arena) > maxArena || cap(t.stack) > maxArena {
		t.arena, t.stack = nil, nil
	}
	t.arena, t.stack, t.count = t.arena[:0], t.stack[:0], 0
}

// parse reads one JSON text, which the value then points into. As with
// encoding/json, the last of equal keys counts.
func (t *tree) parse(b []byte) (v value, reason string) {
	s := &t.scan
	s.reset(b)
	if !t.value(&v, 0) || s.peek() != 0 || s.pos < len(b) {
		t.stack = t.stack[:0]
		if t.max > 0 && t.count > t.max {
			return value{}, tooMany(t.max)
		}
		return value{}, s.reason()
	}
	return v, ""
}

func (t *tree) value(v *value, depth int) bool {
	s := &t.scan
	if t.count++; t.max > 0 && t.count > t.max {
		return false
	}
	switch v.kind = s.peek(); v.kind {
	case '"':
		start := s.pos + 1
		text, ok := s.str()
		if !ok {
			return false
		}
		if s.pos-1-start != len(text) || len(text) > 0 && &text[0] != &s.b[start] {
			text = bytes.Clone(text) // was unescaped into the scanner's buffer
		}
		v.text = text
		return true
	case '[', '{':
		first := len(t.stack)
		elem := func(key string) bool {
			e := value{key: key}
			if !t.value(&e, depth+1) {
				return false
			}
			t.stack = append(t.stack, e)
			return true
		}
		ok := false
		if v.kind == '[' {
			ok = s.array(depth, func() bool { return elem("") })
		} else {
			ok = s.object(depth, func(key []byte) bool { return elem(t.names(key)) })
		}
		if ok {
			v.elems = t.keep(t.stack[first:])
			t.stack = t.stack[:first]
		}
		return ok
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	v.kind = '0'
	start := s.pos
	if !s.number() {
		return false
	}
	v.text = s.b[start:s.pos]
	return true
}

// keep copies elems into the arena. Older blocks stay reachable by the values
// that point into them.
func (t *tree) keep(elems []value) []value {
	if len(elems) == 0 {
		return nil
	}
	if cap(t.arena)-len(t.arena) < len(elems) {
		t.arena = make([]value, 0, max(2*cap(t.arena), len(elems), 64))
	}
	n := len(t.arena)
	t.arena = append(t.arena, elems...)
	return t.arena[n : n+len(elems) : n+len(elems)]
}

// get returns an object's member, nil if there is none or it is null.
func (v *value) get(key string) *value {
	if v == nil || v.kind != '{' {
		return nil
	}
	for i := len(v.elems) - 1; i >= 0; i-- {
		if e := &v.elems[i]; e.key == key {
			if e.kind == 'n' {
				return nil
			}
			return e
		}
	}
	return nil
}

// str returns the text of a string, "" of anything else.
func (v *value) str() string {
	if v == nil || v.kind != '"' {
		return ""
	}
	return string(v.text)
}

// scalar returns a string, number, true or false as text.
func (v *value) scalar() string {
	switch {
	case v == nil:
	case v.kind == '"', v.kind == '0':
		return string(v.text)
	case v.kind == 't':
		return "true"
	case v.kind == 'f':
		return "false"
	}
	return ""
}

// empty reports whether there is nothing in v: "", {}, [], null or no value.
func (v *value) empty() bool {
	if v == nil || v.kind == 'n' {
		return true
	}
	return v.kind == '"' && len(v.text) == 0 || (v.kind == '{' || v.kind == '[') && len(v.elems) == 0
}

// find follows a path of names with dots between them, nil if it leads nowhere.
// A name may itself have dots, as flattened logs have them; a number is an
// array's element, from 0, and * the first that has the rest; a string that holds JSON is looked into.
func (t *tree) find(v *value, path string) *value {
	return t.findIn(v, path, 0)
}

// maxInner bounds how often JSON within a string may hold JSON in a string.
const maxInner = 4

func (t *tree) findIn(v *value, path string, inner int) *value {
	if path == "" || v == nil {
		return v
	}
	switch v.kind {
	case '"':
		if inner >= maxInner {
			return nil
		}
		if v = t.inner(v); v == nil {
			return nil
		}
		return t.findIn(v, path, inner+1)
	case '[':
		name, rest, _ := strings.Cut(path, ".")
		if name == "*" {
			for i := range v.elems {
				if e := t.findIn(&v.elems[i], rest, inner); !e.empty() {
					return e
				}
			}
			return nil
		}
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(v.elems) {
			return nil
		}
		return t.findIn(&v.elems[i], rest, inner)
	}
	if e := v.get(path); e != nil {
		return e
	}
	for i := 0; i < len(path); i++ {
		if path[i] == '.' {
			if e := v.get(path[:i]); e != nil {
				if e = t.findIn(e, path[i+1:], inner); e != nil {
					return e
				}
			}
		}
	}
	return nil
}

// inner parses a string that holds an array or object, nil if it does not. It
// remembers the answer in v.
func (t *tree) inner(v *value) *value {
	if v.tried {
		return v.in
	}
	v.tried = true
	b := bytes.TrimSpace(v.text)
	if len(b) < 2 || (b[0] != '{' || b[len(b)-1] != '}') && (b[0] != '[' || b[len(b)-1] != ']') {
		return nil
	}
	if in, reason := t.parse(b); reason == "" {
		v.in = &in
	}
	return v.in
}
