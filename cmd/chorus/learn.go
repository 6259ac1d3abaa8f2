package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/index"
)

// A lesson is one run of learn.
type lesson struct {
	*app
	o index.LearnOptions
}

func (a *app) learn() *cobra.Command {
	l := &lesson{app: a}
	cmd := &cobra.Command{
		Use:   "learn",
		Short: "Fit the table of factors to the verdicts given so far",
		Long: `Fit the table of factors, by which templates are scored, to the verdicts given so
far with "chorus label". The table that chorus comes with was fitted to services of
one kind; where yours raises alerts of a kind that you keep labelling benign, or
misses campaigns that you know of, the verdicts may teach a better one.

Without a flag it changes nothing: it shows the table, how many labels the shipped
and the learnt one would get wrong, each label left out of what it is tried by, and
which campaigns without a verdict would begin or cease to alert.

--apply scores by what was learnt from now on. It refuses what does not do better
than the shipped table. --forget returns to the shipped table. Both are kept in the
index with --author and time. Giving labels alone never changes a score, so learn
again when there are many new ones.

It takes at least ` + strconv.Itoa(index.LeastLabels) + ` benign and ` + strconv.Itoa(index.LeastLabels) + ` confirmed labels of templates or campaigns that differ, of
8 accounts and more. A factor counts at least half and at most one and a half times
what it is shipped with, and every score moves by at most 10 points.`,
		Example: `  chorus learn
  chorus learn --apply --author ann
  chorus learn --forget --author ann`,
		Args: noArgs,
		RunE: a.runs(func(ctx context.Context, _ []string) error { return l.run(ctx) }),
	}
	f := cmd.Flags()
	f.BoolVar(&l.o.Apply, "apply", false, "score by what was learnt from now on, if it is better")
	f.BoolVar(&l.o.Forget, "forget", false, "score by the shipped table from now on")
	f.StringVar(&l.o.Author, "author", "", "who says so (the user's name)")
	cmd.MarkFlagsMutuallyExclusive("apply", "forget")
	return cmd
}

func (l *lesson) run(ctx context.Context) error {
	if !l.o.Apply && !l.o.Forget {
		return l.with(func(ix *index.Index) error { return l.learn(ctx, ix) })
	}
	if u, err := user.Current(); l.o.Author == "" && err == nil {
		l.o.Author = u.Username
	}
	ix, err := index.Open(l.db, &index.Options{MustExist: true})
	if err != nil {
		return err
	}
	return errors.Join(l.learn(ctx, ix), ix.Close())
}

func (l *lesson) learn(ctx context.Context, ix *index.Index) error {
	got, err := ix.Learn(ctx, l.o)
	if err != nil {
		return err
	}
	if l.json {
		err = l.print(got)
	} else {
		err = l.show(got)
	}
	if err == nil && l.o.Apply && !got.Applied {
		err = errors.New("the learnt table is not in force: it is not better than the shipped one")
	}
	return err
}

// show writes what was learnt for people.
func (l *lesson) show(got *index.Learning) error {
	var lines []string
	then := "LEARNT"
	if l.o.Forget {
		then = "THEN"
	}
	t := newTable("SHIPPED", "NOW", then, "<FACTOR")
	for _, f := range got.Factors {
		t.add(decimal(f.Shipped), decimal(f.Now), decimal(f.Learnt), f.Name)
	}
	lines = append(lines, t.lines(0)...)
	for _, c := range []struct {
		what string
		all  []index.Rescored
	}{{"begin to alert", got.Begin}, {"alert no more", got.End}} {
		if len(c.all) == 0 {
			continue
		}
		would := "would "
		if got.Applied {
			would = ""
		}
		lines = append(lines, "", fmt.Sprintf("%s without a verdict %s%s:", count(len(c.all), "campaign"), would, c.what))
		t := newTable("<ID", "ACCOUNTS", "SCORE", "THEN", "<TEMPLATE")
		for _, r := range c.all {
			t.add(r.Campaign, thousands(r.Accounts), fmt.Sprintf("%.0f", r.Before), fmt.Sprintf("%.0f", r.After), r.Template)
		}
		lines = append(lines, t.lines(l.columns())...)
	}
	lines = append(lines, "")
	lines = append(lines, wrap(got.Text, l.columns(), 10)...)
	if n := len(got.History); n > 0 && !got.Applied {
		last := got.History[n-1]
		if last.Labels > 0 {
			lines = append(lines, escape(fmt.Sprintf("In force is what %s taught, since %s, by %q.", count(last.Labels, "label"), day(last.Time), last.Author), false))
		}
	}
	for _, line := range lines {
		if _, err := io.WriteString(l.stdout, line+"\n"); err != nil {
			return err
		}
	}
	return nil
}

func decimal(points float64) string { return strconv.FormatFloat(points, 'f', 1, 64) }
