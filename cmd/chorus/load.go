package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
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

A log in chorus's own format has one JSON object a line, with a time in RFC
3339, an account, and text or messages; id, model and attrs are optional:

  {"id":"p1","time":"2026-06-01T08:00:00.123Z","account":"a1","text":"…"}
  {"time":"…","account":"a1","messages":[{"role":"user","content":"…"}]}

The logs of LLM APIs, gateways and tracing are known by their keys; others need
--map or the --…-field flags. They may be JSON lines, JSON arrays, CSV or TSV with
a header, or Parquet, compressed with gzip or zstd. FILE is a file, a folder, a
pattern like '2026-06-*.gz' in quotes, or "-" for standard input. Several files
are read at a time and stored in the order given, as prompts are flagged in the
order in which they arrive; a folder's are sorted by name. --dry-run shows what
chorus makes of a log.

On a terminal a bar shows the rate and the time left; elsewhere, with --json, an
object with "progress" goes to standard error every five seconds.

A prompt whose id was loaded before is not counted twice. Prompts without one
get it from their record and its place in the log, so that a log can be loaded
again, also when it has grown. Records that are no prompt are skipped: their number
and first reasons go to standard error, and the exit code is 3. When
interrupted, load keeps what it has stored so far; the same command then goes on
from there.`,
		Example: `  chorus load monday.jsonl.gz tuesday.jsonl.zst
  zcat *.gz | chorus load --db june.db -
  chorus load --json prompts.jsonl
  chorus load --dry-run spend-logs.parquet
  chorus load --account-field customer.id --text-field question requests.csv`,
		Args: takes(1, -1, `the logs to load, or "-" for standard input`),
		RunE: a.runs(l.run),
	}
	l.reading(cmd.Flags())
	cmd.Flags().BoolVar(&l.dryRun, "dry-run", false, "store nothing; show formats, fields, the first prompts (their text too) and what would be skipped")
	l.options = tuning(cmd.Flags())
	cmd.Flags().BoolVar(&l.assumeNow, "assume-now", false, "take prompts without a time as sent now")
	return cmd
}

// A loading is one run of load.
type loading struct {
	*app
	logFlags
	dryRun    bool
	assumeNow bool
	options   func() *index.Options

	ix      *index.Index
	pending []*index.Pending
	bar     progress
	result  loaded
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

	Reasons map[string]int `json:"reasons,omitempty"` // why records were skipped
}

// maxPending is how many batches may be on their way to the disk: enough that
// decoding, indexing and writing overlap.
const maxPending = 16

func (l *loading) run(ctx context.Context, files []string) (err error) {
	if err := l.resolve(); err != nil {
		return err
	}
	l.skipped.strict = l.fields == nil
	if files, err = expand(files, l.db); err != nil {
		return err
	}
	if l.dryRun {
		return l.preview(ctx, files)
	}
	// A wrong name is noticed before anything is stored.
	var total int64
	for _, name := range files {
		if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() && !info.IsDir() { // a pipe can be opened only once
			total = -1
			continue
		}
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
	l.bar = l.newProgress(total)
	err = l.files(ctx, files)
	err = errors.Join(err, l.settle(0))
	l.bar.finish()
	stats, e := l.ix.Stats(context.WithoutCancel(ctx))
	err = errors.Join(err, e, l.ix.Close())

	r := &l.result
	r.Skipped, r.Reasons = l.skipped.lines, l.skipped.reasons
	r.Seconds = time.Since(start).Seconds()
	r.Rate = float64(r.Prompts) / r.Seconds
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

// files loads files in their order, in which prompts are flagged. Those to come
// are read and decoded meanwhile.
func (l *loading) files(ctx context.Context, names []string) error {
	ctx, cancel := context.WithCancel(ctx)
	var ahead sync.WaitGroup
	defer ahead.Wait()
	defer cancel()
	var reading []chan decoded
	for i := range names {
		for next := i + len(reading); next < len(names) && len(reading) < maxAhead; next++ {
			to := make(chan decoded, maxDecoded)
			reading = append(reading, to)
			ahead.Go(func() { l.decode(ctx, names[next], to) })
		}
		if err := l.file(ctx, names[i], reading[0]); err != nil {
			return err
		}
		reading = reading[1:]
	}
	return nil
}

// maxAhead is how many files are read at a time, and maxDecoded how many batches
// of each wait for their turn.
const maxAhead, maxDecoded = 3, 4

// A decoded is a batch of a file, or why there are no more.
type decoded struct {
	promptlog.Batch
	err error
}

// decode reads one file. It closes to behind the last batch or error.
func (l *loading) decode(ctx context.Context, name string, to chan<- decoded) {
	defer close(to)
	send := func(d decoded) bool {
		select {
		case to <- d:
			return true
		case <-ctx.Done():
			return false
		}
	}
	r, err := l.open(name)
	if err != nil {
		send(decoded{err: err})
		return
	}
	defer r.Close()
	for batch, err := range promptlog.Read(ctx, r, l.readOptions(name)) {
		if !send(decoded{batch, err}) || err != nil {
			return
		}
	}
}

// file stores what a file has.
func (l *loading) file(ctx context.Context, name string, from <-chan decoded) error {
	done := l.bar.bytes
	for batch := range from {
		if batch.err != nil {
			return fmt.Errorf("%s: %w", name, batch.err)
		}
		l.skipped.add(batch.Skipped)
		l.bar.set(done+batch.Bytes, l.result.Prompts+l.result.Duplicates)
		for prompts := range slices.Chunk(batch.Prompts, index.MaxBatch) {
			if err := l.settle(maxPending - 1); err != nil {
				return err
			}
			p, err := l.ix.Submit(ctx, prompts...)
			if err != nil {
				return err
			}
			l.pending = append(l.pending, p)
		}
	}
	return ctx.Err() // decode ends without a word then
}

// open opens a file of the command line.
func (l *loading) open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(l.stdin), nil
	}
	f, _, err := promptlog.Open(name)
	return f, err
}

func (l *loading) readOptions(name string) *promptlog.Options {
	return &promptlog.Options{Name: name, TimeOptional: l.assumeNow, Format: l.format, Map: l.fields, MakeIDs: true, Explain: l.dryRun}
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
	return fmt.Errorf("interrupted: %s stored, and safe; the same command goes on from there", count(r.Prompts+r.Duplicates, "prompt"))
}
