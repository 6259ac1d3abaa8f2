package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/index"
)

// maxQuery bounds a text on standard input, in bytes.
const maxQuery = 16 << 20

func (a *app) similar() *cobra.Command {
	var least float64
	var limit int
	cmd := &cobra.Command{
		Use:   "similar [TEXT]",
		Short: "Show the prompts that resemble a text, best first",
		Long: `Show the prompts that resemble a text, best first, with the accounts that sent
them. Without TEXT it is read from standard input.

Similarity is the share of word sequences that two texts have in common (their
Jaccard similarity), estimated: 1 for the same text, 0 for nothing in common.`,
		Example: `  chorus similar "Solve the following step by step"
  chorus similar --min 0.8 --limit 100 < prompt.txt`,
		Args: takes(0, 1, "one text"),
		RunE: a.runs(func(ctx context.Context, args []string) error {
			text, err := a.text(args)
			if err != nil {
				return err
			}
			return a.with(func(ix *index.Index) error {
				matches, err := ix.Similar(ctx, text, least, limit)
				if err != nil {
					return err
				}
				return a.printMatches(matches)
			})
		}),
	}
	cmd.Flags().Var(within(&least, .5, 0, 1), "min", "only those at least so similar, 0 to 1")
	cmd.Flags().Var(atLeast(&limit, 20, 0), "limit", "show so many; 0: all")
	return cmd
}

// text is the argument, or what standard input holds.
func (a *app) text(args []string) (string, error) {
	if len(args) > 0 {
		return some(args[0])
	}
	if _, ok := terminal(a.stdin); ok {
		fmt.Fprintln(a.stderr, "chorus: reading the text from the terminal; end it with Ctrl-D")
	}
	b, err := io.ReadAll(io.LimitReader(a.stdin, maxQuery+1))
	if err == nil && len(b) > maxQuery {
		err = fmt.Errorf("standard input: longer than %s", size(maxQuery))
	}
	if err != nil {
		return "", err
	}
	return some(string(b))
}

// some refuses a text that is none.
func some(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", usagef("there is no text: give one as argument or on standard input")
	}
	return text, nil
}

func (a *app) printMatches(matches []index.Match) error {
	if a.json {
		for i := range matches {
			if err := a.print(&matches[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if len(matches) == 0 {
		fmt.Fprintln(a.stderr, "chorus: nothing is that similar; --min asks for less, and \"chorus search\" finds words")
		return nil
	}
	t := newTable("SIMILARITY", "<TIME", "<ACCOUNT", "<PROMPT", "<TEMPLATES")
	for _, m := range matches {
		t.add(fmt.Sprintf("%.2f", m.Similarity), minute(m.Time), m.Account, m.ID, strings.Join(m.Templates, " "))
	}
	return a.printTable(t)
}

func (a *app) stats() *cobra.Command {
	return &cobra.Command{
		Use:   "stats",
		Short: "Show the index's totals",
		Long: `Show the index's totals: prompts, accounts, templates, the file's size, and the
times of the first and the last prompt. --json has more, such as the memory that
templates take and the scheme that texts are compared by.`,
		Example: `  chorus stats
  chorus stats --json`,
		Args: noArgs,
		RunE: a.runs(func(ctx context.Context, _ []string) error {
			return a.with(func(ix *index.Index) error {
				s, err := ix.Stats(ctx)
				if err != nil {
					return err
				}
				if a.json {
					return a.print(&s)
				}
				_, err = fmt.Fprintf(a.stdout, "prompts    %s\naccounts   %s\ntemplates  %s\nsegments   %s\nfile       %s\n",
					thousands(s.Prompts), thousands(s.Accounts), thousands(s.Templates), thousands(s.Segments), size(s.Bytes))
				if err == nil && s.Prompts > 0 {
					_, err = fmt.Fprintf(a.stdout, "first      %s UTC\nlast       %s UTC\n", minute(s.First), minute(s.Last))
				}
				if err == nil && s.AttrOthers > 0 {
					_, err = fmt.Fprintf(a.stdout, "others     %s values of attributes, not told apart\n", thousands(s.AttrOthers))
				}
				return err
			})
		}),
	}
}

// version is that of the module which the program was built of.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

func versionLine(version string) string {
	return fmt.Sprintf("chorus %s, %s\n", version, runtime.Version())
}

func (a *app) printVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show chorus's version",
		Args:  noArgs,
		RunE: a.runs(func(context.Context, []string) error {
			if a.json {
				return a.print(map[string]string{"version": version(), "go": runtime.Version()})
			}
			_, err := io.WriteString(a.stdout, versionLine(version()))
			return err
		}),
	}
}
