package index

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

const (
	modelAttr     = "model" // the attribute that Prompt.Model is; always counted
	otherValue    = "other" // what values are called that are not told apart
	attrBytes     = 64      // of a value or name, at most
	maxKeepAttrs  = 16
	maxAttrNames  = 256
	maxAttrValues = 4096
)

// attrs numbers the attributes that templates count prompts by, and their
// values. The index's lock guards it.
type attrs struct {
	keep     []*attrName // of which every prompt's value is counted; the model first
	byName   map[string]*attrName
	names    []*attrName // by number; those that prompts have had
	values   int         // that have a number
	others   uint64      // of prompts, ever, that have their attribute's Other
	unsealed []store.Put
	found    []template.Value // scratch of of
	fresh    []freshValue
}

// An attrName is one attribute with its values.
type attrName struct {
	name   string
	number int // -1: no prompt has had it
	ids    map[string]template.Value
	values []string // by number; "" has none, and so has 0
	last   string   // the value asked for last, and its number
	lastID template.Value
}

// A freshValue names a value the first time that it is counted. Without a
// value it names the attribute only.
type freshValue struct {
	id          template.Value
	name, value string
}

func newAttrs(keep []string) *attrs {
	a := &attrs{byName: make(map[string]*attrName)}
	for _, name := range append([]string{modelAttr}, keep...) {
		a.keep = append(a.keep, a.named(name))
	}
	return a
}

// named returns the attribute of a name.
func (a *attrs) named(name string) *attrName {
	n := a.byName[name]
	if n == nil {
		n = &attrName{name: name, number: -1, ids: make(map[string]template.Value), values: []string{""}}
		a.byName[name] = n
	}
	return n
}

// of returns the numbers of a prompt's values, and those of them that are new.
// Both hold until the next call.
func (a *attrs) of(p *Prompt) ([]template.Value, []freshValue) {
	a.found, a.fresh = a.found[:0], a.fresh[:0]
	for i, n := range a.keep {
		v := p.Model
		if i > 0 {
			v = p.Attrs[n.name]
		}
		if v != "" {
			a.found = append(a.found, a.number(n, v))
		}
	}
	return a.found, a.fresh
}

// number returns the number of a value. Values too many, too long or not
// UTF-8 have their attribute's Other.
func (a *attrs) number(n *attrName, value string) template.Value {
	if n.last == value {
		return n.lastID
	}
	id, ok := n.ids[value]
	if ok {
		n.last, n.lastID = n.values[id.Number()], id
		return id
	}
	number := n.number
	if number < 0 {
		number = len(a.names)
	}
	f := freshValue{id: template.MakeValue(uint16(number), 0), name: n.name}
	if a.values < maxAttrValues && len(n.values) < 1<<16 && len(value) <= attrBytes && value != otherValue && utf8.ValidString(value) {
		f.id, f.value = template.MakeValue(uint16(number), uint16(len(n.values))), strings.Clone(value)
	}
	if f.value != "" || n.number < 0 {
		a.define(f)
		a.fresh = append(a.fresh, f)
	}
	return f.id
}

// define takes in what a number stands for, and has it stored with the next seal.
func (a *attrs) define(f freshValue) {
	if f.id.Attr() == len(a.names) {
		a.unsealed = append(a.unsealed, attrPut(f.id.Other(), f.name))
	}
	if f.id.Number() > 0 {
		a.unsealed = append(a.unsealed, attrPut(f.id, f.value))
	}
	a.take(f)
}

func (a *attrs) take(f freshValue) {
	n := a.named(f.name)
	if n.number < 0 {
		n.number = f.id.Attr()
		a.names = append(a.names, n)
	}
	if i := f.id.Number(); i > 0 {
		for len(n.values) <= i {
			n.values = append(n.values, "")
		}
		n.values[i], n.ids[f.value] = f.value, f.id
		a.values++
	}
}

// replay takes in the numbers that a journal entry names, and refuses what
// contradicts those that are known.
func (a *attrs) replay(s *sketched) error {
	for _, f := range s.fresh {
		if err := a.refuses(f); err != nil {
			return err
		}
		a.define(f)
	}
	for _, v := range s.values {
		if !a.defined(v) {
			return fmt.Errorf("%w: the journal holds an unknown attribute", ErrDamaged)
		}
	}
	return nil
}

// count counts the values of a prompt that are not told apart.
func (a *attrs) count(values []template.Value) {
	for _, v := range values {
		if v.Number() == 0 {
			a.others++
		}
	}
}

// refuses reports that a number cannot stand for what it is said to.
func (a *attrs) refuses(f freshValue) error {
	wrong := func(what string) error {
		return fmt.Errorf("%w: value %d of attribute %d %s", ErrDamaged, f.id.Number(), f.id.Attr(), what)
	}
	number := -1
	if n := a.byName[f.name]; n != nil {
		number = n.number
	}
	switch {
	case f.name == "" || len(f.name) > attrBytes || len(f.value) > attrBytes || (f.value == "") != (f.id.Number() == 0):
		return wrong("is malformed")
	case f.id.Attr() > len(a.names) || number >= 0 && number != f.id.Attr() || number < 0 && f.id.Attr() < len(a.names):
		return wrong("has a name that is another's")
	case f.id.Number() > 0 && number >= 0 && (a.value(f.id) != "" || a.byName[f.name].ids[f.value] != 0):
		return wrong("is there twice")
	}
	return nil
}

// name is the name of a value's attribute; "" if it has none.
func (a *attrs) name(v template.Value) string {
	if v.Attr() >= len(a.names) {
		return ""
	}
	return a.names[v.Attr()].name
}

// value is what a number stands for, in its attribute; "" if nothing.
func (a *attrs) value(v template.Value) string {
	if v.Attr() >= len(a.names) || v.Number() >= len(a.names[v.Attr()].values) {
		return ""
	}
	return a.names[v.Attr()].values[v.Number()]
}

// defined reports whether a number stands for something.
func (a *attrs) defined(v template.Value) bool {
	return v.Number() == 0 && v.Attr() < len(a.names) || a.value(v) != ""
}

// seal returns the records of what was numbered since the last one.
func (a *attrs) seal() []store.Put {
	puts := a.unsealed
	a.unsealed = nil
	return puts
}

// drop takes their numbers from the values that used does not have, and
// returns what changes on disk. Numbers do not come back before the index is
// opened again.
func (a *attrs) drop(used map[template.Value]bool) (puts []store.Put) {
	for _, n := range a.names {
		for value, id := range n.ids {
			if used[id] {
				continue
			}
			delete(n.ids, value)
			n.values[id.Number()] = ""
			a.values--
			puts = append(puts, store.Put{Table: store.TableAux, Key: attrKey(id)})
		}
		n.last, n.lastID = "", 0
	}
	return puts
}

func attrPut(id template.Value, is string) store.Put {
	return store.Put{Table: store.TableAux, Key: attrKey(id), Value: []byte(is)}
}

func attrKey(id template.Value) []byte {
	return binary.BigEndian.AppendUint32([]byte{auxAttr}, uint32(id))
}

// loadAttrs reads what numbers of attributes and values stand for.
func loadAttrs(r *store.Reader, a *attrs) error {
	name := ""
	return r.Scan(store.TableAux, []byte{auxAttr}, []byte{auxAttr + 1}, func(key, value []byte) error {
		if len(key) != len(attrKey(0)) {
			return fmt.Errorf("%w: the key of an attribute is malformed", ErrDamaged)
		}
		f := freshValue{id: template.Value(binary.BigEndian.Uint32(key[1:])), value: string(value)}
		if f.id.Number() == 0 {
			name, f.value = string(value), ""
		}
		f.name = name
		if err := a.refuses(f); err != nil {
			return err
		}
		a.take(f)
		return nil
	})
}

func (ix *Index) restoreAttrs(r *store.Reader) error {
	if err := loadAttrs(r, ix.attrs); err != nil {
		return err
	}
	if n := len(ix.attrs.byName); n > maxAttrNames {
		return badOption("KeepAttrs", "together with those counted before these are %d attributes; at most %d", n, maxAttrNames)
	}
	return nil
}

// checkKeepAttrs validates Options.KeepAttrs.
func checkKeepAttrs(keep, payments []string) error {
	if len(keep) > maxKeepAttrs {
		return badOption("KeepAttrs", "%d attributes; at most %d", len(keep), maxKeepAttrs)
	}
	for i, name := range keep {
		switch {
		case name == "" || len(name) > attrBytes || !utf8.ValidString(name) || strings.ContainsRune(name, '='):
			return badOption("KeepAttrs", "%q is no name of an attribute: 1 to %d bytes without \"=\"", name, attrBytes)
		case name == modelAttr:
			return badOption("KeepAttrs", "%q is always counted; leave it out", name)
		case name == networkAttr || slices.Contains(payments, name):
			return badOption("KeepAttrs", "%q tells accounts apart, only hashes of it are kept; leave it out", name)
		case slices.Contains(keep[:i], name):
			return badOption("KeepAttrs", "%q is there twice", name)
		}
	}
	return nil
}
