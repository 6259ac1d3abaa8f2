package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-368d3dfa/chorus/index"
)

// attrHelp says what --attr takes.
const attrHelp = `Prompts are counted by their model, and by the attributes that "chorus load
--keep-attrs" named: --attr model=m-large selects what has prompts of that model.`

// attrFlag adds the flag that filters by attributes.
func attrFlag(f *pflag.FlagSet, attrs *[]index.Attr) {
	f.Var((*attrValue)(attrs), "attr", "only those with prompts of this attribute, like model=m-large; given again: of each")
}

// An attrValue is the value of --attr.
type attrValue []index.Attr

func (v *attrValue) Type() string   { return "name=value" }
func (v *attrValue) String() string { return "" }

func (v *attrValue) Set(s string) error {
	a, err := index.ParseAttr(s)
	if err != nil {
		return err
	}
	*v = append(*v, a)
	return nil
}

const shownAttrs = 4 // values of one attribute that are shown on a terminal

// printAttrs writes a line for each attribute: its most frequent values with
// their shares.
func (a *app) printAttrs(w io.Writer, attrs map[string]map[string]int, columns int) {
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		of, sum := attrs[name], 0
		for _, n := range of {
			sum += n
		}
		values := slices.SortedFunc(maps.Keys(of), func(x, y string) int {
			if of[x] != of[y] {
				return of[y] - of[x]
			}
			return strings.Compare(x, y)
		})
		var shares []string
		for _, v := range values[:min(shownAttrs, len(values))] {
			shares = append(shares, fmt.Sprintf("%s %.0f %%", oneLine(v), 100*float64(of[v])/float64(sum)))
		}
		if more := len(values) - shownAttrs; more > 0 {
			shares = append(shares, fmt.Sprintf("and %d more", more))
		}
		a.printIndented(w, "  "+escape(oneLine(name), false)+"  ", strings.Join(shares, ", "), columns, 3)
	}
}
