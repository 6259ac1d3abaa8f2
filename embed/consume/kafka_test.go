package consume

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/testdata/testport"
)

// A kafkaBroker is kfake, a broker in this process that clients reach over TCP.
type kafkaBroker struct {
	t       *testing.T
	cluster *kfake.Cluster
	cl      *kgo.Client
	adm     *kadm.Client
	host    string
}

func newKafka(t *testing.T, opts ...kfake.Opt) *kafkaBroker {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(4, "prompts"), kfake.SeedTopics(1, "dead", "empty")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	b := &kafkaBroker{t: t, cluster: c, host: c.ListenAddrs()[0]}
	b.cl, err = kgo.NewClient(kgo.SeedBrokers(b.host), kgo.DefaultProduceTopic("prompts"), kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	if err != nil {
		t.Fatal(err)
	}
	b.adm = kadm.NewClient(b.cl)
	t.Cleanup(func() {
		b.cl.Close()
		c.Close()
	})
	return b
}

func (b *kafkaBroker) url(rest string) string { return "kafka://" + b.host + "/" + rest }

func (b *kafkaBroker) produce(records ...*kgo.Record) {
	b.t.Helper()
	if err := b.cl.ProduceSync(b.t.Context(), records...).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
}

// send produces n prompts from the firstth on.
func (b *kafkaBroker) send(first, n int) {
	b.t.Helper()
	records := make([]*kgo.Record, 0, n)
	for i := range n {
		records = append(records, &kgo.Record{Value: prompt(first + i), Key: fmt.Append(nil, i)})
	}
	b.produce(records...)
}

// committed is the sum of a group's offsets.
func (b *kafkaBroker) committed() int {
	offsets, err := b.adm.FetchOffsetsForTopics(context.Background(), "chorus", "prompts")
	if err != nil {
		return 0
	}
	sum := 0
	offsets.Each(func(o kadm.OffsetResponse) { sum += int(max(o.At, 0)) })
	return sum
}

func TestKafka(t *testing.T) {
	n := many(t)
	b := newKafka(t)
	b.send(0, n)
	ix := openIndex(t, filepath.Join(t.TempDir(), "x.db"))
	began := time.Now()
	st := drained(t, ix, b.url("prompts"), nil)
	t.Logf("%.0f prompts/s", float64(n)/time.Since(began).Seconds())
	if got := prompts(t, ix); got != n || int(st.Prompts) != n || int(st.Records) != n || st.Duplicates+st.Skipped != 0 || st.Behind != 0 {
		t.Errorf("%d prompts in the index, counters %+v, want %d", got, st, n)
	}
	if got := b.committed(); got != n {
		t.Errorf("offsets committed up to %d, want %d", got, n)
	}
	// A second run has nothing to read, what comes later is read, and another
	// group reads all of it again, which counts nothing twice.
	if st := drained(t, ix, b.url("prompts"), nil); st.Records != 0 {
		t.Errorf("the second run read %d records", st.Records)
	}
	b.send(n, 10)
	if st := drained(t, ix, b.url("prompts"), nil); st.Records != 10 || st.Prompts != 10 {
		t.Errorf("the third run: %+v", st)
	}
	if testing.Short() {
		if st := drained(t, ix, b.url("prompts?group=other"), nil); int(st.Duplicates) != n+10 || st.Prompts != 0 {
			t.Errorf("another group: %+v", st)
		}
	}
	if st := drained(t, ix, b.url("prompts?group=late&start=latest"), nil); st.Records != 0 {
		t.Errorf("a group that begins at the end: %+v", st)
	}
	if st := drained(t, ix, b.url("empty"), nil); st.Records != 0 {
		t.Errorf("an empty topic: %+v", st)
	}
}

func TestKafkaUnknownGroup(t *testing.T) {
	b := newKafka(t)
	b.send(0, 1)
	k := &kafka{s: openStream(t, openIndex(t, filepath.Join(t.TempDir(), "x.db")), b.url("prompts?group=nobody"), nil), adm: b.adm}
	if _, err := b.adm.FetchOffsetsForTopics(t.Context(), "nobody", "prompts"); !errors.Is(err, kerr.GroupIDNotFound) {
		t.Fatalf("the broker says %v of a group without members", err)
	}
	if offsets, err := k.committed(t.Context()); err != nil || len(offsets) != 0 {
		t.Errorf("offsets %v, error %v", offsets, err)
	}
}

func TestKafkaKilled(t *testing.T) {
	n := many(t)
	b := newKafka(t)
	b.send(0, n)
	kill(t, b.url("prompts?instance=one"), n, b.committed)
}

// mixed are records of all kinds; good counts their prompts.
func mixed() (records []*kgo.Record, good int) {
	for i := range 100 {
		records = append(records, &kgo.Record{Value: prompt(i)})
	}
	return append(records,
		&kgo.Record{Value: []byte(`[{"account":"a","text":"one"},{"account":"a"},{"account":"b","text":"two"}]`)},
		&kgo.Record{Value: []byte(`{"model":"m","messages":[{"role":"user","content":"three"}]}`), Key: []byte("keyed")},
		&kgo.Record{Value: []byte(`secret`), Key: []byte("k"), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}},
		&kgo.Record{Value: []byte("\xff\xfe"), Key: []byte("k")},
		&kgo.Record{Value: nil, Key: []byte("tombstone")},
	), 103
}

func TestKafkaDeadLetters(t *testing.T) {
	b := newKafka(t)
	records, good := mixed()
	b.produce(records...)
	dir := t.TempDir()
	ix := openIndex(t, filepath.Join(dir, "x.db"))
	file, err := os.Create(filepath.Join(dir, "dead.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var skips []promptlog.Skip
	st := drained(t, ix, b.url("prompts?account=key&dead_letters=dead"), &Options{DeadLetters: file, OnSkip: func(s []promptlog.Skip) { skips = append(skips, s...) }})
	if int(st.Prompts) != good || st.Skipped != 4 || st.DeadLetters != 4 || len(skips) != 4 {
		t.Errorf("%+v, %d skips", st, len(skips))
	}
	want := map[string]int{"text and messages are empty": 1, "neither a JSON object nor an array": 2, "no JSON object": 1}
	if diff := cmp.Diff(want, st.Reasons); diff != "" {
		t.Error(diff)
	}
	if a, err := ix.Account(t.Context(), "keyed"); err != nil || a.Prompts != 1 {
		t.Errorf("the account of a key: %+v, %v", a, err)
	}
	written, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]bool)
	for line := range strings.Lines(string(written)) {
		var d DeadLetter
		if err := json.Unmarshal([]byte(line), &d); err != nil || len(d.Reasons) != 1 || !strings.HasPrefix(d.Record, "prompts/") || d.Time.IsZero() {
			t.Errorf("%s: %v", line, err)
		}
		values[d.Value+string(d.Binary)] = true
	}
	if len(values) != 4 || !values["secret"] || !values["\xff\xfe"] || !values[""] {
		t.Errorf("dead letters %v", values)
	}
	// The topic has the same records, with their keys and headers and why.
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.host), kgo.ConsumeTopics("dead"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for got := 0; got < 4; {
		cl.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
			got++
			if string(r.Value) == "secret" {
				h := newKafkaRecord(r).header
				if string(r.Key) != "k" || h("h") != "v" || h(headerReason) != "neither a JSON object nor an array" || !strings.HasPrefix(h(headerRecord), "prompts/") {
					t.Errorf("key %q, headers %q", r.Key, r.Headers)
				}
			}
		})
	}
}

// A topic that is deleted and made again counts from 0; its records are others.
func TestKafkaTopicAnew(t *testing.T) {
	b := newKafka(t)
	ix := openIndex(t, filepath.Join(t.TempDir(), "x.db"))
	b.send(0, 100)
	drained(t, ix, b.url("prompts"), nil)
	if _, err := b.adm.DeleteTopics(t.Context(), "prompts"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.adm.CreateTopic(t.Context(), 4, 1, nil, "prompts"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Millisecond) // another millisecond, so that ids differ
	b.cl.PurgeTopicsFromClient("prompts")
	b.send(100, 100)
	if st := drained(t, ix, b.url("prompts?group=anew"), nil); st.Prompts != 100 {
		t.Errorf("%+v", st)
	}
}

// What a transaction aborted was never sent; its markers do not stand in the way.
func TestKafkaTransactions(t *testing.T) {
	b := newKafka(t)
	tx, err := kgo.NewClient(kgo.SeedBrokers(b.host), kgo.DefaultProduceTopic("prompts"), kgo.TransactionalID("tx"))
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Close()
	for i, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := tx.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for j := range 50 {
			if err := tx.ProduceSync(t.Context(), &kgo.Record{Value: prompt(100*i + j)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := tx.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	ix := openIndex(t, filepath.Join(t.TempDir(), "x.db"))
	if st := drained(t, ix, b.url("prompts"), nil); st.Prompts != 50 || st.Records != 50 || st.Skipped != 0 {
		t.Errorf("%+v", st)
	}
}

// Members come and go while prompts are read: each prompt counts once.
func TestKafkaRebalance(t *testing.T) {
	n := many(t) / 5
	b := newKafka(t)
	ix := openIndex(t, filepath.Join(t.TempDir(), "x.db"))
	var members sync.WaitGroup
	var read atomic.Uint64
	member := func(ctx context.Context) {
		s := openStream(t, ix, b.url("prompts"), nil)
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
		t.Logf("a member read %d records", s.Stats().Records)
		read.Add(s.Stats().Records)
	}
	ctx, cancel := context.WithCancel(t.Context())
	members.Go(func() { member(ctx) })
	for i := range 4 {
		ctx, leave := context.WithCancel(ctx)
		members.Go(func() { member(ctx) })
		for j := range 10 {
			b.send(i*n/4+j*n/40, n/40)
			time.Sleep(50 * time.Millisecond)
		}
		leave()
	}
	for b.committed() < n && !t.Failed() {
		time.Sleep(20 * time.Millisecond)
	}
	cancel()
	members.Wait()
	if got := prompts(t, ix); got != n {
		t.Errorf("%d prompts, want %d", got, n)
	}
	if got := b.committed(); got != n {
		t.Errorf("offsets committed up to %d, want %d", got, n)
	}
	if int(read.Load()) < n {
		t.Errorf("%d records read, want %d", read.Load(), n)
	}
}

// An index that fails ends Run; nothing more is acknowledged.
func TestKafkaIndexFails(t *testing.T) {
	b := newKafka(t)
	b.send(0, 100)
	db := filepath.Join(t.TempDir(), "x.db")
	ix := openIndex(t, db)
	s := openStream(t, ix, b.url("prompts"), &Options{Retry: true})
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); !errors.Is(err, index.ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
	if got := b.committed(); got != 0 {
		t.Errorf("offsets committed up to %d", got)
	}
	// So does a dead letter that cannot be kept, and what is good beside it stays.
	ix = openIndex(t, db)
	b.produce(&kgo.Record{Value: []byte("bad")})
	s = openStream(t, ix, b.url("prompts?group=second"), &Options{Retry: true, DeadLetters: broken{}})
	if err := s.Run(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("%v, want %v", err, errBroken)
	}
	if st := drained(t, ix, b.url("prompts?group=second"), nil); st.Prompts+st.Duplicates != 100 || st.Skipped != 1 {
		t.Errorf("%+v", st)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestKafkaErrors(t *testing.T) {
	b := newKafka(t)
	ix := openIndex(t, filepath.Join(t.TempDir(), "x.db"))
	nobody := testport.Free(t)
	for _, test := range []struct{ url, want string }{
		{"kafka://" + nobody + "/prompts", "no broker answers at " + nobody},
		{b.url("promts"), "there is no topic promts"},
		{b.url("prompts,promts"), "there is no topic promts"},
		{b.url("prompts?dead_letters=none"), "there is no topic none"},
	} {
		if err := openStream(t, ix, test.url, nil).Run(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.url, err, test.want)
		}
	}
}

func TestKafkaPassword(t *testing.T) {
	b := newKafka(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "ann", "right"), kfake.Superuser("PLAIN", "admin", "admin"))
	b.cl.Close()
	ix := openIndex(t, filepath.Join(t.TempDir(), "x.db"))
	file := filepath.Join(t.TempDir(), "password")
	write := func(password string) {
		if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	url := "kafka://ann@" + b.host + "/empty?sasl=scram-sha-512"
	write("wrong")
	if err := openStream(t, ix, url+"&password_file="+file, nil).Run(t.Context()); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong password: %v", err)
	}
	write("right")
	drained(t, ix, url+"&password_file="+file, nil)
	if err := openStream(t, ix, url, nil).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "CHORUS_KAFKA_PASSWORD") {
		t.Errorf("no password: %v", err)
	}
	t.Setenv("CHORUS_KAFKA_PASSWORD", "right")
	drained(t, ix, url, nil)
}

// A retryLog tells of an attempt that failed.
type retryLog struct {
	bytes.Buffer
	tried chan struct{}
}

func (l *retryLog) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("will try again")) {
		select {
		case l.tried <- struct{}{}:
		default:
		}
	}
	return l.Buffer.Write(b)
}

// With Retry a stream waits for its broker.
func TestKafkaRetry(t *testing.T) {
	host := testport.Free(t)
	ix := openIndex(t, filepath.Join(t.TempDir(), "x.db"))
	log := &retryLog{tried: make(chan struct{}, 1)}
	s := openStream(t, ix, "kafka://"+host+"/prompts", &Options{Retry: true, UntilCaughtUp: true, Logger: slog.New(slog.NewTextHandler(log, nil))})
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }()
	select {
	case <-log.tried:
	case err := <-done:
		t.Fatalf("ended without its broker: %v", err)
	}
	_, port, _ := net.SplitHostPort(host)
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	b := newKafka(t, kfake.Ports(number))
	b.send(0, 10)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "order") {
		t.Error(log.String())
	}
	if got := prompts(t, ix); got > 10 {
		t.Errorf("%d prompts", got)
	}
}
