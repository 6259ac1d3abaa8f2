package promptlog

import (
	"strings"

	"github.com/seed-368d3dfa/chorus/index"
)

// converse appends what a request says to p.Messages, whatever API it is for:
//
//	OpenAI chat completions   messages[].role, content (a string, or parts)
//	OpenAI Responses          instructions, input (a string, or items)
//	Anthropic Messages        system (a string, or blocks), messages[]
//	Bedrock                   Converse and Nova: system[].text; Titan: inputText
//	Gemini, Vertex            systemInstruction, contents[].parts[].text, instances[]
//	Cohere                    preamble, chat_history, message
//	completions, others       prompt, inputs, text
//	OTel GenAI                [{role, parts:[{type, content}]}]
//
// v may be the request, its list of messages, one message, a text, or any of
// them as JSON in a string. It reports whether it found anything.
func (d *decoder) converse(v *value, p *index.Prompt) bool {
	before := len(p.Messages)
	d.request(v, p, 0)
	return len(p.Messages) > before
}

func (d *decoder) request(v *value, p *index.Prompt, inner int) {
	if v == nil || inner > maxInner {
		return
	}
	switch v.kind {
	case '"':
		if in := d.tree.inner(v); in != nil {
			before := len(p.Messages)
			d.request(in, p, inner+1)
			if len(p.Messages) > before {
				return
			}
		}
		d.say(p, "", string(v.text))
	case '[':
		for i := range v.elems {
			if e := &v.elems[i]; e.kind == '"' {
				d.say(p, "", string(e.text))
			} else {
				d.turn(e, p, inner)
			}
		}
	case '{':
		d.body(v, p, inner)
	}
}

// instructions are the members of a request that speak before its messages.
var instructions = []string{"system", "instructions", "systemInstruction", "system_instruction", "preamble"}

// turns are the members that hold the messages, the first one that says
// something counts.
var turns = []string{"messages", "input", "contents", "instances", "prompt", "inputText", "inputs"}

// wrappers are the members that may hold the request itself.
var wrappers = []string{"body", "request", "request_body", "requestBody"}

func (d *decoder) body(v *value, p *index.Prompt, inner int) {
	if role(v) != "" {
		d.turn(v, p, inner)
		return
	}
	before := len(p.Messages)
	for _, name := range instructions {
		if e := v.get(name); !e.empty() {
			d.say(p, "system", d.text(e))
		}
	}
	said := len(p.Messages)
	for _, name := range turns {
		e := v.get(name)
		if e.empty() {
			continue
		}
		if e.kind == '{' { // one turn, or a request within
			if name == "contents" {
				d.turn(e, p, inner+1)
			} else {
				d.request(e, p, inner+1)
			}
		} else {
			d.request(e, p, inner+1)
		}
		if len(p.Messages) > said {
			return
		}
	}
	for _, name := range wrappers {
		if e := v.get(name); e != nil && e.kind != '[' {
			if e.kind == '"' && d.tree.inner(e) == nil {
				continue
			}
			if d.request(e, p, inner+1); len(p.Messages) > said {
				return
			}
		}
	}
	if m := v.get("message"); m != nil && m.kind == '"' {
		d.request(v.get("chat_history"), p, inner+1)
		d.say(p, "user", string(m.text))
	} else if len(p.Messages) == before {
		d.say(p, "", d.text(v))
	}
}

// role returns who speaks in a message, as a log writes it.
func role(v *value) string {
	for _, name := range []string{"role", "message.role"} {
		if r := v.get(name).str(); r != "" {
			return r
		}
	}
	if r := v.get("message").get("role").str(); r != "" {
		return r
	}
	switch kind := v.get("type").str(); kind {
	case "human", "ai", "system", "tool", "function_call_output", "function_call", "reasoning":
		return kind
	}
	return ""
}

// roles maps other names of roles to those that an index knows.
var roles = map[string]string{
	"human": "user", "ai": "assistant", "model": "assistant", "bot": "assistant", "chatbot": "assistant", "gpt": "assistant",
	"function": "tool", "function_call_output": "tool", "function_call": "assistant", "reasoning": "assistant",
}

func roleName(s string) string {
	s = strings.ToLower(s)
	if known, ok := roles[s]; ok {
		return known
	}
	return s
}

// turn appends one message.
func (d *decoder) turn(v *value, p *index.Prompt, inner int) {
	if v.kind != '{' {
		return
	}
	r := role(v)
	if r == "" && !v.get("messages").empty() { // an instance that is a request
		d.request(v, p, inner+1)
		return
	}
	for _, name := range []string{"content", "parts", "text", "message.content", "message.contents", "message", "contents", "prompt", "output"} {
		if e := v.get(name); !e.empty() {
			d.say(p, r, d.text(e))
			return
		}
	}
	if len(p.Messages) < maxTurns {
		d.flattened(v, r, p)
	}
}

// flattened appends a message whose parts OpenInference has flattened, as
// message.contents.0.message_content.text.
func (d *decoder) flattened(v *value, r string, p *index.Prompt) {
	var texts []string
	for i := range v.elems {
		e := &v.elems[i]
		if strings.HasPrefix(e.key, "message.contents.") && strings.HasSuffix(e.key, ".message_content.text") {
			texts = append(texts, e.str())
		}
	}
	d.say(p, r, strings.Join(texts, "\n"))
}

// maxTurns bounds the messages of one prompt.
const maxTurns = 1 << 16

func (d *decoder) say(p *index.Prompt, role, text string) {
	if text != "" && len(p.Messages) < maxTurns {
		p.Messages = append(p.Messages, index.Message{Role: d.name([]byte(roleName(role))), Content: text})
	}
}

// text returns a content's text: a string, or the text of its parts, joined by
// line breaks. Images, tool calls and what tools answered are left out.
func (d *decoder) text(v *value) string {
	if v.kind == '"' {
		return string(v.text)
	}
	d.parts = d.parts[:0]
	d.gather(v, 0)
	return string(d.parts)
}

func (d *decoder) gather(v *value, depth int) {
	if v == nil || depth > maxInner {
		return
	}
	switch v.kind {
	case '"':
		if len(v.text) > 0 {
			if len(d.parts) > 0 {
				d.parts = append(d.parts, '\n')
			}
			d.parts = append(d.parts, v.text...)
		}
	case '[':
		for i := range v.elems {
			d.gather(&v.elems[i], depth+1)
		}
	case '{':
		kind := v.get("type").str()
		if kind == "" {
			kind = v.get("message_content.type").str()
		}
		switch kind {
		case "", "text", "input_text", "message", "object":
		default:
			return
		}
		for _, name := range []string{"text", "content", "parts", "message_content.text", "message_content"} {
			if e := v.get(name); !e.empty() {
				d.gather(e, depth+1)
				return
			}
		}
	}
}
