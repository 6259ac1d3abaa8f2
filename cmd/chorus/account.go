package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/index"
)

func (a *app) account() *cobra.Command {
	var members bool
	cmd := &cobra.Command{
		Use:   "account ID",
		Short: "Show what one account shares with others, and with whom",
		Long: `Show what one account shares with others: the campaigns it is a member of, its
templates, and the 20 accounts that share most templates with it. --members adds
to every template the accounts that sent most of it, 100 at most.`,
		Example: `  chorus account acct-000017`,
		Args:    takes(1, 1, "one account"),
		RunE: a.runs(func(ctx context.Context, args []string) error {
			return a.with(func(ix *index.Index) error {
				account, err := ix.Account(ctx, args[0])
				if err != nil {
					return err
				}
				if a.json {
					return a.print(&account)
				}
				return a.printAccount(&account, members)
			})
		}),
	}
	cmd.Flags().BoolVar(&members, "members", false, "list the accounts of every template")
	return cmd
}

func (a *app) printAccount(account *index.Account, members bool) error {
	fmt.Fprintf(a.stdout, "%s: %s from %s to %s UTC\n", escape(account.ID, false),
		count(account.Prompts, "prompt"), minute(account.FirstSeen), minute(account.LastSeen))
	for _, c := range account.Campaigns {
		fmt.Fprintf(a.stdout, "in campaign %s (%s, score %.0f, %s) with %s, confidence %.0f %%\n",
			c.ID, c.Status, c.Score, count(c.Accounts, "account"), count(c.Prompts, "prompt"), 100*c.Confidence)
	}
	if len(account.Templates) == 0 {
		fmt.Fprintln(a.stderr, "chorus: none of them is of a template")
		return nil
	}
	t := newTable("PROMPTS", "ACCOUNTS", "<TEMPLATE", "<PATTERN")
	for _, m := range account.Templates {
		t.add(thousands(m.Prompts), thousands(m.Accounts), m.ID, oneLine(m.Pattern))
	}
	for i, line := range t.lines(a.columns()) {
		if _, err := fmt.Fprintln(a.stdout, line); err != nil {
			return err
		}
		if i > 0 && members {
			a.printMembers(account.Templates[i-1].With)
		}
	}
	if len(account.Peers) == 0 {
		return nil
	}
	t = newTable("SHARED", "<WITH ACCOUNT")
	for _, p := range account.Peers {
		t.add(count(p.Templates, "template"), p.Account)
	}
	return a.printTable(t)
}
