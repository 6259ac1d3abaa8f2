package otelcol

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// TestCounts adds what is good, joins what belongs together, and counts the
// rest under its reason.
func TestCounts(t *testing.T) {
	telemetry := componenttest.NewTelemetry()
	defer telemetry.Shutdown(t.Context())
	f := NewFactory()
	c := f.CreateDefaultConfig().(*Config)
	c.Path = filepath.Join(t.TempDir(), "x.db")
	set := exporter.Settings{ID: component.NewID(f.Type()), TelemetrySettings: telemetry.NewTelemetrySettings(), BuildInfo: component.NewDefaultBuildInfo()}
	traces, err := f.CreateTraces(t.Context(), set, c)
	if err != nil {
		t.Fatal(err)
	}
	logs, err := f.CreateLogs(t.Context(), set, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []component.Component{traces, logs} {
		if err := e.Start(t.Context(), componenttest.NewNopHost()); err != nil {
			t.Fatal(err)
		}
	}
	td := spans(0, 10)
	list := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	list.At(1).Attributes().Remove("enduser.id")
	for range 2 {
		if err := traces.ConsumeTraces(t.Context(), td); err != nil {
			t.Fatal(err)
		}
	}
	// Events of conventions before 1.37: one a message.
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for _, name := range []string{"gen_ai.system.message", "gen_ai.user.message", "gen_ai.choice", "unrelated"} {
		r := records.AppendEmpty()
		r.SetEventName(name)
		r.SetTimestamp(at(1))
		trace, span := ids(100)
		r.SetTraceID(trace)
		r.SetSpanID(span)
		r.Attributes().PutStr("enduser.id", "a")
		r.Body().SetEmptyMap().PutStr("content", "words")
	}
	if err := logs.ConsumeLogs(t.Context(), ld); err != nil {
		t.Fatal(err)
	}
	m, err := telemetry.GetMetric("chorus_prompts")
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int64)
	for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
		outcome, _ := p.Attributes.Value("outcome")
		reason, _ := p.Attributes.Value("reason")
		got[outcome.AsString()+" "+reason.AsString()] = p.Value
	}
	want := map[string]int64{"added ": 10, "duplicate ": 9, "unrelated ": 21, "skipped account is missing": 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, e := range []component.Component{traces, logs} {
		if err := e.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if got := stored(t, c.Path); got != 10 {
		t.Errorf("%d prompts, want 10", got)
	}
}
