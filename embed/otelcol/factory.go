package otelcol

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
)

var kind = component.MustNewType("chorus")

const timeout = 30 * time.Second

// NewFactory returns the factory of the exporter.
func NewFactory() exporter.Factory {
	var all stores
	return exporter.NewFactory(kind, defaults,
		exporter.WithTraces(all.traces, component.StabilityLevelAlpha),
		exporter.WithLogs(all.logs, component.StabilityLevelAlpha))
}

func defaults() component.Config {
	return &Config{TimeoutConfig: exporterhelper.TimeoutConfig{Timeout: timeout}}
}

func (all *stores) traces(ctx context.Context, set exporter.Settings, c component.Config) (exporter.Traces, error) {
	s, err := all.of(c.(*Config), set)
	if err != nil {
		return nil, err
	}
	return exporterhelper.NewTraces(ctx, set, c, s.addTraces, s.options()...)
}

func (all *stores) logs(ctx context.Context, set exporter.Settings, c component.Config) (exporter.Logs, error) {
	s, err := all.of(c.(*Config), set)
	if err != nil {
		return nil, err
	}
	return exporterhelper.NewLogs(ctx, set, c, s.addLogs, s.options()...)
}

func (s *store) options() []exporterhelper.Option {
	return []exporterhelper.Option{
		exporterhelper.WithCapabilities(consumer.Capabilities{MutatesData: false}),
		exporterhelper.WithTimeout(s.c.TimeoutConfig),
		exporterhelper.WithRetry(s.c.RetryConfig),
		exporterhelper.WithQueue(s.c.QueueConfig),
		exporterhelper.WithStart(s.start),
		exporterhelper.WithShutdown(s.shutdown),
	}
}
