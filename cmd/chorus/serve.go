package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server"
)

const defaultListen = "127.0.0.1:8428"

func (a *app) serve() *cobra.Command {
	var listen string
	var options func() *index.Options
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the index over HTTP",
		Long: `Serve the index over HTTP until interrupted. The index is made if it does not
exist. There is no authentication: listen on an address that only the right
people reach.

  POST /v1/prompts       add prompts: one JSON object, an array, or
                         application/x-ndjson; gzip and zstd are accepted
  GET  /v1/similar       ?text=…&min=0.5&limit=20; or POST {"text":"…"}
  GET  /v1/templates     ?min_accounts=10&since=2026-06-01&limit=20&members=true
  GET  /v1/templates/ID
  GET  /v1/campaigns     ?status=alert&min_accounts=20&limit=20&members=true
  GET  /v1/campaigns/ID
  GET  /v1/accounts/ID
  POST /v1/labels        {"campaign":"c8","verdict":"benign"}, an array, or
                         application/x-ndjson; GET lists all of them
  GET  /v1/flags         ?after=17; with Accept: text/event-stream it follows
  GET  /healthz /readyz`,
		Example: `  chorus serve --listen 127.0.0.1:9000
  curl -d '{"account":"a1","text":"hello"}' http://127.0.0.1:9000/v1/prompts`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(ctx context.Context, _ []string) error {
			return a.listen(ctx, listen, options())
		}),
	}
	cmd.Flags().StringVar(&listen, "listen", defaultListen, "address and port; port 0 picks a free one")
	options = tuning(cmd.Flags())
	return cmd
}

// listen serves until ctx is done, and closes the index when all requests are
// answered.
func (a *app) listen(ctx context.Context, address string, o *index.Options) error {
	log := slog.New(slog.NewTextHandler(a.stderr, nil))
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	o.Logger = log
	ix, err := index.Open(a.db, o)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	fmt.Fprintf(a.stderr, "chorus: serving %s at http://%s\n", escape(a.db, false), l.Addr())
	err = server.New(ix, &server.Options{Logger: log}).Serve(ctx, l)
	return errors.Join(err, ix.Close())
}
