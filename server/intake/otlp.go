package intake

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
)

const (
	jsonType  = "application/json"
	protoType = "application/x-protobuf"
)

// otlpType says in which encoding a request is, and is to be answered.
func otlpType(r *http.Request) (kind string, err error) {
	kind, _, _ = mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case jsonType, protoType:
		return kind, nil
	}
	return "", errPushType
}

// errPushType is the error of a request of OTLP or Loki in another encoding.
var errPushType = &headerError{"Content-Type: want " + jsonType + " or " + protoType, ErrType}

func (in *Intake) otlpLogs(w http.ResponseWriter, r *http.Request) error {
	return in.otlp(w, r, (*promptlog.Decoder).OTLPLogs, "rejectedLogRecords", "log records")
}

func (in *Intake) otlpTraces(w http.ResponseWriter, r *http.Request) error {
	return in.otlp(w, r, (*promptlog.Decoder).OTLPTraces, "rejectedSpans", "spans")
}

// otlp adds the prompts of an export request, as
// https://opentelemetry.io/docs/specs/otlp/#otlphttp has it. Rejected is what
// should be a prompt and is not; spans and records about something else are
// taken and left out, as senders have many.
func (in *Intake) otlp(w http.ResponseWriter, r *http.Request, fromProto func(*promptlog.Decoder, *promptlog.Batch, []byte, func() error) error, rejected, what string) error {
	kind, err := otlpType(r)
	if err != nil {
		return err
	}
	o := in.options()
	o.ContentIDs = true
	if _, err := fields(r, o); err != nil {
		return err
	}
	b, err := openBody(r, in.o.PushBytes)
	if err != nil {
		return err
	}
	defer b.Close()
	request, err := readAll(b, in.o.PushBytes)
	if err != nil {
		return err
	}
	first := ""
	g := in.newGatherer(r, o, nil, func(_ int, s *promptlog.Skip) {
		if first == "" && !s.Unrelated() {
			first = s.Reason
		}
	})
	n := 0
	var failed error // not the request's fault
	next := func() error {
		if n++; n > maxItems {
			failed = promptlog.ErrTooLarge
		} else {
			failed = g.taken(n, 0) // the request is bounded itself
		}
		return failed
	}
	if kind == jsonType {
		err = g.OTLPJSON(&g.batch, request, next)
	} else {
		err = fromProto(g.Decoder, &g.batch, request, next)
	}
	if err != nil && failed == nil {
		err = badRequest("%v", err)
	}
	err = g.end(err)
	in.o.Count(OTLP, g.Counts)
	if err != nil {
		return err
	}
	words := ""
	if g.Skipped > 0 {
		words = fmt.Sprintf("%d %s are no prompts and were left out; the first: %s", g.Skipped, what, first)
	}
	in.write(w, http.StatusOK, kind, partialSuccess(kind, rejected, g.Skipped, words))
	return nil
}

// partialSuccess encodes an ExportTraceServiceResponse or
// ExportLogsServiceResponse, which are alike but for a name.
func partialSuccess(kind, rejected string, n int, words string) []byte {
	if n == 0 {
		if kind == jsonType {
			return []byte("{}")
		}
		return nil
	}
	if kind == jsonType {
		return fmt.Appendf(nil, `{"partialSuccess":{%q:"%d","errorMessage":%s}}`, rejected, n, quoted(words))
	}
	var partial []byte
	partial = protowire.AppendTag(partial, 1, protowire.VarintType)
	partial = protowire.AppendVarint(partial, uint64(n))
	partial = protowire.AppendTag(partial, 2, protowire.BytesType)
	partial = protowire.AppendString(partial, words)
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), partial)
}

// failOTLP answers with a google.rpc.Status.
func (in *Intake) failOTLP(w http.ResponseWriter, r *http.Request, err error) {
	status, words := in.status(w, r, err)
	code := 13 // INTERNAL
	switch status {
	case http.StatusTooManyRequests, http.StatusRequestEntityTooLarge:
		code = 8 // RESOURCE_EXHAUSTED
	case http.StatusServiceUnavailable:
		code = 14 // UNAVAILABLE
	default:
		if status < http.StatusInternalServerError {
			code = 3 // INVALID_ARGUMENT
		}
	}
	kind, e := otlpType(r)
	if e != nil || kind == jsonType {
		in.write(w, status, jsonType, []byte(`{"code":`+strconv.Itoa(code)+`,"message":`+quoted(words)+`}`))
		return
	}
	var b []byte
	b = protowire.AppendTag(b, 1, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(code))
	b = protowire.AppendTag(b, 2, protowire.BytesType)
	in.write(w, status, protoType, protowire.AppendString(b, words))
}
