package index

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// ParseLabel reads one line of a label file: a JSON object with the names
// that Label has in JSON; others are ignored. Its error wraps ErrLabel and
// has nothing of what was read.
func ParseLabel(line []byte) (Label, error) {
	var l Label
	if !utf8.Valid(line) {
		return l, fmt.Errorf("%w: invalid UTF-8", ErrLabel)
	}
	if line = bytes.TrimSpace(line); len(line) == 0 || line[0] != '{' {
		return l, fmt.Errorf("%w: not a JSON object", ErrLabel)
	}
	if err := json.Unmarshal(line, &l); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) && kind.Field != "" {
			return Label{}, fmt.Errorf("%w: %s is not a %s", ErrLabel, kind.Field, kind.Type)
		}
		return Label{}, fmt.Errorf("%w: malformed JSON, or a time that is not in RFC 3339", ErrLabel)
	}
	return l, l.Validate()
}
