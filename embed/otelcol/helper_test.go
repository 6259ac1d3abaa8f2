package otelcol

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
	"go.uber.org/zap"

	"github.com/seed-368d3dfa/chorus/index"
)

func TestMain(m *testing.M) {
	if config := os.Getenv("CHORUS_TEST_COLLECTOR"); config != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		c, err := newCollector(config)
		if err == nil {
			err = c.Run(ctx)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// newCollector is a collector of the receiver otlp and the exporter chorus.
func newCollector(config string) (*otelcol.Collector, error) {
	factories := func() (otelcol.Factories, error) {
		in, out := otlpreceiver.NewFactory(), NewFactory()
		return otelcol.Factories{
			Receivers: map[component.Type]receiver.Factory{in.Type(): in},
			Exporters: map[component.Type]exporter.Factory{out.Type(): out},
			Telemetry: otelconftelemetry.NewFactory(),
		}, nil
	}
	return otelcol.NewCollector(otelcol.CollectorSettings{
		Factories: factories, BuildInfo: component.NewDefaultBuildInfo(), DisableGracefulShutdown: true,
		LoggingOptions: []zap.Option{zap.IncreaseLevel(zap.WarnLevel)},
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			URIs: []string{"file:" + config}, ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory()},
		}},
	})
}

// configure writes collector.yaml with the test's addresses and index.
func configure(t *testing.T, in, listen, db string) (file string) {
	t.Helper()
	b, err := os.ReadFile("collector.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for old, now := range map[string]string{"127.0.0.1:4318": in, "127.0.0.1:8428": listen, "/var/lib/chorus/chorus.db": db} {
		if strings.Count(text, old) != 1 {
			t.Fatalf("collector.yaml has %s %d times", old, strings.Count(text, old))
		}
		text = strings.ReplaceAll(text, old, now)
	}
	file = t.TempDir() + "/collector.yaml"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// answers waits until a server does.
func answers(t *testing.T, address string) {
	t.Helper()
	for range 18_000 {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("nothing answers at %s", address)
}

func get(t *testing.T, url string) (status int) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	return r.StatusCode
}

// A sender is the collector's own OTLP exporter, which retries.
type sender struct {
	traces exporter.Traces
	logs   exporter.Logs
}

func newSender(t *testing.T, address string) *sender {
	t.Helper()
	f := otlphttpexporter.NewFactory()
	c := f.CreateDefaultConfig().(*otlphttpexporter.Config)
	c.ClientConfig.Endpoint = "http://" + address
	c.ClientConfig.Timeout = time.Minute
	c.QueueConfig = noQueue // so that a call returns when the collector has answered
	c.RetryConfig.InitialInterval, c.RetryConfig.MaxInterval, c.RetryConfig.MaxElapsedTime = 50*time.Millisecond, 200*time.Millisecond, 0
	set := exporter.Settings{ID: component.NewID(f.Type()), TelemetrySettings: componenttest.NewNopTelemetrySettings(), BuildInfo: component.NewDefaultBuildInfo()}
	var s sender
	var err error
	if s.traces, err = f.CreateTraces(t.Context(), set, c); err != nil {
		t.Fatal(err)
	}
	if s.logs, err = f.CreateLogs(t.Context(), set, c); err != nil {
		t.Fatal(err)
	}
	for _, e := range []component.Component{s.traces, s.logs} {
		if err := e.Start(t.Context(), componenttest.NewNopHost()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Shutdown(context.Background()) })
	}
	return &s
}

// many is how many prompts a test sends, in requests of perRequest.
func many() int {
	if testing.Short() {
		return 5_000
	}
	return 100_000
}

const perRequest = 500

// word spells n in letters, as digits count as any other digits.
func word(n int) string {
	return strings.Map(func(r rune) rune { return r - '0' + 'k' }, strconv.Itoa(n))
}

func words(n int) string {
	return fmt.Sprintf("Put these into order and say why it is the right one: %s %s", word(n%700), word(n))
}

func ids(n int) (trace pcommon.TraceID, span pcommon.SpanID) {
	binary.BigEndian.PutUint64(trace[8:], uint64(n)+1)
	binary.BigEndian.PutUint64(span[:], uint64(n)+1)
	return trace, span
}

func at(n int) pcommon.Timestamp {
	return pcommon.NewTimestampFromTime(time.Unix(1780300800+int64(n%20)*86400, int64(n)))
}

// spans are those of n requests to a model from the firstth on, as conventions
// since 1.37 have them, each behind one that has nothing to do with it.
func spans(first, n int) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "gateway")
	list := rs.ScopeSpans().AppendEmpty().Spans()
	for i := first; i < first+n; i++ {
		other := list.AppendEmpty()
		other.SetName("GET /")
		other.SetStartTimestamp(at(i))
		s := list.AppendEmpty()
		trace, span := ids(i)
		s.SetTraceID(trace)
		s.SetSpanID(span)
		s.SetName("chat m")
		s.SetStartTimestamp(at(i))
		a := s.Attributes()
		a.PutStr("gen_ai.operation.name", "chat")
		a.PutStr("gen_ai.request.model", "m")
		a.PutStr("enduser.id", fmt.Sprintf("acct-%04d", i%4000))
		a.PutStr("gen_ai.input.messages", fmt.Sprintf(`[{"role":"user","parts":[{"type":"text","content":%q}]}]`, words(i)))
	}
	return td
}

// events are the same as log records, which have no ids.
func events(first, n int) plog.Logs {
	ld := plog.NewLogs()
	list := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i := first; i < first+n; i++ {
		r := list.AppendEmpty()
		r.SetEventName("gen_ai.client.inference.operation.details")
		r.SetTimestamp(at(i))
		a := r.Attributes()
		a.PutStr("gen_ai.operation.name", "chat")
		a.PutStr("user.id", fmt.Sprintf("acct-%04d", i%4000))
		m := a.PutEmptySlice("gen_ai.input.messages").AppendEmpty().SetEmptyMap()
		m.PutStr("role", "user")
		p := m.PutEmptySlice("parts").AppendEmpty().SetEmptyMap()
		p.PutStr("type", "text")
		p.PutStr("content", words(i))
	}
	return ld
}

// stored opens an index that nobody has, checks it and says how many prompts are
// in it.
func stored(t *testing.T, db string) int {
	t.Helper()
	ix, err := index.Open(db, &index.Options{SiftBytes: 32 << 20, LockTimeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	if err := ix.Check(t.Context()); err != nil {
		t.Error(err)
	}
	st, err := ix.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st.Prompts
}
