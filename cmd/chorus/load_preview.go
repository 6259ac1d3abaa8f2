package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
)

// A preview is what load --dry-run tells about one file.
type preview struct {
	File      string                    `json:"file"`
	Format    string                    `json:"format"` // "" if no record was recognised
	Container string                    `json:"container"`
	Prompts   int                       `json:"prompts"`
	Skipped   int                       `json:"skipped"`
	Reasons   map[string]int            `json:"reasons,omitempty"`
	First     *time.Time                `json:"first,omitempty"`
	Last      *time.Time                `json:"last,omitempty"`
	Fields    map[string]map[string]int `json:"fields"` // of prompts, and from which paths they come
	Examples  []example                 `json:"examples"`
}

// An example is one of the first prompts.
type example struct {
	Time     *time.Time        `json:"time,omitempty"`
	Account  string            `json:"account"`
	Model    string            `json:"model,omitempty"`
	Text     string            `json:"text,omitempty"`
	Messages []index.Message   `json:"messages,omitempty"`
	Attrs    map[string]string `json:"attrs,omitempty"`
}

const maxExamples = 3

// preview reads the files and shows what load would make of them.
func (l *loading) preview(ctx context.Context, files []string) error {
	for _, name := range files {
		p, skipped, err := l.look(ctx, name)
		if err == nil {
			l.skipped.merge(&skipped)
			if l.json {
				err = l.app.print(p)
			} else {
				err = l.showPreview(p, skipped)
			}
		}
		if err != nil {
			return err
		}
	}
	if l.skipped.lines > 0 {
		return &l.skipped
	}
	return nil
}

func (l *loading) look(ctx context.Context, name string) (p preview, skipped skippedError, err error) {
	r, err := l.open(name)
	if err != nil {
		return p, skipped, err
	}
	defer r.Close()
	p = preview{File: name, Fields: make(map[string]map[string]int), Examples: []example{}}
	for batch, err := range promptlog.Read(ctx, r, l.readOptions(name)) {
		if err != nil {
			return p, skipped, fmt.Errorf("%s: %w", name, err)
		}
		skipped.add(batch.Skipped)
		if batch.Format != "" {
			p.Format = batch.Format
		}
		p.Container = batch.Container
		p.Prompts += len(batch.Prompts)
		for use, n := range batch.Used {
			if p.Fields[use.Field] == nil {
				p.Fields[use.Field] = make(map[string]int)
			}
			p.Fields[use.Field][use.Path] += n
		}
		for i := range batch.Prompts {
			p.see(&batch.Prompts[i])
		}
	}
	p.Skipped, p.Reasons = skipped.lines, skipped.reasons
	return p, skipped, nil
}

func (p *preview) see(q *index.Prompt) {
	var at *time.Time
	if !q.Time.IsZero() {
		at = &q.Time
		if p.First == nil || at.Before(*p.First) {
			p.First = at
		}
		if p.Last == nil || at.After(*p.Last) {
			p.Last = at
		}
	}
	if len(p.Examples) < maxExamples {
		p.Examples = append(p.Examples, example{at, q.Account, q.Model, q.Text, q.Messages, q.Attrs})
	}
}

func (l *loading) showPreview(p preview, skipped skippedError) error {
	var b strings.Builder
	format := p.Format
	if format == "" {
		format = "not recognised, read as native"
	}
	fmt.Fprintf(&b, "%s: %s, %s\n", escape(p.File, false), format, p.Container)
	fmt.Fprintf(&b, "  prompts  %s", thousands(p.Prompts))
	if p.First != nil {
		fmt.Fprintf(&b, ", %s to %s", p.First.UTC().Format(time.RFC3339), p.Last.UTC().Format(time.RFC3339))
	}
	b.WriteByte('\n')
	for _, field := range []string{"account", "time", "text", "system", "model", "id", "ip"} {
		if paths := p.Fields[field]; len(paths) > 0 {
			fmt.Fprintf(&b, "  %-8s from", field)
			for i, path := range byCount(paths) {
				if i > 0 {
					b.WriteByte(',')
				}
				fmt.Fprintf(&b, " %s (%s)", escape(path, false), thousands(paths[path]))
			}
			b.WriteByte('\n')
		}
	}
	if p.Skipped > 0 {
		fmt.Fprintf(&b, "  skipped  %s\n", thousands(p.Skipped))
		skipped.table(&b)
	}
	for _, e := range p.Examples {
		when := "no time"
		if e.Time != nil {
			when = e.Time.UTC().Format(time.RFC3339Nano)
		}
		fmt.Fprintf(&b, "\n  %s  %s  %s\n", when, escape(e.Account, false), escape(e.Model, false))
		if e.Text != "" {
			fmt.Fprintf(&b, "    %s\n", cut(escape(e.Text, false), exampleColumns))
		}
		for _, m := range e.Messages {
			fmt.Fprintf(&b, "    %-9s  %s\n", escape(m.Role, false), cut(escape(m.Content, false), exampleColumns))
		}
	}
	b.WriteByte('\n')
	_, err := l.stdout.Write([]byte(b.String()))
	return err
}

// exampleColumns is how much of an example's text is shown.
const exampleColumns = 100
