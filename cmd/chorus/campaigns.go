package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/index"
)

func (a *app) campaigns() *cobra.Command {
	var filter index.Filter
	cmd := &cobra.Command{
		Use:   "campaigns",
		Short: "Show which accounts act together, worst first",
		Long: `Show which accounts act together, worst first: those that send the same templates
in a way that popularity does not explain. Every reason stands beside its points,
those against with a minus.

"alert" asks for a look, "watch" is less sure or smaller. "benign" and "confirmed"
are verdicts that "chorus label" gave.`,
		Example: `  chorus campaigns
  chorus campaigns --status alert --json --members
  chorus campaigns --id c317 --members`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(ctx context.Context, _ []string) error {
			switch filter.Status {
			case "", "alert", "watch", "benign", "confirmed":
			default:
				return usagef("--status %q is not one of alert, watch, benign, confirmed", filter.Status)
			}
			if filter.Limit < 0 || filter.MinAccounts < 0 {
				return usagef("--limit and --min-accounts must not be negative")
			}
			return a.with(func(ix *index.Index) error {
				found, err := ix.Campaigns(ctx, filter)
				if err != nil {
					return err
				}
				return a.printCampaigns(found)
			})
		}),
	}
	f := cmd.Flags()
	f.StringVar(&filter.ID, "id", "", "this one only")
	f.StringVar(&filter.Status, "status", "", "only those of this status")
	f.IntVar(&filter.MinAccounts, "min-accounts", 0, "only those of so many accounts or more")
	f.IntVar(&filter.Limit, "limit", 20, "show so many; 0: all")
	f.BoolVar(&filter.Members, "members", false, "list the accounts")
	return cmd
}

func (a *app) printCampaigns(found []index.Campaign) error {
	if a.json {
		for i := range found {
			if err := a.print(&found[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if len(found) == 0 {
		fmt.Fprintln(a.stderr, "chorus: no campaign")
		return nil
	}
	for i := range found {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		a.printCampaign(a.stdout, &found[i])
	}
	return nil
}

func (a *app) printCampaign(w io.Writer, c *index.Campaign) {
	columns := a.columns()
	fmt.Fprintf(w, "%s  %s  score %.0f  %s, %s  %s to %s\n", c.ID, c.Status, c.Score,
		count(c.Accounts, "account"), count(c.Prompts, "prompt"), day(c.FirstSeen), day(c.LastSeen))
	if !c.FlaggedAt.IsZero() {
		fmt.Fprintf(w, "  alerted by a prompt of %s\n", minute(c.FlaggedAt))
	}
	for _, t := range c.Templates {
		head := fmt.Sprintf("  %s %s: ", t.ID, count(t.Accounts, "account"))
		for i, line := range wrap(escape(oneLine(t.Pattern), false), max(0, columns-len(head)), 3) {
			if i > 0 {
				head = fmt.Sprintf("%*s", len(head), "")
			}
			fmt.Fprintln(w, head+line)
		}
	}
	if c.Log10P < 0 {
		fmt.Fprintf(w, "  not coincidence (chance shares so many accounts once in 10^%.0f); explanation unknown\n", -c.Log10P)
	}
	for _, f := range c.Factors {
		fmt.Fprintf(w, "  %+5.0f  %-15s  %s\n", f.Points, f.Name, f.Text)
	}
	for _, m := range c.Members {
		fmt.Fprintf(w, "  %4.0f %%  %6s  %s\n", 100*m.Confidence, thousands(m.Prompts), escape(m.Account, false))
	}
}
