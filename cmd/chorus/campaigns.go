package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/index"
)

func (a *app) campaigns() *cobra.Command {
	var s selection
	cmd := &cobra.Command{
		Use:   "campaigns",
		Short: "Show which accounts act together, worst first",
		Long: `Show which accounts act together, worst first: those that send the same templates
in a way that popularity does not explain. Every reason stands beside its points,
those against with a minus.

"alert" asks for a look, "watch" is less sure or smaller. "benign" and "confirmed"
are verdicts that "chorus label" gave. The line of blocks is the prompts per day:
of what each account sent of several of the templates on one day, that of which it
sent most, as one prompt may hold several. With --members every account stands with
the confidence that it is one of them and with its prompts. ` + whenHelp + `

` + attrHelp,
		Example: `  chorus campaigns
  chorus campaigns --status alert,watch --min-score 80
  chorus campaigns --status alert --json --members
  chorus campaigns --attr model=m-large
  chorus campaigns --id c317 --members`,
		Args: noArgs,
		RunE: a.runs(func(ctx context.Context, _ []string) error {
			if err := s.valid(); err != nil {
				return err
			}
			return a.with(func(ix *index.Index) error {
				filter, err := s.in(ctx, ix)
				if err != nil {
					return err
				}
				found, err := ix.Campaigns(ctx, filter)
				if err != nil {
					return err
				}
				if filter.ID != "" && len(found) == 0 {
					return fmt.Errorf("there is no campaign %s that fits", filter.ID)
				}
				return a.printCampaigns(found)
			})
		}),
	}
	f := cmd.Flags()
	s.flags(f, statuses[:4])
	f.StringVar(&s.since, "since", "", "only those seen since then: 24h, 7d, 2026-06-01")
	f.StringVar(&s.until, "until", "", "only those seen before then")
	cmd.AddCommand(a.export(), a.importBundle())
	return cmd
}

func (a *app) printCampaigns(found []index.Campaign) error {
	if a.json {
		for i := range found {
			if err := a.print(&found[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if len(found) == 0 {
		fmt.Fprintln(a.stderr, "chorus: no campaign fits")
		return nil
	}
	for i := range found {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		a.printCampaign(a.stdout, &found[i])
	}
	return nil
}

// shownTemplates is how many templates of a campaign are shown on a terminal.
const shownTemplates = 5

func (a *app) printCampaign(w io.Writer, c *index.Campaign) {
	columns := a.columns()
	fmt.Fprintf(w, "%s  %s  score %.0f  %s, %s, %s\n", c.ID, c.Status, c.Score,
		count(c.Accounts, "account"), count(c.Prompts, "prompt"), count(len(c.Templates), "template"))
	line, most, span := sparkline(c.Days)
	fmt.Fprintf(w, "  %s  %s  %s   at most %s in %s\n", day(c.FirstSeen), line, day(c.LastSeen), count(most, "prompt"), span)
	if !c.FlaggedAt.IsZero() {
		fmt.Fprintf(w, "  alerted by a prompt of %s\n", minute(c.FlaggedAt))
	}
	a.printAttrs(w, c.Attrs, columns)
	shown, variants := 0, make(map[string]int)
	for _, t := range c.Templates {
		if t.Family != "" {
			if variants[t.Family]++; variants[t.Family] > 1 {
				continue
			}
		}
		if shown++; shown <= shownTemplates {
			a.printIndented(w, fmt.Sprintf("  %s  %s  ", t.ID, count(t.Accounts, "account")), oneLine(t.Pattern), columns, 3)
		}
	}
	if more := shown - shownTemplates; more > 0 {
		fmt.Fprintf(w, "  and %s\n", count(more, "further template"))
	}
	if more := len(c.Templates) - shown; more > 0 {
		fmt.Fprintf(w, "  and %s of these\n", count(more, "variant"))
	}
	if c.Log10P < 0 {
		fmt.Fprintf(w, "  not coincidence (chance shares so many accounts once in 10^%.0f); explanation unknown\n", -c.Log10P)
	}
	if c.RewiredP > 0 {
		fmt.Fprintf(w, "  of random services with the same accounts and templates, %.2g %% or fewer share as many\n", 100*c.RewiredP)
	}
	a.printFactors(w, c.Factors)
	for _, m := range c.Members {
		fmt.Fprintf(w, "  %4.0f %%  %6s  %s\n", 100*m.Confidence, thousands(m.Prompts), escape(m.Account, false))
	}
}

func (a *app) printFactors(w io.Writer, factors []index.Factor) {
	columns := a.columns()
	for _, f := range factors {
		points := math.Round(f.Points) + 0 // no "-0"
		a.printIndented(w, fmt.Sprintf("  %+4.0f  %-15s  ", points, f.Name), f.Text, columns, 3)
	}
}

// printIndented writes text after a head, in up to depth lines.
func (a *app) printIndented(w io.Writer, head, text string, columns, depth int) {
	left := 0
	if columns > 0 {
		left = max(20, columns-len(head))
	}
	for i, line := range wrap(escape(text, false), left, depth) {
		if i > 0 {
			head = strings.Repeat(" ", len(head))
		}
		fmt.Fprintln(w, head+line)
	}
}

const sparkWidth = 60

// sparkline draws the prompts of days, of several in one place if there are
// many; most is what its highest place stands for, and span how long a place is.
func sparkline(days []index.Day) (line string, most int, span string) {
	if len(days) == 0 {
		return "", 0, "a day"
	}
	number := func(d index.Day) int {
		t, err := time.Parse(time.DateOnly, d.Day)
		if err != nil { // the index wrote it
			return 0
		}
		return int(t.Unix() / 86400)
	}
	first := number(days[0])
	total := number(days[len(days)-1]) - first + 1
	step := (total + sparkWidth - 1) / sparkWidth
	places := make([]int, (total+step-1)/step)
	for _, d := range days {
		at := (number(d) - first) / step
		places[at] += d.Prompts
		most = max(most, places[at])
	}
	blocks := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, n := range places {
		if n == 0 {
			b.WriteRune('·')
			continue
		}
		b.WriteRune(blocks[(n*len(blocks)-1)/most])
	}
	if span = "a day"; step > 1 {
		span = count(step, "day")
	}
	return b.String(), most, span
}
