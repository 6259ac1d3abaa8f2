package embed

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"strings"

	"github.com/seed-368d3dfa/chorus/index"
)

// The JSON of LLM APIs, read leniently: what has another type than expected
// counts as absent, so that one odd field does not lose a prompt.

// A text is a string, or the joined text of an array of content parts, or an
// object's that has such parts (Gemini).
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	switch {
	case len(b) > 0 && b[0] == '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = text(s)
	case len(b) > 0 && b[0] == '[':
		var parts []part
		if err := json.Unmarshal(b, &parts); err != nil {
			return err
		}
		var all []string
		for _, p := range parts {
			if p != "" {
				all = append(all, string(p))
			}
		}
		*t = text(strings.Join(all, "\n"))
	case len(b) > 0 && b[0] == '{':
		var v struct {
			Parts nested `json:"parts"`
		}
		if err := json.Unmarshal(b, &v); err != nil {
			return err
		}
		*t = text(v.Parts)
	}
	return nil
}

// A nested is a text that is no object.
type nested text

func (n *nested) UnmarshalJSON(b []byte) error {
	if *n = ""; len(b) == 0 || b[0] == '{' {
		return nil
	}
	return (*text)(n).UnmarshalJSON(b)
}

// A part is one element of a content array, of which those that hold text
// count: {"type":"text"} in chat completions and Anthropic's messages,
// {"type":"input_text"} and {"type":"output_text"} in Responses. Results of tools
// and images do not.
type part string

func (p *part) UnmarshalJSON(b []byte) error {
	*p = ""
	if len(b) == 0 || b[0] != '{' {
		if len(b) > 0 && b[0] == '"' {
			return json.Unmarshal(b, (*string)(p))
		}
		return nil
	}
	var v struct {
		Type plain `json:"type"`
		Text plain `json:"text"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	switch v.Type {
	case "text", "input_text", "output_text", "":
		*p = part(v.Text)
	}
	return nil
}

// A plain is a string; anything else counts as "".
type plain string

func (p *plain) UnmarshalJSON(b []byte) error {
	*p = ""
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(p))
	}
	return nil
}

// Turns are the messages of a conversation: an array of objects with role and
// content, or one string, which the user says. Those without text are left out.
type turns []index.Message

func (t *turns) UnmarshalJSON(b []byte) error {
	*t = nil
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		if s != "" {
			*t = turns{{Role: "user", Content: s}}
		}
		return nil
	}
	if len(b) == 0 || b[0] != '[' {
		return nil
	}
	var all []turn
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for _, m := range all {
		if m.Content != "" {
			*t = append(*t, index.Message(m))
		}
	}
	return nil
}

// A turn is one message. What is no message, as Responses has among its items,
// has no content.
type turn index.Message

func (t *turn) UnmarshalJSON(b []byte) error {
	*t = turn{}
	if len(b) == 0 || b[0] != '{' {
		return nil
	}
	var v struct {
		Role    plain  `json:"role"`
		Content nested `json:"content"`
		Parts   nested `json:"parts"` // Gemini
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	switch {
	case v.Parts == "" && v.Role != "":
		*t = turn{string(v.Role), string(v.Content)}
	case v.Role == "model":
		*t = turn{"assistant", string(v.Parts)}
	case v.Parts != "":
		*t = turn{cmp.Or(string(v.Role), "user"), string(v.Parts)}
	}
	return nil
}

// Lines are what a completion continues: a string or several.
type lines struct{ turns }

func (l *lines) UnmarshalJSON(b []byte) error {
	l.turns = nil
	if len(b) == 0 || b[0] != '"' && b[0] != '[' {
		return nil
	}
	if b[0] == '"' {
		b = append(append([]byte{'['}, b...), ']')
	}
	var all []plain
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for _, s := range all {
		if s != "" {
			l.turns = append(l.turns, index.Message{Role: "user", Content: string(s)})
		}
	}
	return nil
}

var (
	errJSON     = errors.New("embed: malformed JSON")
	errMessages = errors.New("embed: messages are not an array of role and content")
)

// decodeMessages fills in p.Messages from an array of messages, or from a string
// that holds one. A prompt that has a Text can do without.
func decodeMessages(raw []byte, p *index.Prompt) error {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) > 0 && raw[0] == '"' {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return errJSON
		}
		raw = []byte(strings.TrimLeft(s, " \t\r\n"))
	}
	var t turns
	err := errMessages
	if len(raw) > 0 && raw[0] == '[' {
		if err = json.Unmarshal(raw, &t); err != nil { // its own words may quote the text
			err = errJSON
		}
	}
	p.Messages = t
	if p.Text != "" {
		return nil
	}
	return err
}
