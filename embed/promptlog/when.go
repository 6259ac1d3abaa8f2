package promptlog

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
)

// layouts are those of times in logs, tried in order. Fractions of a second
// need no layout of their own.
var layouts = []string{
	time.RFC3339,
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05Z07",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02 15:04:05 Z07:00",
	"2006-01-02 15:04:05 Z0700",
	"2006-01-02 15:04:05 MST",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05",
	"2006-01-02 15:04",
	"1/2/2006, 3:04:05.999 PM",
	"1/2/2006 3:04:05 PM",
	time.RFC1123Z,
	time.RFC1123,
	"02/Jan/2006:15:04:05 -0700",
	time.DateOnly,
}

// units are the names of epoch times in a map's time_layout.
var units = map[string]time.Duration{
	"unix": time.Second, "unix_ms": time.Millisecond, "unix_us": time.Microsecond, "unix_ns": time.Nanosecond,
}

const badTime = "time: no known layout; a map's time_layout can name it"

// when reads a time: a number since 1970 in s, ms, µs or ns, told apart by its
// size (each covers 1973 to 5138) unless layout names it, or a text in
// one of layouts. A text without a zone is in the zone zone.
func when(v *value, layout string, zone *time.Location) (t time.Time, reason string) {
	if v.kind != '"' && v.kind != '0' {
		return t, "time: neither a string nor a number"
	}
	unit, isUnit := units[layout]
	text := bytes.TrimSpace(v.text)
	if layout == "" || isUnit {
		if t, ok := epoch(text, unit); ok {
			return notZero(t)
		}
		if isUnit || v.kind == '0' {
			return t, "time: not a number of seconds since 1970, or too large"
		}
	}
	s := string(text)
	if layout != "" {
		t, err := time.ParseInLocation(layout, s, zone)
		if err != nil {
			return t, "time: not as time_layout says"
		}
		return notZero(t)
	}
	s = strings.Replace(s, ",", ".", 1) // as Python's logging writes milliseconds
	for _, layout := range layouts {
		text := s
		if strings.Contains(layout, ",") {
			text = string(bytes.TrimSpace(v.text))
		}
		if strings.HasSuffix(layout, "MST") && !strings.HasSuffix(s, " UTC") && !strings.HasSuffix(s, " GMT") {
			continue // other abbreviations say nothing certain
		}
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return notZero(t)
		}
	}
	return t, badTime
}

func notZero(t time.Time) (time.Time, string) {
	if t.IsZero() { // which to an index means now
		return t, "time: the year 1 is too early"
	}
	return t.UTC(), ""
}

// epoch reads a number of units since 1970, exactly where it is a plain
// decimal. A unit of 0 is guessed.
func epoch(b []byte, unit time.Duration) (time.Time, bool) {
	if len(b) == 0 || len(b) > 40 || b[0] != '-' && (b[0] < '0' || b[0] > '9') {
		return time.Time{}, false
	}
	whole, fraction, _ := strings.Cut(string(b), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.Trim(fraction, "0123456789") != "" {
		f, err := strconv.ParseFloat(string(b), 64)
		if err != nil || math.Abs(f) >= 1<<62 || f != f {
			return time.Time{}, false
		}
		n, fraction = int64(math.Floor(f)), strconv.FormatFloat(f-math.Floor(f), 'f', 9, 64)
		fraction = strings.TrimPrefix(fraction, "0.")
		if fraction[0] == '1' && len(fraction) > 1 && fraction[1] == '.' { // rounded up
			n, fraction = n+1, ""
		}
	}
	if unit == 0 {
		switch m := max(n, -n); {
		case m < 1e11:
			unit = time.Second
		case m < 1e14:
			unit = time.Millisecond
		case m < 1e17:
			unit = time.Microsecond
		default:
			unit = time.Nanosecond
		}
	}
	per := int64(time.Second / unit)
	sec, rest := n/per, n%per*int64(unit)
	if max(sec, -sec) > 1<<40 {
		return time.Time{}, false
	}
	if fraction != "" {
		fraction = (fraction + "000000000")[:9]
		part, err := strconv.ParseInt(fraction, 10, 64)
		if err != nil {
			return time.Time{}, false
		}
		part = part * int64(unit) / int64(time.Second)
		if b[0] == '-' {
			part = -part
		}
		rest += part
	}
	return time.Unix(sec, rest).UTC(), true
}
