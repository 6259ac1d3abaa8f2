package promptlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// A Map says where a log keeps what makes a prompt, in place of what its format
// says or for a log of no known format. Each field is a list of paths in order
// of precedence: names with dots between them, which may also be one flattened
// name; numbers for elements of arrays, or * for the first that
// fits; JSON within strings is looked into.
type Map struct {
	Account  Paths            `json:"account"`
	Time     Paths            `json:"time"`
	ID       Paths            `json:"id"`
	Model    Paths            `json:"model"`
	Text     Paths            `json:"text"`     // a text, as the user's
	Messages Paths            `json:"messages"` // a request's body, its messages or one of them
	System   Paths            `json:"system"`   // a system prompt beside Text or Messages
	Attrs    map[string]Paths `json:"attrs"`

	TimeLayout string `json:"time_layout"` // as package time writes it, or unix, unix_ms, unix_us, unix_ns; "": guessed
	TimeZone   string `json:"time_zone"`   // of times that name none, like Europe/Berlin; "": UTC

	zone *time.Location
}

// Paths in a map's JSON are one string or an array of them.
type Paths []string

// UnmarshalJSON reads a string or an array of strings.
func (p *Paths) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		*p = Paths{""}
		return json.Unmarshal(b, &(*p)[0])
	}
	return json.Unmarshal(b, (*[]string)(p))
}

// ParseMap reads a map from JSON and checks it.
func ParseMap(b []byte) (*Map, error) {
	m := new(Map)
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("promptlog: map: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("promptlog: map: more than one JSON object")
	}
	return m, m.check()
}

func (m *Map) check() error {
	for _, paths := range append([]Paths{m.Account, m.Time, m.ID, m.Model, m.Text, m.Messages, m.System}, slices.Collect(maps.Values(m.Attrs))...) {
		if slices.Contains(paths, "") {
			return errors.New("promptlog: map: a path is empty")
		}
	}
	var err error
	if m.zone, err = time.LoadLocation(m.TimeZone); err != nil {
		return fmt.Errorf("promptlog: map: time_zone: %w", err)
	}
	if _, ok := units[m.TimeLayout]; !ok && m.TimeLayout != "" {
		// A layout that nothing of a time would change is a mistake, like YYYY-MM-DD.
		if time.Unix(0, 0).UTC().Format(m.TimeLayout) == time.Unix(1e9, 0).UTC().Format(m.TimeLayout) {
			return errors.New("promptlog: map: time_layout: want a layout of Go's package time, like 2006-01-02 15:04:05, or unix, unix_ms, unix_us, unix_ns")
		}
	}
	return nil
}

// speaks reports whether m says where the text is.
func (m *Map) speaks() bool { return len(m.Text) > 0 || len(m.Messages) > 0 }

// over returns f with what m says in its place.
func (m *Map) over(f *format) *format {
	g := *f
	for _, x := range []struct {
		from Paths
		to   *[]string
	}{{m.Account, &g.account}, {m.Time, &g.time}, {m.ID, &g.id}, {m.Model, &g.model}, {m.System, &g.system}} {
		if len(x.from) > 0 {
			*x.to = x.from
		}
	}
	if m.speaks() {
		g.body = slices.Concat(m.Messages, m.Text)
		g.drop, g.record, g.where = nil, nil, nil
	}
	for _, name := range slices.Sorted(maps.Keys(m.Attrs)) {
		g.attrs = append(g.attrs, attr{name, m.Attrs[name]})
	}
	g.layout, g.zone = m.TimeLayout, m.zone
	return &g
}

// mapped is the format of a log that only a map describes.
var mapped = &format{name: "map", account: commonAccount, time: commonTime, id: commonID, model: []string{"model"}, ip: commonIP}
