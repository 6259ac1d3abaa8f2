package promptlog

import (
	"errors"
	"unicode/utf8"

	"github.com/seed-368d3dfa/chorus/index"
)

// Parse decodes one JSON text: an object, which is a prompt, or an array of
// them; single says which. The Line of a Skip is the element's number, from 1.
// The error, which has none of the text, is for what is neither.
func Parse(text []byte, o *Options) (prompts []index.Prompt, skipped []Skip, single bool, err error) {
	o = o.filled()
	if !utf8.Valid(text) {
		return nil, nil, false, errors.New("promptlog: invalid UTF-8")
	}
	d := newDecoder(o)
	one := func(element []byte, number int) {
		var p index.Prompt
		if reason := d.prompt(element, &p); reason != "" {
			skipped = append(skipped, Skip{o.Name, number, reason})
		} else {
			prompts = append(prompts, p)
		}
	}
	var s scanner
	s.reset(text)
	ok := false
	switch s.peek() {
	case '{':
		single = true
		if ok = s.skip(0); ok {
			one(text[:s.pos], 1)
		}
	case '[':
		n := 0
		ok = s.array(0, func() bool {
			s.peek()
			start := s.pos
			if !s.skip(1) {
				return false
			}
			n++
			one(text[start:s.pos], n)
			return true
		})
	default:
		return nil, nil, false, errors.New("promptlog: neither a JSON object nor an array")
	}
	if !ok || s.peek() != 0 || s.pos < len(text) {
		return nil, nil, false, errors.New("promptlog: " + s.reason())
	}
	return prompts, skipped, single, nil
}
