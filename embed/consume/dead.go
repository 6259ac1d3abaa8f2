package consume

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
)

// A DeadLetter is a record in which something is no prompt. What else is in it
// has been added.
type DeadLetter struct {
	Record  string    `json:"record"` // TOPIC/PARTITION/OFFSET, or STREAM/SEQUENCE
	Time    time.Time `json:"time"`   // the broker's
	Reasons []string  `json:"reasons"`
	Value   string    `json:"value,omitempty"`
	Binary  []byte    `json:"binary,omitempty"` // in place of a value that is not UTF-8; base64

	record *record
}

// maxLetterReasons is how many reasons one dead letter gives.
const maxLetterReasons = 10

func newDeadLetter(r *record, skips []promptlog.Skip) DeadLetter {
	d := DeadLetter{Record: r.place, Time: r.at.UTC(), record: r}
	for _, s := range skips[:min(len(skips), maxLetterReasons)] {
		reason := s.Reason
		if s.Line > 1 {
			reason = strconv.Itoa(s.Line) + ": " + reason
		}
		d.Reasons = append(d.Reasons, reason)
	}
	if utf8.Valid(r.value) {
		d.Value = string(r.value)
	} else {
		d.Binary = r.value
	}
	return d
}

// reason is all of a dead letter's, for a header.
func (d *DeadLetter) reason() string { return strings.Join(d.Reasons, "; ") }

// writeDeadLetters writes dead letters for good.
func writeDeadLetters(w io.Writer, dead []DeadLetter) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for i := range dead {
		if err := e.Encode(&dead[i]); err != nil {
			return err
		}
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return err
	}
	if f, ok := w.(interface{ Sync() error }); ok {
		return f.Sync()
	}
	return nil
}
