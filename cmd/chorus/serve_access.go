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
	f.Float64Var(&a.rate, "rate", 0, "requests a second that each token may make, unless it has a rate of its own; 0: any")
	f.IntVar(&a.concurrent, "concurrent", 0, "requests at a time that each token may make; 0: any")
	f.IntVar(&a.ingestMiB, "ingest-mib", 256, "bodies with prompts under way at a time, in MiB; more wait, then get 429")
	f.IntVar(&a.connections, "connections", 4096, "connections at a time; more wait to be accepted")
	f.IntVar(&a.queries, "queries", 32, "queries under way at a time; more wait, then get 429")
}

// validate reports a limit that is none.
func (a *accessing) validate() error {
	for _, limit := range []struct {
		flag         string
		value, least int
	}{{"concurrent", a.concurrent, 0}, {"ingest-mib", a.ingestMiB, 1}, {"queries", a.queries, 1}, {"connections", a.connections, 1}} {
		if limit.value < limit.least {
			return usagef("--%s %d: want %d or more", limit.flag, limit.value, limit.least)
		}
	}
	if !(a.rate >= 0) {
		return usagef("--rate %v: want 0 or more", a.rate)
	}
	return nil
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
