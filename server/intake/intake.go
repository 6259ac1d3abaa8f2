// Package intake takes prompts over HTTP. [New] makes handlers of an index;
// [Intake.Routes] says under which patterns a server mounts them.
//
//	POST /v1/prompts   one JSON object, an array, or application/x-ndjson; gzip and zstd
//
// Prompts are acknowledged when they are durable, whatever the protocol.
package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
)

// Options say how to take prompts. Fail is needed.
type Options struct {
	BodyBytes   int64         // of a body that is held in memory, after decompression; 0: 16 MiB
	StreamBytes int64         // of a body that is read as it comes, after decompression; 0: 16 GiB
	Pause       time.Duration // a client may make in receiving an answer; 0: 30 s

	// Fail answers a request of chorus's own protocol with an error. It may be
	// one of this package's, of package promptlog's or of package index's; none
	// has any of a prompt's text. So far nothing has been written.
	Fail func(w http.ResponseWriter, r *http.Request, err error)
}

// An Intake takes prompts for an index. Safe for concurrent use.
type Intake struct {
	ix *index.Index
	o  Options
}

// New makes an intake for an index, which it does not close.
func New(ix *index.Index, o *Options) *Intake {
	in := &Intake{ix: ix, o: *o}
	if in.o.BodyBytes <= 0 {
		in.o.BodyBytes = 16 << 20
	}
	if in.o.StreamBytes <= 0 {
		in.o.StreamBytes = 16 << 30
	}
	if in.o.Pause <= 0 {
		in.o.Pause = 30 * time.Second
	}
	return in
}

// Routes returns the handlers by their patterns, which are http.ServeMux's.
func (in *Intake) Routes() map[string]http.HandlerFunc {
	routes := make(map[string]http.HandlerFunc)
	for pattern, f := range map[string]func(http.ResponseWriter, *http.Request) error{
		"POST /v1/prompts": in.prompts,
	} {
		routes[pattern] = func(w http.ResponseWriter, r *http.Request) {
			if err := f(w, r); err != nil {
				in.o.Fail(w, r, err)
			}
		}
	}
	return routes
}

// Errors of a request's headers.
var (
	ErrEncoding = errors.New("Content-Encoding: want gzip or zstd")
	ErrType     = errors.New("Content-Type: want application/json or application/x-ndjson")
)

// A RequestError is a request that asks for something impossible, in words.
type RequestError string

func (e RequestError) Error() string { return string(e) }

func badRequest(format string, args ...any) error {
	return RequestError(fmt.Sprintf(format, args...))
}

// WindowBytes is what zstd content may ask for over HTTP (RFC 9659).
const WindowBytes = 8 << 20

// ReadBody reads a JSON body of at most limit bytes, decompressed by its
// content. The client learns of damaged compression.
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	body := &blamed{r: r.Body}
	b, err := promptlog.Decompress(body, &promptlog.Options{WindowBytes: WindowBytes, MaxBytes: limit})
	if err != nil && body.err == nil && !errors.Is(err, promptlog.ErrTooLarge) {
		err = badRequest("%v", err)
	}
	return b, err
}

// A blamed reader remembers that it was the one that failed.
type blamed struct {
	r   io.Reader
	err error
}

func (b *blamed) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// IsStream says whether the body is a stream of lines. Decompression goes by
// the content; here only what cannot be decompressed is refused.
func IsStream(r *http.Request) (stream bool, err error) {
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity", "gzip", "x-gzip", "zstd":
	default:
		return false, ErrEncoding
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return true, nil
	case "", "application/json", "text/json", "application/x-www-form-urlencoded": // the last is curl's default
		return false, nil
	}
	return false, ErrType
}

// answer writes v as JSON.
func (in *Intake) answer(w http.ResponseWriter, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	in.write(w, http.StatusOK, "application/json", b.Bytes())
	return nil
}

func (in *Intake) write(w http.ResponseWriter, status int, kind string, body []byte) {
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(in.o.Pause)) // writers without deadlines do without
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body) // a client that has gone needs no answer
}
