package index

import (
	"errors"
	"testing"
	"time"
)

func TestMoment(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	for _, s := range []string{"7d", "24h"} {
		if at := momentOf(t, ix, s); !at.IsZero() {
			t.Errorf("%s of nothing is %v", s, at)
		}
	}
	newest := time.Date(2026, 6, 14, 12, 0, 0, 0, time.UTC)
	add(t, ix, Prompt{Account: "a", Time: newest, Text: "x"}, Prompt{Account: "a", Time: newest.AddDate(0, 0, -1), Text: "y"})
	for s, want := range map[string]time.Time{
		"2026-06-01": time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), "2026-06-01T08:00:00+02:00": time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC),
		"7d": newest.AddDate(0, 0, -7), "2w": newest.AddDate(0, 0, -14), "1.5d": newest.Add(-36 * time.Hour),
		"0d": newest, "24h": newest.AddDate(0, 0, -1), "1h30m": newest.Add(-90 * time.Minute),
	} {
		if at := momentOf(t, ix, s); !at.Equal(want) {
			t.Errorf("%s is %v, want %v", s, at, want)
		}
	}
	if at, err := ix.Moment(t.Context(), Moment{}); err != nil || !at.IsZero() {
		t.Errorf("no time is %v, %v", at, err)
	}
	for _, s := range []string{"", "d", "7", "-7d", "-0h", "yesterday", "1e3d", "0x7d", "NaNd", "infw", "99999999999d", "7d1h", "2026-13-01"} {
		if _, err := ParseMoment(s); !errors.Is(err, ErrMoment) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func momentOf(t *testing.T, ix *Index, s string) time.Time {
	t.Helper()
	m, err := ParseMoment(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	at, err := ix.Moment(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func FuzzParseMoment(f *testing.F) {
	for _, s := range []string{"2026-06-01", "7d", "1.5w", "24h", "2026-06-01T08:00:00Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMoment(s)
		if err == nil && m.age < 0 || err != nil && !errors.Is(err, ErrMoment) {
			t.Errorf("%q: %v, %v", s, m, err)
		}
	})
}
