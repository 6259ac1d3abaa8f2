package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/index/search"
	"github.com/seed-368d3dfa/chorus/index/share"
	"github.com/seed-368d3dfa/chorus/server/access"
	"github.com/seed-368d3dfa/chorus/server/intake"
	"github.com/seed-368d3dfa/chorus/server/webhook"
)

const problemKind = "application/problem+json"

// A problem is the body of an error (RFC 9457).
type problem struct {
	Title    string  `json:"title" doc:"The status in words"`
	Status   int     `json:"status"`
	Detail   string  `json:"detail,omitempty" doc:"What is wrong, where, and what to do"`
	Instance string  `json:"instance,omitempty" format:"uri" doc:"Names the request: the server's log has it too"`
	Errors   []fault `json:"errors,omitempty" doc:"Each parameter that is wrong"`

	header http.Header
}

// A fault is one parameter that is wrong.
type fault struct {
	Location string `json:"location" doc:"Like query.limit"`
	Message  string `json:"message"`
}

// A partProblem is that of an upload that failed on its way.
type partProblem struct {
	*problem
	*intake.Added
}

// A problem is also the error by which a handler tells huma of it.

func (p *problem) Error() string               { return p.Detail }
func (p *problem) GetStatus() int              { return p.Status }
func (p *problem) GetHeaders() http.Header     { return p.header }
func (p *problem) ContentType(_ string) string { return problemKind }

var (
	errNoRoute = errors.New("no such path")
	errOrigin  = errors.New("a page of another origin must not do this")
	errClosing = errors.New("shutting down")
	errBody    = errors.New("the body cannot be read")
	errPanic   = errors.New("a handler panicked")
	errPath    = errors.New("the path is not clean: it has empty segments, . or ..")
)

// badRequest words what is impossible in a request.
func badRequest(format string, args ...any) error {
	return intake.RequestError(fmt.Sprintf(format, args...))
}

// A paramError is a parameter that does not fit, in words.
type paramError string

func (e paramError) Error() string { return string(e) }

func badParam(format string, args ...any) error { return paramError(fmt.Sprintf(format, args...)) }

// unknownParam does not repeat what the client has sent: that might be text.
func unknownParam(op *huma.Operation) error {
	var names []string
	for _, p := range op.Parameters {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return badParam("unknown parameter: this path takes none")
	}
	return badParam("unknown parameter: this path takes %s", strings.Join(names, ", "))
}

// A methodError has the methods that a path knows.
type methodError []string

func (e methodError) Error() string { return "this path takes " + strings.Join(e, ", ") }

// statuses maps errors to statuses: the first that errors.Is finds counts. The
// words of an error below 500 are for the client; others are only logged.
var statuses = []struct {
	err    error
	status int
}{
	{errNoRoute, http.StatusNotFound},
	{errPath, http.StatusNotFound},
	{errOrigin, http.StatusForbidden},
	{access.ErrRevoked, http.StatusUnauthorized},
	{intake.ErrEncoding, http.StatusUnsupportedMediaType},
	{intake.ErrType, http.StatusUnsupportedMediaType},
	{intake.ErrBusy, http.StatusTooManyRequests},
	{promptlog.ErrTooLarge, http.StatusRequestEntityTooLarge},
	{index.ErrNotFound, http.StatusNotFound},
	{index.ErrInvalid, http.StatusUnprocessableEntity},
	{index.ErrLabel, http.StatusUnprocessableEntity},
	{index.ErrFewLabels, http.StatusConflict},
	{index.ErrAttr, http.StatusUnprocessableEntity},
	{index.ErrCursor, http.StatusUnprocessableEntity},
	{share.ErrBundle, http.StatusUnprocessableEntity},
	{search.ErrQuery, http.StatusUnprocessableEntity},
	{webhook.ErrUnknown, http.StatusNotFound},
	{search.ErrClosed, http.StatusServiceUnavailable},
	{os.ErrDeadlineExceeded, http.StatusRequestTimeout},
	{io.ErrUnexpectedEOF, http.StatusBadRequest},
	{errBody, http.StatusBadRequest},
	{errClosing, http.StatusServiceUnavailable},
	{index.ErrClosed, http.StatusServiceUnavailable},
	{index.ErrLocked, http.StatusServiceUnavailable},
	{index.ErrFailed, http.StatusServiceUnavailable},
	{context.Canceled, http.StatusServiceUnavailable},
	{context.DeadlineExceeded, http.StatusServiceUnavailable},
	{index.ErrDamaged, http.StatusInternalServerError},
}

func statusOf(err error) int {
	var bad intake.RequestError
	var param paramError
	var method methodError
	switch {
	case errors.As(err, &bad):
		return http.StatusBadRequest
	case errors.As(err, &param):
		return http.StatusUnprocessableEntity
	case errors.As(err, &method):
		return http.StatusMethodNotAllowed
	}
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return s.status
		}
	}
	return http.StatusInternalServerError
}

// refuse makes a problem of an error, and logs one that is not the client's.
func (s *Server) refuse(ctx context.Context, pattern string, err error) *problem {
	status := statusOf(err)
	id := requestID(ctx)
	p := &problem{Title: http.StatusText(status), Status: status, header: make(http.Header)}
	if id != "" {
		p.Instance = "urn:chorus:request:" + id
	}
	if status < http.StatusInternalServerError {
		p.Detail = short(intake.Words(err))
	} else if ctx.Err() == nil {
		s.o.Logger.Error("request failed", "request", id, "pattern", pattern, "status", status, "error", err)
	}
	if errors.Is(err, promptlog.ErrTooLarge) {
		p.Detail += fmt.Sprintf("; after decompression a body of JSON may have %s, one of JSON lines (application/x-ndjson) %s", bytesOf(s.o.BodyBytes), bytesOf(s.o.StreamBytes))
	}
	var method methodError
	if errors.As(err, &method) {
		p.header.Set("Allow", strings.Join(method, ", "))
	}
	if status == http.StatusServiceUnavailable {
		p.header.Set("Retry-After", "5")
	}
	return p
}

// bytesOf spells a limit.
func bytesOf(n int64) string {
	for _, unit := range []struct {
		size int64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= unit.size && n%unit.size == 0 {
			return fmt.Sprintf("%d %s", n/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// short cuts a text that may hold what a client sent, like an id.
func short(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// fail answers with an error. So far nothing may have been written.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := s.refuse(r.Context(), r.Pattern, err)
	maps.Copy(w.Header(), p.header)
	var part *intake.PartError
	if errors.As(err, &part) {
		s.write(w, p.Status, problemKind, &partProblem{p, &part.Added})
		return
	}
	s.write(w, p.Status, problemKind, p)
}

// rephrase makes a problem of what huma finds wrong with a request. Nothing of
// what the client has sent is repeated: it might be a prompt's text.
func (s *Server) rephrase(ctx huma.Context, _ string, v any) (any, error) {
	found, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := &problem{Title: http.StatusText(found.Status), Status: found.Status, Detail: found.Detail}
	if id := requestID(ctx.Context()); id != "" {
		p.Instance = "urn:chorus:request:" + id
	}
	var words []string
	for _, e := range found.Errors {
		f := fault{Location: e.Location, Message: e.Message}
		if strings.HasPrefix(e.Message, "unknown query parameter") {
			f = fault{"query", unknownParam(ctx.Operation()).Error()}
			words = []string{f.Message}
			p.Errors = append(p.Errors, f)
			break
		}
		_, name, _ := strings.Cut(f.Location, ".")
		words = append(words, name+": "+f.Message)
		p.Errors = append(p.Errors, f)
	}
	if len(words) > 0 {
		p.Detail = strings.Join(words, "; ")
	}
	return p, nil
}

// answer writes v as JSON.
func (s *Server) answer(w http.ResponseWriter, v any) error {
	s.write(w, http.StatusOK, "application/json", v)
	return nil
}

func (s *Server) write(w http.ResponseWriter, status int, kind string, v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		s.o.Logger.Error("answer cannot be encoded", "error", err)
		status = http.StatusInternalServerError
		b.Reset()
	}
	s.deadline(w)
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	w.Write(b.Bytes()) // a client that has gone needs no answer
}
