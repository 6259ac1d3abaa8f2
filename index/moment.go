package index

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Moment is a time as people write it. Its zero value is no time.
type Moment struct {
	at  time.Time
	ago bool // at is unset, and age counts
	age time.Duration
}

// ErrMoment is wrapped by errors of ParseMoment and ParseSpan.
var ErrMoment = errors.New("index: no such time")

// ParseMoment reads a day (2026-06-01, in UTC), a time in RFC 3339, or how long
// before the newest prompt as ParseSpan has it.
func ParseMoment(s string) (Moment, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return Moment{at: t.UTC()}, nil
		}
	}
	age, err := ParseSpan(s)
	if err != nil {
		return Moment{}, fmt.Errorf("%w: want a day like 2026-06-01, a time like 2026-06-01T08:00:00Z, or an age like 24h or 7d", ErrMoment)
	}
	return Moment{ago: true, age: age}, nil
}

var spans = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)([dw])$`)

// ParseSpan reads a length of time that is not negative: days (7d), weeks (2w),
// or what time.ParseDuration takes (24h, 90m).
func ParseSpan(s string) (time.Duration, error) {
	if m := spans.FindStringSubmatch(s); m != nil {
		n, err := strconv.ParseFloat(m[1], 64)
		hours := 24.
		if m[2] == "w" {
			hours = 7 * 24
		}
		if d := n * hours * float64(time.Hour); err == nil && d < 1<<62 {
			return time.Duration(d), nil
		}
	} else if d, err := time.ParseDuration(s); err == nil && d >= 0 && !strings.HasPrefix(s, "-") {
		return d, nil
	}
	return 0, fmt.Errorf("%w: want a span like 24h, 7d or 2w", ErrMoment)
}

// Moment returns what m is by now: an age counts from the time of the newest
// prompt. In an index without prompts it is no time.
func (ix *Index) Moment(ctx context.Context, m Moment) (time.Time, error) {
	if !m.ago {
		return m.at, nil
	}
	st, err := ix.Stats(ctx)
	if err != nil || st.Prompts == 0 {
		return time.Time{}, err
	}
	return st.Last.Add(-m.age), nil
}
