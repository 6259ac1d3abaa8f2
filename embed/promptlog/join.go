package promptlog

import (
	"slices"
	"strings"

	"github.com/seed-368d3dfa/chorus/index"
)

// A fragment is what one record knows about a prompt that several records make
// up. Records that have nothing of the prompt's text, such as answers, are
// fragments too.
type fragment struct {
	at     int    // prompts of its batch before it
	line   int    // of the record
	key    string // equal for fragments of one prompt
	prompt index.Prompt
	text   string // of a piece of JSON, to be joined in the order of number
	number int
	rows   bool // text makes up the messages; else prompt.Messages do
	last   bool // the prompt is complete
}

// A joiner puts fragments together. It sees batches in order and remembers a
// bounded part of them: a prompt whose fragments lie further apart than that
// is skipped.
type joiner struct {
	d      *decoder
	o      *Options
	groups map[string]*group
	order  []*group // oldest first; emitted ones too, so that late fragments find them
	bytes  int
}

// Bounds of what a joiner remembers.
const maxGroups, maxGroupBytes = 1 << 15, 64 << 20

type group struct {
	key    string
	line   int // of its first fragment
	prompt index.Prompt
	pieces []fragment // with text, sorted by number
	rows   bool
	said   bool // text or messages have been seen
	bytes  int
	gone   bool // emitted or skipped
}

// batch puts the fragments among a batch's prompts into their place.
func (j *joiner) batch(b *Batch, parts []fragment) {
	if len(parts) == 0 {
		return
	}
	old := b.Prompts
	b.Prompts = make([]index.Prompt, 0, len(old)+len(parts))
	done := 0
	for i := range parts {
		b.Prompts = append(b.Prompts, old[done:parts[i].at]...)
		done = parts[i].at
		j.add(&parts[i], b)
	}
	b.Prompts = append(b.Prompts, old[done:]...)
}

// add counts one fragment in.
func (j *joiner) add(f *fragment, b *Batch) {
	g := j.groups[f.key]
	if g == nil {
		g = &group{key: f.key, line: f.line, rows: f.rows}
		if j.groups == nil {
			j.groups = make(map[string]*group)
		}
		j.groups[f.key] = g
		j.order = append(j.order, g)
	}
	if g.gone {
		if f.text != "" || len(f.prompt.Messages) > 0 && !f.last {
			b.Skipped = append(b.Skipped, Skip{j.o.Name, f.line, "part of a request that was complete or given up before"})
		}
		return
	}
	size := len(f.text) + 64
	for i := range f.prompt.Messages {
		size += len(f.prompt.Messages[i].Content)
	}
	g.bytes += size
	j.bytes += size
	if f.text != "" {
		g.said = true
		at, _ := slices.BinarySearchFunc(g.pieces, f.number, func(p fragment, n int) int { return p.number - n })
		g.pieces = slices.Insert(g.pieces, at, *f)
	}
	g.said = g.said || len(f.prompt.Messages) > 0
	merge(&g.prompt, &f.prompt)
	g.prompt.Messages = append(g.prompt.Messages, f.prompt.Messages...)
	if f.last || g.rows && g.said && g.prompt.Account != "" && j.complete(g) {
		j.emit(g, b)
	}
	for len(j.order) > maxGroups || j.bytes > maxGroupBytes {
		j.evict(b)
	}
}

// merge fills in what p lacks.
func merge(p, from *index.Prompt) {
	if p.Account == "" {
		p.Account = from.Account
	}
	if p.ID == "" {
		p.ID = from.ID
	}
	if p.Model == "" {
		p.Model = from.Model
	}
	if p.Time.IsZero() || !from.Time.IsZero() && from.Time.Before(p.Time) {
		p.Time = from.Time
	}
	for name, value := range from.Attrs {
		if p.Attrs == nil {
			p.Attrs = make(map[string]string)
		}
		if _, ok := p.Attrs[name]; !ok {
			p.Attrs[name] = value
		}
	}
}

// joined returns the pieces' text.
func (g *group) joined() string {
	var b strings.Builder
	for i := range g.pieces {
		b.WriteString(g.pieces[i].text)
	}
	return b.String()
}

// complete reports whether the pieces so far, without a gap, are a whole.
func (j *joiner) complete(g *group) bool {
	if len(g.pieces) == 0 {
		return true // given in one piece
	}
	if g.pieces[0].number > 1 {
		return false
	}
	for i := 1; i < len(g.pieces); i++ {
		if g.pieces[i].number != g.pieces[i-1].number+1 {
			return false
		}
	}
	last := strings.TrimRight(g.pieces[len(g.pieces)-1].text, " \r\n\t")
	if !strings.HasSuffix(last, "]") && !strings.HasSuffix(last, "}") {
		return false
	}
	j.d.tree.reset()
	_, reason := j.d.tree.parse([]byte(g.joined()))
	return reason == ""
}

// emit adds the group's prompt to the batch, or says why it is none.
func (j *joiner) emit(g *group, b *Batch) {
	g.gone = true
	to := batch{Batch: b, name: j.o.Name, line: g.line}
	p := g.prompt
	if p.ID == "" {
		p.ID = g.key
	}
	if len(g.pieces) > 0 {
		j.d.tree.reset()
		v, reason := j.d.tree.parse([]byte(g.joined()))
		if reason != "" {
			to.skip("the messages are incomplete: part of the split request is missing or damaged")
			g.forget(j)
			return
		}
		j.d.converse(&v, &p)
	}
	if g.rows && !g.said {
		to.skip("not joined with a request to a model")
	} else {
		j.d.add(&p, &to)
	}
	g.forget(j)
}

// forget lets go of a group's text but remembers that it was there.
func (g *group) forget(j *joiner) {
	j.bytes -= g.bytes
	g.prompt, g.pieces, g.bytes = index.Prompt{}, nil, 0
}

// evict gives up the oldest group.
func (j *joiner) evict(b *Batch) {
	g := j.order[0]
	j.order = j.order[1:]
	if !g.gone {
		j.emit(g, b)
	}
	delete(j.groups, g.key)
}

// end emits what is left when the input has ended.
func (j *joiner) end(b *Batch) {
	for len(j.order) > 0 {
		j.evict(b)
	}
}
