package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
)

// maxCompletions is how many ids a shell is offered.
const maxCompletions = 50

// complete tells shells what the flags and arguments of root's commands take:
// fixed words, and ids of campaigns, templates and their kin while nobody serves the index.
func (a *app) complete(root *cobra.Command) {
	for _, c := range []struct {
		command []string
		flag    string // "": the first argument
		values  cobra.CompletionFunc
	}{
		{[]string{"load"}, "format", fixed(slices.Concat([]string{"auto"}, promptlog.Formats())...)},
		{[]string{"templates"}, "status", fixed(statuses...)},
		{[]string{"templates"}, "id", a.ids(templateIDs)},
		{[]string{"templates"}, "family", a.ids(kinIDs(func(t *index.Template) string { return t.Family }))},
		{[]string{"templates"}, "bundle", a.ids(kinIDs(func(t *index.Template) string { return t.Bundle }))},
		{[]string{"search"}, "status", fixed(statuses...)},
		{[]string{"campaigns"}, "status", fixed(statuses[:4]...)},
		{[]string{"campaigns"}, "id", a.ids(campaignIDs)},
		{[]string{"campaigns", "export"}, "format", fixed("stix", "jsonl", "csv")},
		{[]string{"campaigns", "export"}, "", a.ids(campaignIDs)},
		{[]string{"label"}, "verdict", fixed(index.Benign, index.Confirmed, index.None)},
		{[]string{"label"}, "campaign", a.ids(campaignIDs)},
		{[]string{"label"}, "template", a.ids(templateIDs)},
		{[]string{"label"}, "bundle", a.ids(kinIDs(func(t *index.Template) string { return t.Bundle }))},
	} {
		cmd, _, err := root.Find(c.command)
		switch {
		case err == nil && c.flag == "":
			cmd.ValidArgsFunction = c.values
		case err == nil:
			err = cmd.RegisterFlagCompletionFunc(c.flag, c.values)
		}
		cobra.CheckErr(err) // a mistake in the table, which every test meets
	}
}

// ids completes ids of the index that the command line names.
func (a *app) ids(list func(context.Context, *index.Index) ([]cobra.Completion, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) (ids []cobra.Completion, _ cobra.ShellCompDirective) {
		if len(args) > 0 || environment(cmd.Flags()) != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		err := a.with(func(ix *index.Index) (err error) {
			ids, err = list(cmd.Context(), ix)
			return err
		})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	}
}

func campaignIDs(ctx context.Context, ix *index.Index) (ids []cobra.Completion, err error) {
	all, err := ix.Campaigns(ctx, index.Filter{Limit: maxCompletions})
	for i := range all {
		c := &all[i]
		ids = append(ids, cobra.CompletionWithDesc(c.ID, fmt.Sprintf("%s, %s", c.Status, count(c.Accounts, "account"))))
	}
	return ids, err
}

func templateIDs(ctx context.Context, ix *index.Index) (ids []cobra.Completion, err error) {
	all, err := ix.Templates(ctx, index.Filter{Limit: maxCompletions})
	for i := range all {
		t := &all[i]
		ids = append(ids, cobra.CompletionWithDesc(t.ID, cut(escape(t.Pattern, false), 60)))
	}
	return ids, err
}

// kinIDs lists the families or bundles of the widest templates, with the
// pattern of the widest in each.
func kinIDs(of func(*index.Template) string) func(context.Context, *index.Index) ([]cobra.Completion, error) {
	return func(ctx context.Context, ix *index.Index) (ids []cobra.Completion, err error) {
		all, err := ix.Templates(ctx, index.Filter{Limit: 4 * maxCompletions})
		seen := make(map[string]bool)
		for i := range all {
			if id := of(&all[i]); id != "" && !seen[id] && len(ids) < maxCompletions {
				seen[id] = true
				ids = append(ids, cobra.CompletionWithDesc(id, cut(escape(all[i].Pattern, false), 60)))
			}
		}
		return ids, err
	}
}

// fixed completes a flag that takes one of these.
func fixed(values ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}
