package main

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

func TestSparkline(t *testing.T) {
	days := func(prompts ...int) (out []index.Day) {
		for i, n := range prompts {
			if n > 0 {
				at := time.Date(2026, 2, 27+i, 0, 0, 0, 0, time.UTC)
				out = append(out, index.Day{Day: at.Format(time.DateOnly), Prompts: n})
			}
		}
		return out
	}
	year := make([]int, 365)
	for i := range year {
		year[i] = 1
	}
	for _, test := range []struct {
		days []index.Day
		line string
		most int
		span string
	}{
		{nil, "", 0, "a day"},
		{days(3), "█", 3, "a day"},
		{days(1, 0, 0, 80, 40), "▁··█▄", 80, "a day"},
		{days(year...), strings.Repeat("█", 52) + "▂", 7, "7 days"},
	} {
		line, most, span := sparkline(test.days)
		if line != test.line || most != test.most || span != test.span {
			t.Errorf("%q, %d, %q; want %q, %d, %q", line, most, span, test.line, test.most, test.span)
		}
	}
}
