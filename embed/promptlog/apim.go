package promptlog

import (
	"strconv"

	"github.com/seed-368d3dfa/chorus/index"
)

// isAPIM reports whether v is a row of Azure API Management's
// ApiManagementGatewayLlmLog, or of ApiManagementGatewayLogs, which says whose
// request it was.
func isAPIM(v *value) bool {
	if v == nil || !v.has("CorrelationId") && !v.has("correlationId") {
		return false
	}
	for _, name := range []string{
		"RequestMessages", "requestMessages", "ResponseMessages", "responseMessages", "SequenceNumber", "sequenceNumber",
		"ApimSubscriptionId", "apimSubscriptionId", "CallerIpAddress", "callerIpAddress",
	} {
		if v.hasKey(name) {
			return true
		}
	}
	return false
}

// apim decodes one row. Messages of more than 32 KB are split over rows with
// the same CorrelationId, in the order of SequenceNumber; the account is in
// the row of the other table, unless both have been joined.
func (d *decoder) apim(f *format, v *value, to *batch) {
	in := d.object(v.get("properties"))
	first := func(names ...string) *value {
		for _, o := range []*value{v, in} {
			for _, name := range names {
				if e := o.get(name); !e.empty() {
					return e
				}
			}
		}
		return nil
	}
	key := first("CorrelationId", "correlationId").scalar()
	if key == "" {
		to.skip("CorrelationId is missing")
		return
	}
	var p index.Prompt
	if reason := d.header(f, v, &p); reason != "" {
		to.skip(reason)
		return
	}
	if in != nil {
		var q index.Prompt
		if reason := d.header(f, in, &q); reason != "" {
			to.skip(reason)
			return
		}
		merge(&p, &q)
	}
	part := fragment{at: len(to.Prompts), line: to.line, key: key, prompt: p, rows: true}
	if s := first("SequenceNumber", "sequenceNumber").scalar(); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			to.skip("SequenceNumber: not a number")
			return
		}
		part.number = n
	}
	switch m := first("RequestMessages", "requestMessages"); {
	case m == nil:
	case m.kind == '"':
		part.text = string(m.text)
		d.note("text", "RequestMessages")
	default: // a dynamic column, never split
		d.converse(m, &part.prompt)
		d.note("text", "RequestMessages")
	}
	d.commit()
	to.parts = append(to.parts, part)
}
