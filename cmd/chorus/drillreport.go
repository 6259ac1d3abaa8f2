package main

import (
	"fmt"
	"strconv"

	"github.com/seed-368d3dfa/chorus/index/drill"
)

// ownShown is how many of the own alerts are listed.
const ownShown = 20

// print shows what the drills gave.
func (d *drilling) print() error {
	r := &d.report
	if d.json {
		return d.app.print(r)
	}
	alerts := 0
	for _, a := range r.Own {
		if a.Status == "alert" {
			alerts++
		}
	}
	fmt.Fprintf(d.stdout, "Your own traffic, without the campaign: %s, %d on watch\n", count(alerts, "alert"), len(r.Own)-alerts)
	d.scores(r.Own)
	own := newTable("<STATUS", "SCORE", "ACCOUNTS", "PROMPTS", "<PATTERN")
	for _, a := range r.Own[:min(alerts, ownShown)] {
		own.add(a.Status, fmt.Sprintf("%.0f", a.Score), thousands(a.Accounts), thousands(a.Prompts), oneLine(a.Pattern))
	}
	if alerts > 0 {
		d.lines(own)
	}
	if alerts > ownShown {
		fmt.Fprintf(d.stdout, "  and %d more alerts; --json lists all\n", alerts-ownShown)
	}

	prompts := "prompts"
	if d.plan.PerDay == 1 {
		prompts = "prompt"
	}
	fmt.Fprintf(d.stdout, "\nThe planted campaign, %s, %v %s an account and day, %s until %s:\n",
		d.plan.Tier, d.plan.PerDay, prompts, count(d.plan.Days, "day"), minute(d.plan.End))
	t := newTable("ACCOUNTS", "PROMPTS", "<STATUS", "SCORE", "RECOVERED", "STRANGERS", "AFTER PROMPTS", "AFTER ACCOUNTS", "LEAKED", "<ALERTED")
	for i := range r.Drills {
		o := &r.Drills[i]
		row := []string{thousands(o.Accounts), thousands(o.Prompts), o.Status, fmt.Sprintf("%.0f", o.Score)}
		if o.Status == "alert" {
			row = append(row, fmt.Sprintf("%s (%.0f %%)", thousands(o.Recovered), 100*float64(o.Recovered)/float64(o.Accounts)),
				thousands(o.Strangers), thousands(o.PromptsBefore), thousands(o.AccountsBefore),
				fmt.Sprintf("%.0f %%", 100*o.Leaked), minute(o.AlertedAt))
		} else {
			row = append(row, "0", "0", "-", "-", "all", "never")
		}
		t.add(row...)
	}
	d.lines(t)
	for i := range r.Drills {
		o := &r.Drills[i]
		if len(o.Factors) == 0 {
			fmt.Fprintf(d.stdout, "\n%s: no template of theirs was found\n", count(o.Accounts, "account"))
			continue
		}
		fmt.Fprintf(d.stdout, "\n%s, score %.0f:\n", count(o.Accounts, "account"), o.Score)
		for _, f := range o.Factors {
			fmt.Fprintf(d.stdout, "  %+5.0f  %-15s  %s\n", f.Points, f.Name, f.Text)
		}
	}
	return nil
}

func (d *drilling) lines(t *table) {
	for _, line := range t.lines(d.columns()) {
		fmt.Fprintln(d.stdout, "  "+line)
	}
}

// scores shows how many of the own alerts and watches reach higher and higher
// scores.
func (d *drilling) scores(own []drill.Alert) {
	if len(own) == 0 {
		return
	}
	t := newTable("SCORE FROM", "ALERTS", "<WATCHES")
	for from := 60.; from <= 95; from += 5 {
		n := map[string]int{}
		for _, a := range own {
			if a.Score >= from {
				n[a.Status]++
			}
		}
		t.add(fmt.Sprintf("%.0f", from), strconv.Itoa(n["alert"]), strconv.Itoa(n["watch"]))
	}
	d.lines(t)
}
