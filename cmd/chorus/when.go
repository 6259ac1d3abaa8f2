package main

import (
	"context"
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
	m, err := index.ParseMoment(value)
	if err != nil {
		return time.Time{}, usagef("%s %q: %s", flag, value, strings.TrimPrefix(err.Error(), index.ErrMoment.Error()+": "))
	}
	return ix.Moment(ctx, m)
}
