package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-368d3dfa/chorus/index"
)

// Exit codes, as README.md promises them.
const (
	exitDone = iota
	exitFailed
	exitUsage
	exitSkipped
	exitLocked
	exitDamaged
)

// An app is one run of the command.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	db      string
	json    bool
	started bool // the command line was understood
}

// run does what the arguments say and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	out := &answer{w: a.stdout}
	a.stdout = out
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = out.err
	}
	if out.err != nil {
		a.started = true // help and completions too: the usage was right
	}
	if err == nil {
		return exitDone
	}
	var skipped *skippedError
	if errors.As(err, &skipped) {
		skipped.report(a.stderr)
		return exitSkipped
	}
	err = flagged(err)
	code, hint := a.explain(err)
	if errors.Is(err, index.ErrDamaged) && cmd.Name() != "check" {
		hint = "\"chorus check\" says what is damaged. " + hint
	}
	if code == exitUsage {
		if cmd.Name() == "help" {
			cmd = cmd.Parent()
		}
		hint = fmt.Sprintf("%q says how it is used.", cmd.CommandPath()+" --help")
	}
	fmt.Fprintln(a.stderr, "chorus: "+escape(plain(err), true))
	if hint != "" {
		fmt.Fprintln(a.stderr, escape(hint, true))
	}
	return code
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "chorus",
		Short: "Find the prompts that many accounts of an LLM service share",
		Long: `Chorus finds the same words sung by many voices: prompt templates that many
accounts of an LLM service send.

It keeps an index in one file: --db PATH, or the environment variable CHORUS_DB.
Every flag has such a variable: --min-accounts is CHORUS_MIN_ACCOUNTS.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but some input was skipped,
4 the index is locked by another process, 5 the index is damaged.`,
		Example: `  chorus load prompts.jsonl.gz
  chorus templates --min-accounts 10
  chorus similar "Solve the following step by step"`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := environment(cmd.Flags()); err != nil {
				return err
			}
			if a.db == "" {
				return errors.New("--db is empty: name the index's file")
			}
			return nil
		},
	}
	root.SetVersionTemplate(versionLine(root.Version))
	root.PersistentFlags().StringVar(&a.db, "db", "chorus.db", "the index's file")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print one JSON object a line")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return suggest(cmd, err) })
	root.AddCommand(a.load(), a.consume(), a.serve(), a.similar(), a.templates(), a.campaigns(), a.label(), a.learn(), a.account(), a.flags(), a.search(),
		a.stats(), a.check(), a.backup(), a.expire(), a.compact(), a.drill(), a.token(), a.printVersion())
	a.complete(root)
	root.SetHelpCommand(a.help())
	return root
}

// help is cobra's own, save that it knows a mistake when it sees one.
func (a *app) help() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
			if of, _, err := cmd.Root().Find(args); err == nil {
				for _, c := range of.Commands() {
					if c.IsAvailableCommand() {
						names = append(names, cobra.CompletionWithDesc(c.Name(), c.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			of, rest, err := cmd.Root().Find(args)
			if err == nil && len(rest) > 0 {
				err = fmt.Errorf("unknown command %q for %q", rest[0], of.CommandPath())
			}
			if err != nil {
				return err
			}
			of.InitDefaultHelpFlag()
			return of.Help()
		},
	}
}

// runs makes a RunE of f that notes that the command line was understood.
func (a *app) runs(f func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		return f(cmd.Context(), args)
	}
}

// environment sets the flags that were not given from CHORUS_ variables.
func environment(flags *pflag.FlagSet) error {
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		name := "CHORUS_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := os.LookupEnv(name)
		if !ok || value == "" || f.Changed || f.Name == "help" || err != nil {
			return
		}
		if e := flags.Set(f.Name, value); e != nil {
			err = fmt.Errorf("environment variable %s: %w", name, e)
			var invalid *pflag.InvalidValueError
			if errors.As(e, &invalid) {
				err = fmt.Errorf("environment variable %s", wanted(name, invalid))
			}
		}
	})
	return err
}

// tuning adds the flags that say how an index that is written works. What it
// returns is to be called when they have been parsed.
func tuning(f *pflag.FlagSet) func() *index.Options {
	var o index.Options
	var sift, templates int
	f.Var(within(&o.FlagAccounts, 20, 2, 1<<30), "flag-accounts", "flag a template that so many accounts sent within 7 days")
	f.Var(within(&sift, 256, 1, 1<<20), "sift-mib", "memory of the table that tells which phrases are shared, in MiB")
	f.Var(within(&templates, 256, 1, 1<<20), "template-mib", "memory for templates, in MiB")
	f.BoolVar(&o.NoExemplars, "no-exemplars", false, "keep no prompt's text at all; templates then have no pattern")
	f.StringSliceVar(&o.PaymentAttrs, "payment-attrs", nil, "attributes that tell means of payment apart, such as a card's hash (payment,card,billing)")
	f.StringSliceVar(&o.KeepAttrs, "keep-attrs", nil, "attributes to count prompts by beside the model, like region,plan; their values are kept and shown as they are")
	f.BoolVar(&o.HashAccounts, "hash-accounts", false, "store a keyed hash in place of every account's id")
	return func() *index.Options {
		o.SiftBytes, o.TemplateBytes = sift<<20, templates<<20
		return &o
	}
}

// read opens the index for queries only.
func (a *app) read() (*index.Index, error) {
	return index.Open(a.db, &index.Options{ReadOnly: true})
}

// with calls f with the index open for queries only.
func (a *app) with(f func(ix *index.Index) error) error {
	ix, err := a.read()
	if err != nil {
		return err
	}
	err = f(ix)
	return errors.Join(err, ix.Close())
}
