package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/index"
)

func (a *app) check() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Verify the whole index",
		Long: `Verify the whole index: checksums, order, and that its parts agree. It prints "ok",
or says what is damaged and exits with 5. It changes nothing.`,
		Example: `  chorus check
  chorus check --db chorus-monday.db && echo the backup is whole`,
		Args: noArgs,
		RunE: a.runs(func(ctx context.Context, _ []string) error {
			return a.with(func(ix *index.Index) error {
				if err := ix.Check(ctx); err != nil {
					return err
				}
				if a.json {
					return a.print(map[string]bool{"ok": true})
				}
				_, err := fmt.Fprintln(a.stdout, "ok")
				return err
			})
		}),
	}
}

func (a *app) backup() *cobra.Command {
	return &cobra.Command{
		Use:   "backup OUT",
		Short: "Write a consistent copy of the index",
		Long: `Write a consistent copy of the index to the new file OUT, or to standard output
for "-". The copy is an index itself: name it with --db to use it.

It is called OUT.partial and a number until it is whole and on the disk. Files of
such names, when no backup is under way, are of one that was killed: remove them.`,
		Example: `  chorus backup chorus-monday.db
  chorus backup - | zstd > chorus.db.zst`,
		Args: takes(1, 1, `one new file, or "-" for standard output`),
		RunE: a.runs(func(ctx context.Context, args []string) error {
			return a.with(func(ix *index.Index) error {
				if args[0] == "-" {
					out := bufio.NewWriterSize(a.stdout, 1<<20)
					return errors.Join(ix.Backup(ctx, out), out.Flush())
				}
				n, err := backupTo(ctx, ix, args[0])
				if err != nil {
					return err
				}
				if a.json {
					return a.print(map[string]int64{"bytes": n})
				}
				_, err = fmt.Fprintf(a.stdout, "%s written to %s\n", size(n), escape(args[0], false))
				return err
			})
		}),
	}
}

// backupTo writes a backup to a file that must not exist, as create does, and
// returns its size in bytes.
func backupTo(ctx context.Context, ix *index.Index, name string) (n int64, err error) {
	err = create(name, func(f *os.File) error {
		if err := ix.Backup(ctx, f); err != nil {
			return err
		}
		info, err := f.Stat()
		if err == nil {
			n = info.Size()
		}
		return err
	})
	return n, err
}

func (a *app) compact() *cobra.Command {
	return &cobra.Command{
		Use:   "compact",
		Short: "Give the disk back what the index no longer needs",
		Long: `Rewrite the index's file without the free pages that expire and merging left in it.
Nobody else may have the index open. It needs room for a second file beside the
first, which it verifies and then puts in the first's place; interrupted anywhere,
it leaves the index as it was.`,
		Example: `  chorus expire --before 90d && chorus compact`,
		Args:    noArgs,
		RunE: a.runs(func(ctx context.Context, _ []string) error {
			before, after, err := index.Compact(ctx, a.db)
			if err != nil {
				return err
			}
			if a.json {
				return a.print(map[string]int64{"bytes_before": before, "bytes": after})
			}
			_, err = fmt.Fprintf(a.stdout, "%s, now %s\n", size(before), size(after))
			return err
		}),
	}
}

func (a *app) expire() *cobra.Command {
	var before string
	cmd := &cobra.Command{
		Use:   "expire --before TIME",
		Short: "Forget old prompts",
		Long: `Forget prompts from before a time, in whole days and whole segments of the file:
what shares one with newer prompts stays. ` + whenHelp,
		Example: `  chorus expire --before 90d
  chorus expire --before 2026-06-01`,
		Args: noArgs,
		RunE: a.runs(func(ctx context.Context, _ []string) error {
			if before == "" {
				return usagef("--before is missing: before which time to forget")
			}
			ix, err := index.Open(a.db, &index.Options{MustExist: true})
			if err != nil {
				return err
			}
			removed := 0
			t, err := when(ctx, ix, "--before", before)
			if err == nil {
				removed, err = ix.Expire(ctx, t)
			}
			if err = errors.Join(err, ix.Close()); err != nil {
				return err
			}
			if a.json {
				return a.print(map[string]int{"removed": removed})
			}
			_, err = fmt.Fprintf(a.stdout, "%s forgotten\n", count(removed, "prompt"))
			return err
		}),
	}
	cmd.Flags().StringVar(&before, "before", "", "forget what was sent before then: 90d, 2026-06-01")
	return cmd
}
