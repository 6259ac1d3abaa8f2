package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

const whenHelp = `A time is a day (2026-06-01), a moment in
RFC 3339, or how long before the newest prompt in the index (24h, 7d, 2w).`

// when reads the value of a flag that is a time. An empty one is no time.
func when(ctx context.Context, ix *index.Index, flag, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, value); err == nil {
			return t.UTC(), nil
		}
	}
	ago, ok := duration(value)
	if !ok {
		return time.Time{}, usagef("%s %q: want a day like 2026-06-01, a time like 2026-06-01T08:00:00Z, or an age like 24h or 7d", flag, value)
	}
	stats, err := ix.Stats(ctx)
	if err != nil {
		return time.Time{}, err
	}
	return stats.Last.Add(-ago), nil
}

// duration reads what time.ParseDuration does, and days and weeks.
func duration(s string) (time.Duration, bool) {
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if number, ok := strings.CutSuffix(s, unit); ok {
			n, err := strconv.ParseFloat(number, 64)
			d := n * float64(length)
			return time.Duration(d), err == nil && d >= 0 && d < 1<<62
		}
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d >= 0
}
