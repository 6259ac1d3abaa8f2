package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-368d3dfa/chorus/index"
)

// statuses are those that templates have; campaigns have all but the last.
var statuses = []string{"alert", "watch", index.Benign, index.Confirmed, index.None}

// A selection is which templates or campaigns are asked for by flags.
type selection struct {
	filter       index.Filter
	known        []string // statuses
	status       []string
	since, until string
}

func (s *selection) flags(f *pflag.FlagSet, known []string) {
	s.known = known
	f.StringVar(&s.filter.ID, "id", "", "this one only")
	f.StringSliceVar(&s.status, "status", nil, "only those of one of these: "+strings.Join(known, ", "))
	f.Var(atLeast(&s.filter.MinAccounts, 0, 0), "min-accounts", "only those of so many accounts or more")
	attrFlag(f, &s.filter.Attrs)
	f.Var(within(&s.filter.MinScore, 0, 0, 100), "min-score", "only those of this score or more, 0 to 100")
	f.Var(atLeast(&s.filter.Limit, 20, 0), "limit", "show so many; 0: all")
	f.BoolVar(&s.filter.Members, "members", false, "list the accounts")
}

// valid checks what can be checked without an index.
func (s *selection) valid() error {
	if err := validStatus(s.status, s.known); err != nil {
		return err
	}
	s.filter.Status = strings.Join(s.status, ",")
	return nil
}

// in returns the filter for an index: times may be told by its newest prompt.
func (s *selection) in(ctx context.Context, ix *index.Index) (f index.Filter, err error) {
	f = s.filter
	if f.Since, err = when(ctx, ix, "--since", s.since); err != nil {
		return f, err
	}
	f.Until, err = when(ctx, ix, "--until", s.until)
	return f, err
}

func validStatus(given, known []string) error {
	for _, s := range given {
		if !slices.Contains(known, s) {
			return usagef("--status %q: want %s", s, oneOf(known))
		}
	}
	return nil
}
