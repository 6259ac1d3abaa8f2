package server

import (
	"context"
	"log/slog"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/access"
)

// audit records a verdict without the words of a text that it is about, and
// without its reason, which may quote some.
func audit(ctx context.Context, l *index.Label) {
	about := slog.Bool("text", true)
	switch {
	case l.Campaign != "":
		about = slog.String("campaign", l.Campaign)
	case l.Bundle != "":
		about = slog.String("bundle", l.Bundle)
	case l.Template != "":
		about = slog.String("template", l.Template)
	}
	access.Record(ctx, "label", about, slog.String("verdict", l.Verdict), slog.String("author", l.Author))
}
