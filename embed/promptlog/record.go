package promptlog

import (
	"bytes"
	"strings"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// A batch gathers what one record holds.
type batch struct {
	*Batch
	name  string // Options.Name
	line  int
	id    idSource
	nth   int // prompts of the record so far
	parts []fragment
}

func (b *batch) skip(reason string) {
	b.Skipped = append(b.Skipped, Skip{b.name, b.line, reason})
}

// foreign decodes one record of another format than the native one.
func (d *decoder) foreign(f *format, line []byte, to *batch) {
	d.tree.reset()
	d.noted = d.noted[:0]
	v, reason := d.tree.parse(line)
	if reason == "" && v.kind != '{' {
		reason = "not a JSON object"
	}
	if reason != "" {
		to.skip(reason)
		return
	}
	d.recordOf(f, &v, to)
}

// recordOf decodes a record that has been parsed.
func (d *decoder) recordOf(f *format, v *value, to *batch) {
	if f.record != nil {
		f.record(d, f, v, to)
		return
	}
	if f.drop != nil {
		if reason := f.drop(d, v); reason != "" {
			to.skip(reason)
			return
		}
	}
	var p index.Prompt
	if reason := d.fields(f, v, &p); reason != "" {
		to.skip(reason)
		return
	}
	d.add(&p, to)
}

// fields fills p from the paths of f.
func (d *decoder) fields(f *format, v *value, p *index.Prompt) (reason string) {
	if reason := d.header(f, v, p); reason != "" {
		return reason
	}
	for _, path := range f.system {
		if e := d.tree.find(v, path); !e.empty() {
			d.note("system", path)
			d.say(p, "system", d.text(e))
			break
		}
	}
	paths := f.body
	if f.where != nil {
		if path, ok := f.where(d, v); ok {
			paths = []string{path}
		}
	}
	for _, path := range paths {
		e := d.tree.find(v, path)
		if e.empty() {
			continue
		}
		if d.converse(e, p) {
			d.note("text", path)
			break
		}
	}
	return ""
}

// header fills in everything but the messages.
func (d *decoder) header(f *format, v *value, p *index.Prompt) (reason string) {
	for _, path := range f.account {
		if e := d.tree.find(v, path); e != nil {
			if p.Account = d.account(e); p.Account != "" {
				d.note("account", path)
				break
			}
		}
	}
	for _, path := range f.time {
		if e := d.tree.find(v, path); !e.empty() && string(e.text) != "0" { // which stands for unknown
			zone := f.zone
			if zone == nil {
				zone = time.UTC
			}
			if p.Time, reason = when(e, f.layout, zone); reason != "" {
				return reason
			}
			d.note("time", path)
			break
		}
	}
	p.ID = d.first("id", f.id, v)
	if p.Model == "" {
		p.Model = d.name([]byte(d.first("model", f.model, v)))
	}
	d.attr(p, "ip", d.first("ip", f.ip, v))
	for _, a := range f.attrs {
		d.attr(p, a.name, d.first(a.name, a.paths, v))
	}
	return ""
}

func (d *decoder) attr(p *index.Prompt, name, value string) {
	if value == "" {
		return
	}
	if p.Attrs == nil {
		p.Attrs = make(map[string]string)
	}
	p.Attrs[name] = value
}

// first returns the first scalar that one of the paths leads to.
func (d *decoder) first(field string, paths []string, v *value) string {
	for _, path := range paths {
		if s := d.tree.find(v, path).scalar(); s != "" {
			d.note(field, path)
			return s
		}
	}
	return ""
}

// note remembers that a field of the prompt under way came from a path, and
// commit counts it when the prompt is taken.
func (d *decoder) note(field, path string) {
	if d.used != nil {
		if path == "" {
			path = "(the record)"
		}
		d.noted = append(d.noted, Use{field, path})
	}
}

func (d *decoder) commit() {
	for _, u := range d.noted {
		d.used[u]++
	}
	d.noted = d.noted[:0]
}

// account returns who a field names. Clients of the Anthropic API put JSON or a
// session into user_id: what changes with every session is left out.
func (d *decoder) account(v *value) string {
	if v.kind == '"' {
		if in := d.tree.inner(v); in != nil {
			for _, name := range []string{"account_uuid", "account_id", "user_id", "device_id", "id"} {
				if s := in.get(name).scalar(); s != "" {
					return s
				}
			}
		}
		if i := bytes.Index(v.text, []byte("_session_")); i > 0 && bytes.HasPrefix(v.text, []byte("user_")) {
			return string(bytes.TrimSuffix(v.text[:i], []byte("_")))
		}
	}
	return strings.TrimSpace(v.scalar())
}

// check says why a prompt cannot be taken.
func (d *decoder) check(p *index.Prompt) (reason string) {
	if len(p.Messages) == 1 && p.Messages[0].Role == "" && p.Text == "" {
		p.Text, p.Messages = p.Messages[0].Content, nil
	}
	for i := range p.Messages {
		if p.Messages[i].Role == "" {
			p.Messages[i].Role = "user"
		}
	}
	if err := p.Validate(); err != nil {
		return strings.TrimPrefix(err.Error(), index.ErrInvalid.Error()+": ")
	}
	if p.Time.IsZero() && !d.timeOptional {
		return noTime
	}
	return ""
}

// add checks a prompt and adds it to a batch.
func (d *decoder) add(p *index.Prompt, to *batch) {
	if p.Time.IsZero() {
		p.Time = d.beside.Time
	}
	if p.Account == "" {
		p.Account = d.beside.Account
	}
	if reason := d.check(p); reason != "" {
		to.skip(reason)
		return
	}
	d.identify(p, to.nth)
	if p.ID == "" && to.id.on {
		p.ID = to.id.of(to.line, to.nth)
	}
	to.nth++
	d.commit()
	to.Prompts = append(to.Prompts, *p)
}
