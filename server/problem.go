package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/access"
	"github.com/seed-368d3dfa/chorus/server/intake"
)

// A problem is the body of an error (RFC 9457).
type problem struct {
	Title         string `json:"title"`
	Status        int    `json:"status"`
	Detail        string `json:"detail,omitempty"`
	*intake.Added        // of an upload that failed on its way
}

var (
	errNoRoute = errors.New("no such path")
	errOrigin  = errors.New("a page of another origin must not do this")
	errClosing = errors.New("shutting down")
)

// badRequest words what is impossible in a request.
func badRequest(format string, args ...any) error {
	return intake.RequestError(fmt.Sprintf(format, args...))
}

// A methodError has the methods that a path knows.
type methodError []string

func (e methodError) Error() string { return "this path takes " + strings.Join(e, " and ") }

// statuses maps errors to statuses: the first that errors.Is finds counts. The
// words of an error below 500 are for the client; others are only logged.
var statuses = []struct {
	err    error
	status int
}{
	{errNoRoute, http.StatusNotFound},
	{errOrigin, http.StatusForbidden},
	{access.ErrRevoked, http.StatusUnauthorized},
	{intake.ErrEncoding, http.StatusUnsupportedMediaType},
	{intake.ErrType, http.StatusUnsupportedMediaType},
	{promptlog.ErrTooLarge, http.StatusRequestEntityTooLarge},
	{index.ErrNotFound, http.StatusNotFound},
	{index.ErrInvalid, http.StatusUnprocessableEntity},
	{index.ErrLabel, http.StatusUnprocessableEntity},
	{os.ErrDeadlineExceeded, http.StatusRequestTimeout},
	{io.ErrUnexpectedEOF, http.StatusBadRequest},
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
	var method methodError
	switch {
	case errors.As(err, &bad):
		return http.StatusBadRequest
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

// fail answers with an error. So far nothing may have been written.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(err)
	p := problem{Title: http.StatusText(status), Status: status}
	if status < http.StatusInternalServerError {
		p.Detail = err.Error()
	} else if r.Context().Err() == nil {
		s.o.Logger.Error("request failed", "pattern", r.Pattern, "status", status, "error", err)
	}
	var part *intake.PartError
	if errors.As(err, &part) {
		p.Added = &part.Added
	}
	var method methodError
	if errors.As(err, &method) {
		w.Header().Set("Allow", strings.Join(method, ", "))
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	s.write(w, status, "application/problem+json", &p)
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
