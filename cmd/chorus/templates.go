package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/index"
)

func (a *app) templates() *cobra.Command {
	var s selection
	cmd := &cobra.Command{
		Use:   "templates",
		Short: "Show the templates that many accounts share, widest first",
		Long: `Show the templates that many accounts share, widest first.

A pattern is what a template's prompts have in common; {1}, {2} … are the places
where they differ. With --id one of them is shown in full: its pattern, what filled
the slots, and the points for and against a campaign.

Variants of one template, edited, shuffled or extended, are a family; templates
that come in the same prompts, such as a system prompt and what is sent under it,
are a bundle. Both are named after the earliest of theirs. ` + whenHelp + `

` + attrHelp,
		Example: `  chorus templates
  chorus templates --fold
  chorus templates --family f33
  chorus templates --min-accounts 10 --since 7d
  chorus templates --status alert,watch
  chorus templates --attr model=m-large --attr region=eu
  chorus templates --id t4
  chorus templates --json --members --limit 0`,
		Args: noArgs,
		RunE: a.runs(func(ctx context.Context, _ []string) error {
			if err := s.valid(); err != nil {
				return err
			}
			if err := errors.Join(kinID("--family", 'f', s.filter.Family), kinID("--bundle", 'b', s.filter.Bundle)); err != nil {
				return err
			}
			if s.filter.Fold && s.filter.Members {
				return usagef("--fold and --members do not go together: --family lists a family's templates, each with its accounts")
			}
			return a.with(func(ix *index.Index) error {
				filter, err := s.in(ctx, ix)
				if err != nil {
					return err
				}
				templates, err := ix.Templates(ctx, filter)
				if err != nil {
					return err
				}
				if filter.ID != "" && len(templates) == 0 {
					return fmt.Errorf("there is no template %s that fits", filter.ID)
				}
				if filter.ID != "" && !a.json {
					a.printTemplate(&templates[0])
					return nil
				}
				return a.printTemplates(templates, filter.Fold)
			})
		}),
	}
	f := cmd.Flags()
	s.flags(f, statuses)
	f.StringVar(&s.since, "since", "", "count only what was sent since then, in whole days: 24h, 7d, 2026-06-01")
	f.StringVar(&s.until, "until", "", "count only what was sent up to that day: 7d, 2026-06-01")
	f.StringVar(&s.filter.Family, "family", "", "only the variants of one template, as f33; that of any of them will do")
	f.StringVar(&s.filter.Bundle, "bundle", "", "only the templates that come in the same prompts, as b1")
	f.BoolVar(&s.filter.Fold, "fold", false, "one line a family: its widest template, with the accounts of all")
	return cmd
}

// kinID checks the id of a family or bundle.
func kinID(flag string, letter byte, id string) error {
	if number, err := strconv.ParseUint(strings.TrimPrefix(id, string(letter)), 10, 32); id != "" && (err != nil || id != fmt.Sprintf("%c%d", letter, number)) {
		return usagef("%s %q: want an id like %c33, as \"chorus templates\" shows it", flag, id, letter)
	}
	return nil
}

// printTemplate shows all of a template but the exemplars.
func (a *app) printTemplate(m *index.Template) {
	columns := a.columns()
	fmt.Fprintf(a.stdout, "%s  %s  score %.0f  %s, %s  %s to %s UTC\n", m.ID, m.Status, m.Score,
		count(m.Accounts, "account"), count(m.Prompts, "prompt"), minute(m.FirstSeen), minute(m.LastSeen))
	a.printIndented(a.stdout, "  ", oneLine(m.Pattern), columns, len(m.Pattern))
	for i, slot := range m.Slots {
		fmt.Fprintf(a.stdout, "  {%d}  %d different among the exemplars\n", i+1, slot.Distinct)
		for _, text := range slot.Examples {
			a.printIndented(a.stdout, "       ", oneLine(text), columns, 1)
		}
	}
	a.printAttrs(a.stdout, m.Attrs, columns)
	if m.Family != "" {
		fmt.Fprintf(a.stdout, "  %s besides: chorus templates --family %s\n", count(m.Variants, "variant"), m.Family)
	}
	if m.Bundle != "" {
		fmt.Fprintf(a.stdout, "  comes together with others: chorus templates --bundle %s\n", m.Bundle)
	}
	a.printFactors(a.stdout, m.Factors)
	a.printMembers(m.Members)
}

func (a *app) printTemplates(templates []index.Template, folded bool) error {
	if a.json {
		for i := range templates {
			if err := a.print(&templates[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if len(templates) == 0 {
		fmt.Fprintln(a.stderr, "chorus: no template fits")
		return nil
	}
	titles := []string{"ACCOUNTS", "PROMPTS", "SCORE", "<STATUS", "<FIRST", "<LAST", "<ID"}
	families := !folded && slices.ContainsFunc(templates, func(m index.Template) bool { return m.Family != "" })
	if families {
		titles = append(titles, "<FAMILY")
	}
	bundles := slices.ContainsFunc(templates, func(m index.Template) bool { return m.Bundle != "" })
	if bundles {
		titles = append(titles, "<BUNDLE")
	}
	t := newTable(append(titles, "<PATTERN")...)
	t.depth = 3
	for i := range templates {
		m := &templates[i]
		row := []string{thousands(m.Accounts), thousands(m.Prompts), fmt.Sprintf("%.0f", m.Score), m.Status, day(m.FirstSeen), day(m.LastSeen), m.ID}
		if families {
			row = append(row, m.Family)
		}
		if bundles {
			row = append(row, m.Bundle)
		}
		t.add(append(row, oneLine(m.Pattern))...)
	}
	columns := a.columns()
	for i, line := range t.lines(columns) {
		if _, err := fmt.Fprintln(a.stdout, line); err != nil {
			return err
		}
		if i > 0 {
			m := &templates[i-1]
			if folded && m.Variants > 0 {
				fmt.Fprintf(a.stdout, "%8s  and %s: chorus templates --family %s\n", "", count(m.Variants, "variant"), m.Family)
			}
			a.printMembers(m.Members)
		}
	}
	return nil
}

func (a *app) printMembers(members []index.Member) {
	for _, m := range members {
		fmt.Fprintf(a.stdout, "%8s  %s\n", thousands(m.Prompts), escape(m.Account, false))
	}
}

// oneLine makes runs of white space single spaces.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
