package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
)

func (a *app) load() *cobra.Command {
	l := &loading{app: a}
	cmd := &cobra.Command{
		Use:   "load FILE…",
		Short: "Load logs of prompts into the index",
		Long: `Load logs of prompts into the index, which is made if it does not exist.

A log has one JSON object a line, with a time in RFC 3339, an account, and text
or messages; id, model and attrs are optional:

  {"id":"p1","time":"2026-06-01T08:00:00.123Z","account":"a1","text":"…"}
  {"time":"…","account":"a1","messages":[{"role":"user","content":"…"}]}

It may be compressed with gzip or zstd. FILE "-" is standard input.

A prompt whose id was loaded before is not counted twice. Lines that are no
prompt are skipped: their number and first reasons go to standard error, and the
exit code is 3. When interrupted, load keeps what it has stored so far; the same
command then goes on from there, provided that the prompts have ids.`,
		Example: `  chorus load monday.jsonl.gz tuesday.jsonl.zst
  zcat *.gz | chorus load --db june.db -
  chorus load --json prompts.jsonl`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.runs(l.run),
	}
	cmd.Flags().StringVar(&l.format, "format", "auto", "the log's format: auto or chorus")
	l.options = tuning(cmd.Flags())
	cmd.Flags().BoolVar(&l.assumeNow, "assume-now", false, "take prompts without a time as sent now")
	return cmd
}

// A loading is one run of load.
type loading struct {
	*app
	format    string
	assumeNow bool
	options   func() *index.Options

	ix      *index.Index
	pending []submitted
	bar     progress
	result  loaded
	noID    int // prompts stored that have no id
	skipped skippedError
}

// loaded is the JSON of load.
type loaded struct {
	Prompts    int     `json:"prompts"`
	Skipped    int     `json:"skipped"`
	Duplicates int     `json:"duplicates"`
	Seconds    float64 `json:"seconds"`
	Rate       float64 `json:"prompts_per_second"`
	Templates  int     `json:"templates"`
	Bytes      int64   `json:"bytes"`
}

// submitted is a batch on its way to the disk.
type submitted struct {
	*index.Pending
	noID int
}

// maxPending is how many batches may be on their way to the disk: enough that
// decoding, indexing and writing overlap.
const maxPending = 8

func (l *loading) run(ctx context.Context, files []string) (err error) {
	if l.format != "auto" && l.format != "chorus" {
		return usagef("--format %s: the formats are auto and chorus", l.format)
	}
	// A wrong name is noticed before anything is stored.
	var total int64
	for _, name := range files {
		f, size, err := promptlog.Open(name)
		if err != nil {
			return err
		}
		f.Close()
		if size < 0 || total < 0 {
			total = -1
		} else {
			total += size
		}
	}
	start := time.Now()
	if l.ix, err = index.Open(l.db, l.options()); err != nil {
		return err
	}
	l.bar = newProgress(l.stderr, total)
	for _, name := range files {
		if err = l.file(ctx, name); err != nil {
			break
		}
	}
	err = errors.Join(err, l.settle(0))
	l.bar.finish()
	stats, e := l.ix.Stats(context.WithoutCancel(ctx))
	err = errors.Join(err, e, l.ix.Close())

	r := &l.result
	r.Skipped = l.skipped.lines
	r.Seconds = time.Since(start).Seconds()
	r.Rate = float64(r.Prompts+r.Duplicates) / r.Seconds
	r.Templates, r.Bytes = stats.Templates, stats.Bytes
	if info, e := os.Stat(l.db); e == nil {
		r.Bytes = info.Size() // closing may have written more
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = l.interrupted()
	} else if err == nil {
		err = l.print()
	}
	switch {
	case l.skipped.lines == 0:
		return err
	case err != nil:
		l.skipped.report(l.stderr)
		return err
	}
	return &l.skipped
}

// file loads one file.
func (l *loading) file(ctx context.Context, name string) error {
	f, _, err := promptlog.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	var r io.Reader = f
	if name == "-" {
		r = l.stdin
	}
	done := l.bar.bytes
	for batch, err := range promptlog.Read(ctx, r, &promptlog.Options{Name: name, TimeOptional: l.assumeNow}) {
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		l.skipped.add(batch.Skipped)
		l.bar.set(done+batch.Bytes, l.result.Prompts+l.result.Duplicates)
		if len(batch.Prompts) == 0 {
			continue
		}
		if err := l.settle(maxPending - 1); err != nil {
			return err
		}
		if err := l.submit(ctx, batch.Prompts); err != nil {
			return err
		}
	}
	return nil
}

func (l *loading) submit(ctx context.Context, prompts []index.Prompt) error {
	s := submitted{}
	for i := range prompts {
		if prompts[i].ID == "" {
			s.noID++
		}
	}
	var err error
	if s.Pending, err = l.ix.Submit(ctx, prompts...); err != nil {
		return err
	}
	l.pending = append(l.pending, s)
	return nil
}

// settle waits until no more than n batches are on their way. What it counts
// is on disk.
func (l *loading) settle(n int) error {
	for len(l.pending) > n {
		s := l.pending[0]
		l.pending = l.pending[1:]
		places, err := s.Wait()
		if err != nil {
			return err
		}
		l.noID += s.noID
		for i := range places {
			if places[i].Duplicate {
				l.result.Duplicates++
			} else {
				l.result.Prompts++
			}
		}
	}
	return nil
}

// print shows the result.
func (l *loading) print() error {
	r := &l.result
	if l.json {
		return l.app.print(r)
	}
	fmt.Fprintf(l.stdout, "%s in %.1f s (%s/s)", count(r.Prompts, "prompt"), r.Seconds, thousands(int(r.Rate)))
	if r.Duplicates > 0 {
		fmt.Fprintf(l.stdout, ", %s", count(r.Duplicates, "duplicate"))
	}
	if r.Skipped > 0 {
		fmt.Fprintf(l.stdout, ", %s skipped", count(r.Skipped, "line"))
	}
	_, err := fmt.Fprintf(l.stdout, "; %s has %s and %s\n", escape(l.db, false), count(r.Templates, "template"), size(r.Bytes))
	return err
}

// interrupted words what an interrupt left.
func (l *loading) interrupted() error {
	r := &l.result
	err := fmt.Errorf("interrupted: %s stored, and safe; the same command goes on from there", count(r.Prompts+r.Duplicates, "prompt"))
	if l.noID > 0 {
		err = fmt.Errorf("%w, but would count %s without an id again", err, thousands(l.noID))
	}
	return err
}

// A skippedError says that some input was skipped.
type skippedError struct {
	lines int
	first []promptlog.Skip
}

// maxSkips is how many skipped lines are reported one by one.
const maxSkips = 10

func (e *skippedError) add(skips []promptlog.Skip) {
	e.lines += len(skips)
	e.first = append(e.first, skips[:min(len(skips), maxSkips-len(e.first))]...)
}

func (e *skippedError) Error() string { return count(e.lines, "line") + " skipped" }

// report lists the first skipped lines.
func (e *skippedError) report(w io.Writer) {
	fmt.Fprintf(w, "chorus: %s:\n", e.Error())
	for _, s := range e.first {
		fmt.Fprintf(w, "  %s:%d: %s\n", escape(s.File, false), s.Line, s.Reason)
	}
	if more := e.lines - len(e.first); more > 0 {
		fmt.Fprintf(w, "  and %s more\n", thousands(more))
	}
}
