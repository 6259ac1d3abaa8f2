package promptlog

import "strconv"

// DecodeText is [Decoder.Decode] for a text that may hold several records: a
// JSON object, an array of them, or several with white space between, as the
// messages of a stream are. The Line of a Skip is the record's number in it, from
// 1. Of the records behind the first, Beside.ID has the number added. Prompts
// of several records are put together within one text only.
func (d *Decoder) DecodeText(b *Batch, text []byte, beside *Beside) {
	var with Beside
	if beside != nil {
		with = *beside
	}
	d.line = 0
	if len(text) > d.o.LineBytes {
		d.begin(b, nil).skip(d.o.tooLong())
		return
	}
	var s scanner
	s.reset(text)
	record := func(depth int) bool {
		s.peek()
		start := s.pos
		if !s.skip(depth) {
			return false
		}
		of := with
		if of.ID != "" && d.line > 0 {
			of.ID += "." + strconv.Itoa(d.line+1)
		}
		d.Decode(b, text[start:s.pos], &of)
		return true
	}
	reason := ""
	for ok := true; ok && s.peek() != 0; {
		switch s.peek() {
		case '{':
			ok = record(0)
		case '[':
			ok = s.array(0, func() bool { return record(1) })
		default:
			ok, reason = false, "neither a JSON object nor an array"
		}
		if !ok && reason == "" {
			reason = s.reason()
		}
	}
	if reason == "" && s.pos < len(text) {
		reason = s.reason()
	}
	if reason == "" && d.line == 0 {
		reason = "no JSON object"
	}
	d.d.beside = Beside{Account: with.Account, Time: with.Time}
	d.joiner.end(b)
	if reason != "" {
		d.begin(b, nil).skip(reason)
	}
}
