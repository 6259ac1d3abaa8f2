package intake

import (
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
)

// A stream is a part of a push request: lines with the same labels.
type stream struct {
	labels []promptlog.Field
	lines  []entry
}

// An entry is one line of a stream.
type entry struct {
	at     time.Time // zero: unknown
	line   []byte
	meta   []promptlog.Field // structured metadata
	reason string            // why it is no line; "": it is
}

// loki adds the lines of a push request, as
// https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs has
// it. A line is a record or, if it is no JSON object, a prompt's text; labels
// and structured metadata are taken as if the record had them. As with Loki,
// lines that cannot be taken are an error although the others are taken:
// senders report such an error and do not repeat the request.
func (in *Intake) loki(w http.ResponseWriter, r *http.Request) error {
	o := in.options()
	o.Format, o.ContentIDs, o.LineBytes = "auto", true, maxLine
	if _, err := fields(r, o); err != nil {
		return err
	}
	streams, err := in.readPush(r)
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
	add := func(labels []promptlog.Field, e *entry) error {
		n++
		if e.reason != "" {
			g.refuse(n, e.reason)
			return nil
		}
		beside := &promptlog.Beside{Fields: append(labels[:len(labels):len(labels)], e.meta...), Time: e.at, Text: true}
		return g.take(n, e.line, beside)
	}
	for i := range streams {
		for j := range streams[i].lines {
			if err == nil {
				err = add(streams[i].labels, &streams[i].lines[j])
			}
		}
	}
	err = g.end(err)
	in.o.Count(Loki, g.Counts)
	if err != nil {
		return err
	}
	if g.Skipped > 0 {
		return badRequest("%d of %d lines are no prompts and were left out, the others were taken; the first: %s", g.Skipped, n, first)
	}
	in.write(w, http.StatusNoContent, "", nil)
	return nil
}

// readPush reads a push request: JSON, or protobuf in a block of snappy.
func (in *Intake) readPush(r *http.Request) ([]stream, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != jsonType && kind != protoType && kind != "" {
		return nil, errPushType
	}
	encoding := strings.ToLower(r.Header.Get("Content-Encoding"))
	if kind != jsonType && (encoding == "" || encoding == "identity" || encoding == "snappy") {
		b, err := readAll(r.Body, in.o.PushBytes)
		if err != nil {
			return nil, err
		}
		return in.readPushProto(b)
	}
	b, err := openBody(r, in.o.PushBytes)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	all, err := readAll(b, in.o.PushBytes)
	if err != nil {
		return nil, err
	}
	if kind != jsonType {
		return in.readPushProto(all)
	}
	return parsePushJSON(all)
}

func (in *Intake) readPushProto(block []byte) ([]stream, error) {
	b, err := unsnap(block, in.o.PushBytes)
	if err != nil && !errors.Is(err, promptlog.ErrTooLarge) {
		err = badRequest("%v", err)
	}
	if err != nil {
		return nil, err
	}
	return parsePushProto(b)
}

// failLoki answers with an error in plain words.
func (in *Intake) failLoki(w http.ResponseWriter, r *http.Request, err error) {
	status, words := in.status(w, r, err)
	in.write(w, status, "text/plain; charset=utf-8", []byte(words+"\n"))
}
