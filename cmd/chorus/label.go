package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
)

// maxLabels bounds a label file after decompression, in bytes.
const maxLabels = 256 << 20

// A labelling is one run of label.
type labelling struct {
	*app
	label     index.Label
	until     string
	from, out string
	force     bool
}

func (a *app) label() *cobra.Command {
	l := &labelling{app: a}
	cmd := &cobra.Command{
		Use:   "label",
		Short: "Give or withdraw a verdict on a template, a bundle, a campaign or a text",
		Long: `Give a verdict on a template, a bundle, a campaign or a text. What is benign stops
alerting and stops counting as evidence; new accounts on what is confirmed are
flagged at once, for each template the first of a day. "none" withdraws an earlier
verdict. The newest verdict that applies counts.

A bundle, the templates that come in the same prompts, labels those that it has
now; a campaign also what joins it later.

A text labels every template, now or later, of whose core it contains at least
60 %: so a list of known public prompts can be imported beforehand.

--import reads one JSON object a line:

  {"text":"You are a patient tutor …","verdict":"benign","reason":"our sample","author":"ann"}

with "template", "bundle" or "campaign" in place of "text", and "until" if the
verdict is to end. Lines that are no label, or whose template, bundle or campaign
does not exist, are skipped. --export writes every label ever given: the audit trail.

--until counts in the prompts' own time: a day (2026-07-01), a moment in RFC 3339,
or how long after the newest prompt in the index (30d).`,
		Example: `  chorus label --campaign c8 --verdict benign --reason "a class of ours" --author ann
  chorus label --bundle b4 --verdict benign --reason "a tool's two prompts"
  chorus label --text "You are a patient tutor" --verdict benign --until 90d
  chorus label --template t6 --verdict none
  chorus label --import known.jsonl
  chorus label --export -`,
		Args: noArgs,
		RunE: a.runs(func(ctx context.Context, _ []string) error { return l.run(ctx) }),
	}
	f := cmd.Flags()
	f.StringVar(&l.label.Template, "template", "", "the template's id")
	f.StringVar(&l.label.Bundle, "bundle", "", "the bundle's id")
	f.StringVar(&l.label.Campaign, "campaign", "", "the campaign's id")
	f.StringVar(&l.label.Text, "text", "", "the text")
	f.StringVar(&l.label.Verdict, "verdict", "", "benign, confirmed or none")
	f.StringVar(&l.label.Reason, "reason", "", "why")
	f.StringVar(&l.label.Author, "author", "", "who says so")
	f.StringVar(&l.until, "until", "", "when the verdict ends: 2026-07-01, 30d")
	f.StringVar(&l.from, "import", "", `read labels from a file, "-" for standard input`)
	f.StringVar(&l.out, "export", "", `write all labels to a new file, "-" for standard output`)
	f.BoolVar(&l.force, "force", false, "take ids that the index does not have")
	cmd.MarkFlagsMutuallyExclusive("template", "bundle", "campaign", "text", "import", "export")
	return cmd
}

func (l *labelling) run(ctx context.Context) error {
	given := l.label.Verdict+l.label.Reason+l.label.Author+l.until != ""
	switch {
	case l.out != "" && given, l.from != "" && given:
		return usagef("--import and --export go with no other label")
	case l.out != "":
		return l.with(func(ix *index.Index) error { return l.export(ctx, ix) })
	case l.from == "" && l.label.Template+l.label.Bundle+l.label.Campaign+l.label.Text == "":
		return usagef("say what to label: --template, --bundle, --campaign, --text or --import")
	case l.from == "" && l.label.Verdict == "":
		return usagef("--verdict is missing: benign, confirmed or none")
	}
	if l.from == "" {
		if err := l.label.Validate(); err != nil {
			return &usageError{err}
		}
	}
	ix, err := index.Open(l.db, &index.Options{MustExist: true})
	if err != nil {
		return err
	}
	if l.from != "" {
		err = l.load(ctx, ix)
	} else {
		err = l.one(ctx, ix)
	}
	return errors.Join(err, ix.Close())
}

// one gives the label of the command line.
func (l *labelling) one(ctx context.Context, ix *index.Index) error {
	var err error
	if l.label.Until, err = ahead(ctx, ix, l.until); err != nil {
		return err
	}
	if !l.force {
		unknown, err := ix.Unknown(ctx, l.label)
		if err != nil {
			return err
		}
		if len(unknown) > 0 {
			return fmt.Errorf("there is no %s; --force labels it all the same", target(&l.label))
		}
	}
	n, err := ix.Reach(ctx, l.label)
	if err != nil {
		return err
	}
	if err := ix.Label(ctx, l.label); err != nil {
		return err
	}
	if l.json {
		return l.print(map[string]int{"labels": 1, "templates": n})
	}
	of := ""
	switch {
	case l.label.Text != "" && n == 0:
		of = "; no template contains it yet, those that come will be judged by it"
	case l.label.Template == "":
		of = " (" + count(n, "template") + ")"
	}
	_, err = fmt.Fprintf(l.stdout, "%s: %s%s\n", target(&l.label), l.label.Verdict, of)
	return err
}

func target(l *index.Label) string {
	switch {
	case l.Template != "":
		return "template " + l.Template
	case l.Bundle != "":
		return "bundle " + l.Bundle
	case l.Campaign != "":
		return "campaign " + l.Campaign
	}
	return "the text"
}

// ahead reads the value of --until.
func ahead(ctx context.Context, ix *index.Index, value string) (time.Time, error) {
	if later, err := index.ParseSpan(value); err == nil {
		stats, err := ix.Stats(ctx)
		return stats.Last.Add(later), err
	}
	t, err := when(ctx, ix, "--until", value)
	if err != nil {
		err = usagef("--until %q: want a day like 2026-07-01, a time like 2026-07-01T08:00:00Z, or a span like 30d", value)
	}
	return t, err
}

// load gives the labels of a file, those that are valid.
func (l *labelling) load(ctx context.Context, ix *index.Index) error {
	f, _, err := promptlog.Open(l.from)
	if err != nil {
		return err
	}
	defer f.Close()
	var r io.Reader = f
	if l.from == "-" {
		r = l.stdin
	}
	body, err := promptlog.Decompress(r, &promptlog.Options{MaxBytes: maxLabels})
	if err != nil {
		return fmt.Errorf("%s: %w", l.from, err)
	}
	var labels []index.Label
	var lines []int
	skipped := partly{what: "label", name: l.from}
	number := 0
	for line := range bytes.Lines(bytes.TrimPrefix(body, []byte("\ufeff"))) {
		number++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		label, err := index.ParseLabel(line)
		if err != nil {
			skipped.add(number, strings.TrimPrefix(err.Error(), index.ErrLabel.Error()+": "))
			continue
		}
		labels, lines = append(labels, label), append(lines, number)
	}
	if !l.force {
		unknown, err := ix.Unknown(ctx, labels...)
		if err != nil {
			return err
		}
		kept := labels[:0]
		for i := range labels {
			if len(unknown) > 0 && unknown[0] == i {
				unknown = unknown[1:]
				skipped.add(lines[i], "there is no "+target(&labels[i]))
				continue
			}
			kept = append(kept, labels[i])
		}
		labels = kept
	}
	n, err := ix.Reach(ctx, labels...)
	if err != nil {
		return err
	}
	if err := ix.Label(ctx, labels...); err != nil {
		return err
	}
	if l.json {
		err = l.print(map[string]int{"labels": len(labels), "templates": n, "skipped": skipped.n})
	} else {
		_, err = fmt.Fprintf(l.stdout, "%s on %s\n", count(len(labels), "label"), count(n, "template"))
	}
	if err == nil && skipped.n > 0 {
		err = &skipped
	}
	return err
}

// export writes the audit trail.
func (l *labelling) export(ctx context.Context, ix *index.Index) (err error) {
	labels, err := ix.Labels(ctx)
	if err != nil {
		return err
	}
	return l.writeTo(l.out, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		for i := range labels {
			if err := e.Encode(&labels[i]); err != nil {
				return err
			}
		}
		return nil
	})
}
