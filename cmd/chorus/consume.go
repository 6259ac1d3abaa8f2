package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/embed/consume"
	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
)

func (a *app) consume() *cobra.Command {
	c := &consuming{app: a}
	cmd := &cobra.Command{
		Use:   "consume URL…",
		Short: "Add the prompts of Kafka topics and NATS streams",
		Long: `Add the prompts of Kafka topics and NATS JetStream streams until interrupted.

  kafka://[USER@]HOST[:9092][,HOST…]/TOPIC[,TOPIC…]?…
    group=chorus            the consumer group: its committed offsets say where to go on
    instance=NAME           a member of its own name, which goes on at once after a restart
    start=earliest          or latest: where a group begins that has committed nothing
    sasl=plain              or scram-sha-256, scram-sha-512, with the password of USER
    dead_letters=TOPIC      gets what is no prompt
  nats://[USER@]HOST[:4222][,HOST…]/STREAM?…
    durable=chorus          the consumer, made if it does not exist
    subject=S[,S…]          only messages of these subjects
    start=all               or new; and ack_wait=1m: of a consumer that is made now
    creds=FILE, nkey=FILE   credentials of a user, or a seed
    dead_letters=SUBJECT    gets what is no prompt; a stream must hold it
  both
    account=key             who sends what does not say so: a record's key (Kafka), header:NAME,
                            or subject:N, the Nth part of a subject (NATS)
    format=NAME, map=FILE   for this stream, in place of --format and --map
    tls=true, ca=FILE, cert=FILE, key=FILE
    password_file=FILE      or CHORUS_KAFKA_PASSWORD, CHORUS_NATS_PASSWORD; token_file=FILE or CHORUS_NATS_TOKEN

A record is JSON of any format that load knows, an array, or several lines. It is acknowledged when
its prompts are durable, so that none is lost, and a prompt without an id gets one from its record's
place and time, so that none counts twice, however often chorus or the broker is killed. A prompt
without a time has its record's.

What is no prompt is a dead letter: counted under its reason, kept if --dead-letters or dead_letters=
says where, acknowledged; the exit code is then 3. The file of --dead-letters is its owner's alone, as it
has people's words.

One process has an index: to ask while it is fed, use "chorus serve --consume URL".`,
		Example: `  chorus consume 'kafka://broker1,broker2/prompts?group=chorus'
  chorus consume --until-caught-up --dead-letters dead.jsonl 'kafka://broker/prompts?account=key'
  CHORUS_NATS_PASSWORD=… chorus consume 'nats://ann@127.0.0.1/PROMPTS?subject=prompts.*&account=subject:2'`,
		Args: takes(1, -1, "the streams to read, like kafka://broker/prompts"),
		RunE: a.runs(c.run),
	}
	c.reading(cmd.Flags())
	cmd.Flags().StringVar(&c.deadLetters, "dead-letters", "", "append records with something that is no prompt to this `file`, as JSON lines")
	cmd.Flags().BoolVar(&c.untilCaughtUp, "until-caught-up", false, "end when all that is in the streams now has been read")
	c.log.flags(cmd)
	c.options = tuning(cmd.Flags())
	return cmd
}

// A consuming is one run of consume.
type consuming struct {
	*app
	logFlags
	log           logging
	deadLetters   string
	untilCaughtUp bool
	options       func() *index.Options

	mu      sync.Mutex
	skipped skippedError
}

// consumed is the JSON of consume, and of its progress.
type consumed struct {
	Records    uint64  `json:"records"`
	Prompts    uint64  `json:"prompts"`
	Skipped    uint64  `json:"skipped"`
	Duplicates uint64  `json:"duplicates"`
	Dead       uint64  `json:"dead_letters"` // records with something that was skipped
	Behind     int64   `json:"behind"`       // records that are still in the streams, about
	Seconds    float64 `json:"seconds"`
	Rate       float64 `json:"prompts_per_second"`
	Templates  *int    `json:"templates,omitempty"` // with the result only
	Bytes      *int64  `json:"bytes,omitempty"`

	Reasons map[string]int `json:"reasons,omitempty"`
}

func (c *consuming) run(ctx context.Context, urls []string) (err error) {
	if err := c.resolve(); err != nil {
		return err
	}
	if err := checkStreams(urls); err != nil {
		return err
	}
	if c.json {
		c.log.format = "json" // as its neighbours on standard error are
	}
	log, err := c.log.logger(c.stderr)
	if err != nil {
		return err
	}
	o := &consume.Options{
		Format: c.format, Map: c.fields, UntilCaughtUp: c.untilCaughtUp, Logger: log,
		OnSkip: func(skips []promptlog.Skip) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.skipped.add(skips)
		},
	}
	if c.deadLetters != "" {
		f, err := os.OpenFile(c.deadLetters, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		o.DeadLetters = f
	}
	ix, err := index.Open(c.db, c.options())
	if err != nil {
		return err
	}
	var streams []*consume.Stream
	for _, url := range urls {
		s, e := consume.Open(ix, url, o)
		if e != nil {
			return errors.Join(e, ix.Close())
		}
		streams = append(streams, s)
	}
	start := time.Now()
	tell := c.newProgress(-1)
	err = runStreams(ctx, streams, func() { tell.state(c.sum(streams, start)) })
	tell.finish()
	r := c.sum(streams, start)
	stats, e := ix.Stats(context.WithoutCancel(ctx))
	err = errors.Join(err, e, ix.Close())
	r.Templates, r.Bytes = &stats.Templates, &stats.Bytes
	if info, e := os.Stat(c.db); e == nil {
		*r.Bytes = info.Size() // closing may have written more
	}
	if err == nil {
		err = c.print(r)
	}
	switch {
	case c.skipped.lines == 0:
		return err
	case err != nil:
		c.skipped.report(c.stderr)
		return err
	}
	return &c.skipped
}

// sum adds up what all streams have done since start.
func (c *consuming) sum(streams []*consume.Stream, start time.Time) consumed {
	var r consumed
	for _, s := range streams {
		st := s.Stats()
		r.Records += st.Records
		r.Prompts += st.Prompts
		r.Skipped += st.Skipped
		r.Duplicates += st.Duplicates
		r.Dead += st.DeadLetters
		r.Behind += st.Behind
		for reason, n := range st.Reasons {
			if r.Reasons == nil {
				r.Reasons = make(map[string]int)
			}
			r.Reasons[reason] += n
		}
	}
	r.Seconds = time.Since(start).Seconds()
	r.Rate = float64(r.Prompts) / r.Seconds
	return r
}

func (c *consuming) print(r consumed) error {
	if c.json {
		return c.app.print(r)
	}
	fmt.Fprintf(c.stdout, "%s in %.1f s (%s/s)", count(int(r.Prompts), "prompt"), r.Seconds, thousands(int(r.Rate)))
	if r.Duplicates > 0 {
		fmt.Fprintf(c.stdout, ", %s", count(int(r.Duplicates), "duplicate"))
	}
	if r.Skipped > 0 {
		fmt.Fprintf(c.stdout, ", %s skipped", thousands(int(r.Skipped)))
	}
	_, err := fmt.Fprintf(c.stdout, "; %s has %s and %s\n", escape(c.db, false), count(*r.Templates, "template"), size(*r.Bytes))
	return err
}

// checkStreams finds what is wrong with URLs before anything begins.
func checkStreams(urls []string) error {
	for _, url := range urls {
		if err := consume.Check(url); err != nil {
			return &usageError{err}
		}
	}
	return nil
}

// runStreams reads all streams until ctx is done, all of them end, or one fails,
// and calls tick every now and then.
func runStreams(ctx context.Context, streams []*consume.Stream, tick func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, len(streams))
	for _, s := range streams {
		go func() { done <- s.Run(ctx) }()
	}
	ticker := time.NewTicker(progressTick)
	defer ticker.Stop()
	var failed error
	for running := len(streams); running > 0; {
		select {
		case err := <-done:
			running--
			if err != nil {
				failed = errors.Join(failed, err)
				cancel()
			}
		case <-ticker.C:
			tick()
		}
	}
	return failed
}

// feed reads streams into the index that serve has, whatever becomes of their
// brokers, and tells records what became of theirs. It returns when ctx is done,
// or the index has failed.
func feed(ctx context.Context, ix *index.Index, urls []string, log *slog.Logger, records func(protocol string, accepted, duplicates, skipped, unrelated int)) error {
	var streams []*consume.Stream
	for _, url := range urls {
		s, err := consume.Open(ix, url, &consume.Options{Retry: true, Logger: log})
		if err != nil {
			return err
		}
		streams = append(streams, s)
	}
	said, measured := make([]consume.Stats, len(streams)), make([]consume.Stats, len(streams))
	last := time.Now()
	measure := func() {
		for i, s := range streams {
			st, was := s.Stats(), &measured[i]
			protocol, _, _ := strings.Cut(s.String(), ":")
			records(protocol, int(st.Prompts+st.Duplicates-was.Prompts-was.Duplicates), int(st.Duplicates-was.Duplicates), int(st.Skipped-was.Skipped), 0)
			*was = st
		}
	}
	tell := func() {
		for i, s := range streams {
			if st := s.Stats(); st.Records != said[i].Records {
				log.Info("read", "stream", s, "records", st.Records, "prompts", st.Prompts, "duplicates", st.Duplicates, "skipped", st.Skipped, "dead_letters", st.DeadLetters, "reasons", st.Reasons, "behind", st.Behind)
				said[i] = st
			}
		}
		last = time.Now()
	}
	err := runStreams(ctx, streams, func() {
		measure()
		if time.Since(last) >= feedTells {
			tell()
		}
	})
	measure()
	tell()
	return err
}

// feedTells is how often serve logs what its streams have brought.
const feedTells = time.Minute
