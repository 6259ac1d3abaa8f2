package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/server/access"
)

// An accessing is what the flags about access say.
type accessing struct {
	tokens      string
	audit       string
	anyone      bool
	rate        float64
	concurrent  int
	ingestMiB   int
	queries     int
	connections int
}

// files adds the flags that serve and token share.
func (a *accessing) files(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.tokens, "tokens", "", "the token file (default: the index's with .tokens)")
	cmd.Flags().StringVar(&a.audit, "audit", "", "file that says who decided what, one JSON object a line (default: the index's with .audit)")
}

func (a *accessing) flags(cmd *cobra.Command) {
	a.files(cmd)
	f := cmd.Flags()
	f.BoolVar(&a.anyone, "open-to-anyone", false, "serve on any address without tokens")
	f.Var(atLeast(&a.rate, 0, 0), "rate", "requests a second that each token may make, unless it has a rate of its own; 0: any")
	f.Var(atLeast(&a.concurrent, 0, 0), "concurrent", "requests at a time that each token may make; 0: any")
	f.Var(within(&a.ingestMiB, 256, 1, 1<<20), "ingest-mib", "bodies with prompts under way at a time, in MiB; more wait, then get 429")
	f.Var(atLeast(&a.connections, 4096, 1), "connections", "connections at a time; more wait to be accepted")
	f.Var(atLeast(&a.queries, 32, 1), "queries", "queries under way at a time; more wait, then get 429")
}

func (a *accessing) tokenFile(db string) string {
	if a.tokens != "" {
		return a.tokens
	}
	return db + ".tokens"
}

func (a *accessing) auditFile(db string) string {
	if a.audit != "" {
		return a.audit
	}
	return db + ".audit"
}

func (a *accessing) options(db string, log *slog.Logger) *access.Options {
	return &access.Options{
		Rate: a.rate, Concurrent: a.concurrent, Logger: log, Audit: access.NewAudit(a.auditFile(db), log),
		Limits: access.Limits{IngestBytes: int64(a.ingestMiB) << 20, Queries: a.queries},
	}
}
