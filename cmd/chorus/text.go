package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/rivo/uniseg"
)

// escape makes s safe to show: whatever could move the cursor, hide or reorder
// text stands as an escape like \x1b. Line breaks and tabs stay if lines is set.
func escape(s string, lines bool) string {
	safe := true
	for _, r := range s {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			safe = false
			break
		}
	}
	if safe {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) || lines && (r == '\n' || r == '\t') {
			b.WriteRune(r)
			continue
		}
		q := strconv.QuoteRuneToASCII(r)
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

// cut shortens s, which is escaped, to columns; 0 leaves it whole.
func cut(s string, columns int) string {
	if columns <= 0 || uniseg.StringWidth(s) <= columns {
		return s
	}
	var b strings.Builder
	width := 0
	for g := uniseg.NewGraphemes(s); g.Next(); {
		if width += g.Width(); width > columns-1 {
			break
		}
		b.WriteString(g.Str())
	}
	return b.String() + "…"
}

// wrap breaks s, which is escaped, at spaces into lines of so many columns, and
// cuts the last of at most depth lines; 0 columns leave it whole.
func wrap(s string, columns, depth int) []string {
	var lines []string
	for len(lines) < depth-1 && columns > 0 && uniseg.StringWidth(s) > columns {
		end, width := -1, 0
		for g := uniseg.NewGraphemes(s); g.Next(); {
			if width += g.Width(); width > columns+1 {
				break
			}
			if from, _ := g.Positions(); from > 0 && g.Str() == " " {
				end = from
			}
		}
		if end < 0 {
			break
		}
		lines = append(lines, s[:end])
		s = s[end+1:]
	}
	return append(lines, cut(s, columns))
}

// thousands writes n with a comma for every three digits.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// count writes n things.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return thousands(n) + " " + thing
}

// size writes a number of bytes.
func size(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " bytes"
	}
	f, i := float64(n)/1000, 0
	for f >= 999.5 && i < len(units)-1 {
		f, i = f/1000, i+1
	}
	return fmt.Sprintf("%.3g %cB", f, units[i])
}

// day writes the day of t.
func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateOnly)
}

// minute writes t to the minute.
func minute(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04")
}
