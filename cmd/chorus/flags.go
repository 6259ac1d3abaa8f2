package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/index"
)

func (a *app) flags() *cobra.Command {
	var follow bool
	var after uint64
	cmd := &cobra.Command{
		Use:   "flags",
		Short: "Show the recorded flags",
		Long: `Show the recorded flags: the moments at which a template came to be shared by
enough accounts, at which a campaign raised an alert, and at which an account
joined a template that was confirmed. They are numbered from 1.

With --follow chorus waits for more until it is interrupted. It looks whenever the
index's file changes and lets go of it in between, so that others can load. While
"chorus serve" has the index, follow its HTTP API instead:

  curl -N -H 'Accept: text/event-stream' http://` + defaultListen + `/v1/flags`,
		Example: `  chorus flags
  chorus flags --json --after 17 --follow`,
		Args: noArgs,
		RunE: a.runs(func(ctx context.Context, _ []string) error {
			if follow {
				return a.follow(ctx, after)
			}
			return a.with(func(ix *index.Index) error {
				_, err := a.flagsAfter(ctx, ix, after)
				return err
			})
		}),
	}
	cmd.Flags().BoolVar(&follow, "follow", false, "wait for more")
	cmd.Flags().Uint64Var(&after, "after", 0, "only those with a higher number")
	return cmd
}

// flagsAfter shows the flags after a number and returns the last one's.
func (a *app) flagsAfter(ctx context.Context, ix *index.Index, after uint64) (uint64, error) {
	flags, err := ix.FlagsAfter(ctx, after, 0)
	if err != nil {
		return after, err
	}
	for i := range flags {
		f := &flags[i]
		if a.json {
			err = a.print(f)
		} else {
			_, err = fmt.Fprintf(a.stdout, "%6d  %s  %8s %-6s  %s\n", f.Seq, minute(f.Time), f.Kind, f.ID, escape(f.Text, false))
		}
		if err != nil {
			return after, err
		}
		after = f.Seq
	}
	return after, nil
}

// followEvery is how often follow looks at the file.
const followEvery = time.Second

// follow shows flags until ctx is done. An index that is open for reading
// cannot be written by anyone, so it is opened anew when the file has changed.
func (a *app) follow(ctx context.Context, after uint64) error {
	var seen os.FileInfo
	locked := false
	for {
		now, err := os.Stat(a.db)
		if err == nil && seen != nil && now.ModTime().Equal(seen.ModTime()) && now.Size() == seen.Size() {
			err = nil
		} else {
			err = a.with(func(ix *index.Index) error {
				after, err = a.flagsAfter(ctx, ix, after)
				return err
			})
			switch {
			case err == nil:
				seen, locked = now, false
			case !errors.Is(err, index.ErrLocked):
				if ctx.Err() != nil {
					return nil
				}
				return err
			case !locked:
				locked = true
				_, hint := a.explain(err)
				fmt.Fprintln(a.stderr, "chorus: waiting for the index: "+err.Error()+"\n"+hint)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followEvery):
		}
	}
}
