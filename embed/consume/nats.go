package consume

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	natsIdle    = 250 * time.Millisecond // without messages before next returns none
	natsLinger  = 2 * time.Millisecond   // for more messages of a batch
	natsStart   = 15 * time.Second       // for the first answers
	natsEnd     = 5 * time.Second        // for the last acknowledgements to arrive
	natsPull    = 4000                   // messages that are asked for ahead
	natsPending = 20_000                 // messages delivered and not acknowledged, of a consumer that is made
)

// A jet is a JetStream consumer.
type jet struct {
	s        *Stream
	nc       *nats.Conn
	js       jetstream.JetStream
	consumer jetstream.Consumer
	messages jetstream.MessagesContext
	last     uint64 // sequence of the stream's last message at the start

	mu   sync.Mutex
	held []jetstream.Msg // taken and not acknowledged, in order
}

func connectNATS(ctx context.Context, s *Stream, _ *flow) (source, error) {
	j := &jet{s: s}
	opts, err := j.options()
	if err != nil {
		return nil, err
	}
	urls := make([]string, len(s.c.hosts))
	for i, host := range s.c.hosts {
		urls[i] = "nats://" + host
	}
	if j.nc, err = nats.Connect(strings.Join(urls, ","), opts...); err != nil {
		return nil, s.errorf("no server answers at %s: %w", strings.Join(s.c.hosts, ", "), err)
	}
	if err := j.open(ctx); err != nil {
		j.nc.Close()
		return nil, err
	}
	return j, nil
}

func (j *jet) options() ([]nats.Option, error) {
	c, log := j.s.c, j.s.log
	opts := []nats.Option{
		nats.Name("chorus"), nats.MaxReconnects(-1),
		nats.CustomReconnectDelay(func(tries int) time.Duration {
			wait := min(time.Second<<min(tries, 6), time.Minute)
			return wait/2 + rand.N(wait/2)
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("connection lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) { log.Info("connected again", "server", nc.ConnectedAddr()) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("nats", "error", err) }),
	}
	t, err := c.tlsConfig()
	if err != nil {
		return nil, err
	}
	if t != nil {
		opts = append(opts, nats.Secure(t))
	}
	if c.creds != "" {
		opts = append(opts, nats.UserCredentials(c.creds))
	}
	if c.nkey != "" {
		o, err := nats.NkeyOptionFromSeed(c.nkey)
		if err != nil {
			return nil, j.s.errorf("%s: %w", c.nkey, err)
		}
		opts = append(opts, o)
	}
	if c.user != "" || c.token {
		if _, err := c.secret(); err != nil {
			return nil, err
		}
	}
	secret := func() string { // asked for with each connection
		s, err := c.secret()
		if err != nil {
			log.Warn("cannot read the secret", "error", err)
		}
		return s
	}
	switch {
	case c.user != "":
		opts = append(opts, nats.UserInfoHandler(func() (string, string) { return c.user, secret() }))
	case c.token:
		opts = append(opts, nats.TokenHandler(secret))
	}
	return opts, nil
}

// open finds the stream and finds or makes the consumer.
func (j *jet) open(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, natsStart)
	defer cancel()
	c := j.s.c
	if j.js, err = jetstream.New(j.nc); err != nil {
		return j.s.errorf("%w", err)
	}
	stream, err := j.js.Stream(ctx, c.names[0])
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return j.s.errorf("there is no stream %s", c.names[0])
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrNoResponders):
		return j.s.errorf("the server has no JetStream for us: %w", err)
	case err != nil:
		return j.s.errorf("%w", err)
	}
	j.last = stream.CachedInfo().State.LastSeq
	want := jetstream.ConsumerConfig{
		Durable: c.group, Description: "chorus", AckPolicy: jetstream.AckExplicitPolicy, AckWait: c.ackWait, MaxAckPending: natsPending,
	}
	if c.start {
		want.DeliverPolicy = jetstream.DeliverNewPolicy
	}
	switch len(c.subjects) {
	case 0:
	case 1:
		want.FilterSubject = c.subjects[0] // which servers before 2.10 know, too
	default:
		want.FilterSubjects = c.subjects
	}
	j.consumer, err = stream.Consumer(ctx, c.group)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		j.consumer, err = stream.CreateConsumer(ctx, want)
	}
	if err != nil {
		return j.s.errorf("consumer %s: %w", c.group, err)
	}
	// Somebody may have made it for something else.
	have := j.consumer.CachedInfo().Config
	filter := have.FilterSubjects
	if have.FilterSubject != "" {
		filter = []string{have.FilterSubject}
	}
	switch {
	case have.AckPolicy != jetstream.AckExplicitPolicy:
		return j.s.errorf("consumer %s does not acknowledge each message; name another with durable=", c.group)
	case c.subjects != nil && !slices.Equal(filter, c.subjects):
		return j.s.errorf("consumer %s is of the subjects %q; name another with durable=", c.group, filter)
	}
	if c.dead != "" {
		to, err := j.js.StreamNameBySubject(ctx, c.dead)
		if err != nil {
			return j.s.errorf("dead_letters=%s: no stream holds this subject: %w", c.dead, err)
		}
		if to == c.names[0] && c.subjects == nil {
			return j.s.errorf("dead_letters=%s: stream %s, which is read, holds this subject itself: say which subjects to read with subject=", c.dead, to)
		}
	}
	j.messages, err = j.consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(natsPull, maxBytes), jetstream.WithMessagesErrOnMissingHeartbeat(false))
	if err != nil {
		return j.s.errorf("%w", err)
	}
	j.s.log.Info("reading", "consumer", c.group, "server", j.nc.ConnectedAddr())
	return nil
}

func (j *jet) next(ctx context.Context) ([]record, error) {
	var records []record
	size := 0
	idle, cancel := context.WithTimeout(ctx, natsIdle)
	defer cancel()
	wait := jetstream.NextContext(idle)
	for len(records) < maxRecords && size < maxBytes/4 {
		m, err := j.messages.Next(wait)
		if err == nil { // hold it, whatever comes: close gives back what is held
			j.mu.Lock()
			j.held = append(j.held, m)
			j.mu.Unlock()
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, nats.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
			return records, nil
		case err != nil:
			return nil, j.s.errorf("%w", err)
		}
		wait = jetstream.NextMaxWait(natsLinger)
		meta, err := m.Metadata()
		if err != nil {
			return nil, j.s.errorf("%w", err)
		}
		records = append(records, newNATSRecord(m, meta))
		size += len(m.Data())
		j.s.behind(int64(meta.NumPending))
	}
	return records, nil
}

func newNATSRecord(m jetstream.Msg, meta *jetstream.MsgMetadata) record {
	place := meta.Stream + "/" + strconv.FormatUint(meta.Sequence.Stream, 10)
	return record{
		place: place, id: place + "@" + strconv.FormatInt(meta.Timestamp.UnixMilli(), 10), at: meta.Timestamp.UTC(),
		value: m.Data(), subject: m.Subject(), header: m.Headers().Get, raw: m,
	}
}

// ack acknowledges each message. An acknowledgement that does not arrive has its
// message delivered again, and counted once.
func (j *jet) ack(records []record) error {
	j.mu.Lock()
	j.held = j.held[len(records):]
	j.mu.Unlock()
	for i := range records {
		if err := records[i].raw.(jetstream.Msg).Ack(); err != nil {
			j.s.log.Warn("cannot acknowledge; the messages will come again", "messages", len(records)-i, "error", err)
			return nil
		}
	}
	return nil
}

func (j *jet) bury(ctx context.Context, dead []DeadLetter) error {
	for i := range dead {
		m := dead[i].record.raw.(jetstream.Msg)
		out := nats.NewMsg(j.s.c.dead)
		for name, values := range m.Headers() {
			if !strings.HasPrefix(name, "Nats-") { // of the server: expectations that do not hold for this stream
				out.Header[name] = values
			}
		}
		out.Header.Set(headerRecord, dead[i].Record)
		out.Header.Set(headerReason, dead[i].reason())
		out.Data = m.Data()
		if _, err := j.js.PublishMsg(ctx, out, jetstream.WithMsgID("chorus-"+dead[i].record.id)); err != nil {
			return err
		}
	}
	return nil
}

func (j *jet) caughtUp(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, natsEnd)
	defer cancel()
	if err := j.nc.FlushWithContext(ctx); err != nil { // acknowledgements first
		return false, nil
	}
	info, err := j.consumer.Info(ctx)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		return false, j.s.errorf("consumer %s is gone", j.s.c.group)
	case err != nil:
		return false, nil // it will be asked again
	}
	j.s.behind(int64(info.NumPending))
	return info.NumAckPending == 0 && info.NumPending == 0 || info.AckFloor.Stream >= j.last, nil
}

// close gives back what was not acknowledged and what was asked for ahead, so
// that it comes again at once and not after AckWait.
func (j *jet) close() {
	ctx, cancel := context.WithTimeout(context.Background(), natsEnd)
	defer cancel()
	j.messages.Drain()
	for _, m := range j.held {
		m.Nak()
	}
	for {
		m, err := j.messages.Next(jetstream.NextContext(ctx))
		if err != nil || m.Nak() != nil {
			break
		}
	}
	if j.nc.IsConnected() {
		j.nc.FlushWithContext(ctx)
	}
	j.nc.Close()
}
