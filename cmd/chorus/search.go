package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/index/search"
)

// searchFolder is where the text index of the index at db is kept.
func searchFolder(db string) string { return db + ".search" }

func (a *app) search() *cobra.Command {
	var q search.Query
	var since, until string
	var rebuild bool
	cmd := &cobra.Command{
		Use:   "search WORDS",
		Short: "Search the words of templates",
		Long: `Search the words of templates: their patterns and exemplars, in any language.
Templates that hold all of WORDS are shown, the best first; « and » mark what
was found.

  solve steps          both words, wherever they stand
  "step by step"       these words in a row (quote the quotes: '"step by step"')
  transl*              a word that begins so
  examiner~            a word that is nearly so; ~1 and ~2 say how many letters
                       may differ
  tutor OR teacher     one of the two
  pirate -"my love"    not this word, not these in a row (after "--", or not first)

Case, accents and punctuation do not matter.

What is searched is kept in a folder beside the index, DB.search, and brought up
to date first. It may be deleted at any time; --rebuild makes it anew. While
"chorus serve" runs, ask it instead: GET /v1/search?q=WORDS.

` + whenHelp,
		Example: `  chorus search patient tutor
  chorus search '"step by step" -homework' --status alert,watch --min-accounts 20
  chorus search 'examin*' --since 7d --json
  chorus search --rebuild`,
		Args: func(_ *cobra.Command, args []string) error {
			if strings.TrimSpace(strings.Join(args, "")) == "" && !rebuild {
				return errors.New("name the words to search for")
			}
			return nil
		},
		RunE: a.runs(func(ctx context.Context, args []string) error {
			q.Text = strings.Join(args, " ")
			if err := validStatus(q.Status, statuses); err != nil {
				return err
			}
			return a.with(func(ix *index.Index) (err error) {
				if q.Since, err = when(ctx, ix, "--since", since); err != nil {
					return err
				}
				if q.Until, err = when(ctx, ix, "--until", until); err != nil {
					return err
				}
				return a.searchIn(ctx, ix, q, rebuild)
			})
		}),
	}
	f := cmd.Flags()
	f.StringSliceVar(&q.Status, "status", nil, "only those of one of these: "+strings.Join(statuses, ", "))
	f.Var(atLeast(&q.MinAccounts, 0, 0), "min-accounts", "only those of so many accounts or more")
	f.Var(within(&q.MinScore, 0, 0, 100), "min-score", "only those of this score or more, 0 to 100")
	f.StringVar(&since, "since", "", "only those seen since then: 24h, 7d, 2026-06-01")
	f.StringVar(&until, "until", "", "only those seen before then")
	f.Var(atLeast(&q.Limit, 20, 1), "limit", "show so many")
	f.BoolVar(&rebuild, "rebuild", false, "make the folder anew; then WORDS may be missing")
	return cmd
}

// searchIn brings the folder up to date, or makes it anew, and answers.
func (a *app) searchIn(ctx context.Context, ix *index.Index, q search.Query, rebuild bool) error {
	s, err := search.Open(ix, searchFolder(a.db), nil)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		err = fmt.Errorf("%w; what is searched is kept in a folder beside the index", err)
	}
	if err != nil {
		return err
	}
	err = a.prepared(ctx, s, rebuild)
	if err == nil && q.Text != "" {
		var r search.Result
		if r, err = s.Search(ctx, q); err == nil {
			err = a.printHits(&r)
		}
	}
	if errors.Is(err, search.ErrQuery) {
		err = usagef("%w", err)
	}
	return errors.Join(err, s.Close())
}

// prepared waits for the folder, and says so when that takes long.
func (a *app) prepared(ctx context.Context, s *search.Search, rebuild bool) error {
	done := make(chan error, 1)
	go func() {
		if rebuild {
			done <- s.Rebuild(ctx)
		} else {
			done <- s.Sync(ctx)
		}
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(2 * time.Second):
		fmt.Fprintf(a.stderr, "chorus: writing the words of templates to %s\n", escape(searchFolder(a.db), false))
		return <-done
	}
}

func (a *app) printHits(r *search.Result) error {
	if a.json {
		for i := range r.Items {
			if err := a.print(&r.Items[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if r.Total == 0 {
		fmt.Fprintln(a.stderr, "chorus: no template holds that; a word with * at its end finds longer ones, with ~ similar ones")
		return nil
	}
	t := newTable("ACCOUNTS", "PROMPTS", "SCORE", "<STATUS", "<LAST", "<ID", "<TEXT")
	t.depth = 3
	for i := range r.Items {
		h := &r.Items[i]
		t.add(thousands(h.Accounts), thousands(h.Prompts), fmt.Sprintf("%.0f", h.Score), h.Status, day(h.LastSeen), h.ID, oneLine(marked(h)))
	}
	if err := a.printTable(t); err != nil {
		return err
	}
	if r.Total > len(r.Items) {
		fmt.Fprintf(a.stderr, "chorus: %s match; --limit shows more\n", count(r.Total, "template"))
	}
	return nil
}

// marked is a hit's first highlight with its words between « and ».
func marked(h *search.Hit) string {
	if len(h.Highlights) == 0 {
		return h.Pattern
	}
	var b strings.Builder
	for _, p := range h.Highlights[0].Parts {
		if p.Hit {
			b.WriteString("«" + p.Text + "»")
		} else {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}
