package embed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"

	"github.com/seed-368d3dfa/chorus/index"
)

// HandlerOptions say how a Handler finds prompts in records. Nil and the zero
// value mean the defaults.
type HandlerOptions struct {
	Fields Fields

	// Level is the least level of records to look at even where the next handler
	// does not want them: so that prompts can be logged at a level that is not
	// printed. nil: only the records that the next handler gets.
	Level slog.Leveler
}

// A Handler is a slog.Handler that takes prompts out of the attributes of
// records and passes every record on to another handler.
type Handler struct {
	next  slog.Handler
	tap   *Tap
	attrs []string // Fields.Attrs
	level slog.Leveler
	here  *names // of the group opened by WithGroup; nil: no field is in it
	base  found  // by WithAttrs
}

// NewHandler returns a handler that passes records on to next and gives tap the
// prompts among them: records with a text or messages attribute, of their own or
// from WithAttrs. One that has no account is counted as Invalid.
//
// Strings, and []index.Message, are taken as they are; messages as JSON (string,
// []byte, json.RawMessage) are copied and decoded later; messages of another
// type are marshalled on the spot, which costs the host what that costs.
func NewHandler(tap *Tap, next slog.Handler, o *HandlerOptions) (*Handler, error) {
	if tap == nil || next == nil {
		return nil, errors.New("embed: NewHandler without a tap or a next handler")
	}
	var opts HandlerOptions
	if o != nil {
		opts = *o
	}
	f, names, err := opts.Fields.filled()
	if err != nil {
		return nil, err
	}
	return &Handler{next: next, tap: tap, attrs: f.Attrs, level: opts.Level, here: names}, nil
}

// Enabled reports whether the next handler wants records of the level, or
// HandlerOptions.Level does.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.level != nil && level >= h.level.Level() || h.next.Enabled(ctx, level)
}

// Handle passes the record on and queues its prompt. The error is the next
// handler's.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	var err error
	if h.level == nil || h.next.Enabled(ctx, r.Level) {
		err = h.next.Handle(ctx, r)
	}
	it := h.base
	if h.here != nil {
		r.Attrs(func(a slog.Attr) bool {
			it.attr(h.here, a, h.attrs)
			return true
		})
	}
	if it.prompt {
		h.offer(ctx, &it, r)
	}
	return err
}

func (h *Handler) offer(ctx context.Context, f *found, r slog.Record) {
	p := index.Prompt{ID: f.id, Account: f.account, Time: r.Time, Text: f.text, Messages: f.messages, Model: f.model, Attrs: f.attrs}
	switch {
	case p.Account == "" && f.raw != nil:
		h.tap.refuse(&h.tap.stats.Invalid, errAccount)
	case f.raw == nil:
		h.tap.AddContext(ctx, p)
	default:
		h.tap.offer(ctx, &item{prompt: p, raw: f.raw, decode: decodeMessages})
	}
}

var errAccount = errors.New("embed: account is missing")

// WithAttrs returns a handler whose records all have attrs.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	c := *h
	c.next = h.next.WithAttrs(attrs)
	if h.here != nil {
		for _, a := range attrs {
			c.base.attr(h.here, a, h.attrs)
		}
		c.base.owned = false
	}
	return &c
}

// WithGroup returns a handler whose records' attributes are all in a group.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.next = h.next.WithGroup(name)
	if h.here != nil {
		c.here = h.here.group(name)
	}
	return &c
}

// A found is what attributes tell of a prompt. The last one of a name counts.
type found struct {
	id, account, text, model string
	messages                 []index.Message
	raw                      []byte            // messages as JSON
	attrs                    map[string]string // shared with Handler.base until written
	owned                    bool              // attrs is not shared
	prompt                   bool              // has a text or messages
}

// attr takes in an attribute of the group that n has the names of; attrs are
// Fields.Attrs.
func (f *found) attr(n *names, a slog.Attr, attrs []string) {
	if a.Value.Kind() == slog.KindGroup && a.Key == "" { // inlined, says slog.Handler
		f.group(n, a.Value, attrs)
		return
	}
	what, isField := n.field(a.Key)
	inner := n.group(a.Key)
	if !isField && inner == nil {
		return
	}
	switch v := a.Value.Resolve(); {
	case v.Kind() != slog.KindGroup:
		if isField {
			f.value(what, v, attrs)
		}
	case inner != nil:
		f.group(inner, v, attrs)
	}
}

func (f *found) group(n *names, v slog.Value, attrs []string) {
	for _, a := range v.Group() {
		f.attr(n, a, attrs)
	}
}

func (f *found) value(what field, v slog.Value, attrs []string) {
	switch what {
	case fieldAccount:
		f.account = str(v)
	case fieldText:
		f.text, f.prompt = str(v), true
	case fieldMessages:
		f.messages, f.raw = messages(v)
		f.prompt = f.prompt || f.messages != nil || f.raw != nil
	case fieldModel:
		f.model = str(v)
	case fieldID:
		f.id = str(v)
	case fieldTime:
	default:
		if !f.owned {
			f.attrs, f.owned = maps.Clone(f.attrs), true
		}
		if f.attrs == nil {
			f.attrs = make(map[string]string)
		}
		f.attrs[attrs[what-fieldAttrs]] = str(v)
	}
}

// str is the text of a value.
func str(v slog.Value) string {
	if v.Kind() == slog.KindAny {
		switch b := v.Any().(type) {
		case []byte:
			return string(b)
		case json.RawMessage:
			var s plain
			if json.Unmarshal(b, &s) == nil && s != "" {
				return string(s)
			}
			return string(b)
		}
	}
	return v.String()
}

// messages returns the messages of a value, or JSON of them to be decoded later,
// or neither if there is no value. What the host may change later is copied.
func messages(v slog.Value) ([]index.Message, []byte) {
	switch v.Kind() {
	case slog.KindString:
		return nil, []byte(v.String())
	case slog.KindAny:
		switch m := v.Any().(type) {
		case nil:
			return nil, nil
		case []index.Message:
			return slices.Clone(m), nil
		case json.RawMessage:
			return nil, bytes.Clone(m)
		case []byte:
			return nil, bytes.Clone(m)
		default:
			return nil, marshal(m)
		}
	}
	return nil, noMessages
}

// noMessages is for values that are none; decoding counts them as Invalid.
var noMessages = []byte("null")

// marshal returns noMessages for what cannot be marshalled, even where that
// panics: it is the host's own code, called where the host does not expect it.
func marshal(v any) (b []byte) {
	defer func() {
		if recover() != nil {
			b = noMessages
		}
	}()
	b, err := json.Marshal(v)
	if err != nil {
		return noMessages
	}
	return b
}
