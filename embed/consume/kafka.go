package consume

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

const (
	kafkaIdle     = 250 * time.Millisecond // without records before next returns none
	kafkaDial     = 5 * time.Second
	kafkaStart    = 15 * time.Second // for the first answers
	kafkaRequest  = 10 * time.Second // for a commit at the end
	kafkaRevoke   = 40 * time.Second // for what is on its way to get durable in a rebalance; less than the broker waits
	kafkaCommit   = 250 * time.Millisecond
	kafkaFetch    = 8 << 20 // bytes of a fetch
	kafkaFetches  = 4       // that are buffered
	kafkaInflated = 64 << 20
)

// A partition is one of a topic.
type partition struct {
	topic  string
	number int32
}

// A kafka is a member of a consumer group.
type kafka struct {
	s   *Stream
	f   *flow
	cl  *kgo.Client
	adm *kadm.Client

	ends map[partition]int64 // where partitions ended at the start; with UntilCaughtUp only

	mu      sync.Mutex
	durable map[partition]int64 // the offset after the last acknowledged record
	high    map[partition]int64 // the end as of the last fetch
	fetched map[partition]int64 // the offset after the last fetched record
	given   map[partition]int64 // offsets up to here are no longer ours to commit
}

func connectKafka(ctx context.Context, s *Stream, f *flow) (source, error) {
	k := &kafka{s: s, f: f, durable: make(map[partition]int64), high: make(map[partition]int64), fetched: make(map[partition]int64), given: make(map[partition]int64)}
	opts, err := k.options()
	if err != nil {
		return nil, err
	}
	if k.cl, err = kgo.NewClient(opts...); err != nil {
		return nil, &finalError{s.errorf("%w", err)}
	}
	k.adm = kadm.NewClient(k.cl)
	if err := k.look(ctx); err != nil {
		k.cl.CloseAllowingRebalance()
		return nil, err
	}
	return k, nil
}

func (k *kafka) options() ([]kgo.Opt, error) {
	c := k.s.c
	start := kgo.NewOffset().AtStart()
	if c.start {
		start = kgo.NewOffset().AtEnd()
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.hosts...), kgo.ClientID("chorus"), kgo.DialTimeout(kafkaDial),
		kgo.ConsumerGroup(c.group), kgo.ConsumeTopics(c.names...), kgo.ConsumeStartOffset(start),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), // what retention has removed is gone; what is left is read
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxBytes(kafkaFetch), kgo.MaxConcurrentFetches(kafkaFetches), kgo.MaxDecompressBatchBytes(kafkaInflated), kgo.FetchMaxWait(500 * time.Millisecond),
		// Offsets are committed of marked records only, and none across a rebalance.
		kgo.AutoCommitMarks(), kgo.AutoCommitInterval(kafkaCommit), kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(k.assigned), kgo.OnPartitionsRevoked(k.revoked), kgo.OnPartitionsLost(k.lost),
		kgo.WithLogger(&kafkaLog{log: k.s.log, said: make(map[string]time.Time)}),
	}
	if c.instance != "" {
		opts = append(opts, kgo.InstanceID(c.instance))
	}
	t, err := c.tlsConfig()
	if err != nil {
		return nil, err
	}
	if t != nil {
		opts = append(opts, kgo.DialTLSConfig(t))
	}
	if c.sasl != "" {
		if _, err := c.secret(); err != nil {
			return nil, err
		}
		scrams := func(context.Context) (scram.Auth, error) {
			pass, err := c.secret()
			return scram.Auth{User: c.user, Pass: pass}, err
		}
		switch c.sasl {
		case "scram-sha-256":
			opts = append(opts, kgo.SASL(scram.Sha256(scrams)))
		case "scram-sha-512":
			opts = append(opts, kgo.SASL(scram.Sha512(scrams)))
		default:
			opts = append(opts, kgo.SASL(plain.Plain(func(context.Context) (plain.Auth, error) {
				pass, err := c.secret()
				return plain.Auth{User: c.user, Pass: pass}, err
			})))
		}
	}
	return opts, nil
}

// look finds out whether the broker answers and has the topics.
func (k *kafka) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, kafkaStart)
	defer cancel()
	c := k.s.c
	if err := k.cl.Ping(ctx); err != nil {
		return k.s.errorf("no broker answers at %s: %w", strings.Join(c.hosts, ", "), err)
	}
	names := c.names
	if c.dead != "" {
		names = append(names[:len(names):len(names)], c.dead)
	}
	topics, err := k.adm.ListTopics(ctx, names...)
	if err != nil {
		return k.s.errorf("%w", err)
	}
	for _, name := range names {
		switch t := topics[name]; {
		case errors.Is(t.Err, kerr.UnknownTopicOrPartition) || t.Err == nil && len(t.Partitions) == 0:
			return k.s.errorf("there is no topic %s", name)
		case t.Err != nil:
			return k.s.errorf("topic %s: %w", name, t.Err)
		}
	}
	if !k.s.opts.UntilCaughtUp {
		return nil
	}
	k.ends = make(map[partition]int64)
	starts, err := k.adm.ListStartOffsets(ctx, c.names...)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return k.s.errorf("%w", err)
	}
	ends, err := k.adm.ListEndOffsets(ctx, c.names...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return k.s.errorf("%w", err)
	}
	var committed kadm.OffsetResponses
	if c.start {
		if committed, err = k.committed(ctx); err != nil {
			return k.s.errorf("%w", err)
		}
	}
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(end.Topic, end.Partition)
		if at, ok := committed.Lookup(end.Topic, end.Partition); start.Offset < end.Offset && (!c.start || ok && at.At >= 0) { // else it begins at its end
			k.ends[partition{end.Topic, end.Partition}] = end.Offset
		}
	})
	return nil
}

// committed are the group's offsets. Some brokers do not know a group before
// its first member has joined, which the client does in its own time: it has
// committed nothing.
func (k *kafka) committed(ctx context.Context) (kadm.OffsetResponses, error) {
	offsets, err := k.adm.FetchOffsetsForTopics(ctx, k.s.c.group, k.s.c.names...)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return nil, nil
	}
	return offsets, err
}

func (k *kafka) next(ctx context.Context) ([]record, error) {
	k.cl.AllowRebalance() // what was fetched before is in the queue, which revoked waits for
	wait, cancel := context.WithTimeout(ctx, kafkaIdle)
	defer cancel()
	fetches := k.cl.PollRecords(wait, maxRecords)
	for _, e := range fetches.Errors() {
		if err := k.problem(ctx, e); err != nil {
			return nil, err
		}
	}
	var records []record
	k.mu.Lock()
	defer k.mu.Unlock()
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if len(p.Records) == 0 {
			return
		}
		at := partition{p.Topic, p.Partition}
		k.high[at] = p.HighWatermark
		k.fetched[at] = p.Records[len(p.Records)-1].Offset + 1
		for _, r := range p.Records {
			records = append(records, newKafkaRecord(r))
		}
	})
	behind := int64(0)
	for at, high := range k.high {
		behind += max(0, high-k.fetched[at])
	}
	k.s.behind(behind)
	return records, nil
}

func newKafkaRecord(r *kgo.Record) record {
	place := r.Topic + "/" + strconv.Itoa(int(r.Partition)) + "/" + strconv.FormatInt(r.Offset, 10)
	at := r.Timestamp.UTC()
	if at.Unix() <= 0 {
		at = time.Time{} // a producer that sets none
	}
	return record{
		place: place, id: place + "@" + strconv.FormatInt(r.Timestamp.UnixMilli(), 10), at: at,
		key: r.Key, value: r.Value, control: r.Attrs.IsControl(), raw: r,
		header: func(name string) string {
			for _, h := range r.Headers {
				if h.Key == name {
					return string(h.Value)
				}
			}
			return ""
		},
	}
}

// problem returns an error of a fetch if it is one to give up on.
func (k *kafka) problem(ctx context.Context, e kgo.FetchError) error {
	var loss *kgo.ErrDataLoss
	var session *kgo.ErrGroupSession
	err := e.Err
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return nil // nothing came
	case errors.As(err, &loss):
		k.s.log.Warn("the broker has lost records", "topic", loss.Topic, "partition", loss.Partition, "from", loss.ResetTo, "to", loss.ConsumedTo)
		return nil
	case errors.As(err, &session) && !refused(err):
		k.s.log.Warn("out of the consumer group for now", "error", err)
		return nil
	case kerr.IsRetriable(err):
		k.s.log.Warn("cannot read", "topic", e.Topic, "partition", e.Partition, "error", err)
		return nil
	case e.Topic != "":
		return k.s.errorf("topic %s, partition %d: %w", e.Topic, e.Partition, err)
	}
	return k.s.errorf("%w", err)
}

// refused says that a broker will not change its mind.
func refused(err error) bool {
	for _, refusal := range []*kerr.Error{kerr.GroupAuthorizationFailed, kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed,
		kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.InvalidGroupID, kerr.InconsistentGroupProtocol} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

func (k *kafka) ack(records []record) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	raw := make([]*kgo.Record, 0, len(records))
	for i := range records {
		r := records[i].raw.(*kgo.Record)
		at := partition{r.Topic, r.Partition}
		if r.Offset < k.given[at] {
			continue
		}
		k.durable[at] = r.Offset + 1
		raw = append(raw, r)
	}
	k.cl.MarkCommitRecords(raw...)
	return nil
}

// assigned takes partitions over. What is still on its way from an earlier time
// may be committed again, as it is in order and durable by then.
func (k *kafka) assigned(_ context.Context, _ *kgo.Client, got map[string][]int32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for topic, numbers := range got {
		for _, n := range numbers {
			delete(k.given, partition{topic, n})
		}
		k.s.log.Info("reading", "topic", topic, "partitions", len(numbers))
	}
}

// revoked lets go of partitions when all that came of them is durable and
// committed. If that takes too long they go uncommitted, and the next owner
// reads again what is counted once.
func (k *kafka) revoked(ctx context.Context, cl *kgo.Client, gone map[string][]int32) {
	if len(gone) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, kafkaRevoke)
	defer cancel()
	if !k.f.drain(ctx) {
		k.lost(ctx, cl, gone)
		return
	}
	if err := cl.CommitMarkedOffsets(ctx); err != nil && ctx.Err() == nil {
		k.s.log.Warn("cannot commit offsets", "error", err)
	}
	k.forget(gone)
}

// lost gives up what is on its way of partitions that have another owner
// already: it gets into the index but is not committed.
func (k *kafka) lost(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	k.mu.Lock()
	for topic, numbers := range gone {
		for _, n := range numbers {
			at := partition{topic, n}
			k.given[at] = k.fetched[at]
		}
	}
	k.mu.Unlock()
	k.forget(gone)
}

// forget takes partitions out of what is left to read.
func (k *kafka) forget(gone map[string][]int32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for topic, numbers := range gone {
		for _, n := range numbers {
			delete(k.high, partition{topic, n})
		}
	}
}

// caughtUp holds what is durable, and what the group has committed otherwise,
// against the ends.
func (k *kafka) caughtUp(ctx context.Context) (bool, error) {
	left := 0
	k.mu.Lock()
	for at, end := range k.ends {
		if k.durable[at] < end {
			left++
		}
	}
	k.mu.Unlock()
	if left == 0 {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, kafkaRequest)
	defer cancel()
	committed, err := k.committed(ctx)
	if err != nil {
		if ctx.Err() != nil || !refused(err) {
			return false, nil // it will be asked again
		}
		return false, k.s.errorf("%w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for at, end := range k.ends {
		if k.durable[at] < end {
			if o, ok := committed.Lookup(at.topic, at.number); !ok || o.At < end {
				return false, nil
			}
		}
	}
	return true, nil
}

func (k *kafka) bury(ctx context.Context, dead []DeadLetter) error {
	records := make([]*kgo.Record, len(dead))
	for i := range dead {
		r := dead[i].record.raw.(*kgo.Record)
		records[i] = &kgo.Record{Topic: k.s.c.dead, Key: r.Key, Value: r.Value, Timestamp: r.Timestamp, Headers: append(r.Headers[:len(r.Headers):len(r.Headers)],
			kgo.RecordHeader{Key: headerRecord, Value: []byte(dead[i].Record)},
			kgo.RecordHeader{Key: headerReason, Value: []byte(dead[i].reason())})}
	}
	return k.cl.ProduceSync(ctx, records...).FirstErr()
}

// Headers of dead letters.
const headerRecord, headerReason = "Chorus-Record", "Chorus-Reason"

func (k *kafka) close() {
	ctx, cancel := context.WithTimeout(context.Background(), kafkaRequest)
	defer cancel()
	k.cl.AllowRebalance()
	if err := k.cl.CommitMarkedOffsets(ctx); err != nil {
		k.s.log.Warn("cannot commit the last offsets; their records will be counted once all the same", "error", err)
	}
	k.cl.LeaveGroupContext(ctx)
	k.cl.CloseAllowingRebalance()
}

// A kafkaLog passes warnings of the client on, each at most once in a while: it
// tries again several times a second.
type kafkaLog struct {
	log  *slog.Logger
	mu   sync.Mutex
	said map[string]time.Time
}

const kafkaLogEvery = 30 * time.Second

func (l *kafkaLog) Level() kgo.LogLevel { return kgo.LogLevelWarn }

func (l *kafkaLog) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.said[msg]) > kafkaLogEvery {
		l.said[msg] = now
		for i, v := range keyvals {
			if _, ok := v.(string); !ok {
				keyvals[i] = fmt.Sprint(v)
			}
		}
		l.log.Warn("kafka: "+msg, keyvals...)
	}
}
