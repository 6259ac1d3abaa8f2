package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/index"
)

func (a *app) templates() *cobra.Command {
	var filter index.Filter
	var since string
	cmd := &cobra.Command{
		Use:   "templates",
		Short: "Show the templates that many accounts share, widest first",
		Long: `Show the templates that many accounts share, widest first.

A pattern is what a template's prompts have in common; {1}, {2} … are the places
where they differ. ` + whenHelp,
		Example: `  chorus templates
  chorus templates --min-accounts 10 --since 7d
  chorus templates --json --members --limit 0`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(ctx context.Context, _ []string) error {
			switch filter.Status {
			case "", "alert", "watch", "benign", "confirmed", "none":
			default:
				return usagef("--status %q is not one of alert, watch, benign, confirmed, none", filter.Status)
			}
			if filter.MinAccounts < 0 || filter.Limit < 0 {
				return usagef("--min-accounts and --limit must not be negative")
			}
			return a.with(func(ix *index.Index) error {
				var err error
				if filter.Since, err = when(ctx, ix, "--since", since); err != nil {
					return err
				}
				templates, err := ix.Templates(ctx, filter)
				if err != nil {
					return err
				}
				return a.printTemplates(templates)
			})
		}),
	}
	f := cmd.Flags()
	f.IntVar(&filter.MinAccounts, "min-accounts", 0, "only those of so many accounts or more")
	f.StringVar(&filter.Status, "status", "", "only those of this status: alert, watch, benign, confirmed, none")
	f.StringVar(&since, "since", "", "count only what was sent since then: 24h, 7d, 2026-06-01")
	f.IntVar(&filter.Limit, "limit", 20, "show so many; 0: all")
	f.BoolVar(&filter.Members, "members", false, "list the accounts")
	return cmd
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
		fmt.Fprintln(a.stderr, "chorus: no template is that widely shared")
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
