package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
)

// A skippedError says that some input was skipped.
type skippedError struct {
	lines   int
	first   []promptlog.Skip
	reasons map[string]int // counts, with numbers in a reason as N
	strict  bool           // the command has flags for a looser reading, and none was given
	account bool           // a looser reading might take one that was skipped
	time    bool           // as account
}

// maxSkips is how many skipped lines are reported one by one, and maxReasons
// how many reasons are counted each on its own.
const maxSkips, maxReasons = 10, 100

func (e *skippedError) add(skips []promptlog.Skip) {
	e.lines += len(skips)
	e.first = append(e.first, skips[:min(len(skips), maxSkips-len(e.first))]...)
	for i := range skips {
		switch skips[i].Strict() {
		case "account":
			e.account = true
		case "time":
			e.time = true
		}
		if e.reasons == nil {
			e.reasons = make(map[string]int)
		}
		reason := skips[i].Kind()
		if _, ok := e.reasons[reason]; !ok && len(e.reasons) >= maxReasons {
			reason = "other reasons"
		}
		e.reasons[reason]++
	}
}

// merge adds what another file's skippedError has counted.
func (e *skippedError) merge(from *skippedError) {
	e.lines += from.lines
	e.account, e.time = e.account || from.account, e.time || from.time
	e.first = append(e.first, from.first[:min(len(from.first), maxSkips-len(e.first))]...)
	if e.reasons == nil {
		e.reasons = make(map[string]int)
	}
	for reason, n := range from.reasons {
		e.reasons[reason] += n
	}
}

func (e *skippedError) Error() string { return count(e.lines, "line") + " skipped" }

// report lists the first skipped lines, and the count of each reason if there
// are more.
func (e *skippedError) report(w io.Writer) {
	fmt.Fprintf(w, "chorus: %s:\n", e.Error())
	for _, s := range e.first {
		fmt.Fprintf(w, "  %s:%d: %s\n", escape(s.File, false), s.Line, s.Reason)
	}
	if more := e.lines - len(e.first); more > 0 {
		fmt.Fprintf(w, "  and %s more; in all:\n", thousands(more))
		e.table(w)
	}
	if e.strict && e.account {
		fmt.Fprintln(w, "With --account-field account it may also be a number.")
	}
	if e.strict && e.time {
		fmt.Fprintln(w, "With --time-field time it may also be a number, or have another layout.")
	}
}

// table lists the reasons, most frequent first.
func (e *skippedError) table(w io.Writer) {
	for _, reason := range byCount(e.reasons) {
		fmt.Fprintf(w, "  %8s  %s\n", thousands(e.reasons[reason]), reason)
	}
}

// byCount returns the keys with the largest counts first.
func byCount(counts map[string]int) []string {
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	return keys
}

// partly is the error of a command that did what it could.
type partly struct {
	what, name string
	n          int
	first      []string
}

func (p *partly) add(line int, reason string) {
	p.n++
	if len(p.first) < maxSkips {
		p.first = append(p.first, fmt.Sprintf("  %s:%d: %s", p.name, line, reason))
	}
}

func (p *partly) Error() string {
	s := count(p.n, p.what) + " skipped:\n" + strings.Join(p.first, "\n")
	if more := p.n - len(p.first); more > 0 {
		s += fmt.Sprintf("\n  and %s more", thousands(more))
	}
	return s
}
