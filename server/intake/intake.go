// Package intake takes prompts over HTTP, from chorus's own clients and from
// shippers of logs, which need no plugin for it. [New] makes handlers of an
// index; [Intake.Routes] says under which patterns a server mounts them, and
// [Intake.Greeting] answers clients that look for Elasticsearch under "/".
//
//	POST /v1/prompts             one JSON object, an array, or application/x-ndjson
//	POST /insert/jsonline        JSON lines whatever the Content-Type, of any format of package promptlog
//	POST /_bulk, /{index}/_bulk  Elasticsearch's bulk API, also below /elasticsearch; with what shippers ask for before it
//	POST /loki/api/v1/push       Loki's push API: JSON, or protobuf with snappy
//	POST /v1/logs, /v1/traces    OTLP/HTTP: JSON or protobuf, by the GenAI conventions and OpenInference
//
// Prompts are acknowledged when they are durable, whatever the protocol. Bodies
// may be compressed with gzip or zstd, and for protocols of others with deflate
// or snappy.
//
// # Fields
//
// What a record holds is found out as package promptlog does it, for every
// record anew. A request may say itself, in its query or in a header; each is a
// path, or several with commas between them in order of precedence:
//
//	text_field     X-Chorus-Text-Field     also _msg_field, VL-Msg-Field
//	time_field     X-Chorus-Time-Field     also _time_field, VL-Time-Field
//	account_field  X-Chorus-Account-Field
//	id_field       X-Chorus-Id-Field
//	model_field    X-Chorus-Model-Field
//	ip_field       X-Chorus-Ip-Field
//	format         X-Chorus-Format         auto, or a format of package promptlog
//	make_ids       X-Chorus-Make-Ids       true or false
//
// # Sending again
//
// Shippers send again what was not acknowledged in time. So that it is counted
// once, a prompt that has a time but no id gets one, made of its account, time,
// model and words: what one account really sent twice in the same instant counts
// once, too. /v1/prompts makes no ids unless make_ids says so, and the others
// make none if it says false. A prompt that comes without a time is as old as
// its arrival, and counts again when it is sent again.
package intake

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
)

// Options say how to take prompts. Fail and Status are needed.
type Options struct {
	BodyBytes   int64         // of a JSON body of /v1/prompts, after decompression; 0: 16 MiB
	StreamBytes int64         // of a body of JSON lines, after decompression; 0: 16 GiB
	BulkBytes   int64         // of a body of _bulk, after decompression; 0: 100 MiB, as Elasticsearch has it
	PushBytes   int64         // of a body of Loki or OTLP, which is held in memory, after decompression; 0: 32 MiB
	Pause       time.Duration // a client may make in receiving an answer; 0: 30 s
	Patience    time.Duration // with an index that takes no more, then a shipper is told to come again; 0: 5 s
	Logger      *slog.Logger  // gets failures; nil: nothing

	// Fail answers a request of chorus's own protocol with an error. It may be
	// one of this package's, of package promptlog's or of package index's; none
	// has any of a prompt's text. So far nothing has been written.
	Fail func(w http.ResponseWriter, r *http.Request, err error)

	// Status is the HTTP status of such an error, for the protocols of others.
	Status func(err error) int

	// Count gets what a request held when it has been answered; nil: nothing.
	Count func(protocol Protocol, n Counts)

	// Skipped gets each record that should be a prompt and is not; nil: nothing.
	Skipped func(s *promptlog.Skip)
}

// A Protocol names a way in.
type Protocol string

const (
	Prompts  Protocol = "prompts"
	JSONLine Protocol = "jsonline"
	Bulk     Protocol = "bulk"
	Loki     Protocol = "loki"
	OTLP     Protocol = "otlp"
)

// Counts are what a request held, or several.
type Counts struct {
	Accepted   int // prompts, duplicates too
	Duplicates int
	Skipped    int // records that should be prompts and are not
	Unrelated  int // records about something else, such as other spans of a trace
}

// An Intake takes prompts for an index. Safe for concurrent use.
type Intake struct {
	ix *index.Index
	o  Options
}

// New makes an intake for an index, which it does not close.
func New(ix *index.Index, o *Options) *Intake {
	in := &Intake{ix: ix, o: *o}
	in.o.BodyBytes = or(in.o.BodyBytes, 16<<20)
	in.o.StreamBytes = or(in.o.StreamBytes, 16<<30)
	in.o.BulkBytes = or(in.o.BulkBytes, 100<<20)
	in.o.PushBytes = or(in.o.PushBytes, 32<<20)
	in.o.Pause = or(in.o.Pause, 30*time.Second)
	in.o.Patience = or(in.o.Patience, 5*time.Second)
	if in.o.Logger == nil {
		in.o.Logger = slog.New(slog.DiscardHandler)
	}
	if in.o.Count == nil {
		in.o.Count = func(Protocol, Counts) {}
	}
	if in.o.Skipped == nil {
		in.o.Skipped = func(*promptlog.Skip) {}
	}
	return in
}

// or returns a if it is set, else b.
func or[T ~int64](a, b T) T {
	if a > 0 {
		return a
	}
	return b
}

// Routes returns the handlers by their patterns, which are http.ServeMux's.
func (in *Intake) Routes() map[string]http.HandlerFunc {
	routes := make(map[string]http.HandlerFunc)
	add := func(pattern string, f func(http.ResponseWriter, *http.Request) error, fail func(http.ResponseWriter, *http.Request, error)) {
		routes[pattern] = func(w http.ResponseWriter, r *http.Request) {
			if err := f(w, r); err != nil {
				fail(w, r, err)
			}
		}
	}
	add("POST /v1/prompts", in.prompts, in.o.Fail)
	add("POST /insert/jsonline", in.jsonline, in.o.Fail)
	for _, root := range []string{"", "/elasticsearch"} {
		add("POST "+root+"/_bulk", in.bulk, in.failElastic)
		add("PUT "+root+"/_bulk", in.bulk, in.failElastic)
		add("POST "+root+"/{index}/_bulk", in.bulk, in.failElastic)
		for pattern, f := range in.elastic() {
			method, path, _ := strings.Cut(pattern, " ")
			add(method+" "+root+path, f, in.failElastic)
		}
	}
	add("POST /loki/api/v1/push", in.loki, in.failLoki)
	add("POST /v1/logs", in.otlpLogs, in.failOTLP)
	add("POST /v1/traces", in.otlpTraces, in.failOTLP)
	return routes
}

// status returns the status of an error and what a shipper may know of it.
func (in *Intake) status(w http.ResponseWriter, r *http.Request, err error) (status int, words string) {
	status = in.o.Status(err)
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "5")
	}
	if status < http.StatusInternalServerError {
		return status, Words(err)
	}
	if r.Context().Err() == nil {
		in.o.Logger.Error("request failed", "pattern", r.Pattern, "status", status, "error", err)
	}
	return status, http.StatusText(status)
}

// encode makes JSON of v.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// answer writes v as JSON.
func (in *Intake) answer(w http.ResponseWriter, v any) error {
	b, err := encode(v)
	if err != nil {
		return err
	}
	in.write(w, http.StatusOK, "application/json", b)
	return nil
}

func (in *Intake) write(w http.ResponseWriter, status int, kind string, body []byte) {
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(in.o.Pause)) // writers without deadlines do without
	if kind != "" {
		w.Header().Set("Content-Type", kind)
	}
	if status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	w.Write(body) // a client that has gone needs no answer
}

// maxValues is how many JSON values a record may have.
const maxValues = 256 << 10

// options are those of every reader of this package.
func (in *Intake) options() *promptlog.Options {
	return &promptlog.Options{TimeOptional: true, WindowBytes: WindowBytes, Values: maxValues, ParquetBytes: -1}
}
