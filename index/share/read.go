package share

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/seed-368d3dfa/chorus/minhash"
)

// Bounds on a bundle that Read takes.
const (
	MaxBytes      = 64 << 20
	maxObjects    = 100_000
	maxIndicators = 10_000
)

// ErrBundle is the error of input that is no bundle, or one that is damaged or
// beyond the bounds. What wraps it says more, with nothing of the input.
var ErrBundle = errors.New("share: not a bundle that can be read")

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrBundle}, args...)...)
}

// A Bundle is what Read found.
type Bundle struct {
	Indicators []Indicator
	Other      int // objects that are none, as most are
}

// An Indicator is one template of another provider's campaign.
type Indicator struct {
	ID        string // as STIX has it
	Name      string
	Pattern   string
	Accounts  int // of the other provider
	Prompts   int
	ValidFrom time.Time

	key    string
	sketch []uint64 // ascending
}

// Read reads a STIX 2.1 bundle. Objects that are no indicators of chorus's
// are counted and passed over. Its error wraps ErrBundle, or is r's.
func Read(r io.Reader) (*Bundle, error) {
	body, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(body) > MaxBytes {
		return nil, bad("it is larger than %d bytes", MaxBytes)
	}
	var raw struct {
		Type    string            `json:"type"`
		Objects []json.RawMessage `json:"objects"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, bad("it is not a JSON object with a list of objects")
	}
	if raw.Type != "bundle" {
		return nil, bad(`its type is not "bundle"`)
	}
	if len(raw.Objects) > maxObjects {
		return nil, bad("it has %d objects, more than %d", len(raw.Objects), maxObjects)
	}
	b := &Bundle{}
	seen := make(map[string]bool)
	for i, o := range raw.Objects {
		in, ok, err := readObject(o)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w (object %d)", err, i+1)
		case !ok:
			b.Other++
			continue
		case seen[in.ID]:
			return nil, bad("two indicators have one id (object %d)", i+1)
		case len(b.Indicators) == maxIndicators:
			return nil, bad("it has more than %d indicators", maxIndicators)
		}
		seen[in.ID] = true
		b.Indicators = append(b.Indicators, in)
	}
	if len(b.Indicators) == 0 {
		return nil, bad("it has no indicator of prompts")
	}
	return b, nil
}

// readObject reads an object; ok if it is an indicator of chorus's.
func readObject(b []byte) (in Indicator, ok bool, err error) {
	var head struct {
		Type        string `json:"type"`
		PatternType string `json:"pattern_type"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return in, false, bad("an object is malformed")
	}
	if head.Type != "indicator" || head.PatternType != patternType {
		return in, false, nil
	}
	var s stixIndicator
	if err := json.Unmarshal(b, &s); err != nil {
		return in, false, bad("an indicator is malformed")
	}
	ext, found := s.Extensions[extensionID]
	switch {
	case s.SpecVersion != specVersion:
		return in, false, bad("an indicator is not of STIX %s", specVersion)
	case !idForm.MatchString(s.ID) || !strings.HasPrefix(s.ID, "indicator--"):
		return in, false, bad("an indicator's id is malformed")
	case !found:
		return in, false, bad("an indicator lacks chorus's extension %s", extensionID)
	case ext.Scheme != scheme{sketchVersion, shingleTokens}:
		return in, false, bad("an indicator's sketch is of scheme %d with shingles of %d; this release knows %d with %d",
			ext.Scheme.Version, ext.Scheme.Shingle, sketchVersion, shingleTokens)
	case len(ext.Sketch) > maxSketch:
		return in, false, bad("an indicator's sketch has more than %d keys", maxSketch)
	case ext.Key == "" || s.Pattern == "":
		return in, false, bad("an indicator lacks its key's id or its pattern")
	}
	in = Indicator{
		ID: s.ID, Name: s.Name, Pattern: s.Pattern, Accounts: ext.Accounts, Prompts: ext.Prompts, ValidFrom: s.ValidFrom.at, key: ext.Key,
	}
	for i, text := range ext.Sketch {
		key, err := strconv.ParseUint(text, 16, minhash.KeyBits)
		if err != nil || len(text) != keyDigits || i > 0 && key <= in.sketch[i-1] {
			return in, false, bad("an indicator's sketch is malformed")
		}
		in.sketch = append(in.sketch, key)
	}
	return in, true, nil
}
