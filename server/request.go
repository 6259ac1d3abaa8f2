package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"path"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// requestKey is that of a request's id in its context.
type requestKey struct{}

// requestID is the id of the request that a context belongs to, or "".
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

var sane = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// identified gives the request an id: the client's own if that is harmless in
// a log, or a new one. The answer says which.
func identified(w http.ResponseWriter, r *http.Request) *http.Request {
	id := r.Header.Get("X-Request-Id")
	if !sane.MatchString(id) {
		id = rand.Text()
	}
	w.Header().Set("X-Request-Id", id)
	return r.WithContext(context.WithValue(r.Context(), requestKey{}, id))
}

// clean reports whether a path is one that the mux takes as it is. Others it
// would answer with a redirect. What is escaped is part of a segment.
func clean(p string) bool {
	c := path.Clean(p)
	return strings.HasPrefix(p, "/") && (p == c || p == c+"/" && c != "/")
}

// rescue answers for a handler that panics, which is a fault of the program: the
// log says where, but not with what, since that might be a prompt's text.
func (s *Server) rescue(w *watchedAnswer, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause == http.ErrAbortHandler {
		panic(cause)
	}
	where := []any{"request", requestID(r.Context()), "pattern", r.Pattern, "stack", string(debug.Stack())}
	if err, ok := cause.(runtime.Error); ok {
		where = append(where, "error", err)
	}
	s.o.Logger.Error("request panicked", where...)
	if w.begun {
		panic(http.ErrAbortHandler) // the client must not take what it has for all
	}
	s.fail(w, r, errPanic)
}

// A watchedAnswer knows whether anything has been answered.
type watchedAnswer struct {
	http.ResponseWriter
	begun bool
}

func (a *watchedAnswer) WriteHeader(status int) {
	a.begun = true
	a.ResponseWriter.WriteHeader(status)
}

func (a *watchedAnswer) Write(b []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(b)
}

func (a *watchedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// tagged makes a handler's answers conditional (RFC 9110, 13.1.2): they carry
// an ETag, and a client that has the same one gets 304. It holds an answer back
// until it is whole.
func (s *Server) tagged(h func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		held := &heldAnswer{ResponseWriter: w}
		if err := h(held, r); err != nil {
			return err
		}
		if held.status == http.StatusOK {
			sum := sha256.Sum256(held.body)
			tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
			w.Header().Set("ETag", tag)
			if hasTag(r.Header.Values("If-None-Match"), tag) {
				w.Header().Del("Content-Type")
				w.WriteHeader(http.StatusNotModified)
				return nil
			}
		}
		s.deadline(w)
		w.Header().Set("Content-Length", strconv.Itoa(len(held.body)))
		w.WriteHeader(held.status)
		w.Write(held.body) // a client that has gone needs no answer
		return nil
	}
}

// A heldAnswer keeps what is written.
type heldAnswer struct {
	http.ResponseWriter
	status int
	body   []byte
}

func (h *heldAnswer) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *heldAnswer) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	h.body = append(h.body, b...)
	return len(b), nil
}

func (h *heldAnswer) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// hasTag reports whether an If-None-Match lists a tag.
func hasTag(values []string, tag string) bool {
	for _, v := range values {
		for one := range strings.SplitSeq(v, ",") {
			if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
				return true
			}
		}
	}
	return false
}
