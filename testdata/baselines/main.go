// Command baselines holds chorus against simpler ways of finding campaigns, on
// labelled scenarios, and prints a table in Markdown.
//
//	go run ./testdata/baselines s1.jsonl s2.jsonl
//	go run ./testdata/baselines -only campaigns s1.jsonl s2.jsonl
//
// Beside s1.jsonl stands s1.truth.json, which has the planted campaigns with
// their accounts. Every method makes groups of prompts; a group alerts when it
// has at least 20 accounts, chorus's campaigns when they have status "alert".
// Recall is the share of the accounts of campaigns of 25 accounts and more
// that are in alerting groups; precision the share of accounts in alerting
// groups that belong to any campaign.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
)

const (
	alertAccounts = 20
	recallFrom    = 25 // accounts of a campaign
)

func main() {
	log.SetFlags(0)
	only := flag.String("only", "", "only methods whose name has this")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: baselines [-only NAME] SCENARIO.jsonl…")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(context.Background(), *only, flag.Args()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, only string, files []string) error {
	sums := make([]summary, len(methods))
	for _, name := range files {
		var s scenario
		if err := s.read(ctx, name); err != nil {
			return err
		}
		for i, m := range methods {
			if !strings.Contains(m.name, only) {
				continue
			}
			alerted, err := m.alerted(ctx, &s)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", name, m.name, err)
			}
			sums[i].add(s.score(alerted))
		}
		if err := s.close(); err != nil {
			return err
		}
	}
	fmt.Println("| method | recall, mean (worst) | precision, mean (worst) |")
	fmt.Println("|---|---|---|")
	for i, m := range methods {
		if s := &sums[i]; s.files > 0 {
			fmt.Printf("| %s | %s (%s) | %s (%s) |\n", m.name, two(s.recall/float64(s.files)), two(s.worstRecall),
				two(s.precision/float64(s.files)), two(s.worstPrecision))
		}
	}
	return nil
}

// two writes a share with two digits.
func two(x float64) string {
	return strings.TrimPrefix(fmt.Sprintf("%.2f", x), "0")
}

// A scenario is a log with the truth about it.
type scenario struct {
	prompts []index.Prompt
	owner   map[string]bool     // accounts of campaigns
	large   map[string]struct{} // those of campaigns that count for recall

	dir string
	ix  *index.Index // made by the first method that needs it
}

func (s *scenario) read(ctx context.Context, name string) error {
	b, err := os.ReadFile(strings.TrimSuffix(name, ".jsonl") + ".truth.json")
	if err != nil {
		return err
	}
	var truth struct {
		Campaigns []struct{ Accounts []string }
	}
	if err := json.Unmarshal(b, &truth); err != nil {
		return fmt.Errorf("the truth of %s: %w", name, err)
	}
	s.owner, s.large = make(map[string]bool), make(map[string]struct{})
	for _, c := range truth.Campaigns {
		for _, a := range c.Accounts {
			s.owner[a] = true
			if len(c.Accounts) >= recallFrom {
				s.large[a] = struct{}{}
			}
		}
	}
	f, _, err := promptlog.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for batch, err := range promptlog.Read(ctx, f, nil) {
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.prompts = append(s.prompts, batch.Prompts...)
	}
	return nil
}

// score holds the alerted accounts against the truth.
func (s *scenario) score(alerted map[string]bool) (recall, precision float64) {
	right, good := 0, 0
	for a := range alerted {
		if s.owner[a] {
			right++
		}
		if _, ok := s.large[a]; ok {
			good++
		}
	}
	return float64(good) / float64(max(1, len(s.large))), float64(right) / float64(max(1, len(alerted)))
}

type summary struct {
	files                                          int
	recall, precision, worstRecall, worstPrecision float64
}

func (s *summary) add(recall, precision float64) {
	if s.files == 0 {
		s.worstRecall, s.worstPrecision = recall, precision
	}
	s.files++
	s.recall += recall
	s.precision += precision
	s.worstRecall, s.worstPrecision = min(s.worstRecall, recall), min(s.worstPrecision, precision)
}
