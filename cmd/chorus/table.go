package main

import (
	"os"
	"strconv"
	"strings"

	"github.com/rivo/uniseg"
)

// A table lines up cells. Its last column is wrapped, and at last cut, to what
// is left of the terminal's width.
type table struct {
	right []bool // column is aligned to the right
	depth int    // lines that a cell of the last column may take
	rows  [][]string
}

// newTable begins a table with titles; "<title" is aligned to the left.
func newTable(titles ...string) *table {
	t := &table{depth: 1}
	row := make([]string, len(titles))
	for i, title := range titles {
		name, left := strings.CutPrefix(title, "<")
		t.right = append(t.right, !left)
		row[i] = name
	}
	t.rows = append(t.rows, row)
	return t
}

// add appends a row. Its cells are shown escaped.
func (t *table) add(cells ...string) {
	for i := range cells {
		cells[i] = escape(cells[i], false)
	}
	t.rows = append(t.rows, cells)
}

// lines lays out the table, one string a row, for so many columns; 0: no bound
// and no wrapping.
func (t *table) lines(columns int) []string {
	last := len(t.right) - 1
	widths := make([]int, last)
	left := columns
	for i := range widths {
		for _, row := range t.rows {
			widths[i] = max(widths[i], uniseg.StringWidth(row[i]))
		}
		left -= widths[i] + 2
	}
	if columns > 0 {
		left = max(left, 20)
	} else {
		left = 0
	}
	lines := make([]string, len(t.rows))
	for n, row := range t.rows {
		var b strings.Builder
		for i, w := range widths {
			pad := strings.Repeat(" ", w-uniseg.StringWidth(row[i]))
			if t.right[i] {
				b.WriteString(pad + row[i])
			} else {
				b.WriteString(row[i] + pad)
			}
			b.WriteString("  ")
		}
		indent := strings.Repeat(" ", uniseg.StringWidth(b.String()))
		b.WriteString(strings.Join(wrap(row[last], left, t.depth), "\n"+indent))
		lines[n] = b.String()
	}
	return lines
}

// columns is the width of standard output: COLUMNS, or a terminal's; else 0.
func (a *app) columns() int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	n, _ := terminal(a.stdout)
	return n
}
