package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/index/share"
)

const keyHelp = `The key file holds a secret of 16 bytes or more that both sides
have, like the output of "openssl rand -hex 32". Indicators made with a key match
only with that key; without one, anybody can match them.`

func (a *app) export() *cobra.Command {
	var format, keyFile, out string
	var accounts bool
	cmd := &cobra.Command{
		Use:   "export ID",
		Short: "Write a campaign for others",
		Long: `Write a campaign for other tools, or for another provider.

  stix    a STIX 2.1 bundle: patterns, counts, times, factors, and sketches of the
          templates' fixed words
  jsonl   the campaign and its templates, one JSON object a line
  csv     the campaign's accounts

Account ids are in csv; in the others only with --accounts. What filled the slots
of a pattern is in none of them.

` + keyHelp,
		Example: `  chorus campaigns export c8 --key-file partner.key --output c8.stix.json
  chorus campaigns export c8 --format csv`,
		Args: takes(1, 1, "one campaign"),
		RunE: a.runs(func(ctx context.Context, args []string) error {
			switch format {
			case "stix", "jsonl", "csv":
			default:
				return usagef("--format %q: want stix, jsonl or csv", format)
			}
			if keyFile != "" && format != "stix" {
				return usagef("--key-file goes with --format stix")
			}
			key, err := readKey(keyFile)
			if err != nil {
				return err
			}
			return a.with(func(ix *index.Index) error {
				c, err := ix.Campaign(ctx, args[0])
				if err != nil {
					return err
				}
				var templates []index.Template
				for _, part := range c.Templates {
					t, err := ix.Template(ctx, part.ID)
					if err != nil {
						return err
					}
					templates = append(templates, t)
				}
				return a.writeTo(out, func(w io.Writer) error {
					switch format {
					case "csv":
						return share.WriteCSV(w, c)
					case "jsonl":
						return share.WriteJSONL(w, c, templates, accounts)
					}
					n, bare, err := share.WriteSTIX(w, c, templates, share.Options{Key: key, Accounts: accounts})
					if err == nil && bare > 0 {
						fmt.Fprintf(a.stderr, "chorus: %d of %s too few fixed words in a row to match anything\n", bare, has(n, "indicator"))
					}
					return err
				})
			})
		}),
	}
	f := cmd.Flags()
	f.StringVar(&format, "format", "stix", "stix, jsonl or csv")
	f.StringVar(&keyFile, "key-file", "", "the file with the key that the other side has")
	f.StringVar(&out, "output", "-", `a new file, "-" for standard output`)
	f.BoolVar(&accounts, "accounts", false, "write the ids of the accounts")
	return cmd
}

func has(n int, thing string) string {
	if n == 1 {
		return count(n, thing) + " has"
	}
	return count(n, thing) + " have"
}

// readKey reads a key file; "" means the public key.
func readKey(name string) (*share.Key, error) {
	if name == "" {
		return share.Public(), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, share.MaxSecret+3)) // and a line break
	if err != nil {
		return nil, err
	}
	key, err := share.NewKey(bytes.TrimRight(b, "\r\n"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
}

func (a *app) importBundle() *cobra.Command {
	var keyFile string
	cmd := &cobra.Command{
		Use:   "import BUNDLE",
		Short: "Tell which of the own traffic another provider's campaign matches",
		Long: `Read a STIX 2.1 bundle that "chorus campaigns export" wrote, and tell which of the
own templates and campaigns contain at least 60 % of its indicators' fixed words.
Nothing is stored.

` + keyHelp + ` It exits with 3 if some
indicators could not be matched.`,
		Example: `  chorus campaigns import c8.stix.json --key-file partner.key`,
		Args:    takes(1, 1, "one bundle"),
		RunE: a.runs(func(ctx context.Context, args []string) error {
			key, err := readKey(keyFile)
			if err != nil {
				return err
			}
			b, err := a.readBundle(args[0])
			if err != nil {
				return err
			}
			var findings []share.Finding
			if err := a.with(func(ix *index.Index) error {
				templates, err := ix.Templates(ctx, index.Filter{})
				if err != nil {
					return err
				}
				campaigns, err := ix.Campaigns(ctx, index.Filter{})
				if err != nil {
					return err
				}
				findings, err = b.Match(ctx, key, templates, campaigns)
				return err
			}); err != nil {
				return err
			}
			return a.printFindings(args[0], findings)
		}),
	}
	cmd.Flags().StringVar(&keyFile, "key-file", "", "the file with the key that the other side used")
	return cmd
}

func (a *app) readBundle(name string) (*share.Bundle, error) {
	f, _, err := promptlog.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if name == "-" {
		r = a.stdin
	}
	b, err := share.Read(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

func (a *app) printFindings(name string, findings []share.Finding) error {
	unmatched := partly{what: "indicator", name: name}
	matched, clear := 0, 0
	for i := range findings {
		f := &findings[i]
		switch f.State {
		case share.Matched:
			matched++
		case share.Clear:
			clear++
		case share.OtherKey:
			unmatched.add(i+1, "made with another key: it matches nothing without that")
		case share.Bare:
			unmatched.add(i+1, "too few fixed words in a row")
		}
		if a.json {
			if err := a.print(f); err != nil {
				return err
			}
			continue
		}
		if f.State != share.Matched {
			continue
		}
		fmt.Fprintf(a.stdout, "%s\n", strings.Join(wrap(escape(oneLine(f.Pattern), false), a.columns(), 2), "\n"))
		for _, t := range f.Templates {
			fmt.Fprintf(a.stdout, "  %3.0f %%  template %s  %s  %s, %s  %s to %s\n", 100*t.Contained, t.ID, t.Status,
				count(t.Accounts, "account"), count(t.Prompts, "prompt"), minute(t.FirstSeen), minute(t.LastSeen))
		}
		for _, c := range f.Campaigns {
			fmt.Fprintf(a.stdout, "         campaign %s  %s  score %.0f  %s, %s  %s to %s\n", c.ID, c.Status, c.Score,
				count(c.Accounts, "account"), count(c.Prompts, "prompt"), minute(c.FirstSeen), minute(c.LastSeen))
		}
	}
	if !a.json {
		if _, err := fmt.Fprintf(a.stdout, "%d of %s found here\n", matched, count(matched+clear, "indicator")); err != nil {
			return err
		}
	}
	if unmatched.n > 0 {
		return &unmatched
	}
	return nil
}
