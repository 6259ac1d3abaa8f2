package promptlog

import (
	"strconv"
	"strings"

	"github.com/seed-368d3dfa/chorus/index"
)

// Attributes of OpenTelemetry's GenAI conventions and of OpenInference.
var (
	otelAccount = []string{"enduser.id", "enduser.pseudo.id", "user.id", "traceloop.association.properties.user_id", "session.id"}
	otelModel   = []string{"gen_ai.request.model", "gen_ai.response.model", "llm.model_name", "llm.request.model"}
	otelID      = []string{"gen_ai.response.id"}
	otelIP      = []string{"client.address", "net.peer.ip"}
)

func isGenAI(key string) bool {
	key = strings.TrimPrefix(key, "attributes.")
	for _, prefix := range []string{"gen_ai.", "llm.", "openinference."} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return key == "gen_ai"
}

// otlp decodes an ExportTraceServiceRequest or ExportLogsServiceRequest in
// OTLP's JSON encoding. Each span and log record is a prompt or is skipped.
func (d *decoder) otlp(f *format, v *value, to *batch) {
	n := to.nth + len(to.Skipped) + len(to.parts)
	for _, name := range []string{"resourceSpans", "resource_spans"} {
		d.scoped(v.get(name), []string{"scopeSpans", "scope_spans", "instrumentationLibrarySpans"}, []string{"spans"}, func(resource, span *value) {
			d.span(f, resource, span, to)
		})
	}
	for _, name := range []string{"resourceLogs", "resource_logs"} {
		d.scoped(v.get(name), []string{"scopeLogs", "scope_logs", "instrumentationLibraryLogs"}, []string{"logRecords", "log_records"}, func(resource, record *value) {
			d.event(f, resource, record, to)
		})
	}
	if n == to.nth+len(to.Skipped)+len(to.parts) {
		to.skip(noRecords)
	}
}

// scoped calls each for every span or log record.
func (d *decoder) scoped(resources *value, scopes, records []string, each func(resource, record *value)) {
	if resources == nil || resources.kind != '[' {
		return
	}
	for i := range resources.elems {
		r := &resources.elems[i]
		resource := d.attributes(r.get("resource").get("attributes"))
		for _, name := range scopes {
			if s := r.get(name); s != nil && s.kind == '[' {
				for j := range s.elems {
					for _, name := range records {
						if list := s.elems[j].get(name); list != nil && list.kind == '[' {
							for k := range list.elems {
								each(resource, &list.elems[k])
							}
						}
					}
				}
			}
		}
	}
}

// attributes turns OTLP's list of keys and values into an object; an object
// stays what it is.
func (d *decoder) attributes(v *value) *value {
	if v == nil || v.kind == '"' {
		return d.object(v)
	}
	if v.kind != '[' {
		return v
	}
	o := &value{kind: '{'}
	for i := range v.elems {
		if key := v.elems[i].get("key"); key != nil {
			e := d.anyValue(v.elems[i].get("value"), 0)
			e.key = d.name([]byte(key.str()))
			o.elems = append(o.elems, e)
		}
	}
	return o
}

// anyValue turns OTLP's AnyValue into the value that it stands for.
func (d *decoder) anyValue(v *value, depth int) value {
	if v == nil || v.kind != '{' || len(v.elems) != 1 || depth > maxDepth {
		return value{kind: 'n'}
	}
	e := v.elems[0]
	switch e.key {
	case "stringValue", "boolValue", "doubleValue", "string_value", "bool_value", "double_value":
	case "intValue", "int_value":
		e.kind = '0' // a string, as JSON has no 64-bit integers
	case "arrayValue", "array_value":
		list := e.get("values")
		e = value{kind: '['}
		if list != nil {
			for i := range list.elems {
				e.elems = append(e.elems, d.anyValue(&list.elems[i], depth+1))
			}
		}
	case "kvlistValue", "kvlist_value":
		list := e.get("values")
		e = value{kind: '{'}
		if list != nil {
			for i := range list.elems {
				if key := list.elems[i].get("key"); key != nil {
					x := d.anyValue(list.elems[i].get("value"), depth+1)
					x.key = d.name([]byte(key.str()))
					e.elems = append(e.elems, x)
				}
			}
		}
	default:
		return value{kind: 'n'}
	}
	return e
}

// otherSpans are the operations and kinds of spans that repeat what the spans
// of requests say, or hold no request.
var otherSpans = map[string]bool{
	"execute_tool": true, "invoke_agent": true, "create_agent": true,
	"AGENT": true, "CHAIN": true, "TOOL": true, "RETRIEVER": true, "RERANKER": true, "EMBEDDING": true, "GUARDRAIL": true, "EVALUATOR": true,
}

const (
	noRecords = "no spans or log records"
	noRequest = "not a request to a model"
	noContent = "no messages (were they captured?)"
	anAnswer  = "an answer, of no known request"
)

// span decodes one span.
func (d *decoder) span(f *format, resource, v *value, to *batch) {
	attrs := d.attributes(v.get("attributes"))
	if !genAI(attrs) {
		to.skip(noRequest)
		return
	}
	d.request1(f, resource, attrs, v, to, []string{"startTimeUnixNano", "start_time_unix_nano"})
}

// flatSpan decodes a span or event as SDKs print it and stores export it: with
// attributes in an object, or flattened into the record.
func (d *decoder) flatSpan(f *format, v *value, to *batch) {
	attrs := d.object(v.get("attributes"))
	if attrs == nil {
		attrs = &value{kind: '{'}
		for i := range v.elems {
			e := v.elems[i]
			e.key = strings.TrimPrefix(e.key, "attributes.")
			attrs.elems = append(attrs.elems, e)
		}
	}
	if eventName(v, attrs) != "" {
		d.event(f, nil, v, to)
		return
	}
	d.request1(f, nil, attrs, v, to, f.time)
}

func genAI(attrs *value) bool {
	if attrs == nil || attrs.kind != '{' {
		return false
	}
	for i := range attrs.elems {
		if k := attrs.elems[i].key; isGenAI(k) || k == "llm" {
			return true
		}
	}
	return false
}

// request1 adds the prompt that a span or event with attributes stands for.
func (d *decoder) request1(f *format, resource, attrs, v *value, to *batch, times []string) {
	if otherSpans[d.tree.find(attrs, "gen_ai.operation.name").str()] || otherSpans[strings.ToUpper(d.tree.find(attrs, "openinference.span.kind").str())] {
		to.skip(noRequest)
		return
	}
	p, reason := d.spanHeader(f, resource, attrs, v, times)
	if reason != "" {
		to.skip(reason)
		return
	}
	d.spanMessages(attrs, &p)
	if events := v.get("events"); events != nil && len(p.Messages) == 0 {
		if events.kind == '"' {
			events = d.tree.inner(events)
		}
		if events != nil && events.kind == '[' {
			for i := range events.elems {
				e := &events.elems[i]
				ea := d.attributes(e.get("attributes"))
				if role, ok := messageEvent(e.get("name").str()); ok {
					d.oldMessage(role, ea, &p)
				} else if e.get("name").str() == detailsEvent {
					d.spanMessages(ea, &p)
				}
			}
		}
	}
	if len(p.Messages) == 0 {
		to.skip(noContent)
		return
	}
	d.add(&p, to)
}

// spanHeader fills in everything but the messages.
func (d *decoder) spanHeader(f *format, resource, attrs, v *value, times []string) (p index.Prompt, reason string) {
	d.noted = d.noted[:0]
	g := *f
	g.time = nil
	if reason = d.header(&g, attrs, &p); reason != "" {
		return p, reason
	}
	h := format{time: f.time, layout: f.layout, zone: f.zone}
	if len(h.time) == 0 {
		h.time = times
	}
	var q index.Prompt
	if reason = d.header(&h, v, &q); reason != "" {
		return p, reason
	}
	p.Time = q.Time
	if p.Account == "" && resource != nil {
		p.Account = d.first("account", f.account, resource)
	}
	if p.Account == "" { // of a flat record, beside its attributes
		p.Account = d.first("account", f.account, v)
	}
	if p.ID == "" {
		if p.ID = spanKey(d, v); p.ID != "" {
			d.note("id", "(trace and span)")
		}
	}
	return p, ""
}

// spanKey names a span, "" if it has no ids.
func spanKey(d *decoder, v *value) string {
	for _, names := range [][2]string{{"traceId", "spanId"}, {"trace_id", "span_id"}, {"context.trace_id", "context.span_id"}} {
		if span := d.tree.find(v, names[1]).scalar(); span != "" {
			return d.tree.find(v, names[0]).scalar() + "-" + span
		}
	}
	return ""
}

// spanMessages appends what attributes say, in the newest way they have.
func (d *decoder) spanMessages(attrs *value, p *index.Prompt) {
	if e := d.tree.find(attrs, "gen_ai.system_instructions"); !e.empty() {
		if e.kind == '"' {
			if in := d.tree.inner(e); in != nil {
				e = in
			}
		}
		d.say(p, "system", d.text(e))
	}
	said := len(p.Messages)
	for _, name := range []string{"gen_ai.input.messages", "gen_ai.prompt", "llm.input_messages", "llm.prompts"} {
		if e := d.tree.find(attrs, name); !e.empty() {
			if e.kind == '{' && e.get("0") != nil {
				continue // nested by index, below
			}
			if d.converse(e, p); len(p.Messages) > said {
				d.note("text", name)
				return
			}
		}
	}
	for _, prefix := range []string{"llm.input_messages.", "gen_ai.prompt."} {
		if d.numbered(attrs, prefix, p); len(p.Messages) > said {
			d.note("text", prefix+"N")
			return
		}
	}
	if d.converse(d.tree.find(attrs, "input.value"), p) {
		d.note("text", "input.value")
	}
}

// numbered appends messages flattened as prefix0.message.role.
func (d *decoder) numbered(attrs *value, prefix string, p *index.Prompt) {
	var list []*value
	for i := range attrs.elems {
		e := attrs.elems[i]
		rest, ok := strings.CutPrefix(e.key, prefix)
		if !ok {
			continue
		}
		number, name, ok := strings.Cut(rest, ".")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || n < 0 || n > len(attrs.elems) {
			continue
		}
		for len(list) <= n {
			list = append(list, &value{kind: '{'})
		}
		e.key = name
		list[n].elems = append(list[n].elems, e)
	}
	for _, m := range list {
		d.turn(m, p, 0)
	}
}

const detailsEvent = "gen_ai.client.inference.operation.details"

// messageEvent returns the role that an event before conventions 1.37 is
// about, "" for the answer.
func messageEvent(name string) (role string, ok bool) {
	switch name {
	case "gen_ai.system.message":
		return "system", true
	case "gen_ai.user.message":
		return "user", true
	case "gen_ai.assistant.message":
		return "assistant", true
	case "gen_ai.tool.message":
		return "tool", true
	case "gen_ai.choice":
		return "", true
	}
	return "", false
}

func eventName(v, attrs *value) string {
	for _, e := range []*value{v.get("eventName"), v.get("event_name"), attrs.get("event.name"), v.get("event.name"), v.get("name")} {
		if s := e.str(); s == detailsEvent {
			return s
		} else if _, ok := messageEvent(s); ok {
			return s
		}
	}
	return ""
}

// oldMessage appends the message of an event whose content is v.
func (d *decoder) oldMessage(role string, v *value, p *index.Prompt) {
	if role == "" || v == nil {
		return
	}
	if v.kind == '"' {
		if in := d.tree.inner(v); in != nil && in.kind == '{' {
			v = in
		} else {
			d.say(p, role, string(v.text))
			return
		}
	}
	if inner := d.object(v.get("gen_ai.event.content")); inner != nil {
		v = inner
	}
	if r := v.get("role").str(); r != "" {
		role = r
	}
	for _, name := range []string{"content", "gen_ai.prompt", "gen_ai.event.content", "text"} {
		if e := v.get(name); !e.empty() {
			d.say(p, role, d.text(e))
			return
		}
	}
}

// event decodes one log record.
func (d *decoder) event(f *format, resource, v *value, to *batch) {
	attrs := d.attributes(v.get("attributes"))
	if attrs == nil {
		attrs = v
	}
	times := []string{"timeUnixNano", "time_unix_nano", "observedTimeUnixNano", "timestamp", "time"}
	content := v.get("body")
	if content != nil && content.kind == '{' && len(content.elems) == 1 && strings.HasSuffix(strings.ToLower(content.elems[0].key), "value") {
		c := d.anyValue(content, 0)
		content = &c
	}
	name := eventName(v, attrs)
	role, old := messageEvent(name)
	switch {
	case name == detailsEvent:
		if c := d.object(content); c != nil && genAI(c) {
			attrs = &value{kind: '{', elems: append(append([]value(nil), attrs.elems...), c.elems...)}
		}
		d.request1(f, resource, attrs, v, to, times)
	case old:
		p, reason := d.spanHeader(f, resource, attrs, v, times)
		if reason != "" {
			to.skip(reason)
			return
		}
		if content.empty() {
			content = attrs
		}
		d.oldMessage(role, content, &p)
		key := spanKey(d, v)
		if key == "" { // nothing says which request it belongs to
			if role == "" {
				to.skip(anAnswer)
				return
			}
			d.add(&p, to)
			return
		}
		d.commit()
		to.parts = append(to.parts, fragment{at: len(to.Prompts), line: to.line, key: key, prompt: p, last: role == ""})
	default:
		to.skip(noRequest)
	}
}
