package main

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"plain, ünïcode 語 😀":    "plain, ünïcode 語 😀",
		"\x1b[2Jgone\a\r\n":     `\x1b[2Jgone\a\r\n`,
		"a\u202eb\u200bc\u00ad": `a\u202eb\u200bc\u00ad`,
		"\xff":                  "\ufffd",
		"\u009b31m":             `\u009b31m`,
		"\U000e0041":            `\U000e0041`,
	} {
		if got := escape(in, false); got != want {
			t.Errorf("escape(%q) = %q, want %q", in, got, want)
		}
	}
	if got := escape("a\n\tb\x1b", true); got != "a\n\tb\\x1b" {
		t.Errorf("%q", got)
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("a\x1b[2J\u202e b", 10, 3)
	f.Add("語語語 語語語 語語", 5, 2)
	f.Fuzz(func(t *testing.T, s string, columns, depth int) {
		got := escape(s, false)
		for _, r := range got {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q has %U", got, r)
			}
		}
		if !utf8.ValidString(got) {
			t.Fatalf("%q", got)
		}
		columns, depth = 2+(columns&63), 1+(depth&3)
		rows := wrap(got, columns, depth)
		if len(rows) > depth {
			t.Fatalf("%d lines, want %d at most", len(rows), depth)
		}
		for _, row := range rows {
			if w := uniseg.StringWidth(row); w > columns {
				t.Fatalf("%q has %d columns, want %d at most", row, w, columns)
			}
		}
		if all := strings.Join(rows, " "); all != got && !strings.HasPrefix(got, strings.TrimSuffix(all, "…")) {
			t.Fatalf("%q became %q", got, all)
		}
	})
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1000: "1 kB", 1_340_000: "1.34 MB", 999_999: "1 MB", 27_000_000_000: "27 GB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %s, want %s", n, got, want)
		}
	}
}
