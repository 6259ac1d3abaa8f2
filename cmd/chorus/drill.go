package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/index/drill"
)

func (a *app) drill() *cobra.Command {
	d := &drilling{app: a}
	cmd := &cobra.Command{
		Use:   "drill",
		Short: "Try how a simulated campaign would be caught in your traffic",
		Long: `Plant a simulated campaign in a copy of the index and report when it would have
been alerted, after how many prompts, and how many of its accounts would have been
recovered; beside it, which alerts your own traffic raises without any campaign.
The index itself is only read. Copies are temporary files (in TMPDIR, twice the
index's size) and are removed at the end, also after an interrupt. A drill that is
killed leaves them in a folder chorus-drill-…; the next one says so.

With --log a new temporary index is made of logs instead, with the campaign among
their prompts by time. That takes as long as loading them once for every size and
once without a campaign, and tells more truly how early the alert comes: in a copy
the campaign arrives after everything else, though its times lie in the last days.
--decoys needs --log, as an index keeps no ordinary prompts to copy.

Choosing thresholds with it:
 1. Look at your own traffic's alerts first. Those that are honest (your tools'
    system prompts, samples shown to newcomers, an organisation's macros) are best
    given to "chorus label" as benign, which removes them and nothing else; drill
    again until what is left is worth a look. The table of scores says how many
    would be left if only higher scores were looked at.
 2. Then find the smallest campaign that is still alerted: --accounts 8,25,100,400.
    An alert needs 20 accounts; smaller campaigns are at best on watch, so whoever
    has the time looks at "chorus campaigns --status watch" as well.
 3. Make it harder, as an adversary would: fewer prompts an account
    (--prompts-per-day 0.2), decoys (--decoys 10), a disguise (--tier T4), your own
    template and payloads. The factors say what gave it away, and what did not.
 4. LEAKED is the share of its prompts that got through before the alert. If that
    is too much for small campaigns, act on watches; no threshold buys it back.

--template has one template, the whole file; {} marks its slots. --payload has one
filling a line, taken in turn; without it fillings are made up, no two alike. Tiers:
T0 as it is, T1 case, spacing and punctuation, T2 misspelt words, T3 ordinary text
around it, T4 sentences in any order, T5 look-alike letters and invisible characters.
The same --seed plants the same prompts.`,
		Example: `  chorus drill
  chorus drill --accounts 8,25,100,400 --tier T3
  chorus drill --log june.jsonl.gz --decoys 5 --prompts-per-day 0.5 --days 14
  chorus drill --template theirs.txt --payload questions.txt --json`,
		Args: noArgs,
		RunE: a.runs(func(ctx context.Context, _ []string) error { return d.run(ctx) }),
	}
	f := cmd.Flags()
	f.StringVar(&d.template, "template", "", "file with the template; {} marks a slot (default a built-in one)")
	f.StringVar(&d.payload, "payload", "", "file with what fills the slots, one a line (default made up)")
	f.IntSliceVar(&d.sizes, "accounts", []int{100}, "accounts of the campaign; several sizes are tried one by one: 8,25,100")
	f.Float64Var(&d.plan.PerDay, "prompts-per-day", 1, "prompts that an account sends a day, in the mean")
	f.IntVar(&d.plan.Days, "days", 7, "the campaign lasts so many days, up to the newest prompt")
	f.StringVar(&d.tier, "tier", "T0", "disguise, T0 to T5")
	f.IntVar(&d.plan.Decoys, "decoys", 0, "ordinary prompts that every account copies from the log")
	f.StringArrayVar(&d.logs, "log", nil, "a log to drill on in place of the index; may be repeated, in time order")
	f.Uint64Var(&d.plan.Seed, "seed", 1, "seed of the random numbers")
	d.options = tuning(f)
	return cmd
}

// A drilling is one run of drill.
type drilling struct {
	*app
	template, payload, tier string
	sizes                   []int
	logs                    []string
	plan                    drill.Plan
	options                 func() *index.Options

	dir     string // of temporary files
	report  drilled
	skipped skippedError
}

// drilled is the JSON of drill.
type drilled struct {
	Own    []drill.Alert   `json:"own"`    // alerts and watches without a campaign
	Drills []drill.Outcome `json:"drills"` // one for every size
}

func (d *drilling) run(ctx context.Context) error {
	if err := d.prepare(); err != nil {
		return err
	}
	// Whoever reads the report may stop in the middle, which ends the process:
	// no temporary file is left by then.
	if err := d.measure(ctx); err != nil {
		return err
	}
	err := d.print()
	if err == nil && d.skipped.lines > 0 {
		err = &d.skipped
	}
	return err
}

// drillFolder begins the name of the folder of a drill's temporary files.
const drillFolder = "chorus-drill-"

// measure makes the report with temporary indexes, and removes them.
func (d *drilling) measure(ctx context.Context) (err error) {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), drillFolder+"*")) // a TMPDIR with [ in it finds none
	for _, name := range left {
		fmt.Fprintf(d.stderr, "chorus: %s holds copies of a drill that was killed, or of one under way; if none is, remove it\n", escape(name, false))
	}
	if d.dir, err = os.MkdirTemp("", drillFolder); err != nil {
		return fmt.Errorf("%w; TMPDIR names the folder for temporary files", err)
	}
	defer func() {
		err = errors.Join(err, os.RemoveAll(d.dir))
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			err = errors.New("interrupted; temporary files are removed")
		}
	}()
	if len(d.logs) > 0 {
		return d.onLogs(ctx)
	}
	return d.onCopy(ctx)
}

// prepare reads what the flags name.
func (d *drilling) prepare() (err error) {
	if d.plan.Tier, err = drill.ParseTier(d.tier); err != nil {
		return usagef("--tier %q: want T0 to T5", d.tier)
	}
	if d.plan.Decoys > 0 && len(d.logs) == 0 {
		return usagef("--decoys needs --log: an index keeps no ordinary prompts to copy")
	}
	if len(d.sizes) == 0 {
		return usagef("--accounts is empty: want whole numbers, with commas between them")
	}
	for _, name := range d.logs {
		if name == "-" {
			return usagef("--log -: standard input cannot be read several times; name a file")
		}
		f, _, err := promptlog.Open(name)
		if err != nil {
			return err
		}
		f.Close()
	}
	if d.template != "" {
		b, err := os.ReadFile(d.template)
		if err != nil {
			return err
		}
		d.plan.Template = strings.TrimSpace(string(b))
		if d.plan.Template == "" {
			return fmt.Errorf("%s is empty", d.template)
		}
	}
	if d.payload != "" {
		if d.plan.Payloads, err = readLines(d.payload); err != nil {
			return err
		}
	}
	for _, n := range d.sizes {
		p := d.plan
		p.Accounts, p.End = n, p.End.AddDate(2000, 0, 0) // the end is not known yet
		if err := p.Validate(); err != nil {
			return &usageError{err}
		}
	}
	return nil
}

// readLines returns the lines of a file that are not blank.
func readLines(name string) (lines []string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if strings.TrimSpace(s.Text()) != "" {
			lines = append(lines, s.Text())
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s has no lines", name)
	}
	return lines, nil
}

// onCopy drills on copies of the index.
func (d *drilling) onCopy(ctx context.Context) error {
	clean := filepath.Join(d.dir, "clean.db")
	err := d.with(func(ix *index.Index) error {
		stats, err := ix.Stats(ctx)
		if err != nil {
			return err
		}
		if stats.Prompts == 0 {
			return fmt.Errorf("%s has no prompts to drill among", d.db)
		}
		d.plan.End = stats.Last
		if d.report.Own, err = drill.Own(ctx, ix); err != nil {
			return err
		}
		_, err = backupTo(ctx, ix, clean)
		return err
	})
	if err != nil {
		return err
	}
	for _, n := range d.sizes {
		// Each size has a copy of its own, made from the first.
		err := d.onFile(ctx, "copy.db", n, func(ix *index.Index, p *drill.Planted) error {
			return drill.NewMixer(ix, p).Finish(ctx)
		}, func(name string) error {
			ix, err := index.Open(clean, &index.Options{ReadOnly: true, MustExist: true})
			if err != nil {
				return err
			}
			_, err = backupTo(ctx, ix, name)
			return errors.Join(err, ix.Close())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// texts is how many ordinary prompts are kept for decoys.
const texts = 20_000

// onLogs drills on the logs.
func (d *drilling) onLogs(ctx context.Context) error {
	survey := drill.NewSurvey(texts, d.plan.Seed)
	err := d.onIndex("own.db", func(ix *index.Index) (err error) {
		if err := d.replay(ctx, ix, nil, survey); err != nil {
			return err
		}
		d.report.Own, err = drill.Own(ctx, ix)
		return err
	})
	if err != nil {
		return err
	}
	if survey.Prompts == 0 {
		return fmt.Errorf("%s: no prompts to drill among", strings.Join(d.logs, ", "))
	}
	d.plan.End, d.plan.Ordinary = survey.Last, survey.Texts
	for _, n := range d.sizes {
		err := d.onFile(ctx, "mixed.db", n, func(ix *index.Index, p *drill.Planted) error {
			return d.replay(ctx, ix, p, nil)
		}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

// replay puts the logs into an index, with a campaign among them if there is
// one. The first time round it sums up what the logs have.
func (d *drilling) replay(ctx context.Context, ix *index.Index, p *drill.Planted, survey *drill.Survey) error {
	m := drill.NewMixer(ix, p)
	var err error
	for _, name := range d.logs {
		if err = d.replayFile(ctx, name, m, survey); err != nil {
			break
		}
	}
	return errors.Join(err, m.Finish(ctx))
}

func (d *drilling) replayFile(ctx context.Context, name string, m *drill.Mixer, survey *drill.Survey) error {
	f, _, err := promptlog.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for batch, err := range promptlog.Read(ctx, f, &promptlog.Options{Name: name}) {
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if survey != nil {
			d.skipped.add(batch.Skipped)
			for i := range batch.Prompts {
				survey.Note(&batch.Prompts[i])
			}
		}
		if err := m.Add(ctx, batch.Prompts); err != nil {
			return err
		}
	}
	return nil
}

// onFile drills with n accounts on a temporary index, which begin, if given,
// makes and plant puts the campaign into.
func (d *drilling) onFile(ctx context.Context, name string, n int, plant func(*index.Index, *drill.Planted) error, begin func(name string) error) error {
	plan := d.plan
	plan.Accounts = n
	p, err := plan.Plant()
	if err != nil {
		return err
	}
	if begin != nil {
		if err := begin(filepath.Join(d.dir, name)); err != nil {
			return err
		}
	}
	return d.onIndex(name, func(ix *index.Index) error {
		if err := plant(ix, p); err != nil {
			return err
		}
		o, err := drill.Measure(ctx, ix, p)
		d.report.Drills = append(d.report.Drills, o)
		return err
	})
}

// onIndex calls f with a temporary index, and removes that.
func (d *drilling) onIndex(name string, f func(ix *index.Index) error) error {
	name = filepath.Join(d.dir, name)
	o := d.options()
	o.NoSync = true
	ix, err := index.Open(name, o)
	if err != nil {
		return err
	}
	return errors.Join(f(ix), ix.Close(), os.Remove(name))
}
