package main

import (
	"context"
	"fmt"
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
the slots, and the points for and against a campaign. ` + whenHelp + `

` + attrHelp,
		Example: `  chorus templates
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
				return a.printTemplates(templates)
			})
		}),
	}
	f := cmd.Flags()
	s.flags(f, statuses)
	f.StringVar(&s.since, "since", "", "count only what was sent since then, in whole days: 24h, 7d, 2026-06-01")
	f.StringVar(&s.until, "until", "", "count only what was sent up to that day: 7d, 2026-06-01")
	return cmd
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
	a.printFactors(a.stdout, m.Factors)
	a.printMembers(m.Members)
}

func (a *app) printTemplates(templates []index.Template) error {
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
	t := newTable("ACCOUNTS", "PROMPTS", "SCORE", "<STATUS", "<FIRST", "<LAST", "<ID", "<PATTERN")
	t.depth = 3
	for i := range templates {
		m := &templates[i]
		t.add(thousands(m.Accounts), thousands(m.Prompts), fmt.Sprintf("%.0f", m.Score), m.Status, day(m.FirstSeen), day(m.LastSeen), m.ID, oneLine(m.Pattern))
	}
	columns := a.columns()
	for i, line := range t.lines(columns) {
		if _, err := fmt.Fprintln(a.stdout, line); err != nil {
			return err
		}
		if i > 0 {
			a.printMembers(templates[i-1].Members)
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
