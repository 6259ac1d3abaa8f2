package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/index/search"
	"github.com/seed-368d3dfa/chorus/server"
	"github.com/seed-368d3dfa/chorus/server/access"
	"github.com/seed-368d3dfa/chorus/server/intake"
	"github.com/seed-368d3dfa/chorus/server/listen"
	"github.com/seed-368d3dfa/chorus/server/metrics"
)

const defaultListen = "127.0.0.1:8428"

// A serving is one run of serve.
type serving struct {
	*app
	address   string
	cert, key string
	drain     time.Duration
	waitLock  time.Duration
	lag       time.Duration
	log       logging
	access    accessing
	hooks     hooking
	streams   []string
	tuned     func() *index.Options
}

func (a *app) serve() *cobra.Command {
	s := &serving{app: a}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the index over HTTP",
		Long: `Serve the index over HTTP until interrupted. The index is made if it does not
exist.

On loopback everybody on this machine may do everything until there are tokens:
"chorus token create" makes them, also while serving. On other addresses serve
refuses to start without tokens.

  POST /v1/prompts       add prompts: one JSON object, an array, or
                         application/x-ndjson; gzip and zstd are accepted
  POST /insert/jsonline /_bulk /loki/api/v1/push /v1/logs /v1/traces
                         what shippers of logs send: JSON lines of any format
                         that load reads, Elasticsearch, Loki, OTLP
                         (docs/shippers.md)
  GET  /v1/similar       ?text=…&min=0.5&limit=20; or POST {"text":"…"}
  GET  /v1/templates     ?min_accounts=10&since=7d&attr=model=m-large&limit=20
  GET  /v1/templates/ID
  GET  /v1/campaigns     ?status=alert&min_accounts=20&limit=20&members=true
  GET  /v1/campaigns/ID
  GET  /v1/accounts/ID
  GET  /v1/search        ?q=WORDS&status=alert,watch&min_accounts=20&since=2026-06-01
  POST /v1/labels        {"campaign":"c8","verdict":"benign"}, an array, or
                         application/x-ndjson; GET lists all of them
  POST /v1/learn         {"apply":false,"forget":false}: what verdicts teach
  GET  /v1/flags         ?after=17; with Accept: text/event-stream it follows
  GET  /v1/webhooks      how they are doing; POST /v1/webhooks/replay {}
  GET  /                 the investigator's pages, for browsers
  GET  /docs             every path; /openapi.json says it to programs
  GET  /healthz /readyz  open to everybody
  GET  /metrics          for Prometheus
  GET  /v1/backup        a consistent copy of the index, for admins
  GET  /debug/pprof/     profiles, for admins

Who asks for more than there is room for gets 429 and when to come back.

--webhook posts flags to an address, signed with the secret that the environment
variable CHORUS_WEBHOOK_SECRET has (make one with "openssl rand -base64 32");
--webhooks names a file with several: docs/webhooks.md.

Certificates are read again when their files change, and at SIGHUP. SIGINT and
SIGTERM let requests under way finish, for --drain at most. Sockets that systemd
holds are used in place of --listen.`,
		Example: `  chorus serve --listen 127.0.0.1:9000
  curl -d '{"account":"a1","text":"hello"}' http://127.0.0.1:9000/v1/prompts

  chorus token create gateway --role ingest
  chorus serve --listen 0.0.0.0:8428 --tls-cert cert.pem --tls-key key.pem
  curl -H "Authorization: Bearer $TOKEN" --data-binary @prompts.json https://chorus.example/v1/prompts`,
		Args: noArgs,
		RunE: a.runs(func(ctx context.Context, _ []string) error { return s.run(ctx) }),
	}
	f := cmd.Flags()
	f.StringVar(&s.address, "listen", defaultListen, "address and port; port 0 picks a free one")
	f.StringVar(&s.cert, "tls-cert", "", "file with the certificate and its issuers' (PEM)")
	f.StringVar(&s.key, "tls-key", "", "file with the certificate's key (PEM)")
	f.Var(lasting(&s.drain, 30*time.Second), "drain", "how long requests under way may take when it stops")
	f.Var(lasting(&s.waitLock, 10*time.Second), "wait-lock", "how long to wait for another process to let go of the index")
	f.Var(lasting(&s.lag, 2*time.Second), "lag", "how old scores and campaigns may be in answers while prompts come in")
	f.StringArrayVar(&s.streams, "consume", nil, "also add the prompts of a stream: a `URL` as \"chorus consume --help\" has them; may be repeated")
	s.access.flags(cmd)
	s.hooks.flags(cmd)
	s.log.flags(cmd)
	s.tuned = tuning(f)
	return cmd
}

// run serves until ctx is done, and closes the index when all requests are
// answered. It listens before it opens the index: who comes early waits.
func (s *serving) run(ctx context.Context) error {
	log, err := s.log.logger(s.stderr)
	if err != nil {
		return err
	}
	if (s.cert == "") != (s.key == "") {
		return usagef("--tls-cert and --tls-key belong together")
	}
	if err := checkStreams(s.streams); err != nil {
		return err
	}
	if err := checkAddress(s.address); err != nil {
		return err
	}
	sockets, err := listen.Open(s.address)
	if err != nil {
		return err
	}
	defer listen.Close(sockets) // those that serve are closed already
	for i, l := range sockets {
		sockets[i] = netutil.LimitListener(l, s.access.connections)
	}
	guard, err := s.guard(sockets, log)
	if err != nil {
		return err
	}
	defer guard.Close()
	scheme := "http"
	if s.cert != "" {
		certificate, err := listen.NewTLS(s.cert, s.key, log)
		if err != nil {
			return err
		}
		defer certificate.Close()
		defer onHangUp(func() {
			if err := certificate.Reload(); err != nil {
				log.Error("certificate not reloaded; the one read before stays", "error", err)
			} else {
				log.Info("certificate reloaded", "file", s.cert)
			}
		})()
		for i, l := range sockets {
			sockets[i] = certificate.Listener(l)
		}
		scheme = "https"
	} else {
		defer onHangUp(func() { log.Info("SIGHUP: there is no certificate to reload") })()
	}
	return s.serveIndex(ctx, sockets, scheme, guard, log)
}

// checkAddress refuses what can be no address to listen on, whatever machine
// this is.
func checkAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil || port == "" {
		return usagef("--listen %q: want an address and a port, like %s, [::1]:8428, 0.0.0.0:443, or :8428 for every address", address, defaultListen)
	}
	return nil
}

// serveIndex opens the index and answers what comes through the sockets.
func (s *serving) serveIndex(ctx context.Context, sockets []net.Listener, scheme string, guard *access.Guard, log *slog.Logger) error {
	m := metrics.New()
	guard.OnRefusal(m.Refused)
	o := s.tuned()
	o.Logger, o.Observe = log, m.Work
	o.Lag = s.lag
	o.LockTimeout = max(s.waitLock, time.Millisecond)
	ix, err := index.Open(s.db, o)
	if err != nil {
		return err
	}
	words, err := search.Open(ix, searchFolder(s.db), &search.Options{Logger: log})
	if err != nil {
		return errors.Join(err, ix.Close())
	}
	sender, err := s.hooks.start(ix, s.db, log)
	if err != nil {
		return errors.Join(err, words.Close(), ix.Close())
	}
	stop := m.Watch(ix)
	routes := adminRoutes(ix, log)
	routes["GET /metrics"] = m.Handler()
	srv := server.New(ix, &server.Options{
		Logger: log, Drain: s.drain, Search: words, Webhooks: sender, Guard: guard, Routes: routes,
		Wrap: func(h http.Handler) http.Handler { return m.Wrap(h, log) },
		Count: func(p intake.Protocol, n intake.Counts) {
			m.Records(string(p), n.Accepted, n.Duplicates, n.Skipped, n.Unrelated)
		},
		Handshake: m.Handshake,
		Skipped:   func(s *promptlog.Skip) { m.Skipped(s.Kind()) },
	})
	all, ctx := errgroup.WithContext(ctx) // sockets fail together
	all.Go(func() error { return feed(ctx, ix, s.streams, log, m.Records) })
	for _, l := range sockets {
		all.Go(func() error { return srv.Serve(ctx, l) })
		s.announce(log, scheme+"://"+l.Addr().String())
	}
	notify(log, daemon.SdNotifyReady)
	defer context.AfterFunc(ctx, func() { notify(log, daemon.SdNotifyStopping) })()
	err = all.Wait()
	stop()
	return errors.Join(err, sender.Close(), words.Close(), ix.Close())
}

// announce says that the server is ready: to people in a line, to programs as a
// record.
func (s *serving) announce(log *slog.Logger, address string) {
	if s.log.format == "json" {
		log.Info("serving", "index", s.db, "address", address)
		return
	}
	fmt.Fprintf(s.stderr, "chorus: serving %s at %s\n", escape(s.db, false), address)
}

// notify tells systemd, if it asked for that.
func notify(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("systemd not notified", "error", err)
	}
}

// onHangUp calls f at every SIGHUP until stop is called.
func onHangUp(f func()) (stop func()) {
	signals, done, ended := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		defer close(ended)
		for {
			select {
			case <-signals:
				f()
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
		<-ended
	}
}

// guard opens the token file and refuses to serve where strangers could come in.
func (s *serving) guard(sockets []net.Listener, log *slog.Logger) (*access.Guard, error) {
	local := true
	for _, l := range sockets {
		local = local && listen.Local(l.Addr())
	}
	o := s.access.options(s.db, log)
	path := s.access.tokenFile(s.db)
	switch {
	case s.access.anyone:
		o.Anonymous = access.Anyone
	case local:
		o.Anonymous = access.Local
	}
	guard, err := access.Open(path, o)
	if err != nil {
		return nil, err
	}
	valid, exist := guard.Tokens()
	address := sockets[0].Addr().String()
	switch {
	case valid == 0 && o.Anonymous == access.Nobody, valid == 0 && exist && !local:
		guard.Close()
		return nil, usagef("other machines reach %s, and %s has no valid token.\n"+
			"Make one with \"chorus token create NAME --role admin\", or listen on %s, or, where something\n"+
			"else keeps strangers out, add --open-to-anyone", address, path, defaultListen)
	case exist && s.access.anyone:
		log.Warn("there is a token file: --open-to-anyone has no effect", "file", path)
	case o.Anonymous == access.Anyone:
		log.Warn("everybody who reaches the server may do everything", "address", address)
	}
	if exist && !local && s.cert == "" {
		log.Warn("tokens and prompts travel in clear: give --tls-cert and --tls-key, or let a proxy do TLS", "address", address)
	}
	return guard, nil
}
