package consume

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed-368d3dfa/chorus/testdata/testport"
)

// A natsBroker is a NATS server with a stream PROMPTS of prompts.> and a stream
// DEAD of dead.>.
type natsBroker struct {
	t    *testing.T
	host string
	nc   *nats.Conn
	js   jetstream.JetStream
}

// newNATS starts the server in this process.
func newNATS(t *testing.T, o *server.Options, opts ...nats.Option) *natsBroker {
	t.Helper()
	if o == nil {
		o = new(server.Options)
	}
	o.Host, o.JetStream, o.StoreDir, o.NoSigs, o.NoLog = "127.0.0.1", true, t.TempDir(), true, true
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	return connectBroker(t, s.Addr().String(), append(opts, nats.UserInfo(o.Username, o.Password))...)
}

// newNATSProcess runs the nats-server that is installed.
func newNATSProcess(t *testing.T) *natsBroker {
	t.Helper()
	exe, err := exec.LookPath("nats-server")
	if err != nil {
		t.Skip("no nats-server in PATH: apt-get install nats-server")
	}
	host := testport.Free(t)
	_, port, _ := net.SplitHostPort(host)
	cmd := exec.Command(exe, "-a", "127.0.0.1", "-p", port, "-js", "-sd", t.TempDir())
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for lines := bufio.NewScanner(log); lines.Scan(); {
		if strings.Contains(lines.Text(), "Version:") {
			t.Log(strings.TrimSpace(lines.Text()))
		}
		if strings.Contains(lines.Text(), "Server is ready") {
			go io.Copy(io.Discard, log)
			return connectBroker(t, host)
		}
	}
	t.Fatal("the server does not start")
	return nil
}

func connectBroker(t *testing.T, host string, opts ...nats.Option) *natsBroker {
	t.Helper()
	b := &natsBroker{t: t, host: host}
	var err error
	if b.nc, err = nats.Connect("nats://"+host, opts...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.nc.Close)
	if b.js, err = jetstream.New(b.nc, jetstream.WithPublishAsyncMaxPending(1000)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"PROMPTS", "DEAD"} {
		if _, err := b.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{strings.ToLower(name) + ".>"}}); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *natsBroker) url(rest string) string { return "nats://" + b.host + "/" + rest }

func (b *natsBroker) publish(subject string, values ...[]byte) {
	b.t.Helper()
	for _, v := range values {
		if _, err := b.js.PublishAsync(subject, v, jetstream.WithStallWait(3*time.Minute)); err != nil {
			b.t.Fatal(err)
		}
	}
	select {
	case <-b.js.PublishAsyncComplete():
	case <-time.After(3 * time.Minute):
		b.t.Fatal("the server does not take messages")
	}
}

func (b *natsBroker) send(first, n int) {
	b.t.Helper()
	values := make([][]byte, n)
	for i := range n {
		values[i] = prompt(first + i)
	}
	b.publish("prompts.x", values...)
}

// acked is how many messages the consumer has acknowledged, at least.
func (b *natsBroker) acked() int {
	c, err := b.js.Consumer(context.Background(), "PROMPTS", "chorus")
	if err != nil {
		return 0
	}
	return int(c.CachedInfo().AckFloor.Stream)
}

func TestNATS(t *testing.T) { testNATS(t, newNATS(t, nil)) }

// TestNATSServer is TestNATS with the nats-server that is installed.
func TestNATSServer(t *testing.T) { testNATS(t, newNATSProcess(t)) }

func testNATS(t *testing.T, b *natsBroker) {
	n := many(t)
	b.send(0, n)
	ix := openIndex(t, filepath.Join(t.TempDir(), "x.db"))
	began := time.Now()
	st := drained(t, ix, b.url("PROMPTS"), nil)
	t.Logf("%.0f prompts/s", float64(n)/time.Since(began).Seconds())
	if got := prompts(t, ix); got != n || int(st.Prompts) != n || int(st.Records) != n || st.Duplicates+st.Skipped != 0 || st.Behind != 0 {
		t.Errorf("%d prompts in the index, counters %+v, want %d", got, st, n)
	}
	if got := b.acked(); got != n {
		t.Errorf("%d acknowledged, want %d", got, n)
	}
	if st := drained(t, ix, b.url("PROMPTS"), nil); st.Records != 0 {
		t.Errorf("the second run read %d records", st.Records)
	}
	b.send(n, 10)
	if st := drained(t, ix, b.url("PROMPTS"), nil); st.Records != 10 || st.Prompts != 10 {
		t.Errorf("the third run: %+v", st)
	}
	if st := drained(t, ix, b.url("DEAD"), nil); st.Records != 0 {
		t.Errorf("an empty stream: %+v", st)
	}
}

func TestNATSKilled(t *testing.T) {
	n := many(t)
	b := newNATS(t, nil)
	b.send(0, n)
	kill(t, b.url("PROMPTS?ack_wait=2s"), n, b.acked)
}

func TestNATSDeadLetters(t *testing.T) {
	b := newNATS(t, nil)
	b.publish("prompts.acct-7.eu", []byte(`{"text":"one"}`), []byte(`[{"text":"two"},{"text":3}]`), []byte("secret"))
	b.publish("prompts.acct-8.us", []byte(`{"text":"elsewhere"}`))
	ix := openIndex(t, filepath.Join(t.TempDir(), "x.db"))
	st := drained(t, ix, b.url("PROMPTS?account=subject:2&subject=prompts.*.eu&dead_letters=dead.letters"), nil)
	if st.Records != 3 || st.Prompts != 2 || st.Skipped != 2 || st.DeadLetters != 2 {
		t.Errorf("%+v", st)
	}
	if diff := cmp.Diff(map[string]int{"text and messages are empty": 1, "neither a JSON object nor an array": 1}, st.Reasons); diff != "" {
		t.Error(diff)
	}
	if a, err := ix.Account(t.Context(), "acct-7"); err != nil || a.Prompts != 2 {
		t.Errorf("the account of a subject: %+v, %v", a, err)
	}
	stream, err := b.js.Stream(t.Context(), "DEAD")
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetMsg(t.Context(), 2)
	if err != nil || string(m.Data) != "secret" || m.Header.Get(headerRecord) != "PROMPTS/3" || m.Header.Get(headerReason) != "neither a JSON object nor an array" {
		t.Errorf("%+v, %v", m, err)
	}
	if stream.CachedInfo().State.Msgs != 2 {
		t.Errorf("%d dead letters", stream.CachedInfo().State.Msgs)
	}
}

// What one stream has read ahead when it ends, the next one reads at once.
func TestNATSHandsBack(t *testing.T) {
	b := newNATS(t, nil)
	n := many(t) / 5
	b.send(0, n)
	ix := openIndex(t, filepath.Join(t.TempDir(), "x.db"))
	ctx, cancel := context.WithCancel(t.Context())
	s := openStream(t, ix, b.url("PROMPTS?ack_wait=1h"), nil)
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for s.Stats().Records == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	drained(t, ix, b.url("PROMPTS"), nil)
	if got := prompts(t, ix); got != n {
		t.Errorf("%d prompts, want %d", got, n)
	}
	t.Logf("stopped after %d of %d", s.Stats().Records, n)
}

// A server that goes away and comes back is read on.
func TestNATSReconnect(t *testing.T) {
	dir := t.TempDir()
	_, port, _ := net.SplitHostPort(testport.Free(t)) // to which it comes back
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	o := &server.Options{Host: "127.0.0.1", Port: number, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true}
	start := func() *server.Server {
		s, err := server.NewServer(o)
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		if !s.ReadyForConnections(time.Minute) {
			t.Fatal("the server does not start")
		}
		return s
	}
	first := start()
	b := connectBroker(t, first.Addr().String())
	b.send(0, 100)
	ix := openIndex(t, filepath.Join(t.TempDir(), "x.db"))
	s := openStream(t, ix, b.url("PROMPTS?ack_wait=1s"), nil)
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	until := func(n int) {
		for prompts(t, ix) < n && !t.Failed() {
			time.Sleep(10 * time.Millisecond)
		}
	}
	until(100)
	b.nc.Close()
	first.Shutdown()
	first.WaitForShutdown()
	second := start()
	defer second.Shutdown()
	nc, err := nats.Connect("nats://" + second.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	b.nc = nc
	if b.js, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	b.send(100, 100)
	until(200)
	cancel()
	run.Wait()
	if got := prompts(t, ix); got != 200 {
		t.Errorf("%d prompts", got)
	}
}

func TestNATSErrors(t *testing.T) {
	b := newNATS(t, &server.Options{Username: "ann", Password: "right"})
	nobody := testport.Free(t)
	if _, err := b.js.CreateConsumer(t.Context(), "PROMPTS", jetstream.ConsumerConfig{Durable: "other", AckPolicy: jetstream.AckNonePolicy}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.js.CreateConsumer(t.Context(), "PROMPTS", jetstream.ConsumerConfig{Durable: "some", AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: "prompts.a"}); err != nil {
		t.Fatal(err)
	}
	ix := openIndex(t, filepath.Join(t.TempDir(), "x.db"))
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("right"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ url, want string }{
		{"nats://" + nobody + "/PROMPTS", "no server answers at " + nobody},
		{"nats://" + b.host + "/PROMPTS", "Authorization Violation"},
		{"nats://ann@" + b.host + "/PROMPTS", "CHORUS_NATS_PASSWORD"},
		{"nats://bob@" + b.host + "/PROMPTS?password_file=" + file, "Authorization Violation"},
		{"nats://ann@" + b.host + "/PROMTS?password_file=" + file, "there is no stream PROMTS"},
		{"nats://ann@" + b.host + "/PROMPTS?durable=other&password_file=" + file, "does not acknowledge each message"},
		{"nats://ann@" + b.host + "/PROMPTS?durable=some&subject=prompts.b&password_file=" + file, "is of the subjects"},
		{"nats://ann@" + b.host + "/PROMPTS?dead_letters=nowhere&password_file=" + file, "no stream holds this subject"},
		{"nats://ann@" + b.host + "/PROMPTS?dead_letters=prompts.dead&password_file=" + file, "say which subjects to read"},
	} {
		if err := openStream(t, ix, test.url, nil).Run(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.url, err, test.want)
		}
	}
	drained(t, ix, "nats://ann@"+b.host+"/PROMPTS?password_file="+file, nil)
	// A consumer that is deleted ends Run.
	s := openStream(t, ix, "nats://ann@"+b.host+"/PROMPTS?password_file="+file, nil)
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }()
	for {
		c, err := b.js.Consumer(t.Context(), "PROMPTS", "chorus")
		if err == nil && c.CachedInfo().NumWaiting > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := b.js.DeleteConsumer(t.Context(), "PROMPTS", "chorus"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, jetstream.ErrConsumerDeleted) {
		t.Error(err)
	}
}
