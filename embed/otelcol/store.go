package otelcol

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
)

// stores has the store of each configuration: the exporters of logs and of
// traces that share one also share the index, which one process opens once.
type stores struct {
	mu  sync.Mutex
	all map[*Config]*store
}

func (all *stores) of(c *Config, set exporter.Settings) (*store, error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if s, ok := all.all[c]; ok {
		return s, nil
	}
	fields, err := c.fields()
	if err != nil {
		return nil, err
	}
	s := &store{
		c: c, log: set.Logger, slog: slog.New(zapslog.NewHandler(set.Logger.Core())), said: make(map[string]bool),
		gone: func() {
			all.mu.Lock()
			defer all.mu.Unlock()
			delete(all.all, c)
		},
	}
	s.counter, err = set.MeterProvider.Meter("github.com/seed-368d3dfa/chorus/embed/otelcol").Int64Counter("chorus_prompts",
		metric.WithDescription("Spans and log records by what became of them: added, duplicate, skipped (with a reason), unrelated"))
	if err != nil {
		return nil, err
	}
	o := &promptlog.Options{Format: "otlp", Map: fields, TimeOptional: true, ContentIDs: true}
	s.decoders.New = func() any { return promptlog.NewDecoder(o) }
	if all.all == nil {
		all.all = make(map[*Config]*store)
	}
	all.all[c] = s
	return s, nil
}

// A store is an index with what decodes prompts for it.
type store struct {
	c        *Config
	log      *zap.Logger
	slog     *slog.Logger
	counter  metric.Int64Counter
	decoders sync.Pool // of *promptlog.Decoder
	gone     func()

	mu    sync.Mutex
	users int // exporters that have started
	host  component.Host
	ix    *index.Index
	web   *web            // nil without Listen
	said  map[string]bool // reasons that have been logged
}

// start opens the index with the first exporter.
func (s *store) start(_ context.Context, host component.Host) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users > 0 {
		s.users++
		return nil
	}
	ix, err := index.Open(s.c.Path, &index.Options{
		FlagAccounts: s.c.FlagAccounts, SiftBytes: s.c.SiftMiB << 20, TemplateBytes: s.c.TemplateMiB << 20,
		NoExemplars: s.c.NoExemplars, HashAccounts: s.c.HashAccounts, Logger: s.slog,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", s.c.Path, err)
	}
	if s.c.Listen != "" {
		if s.web, err = s.serve(ix); err != nil {
			return errors.Join(err, ix.Close())
		}
	}
	s.ix, s.host, s.users = ix, host, 1
	return nil
}

// shutdown closes the index with the last exporter.
func (s *store) shutdown(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users != 0 { // below 0: it has not started
		return nil
	}
	s.gone()
	var err error
	if s.web != nil {
		err = s.web.close()
	}
	return errors.Join(err, s.ix.Close())
}

func (s *store) addTraces(ctx context.Context, td ptrace.Traces) error {
	text, err := new(ptrace.JSONMarshaler).MarshalTraces(td)
	if err != nil {
		return consumererror.NewPermanent(err)
	}
	return s.add(ctx, text)
}

func (s *store) addLogs(ctx context.Context, ld plog.Logs) error {
	text, err := new(plog.JSONMarshaler).MarshalLogs(ld)
	if err != nil {
		return consumererror.NewPermanent(err)
	}
	return s.add(ctx, text)
}

// add adds the prompts of a request in OTLP's JSON encoding: all of them are
// durable, or it returns an error.
func (s *store) add(ctx context.Context, text []byte) error {
	d := s.decoders.Get().(*promptlog.Decoder) // not used again after an error: it may hold parts of prompts
	var b promptlog.Batch
	if err := d.OTLPJSON(&b, text, func() error { return ctx.Err() }); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return consumererror.NewPermanent(err)
	}
	d.Flush(&b)
	s.decoders.Put(d)
	var pending []*index.Pending
	for rest := b.Prompts; len(rest) > 0; {
		n := min(len(rest), index.MaxBatch)
		p, err := s.ix.Submit(ctx, rest[:n]...)
		if err != nil {
			return s.failed(err)
		}
		pending = append(pending, p)
		rest = rest[n:]
	}
	added, duplicates := int64(0), int64(0)
	for _, p := range pending {
		places, err := p.Wait()
		if err != nil {
			return s.failed(err)
		}
		for i := range places {
			if places[i].Duplicate {
				duplicates++
			} else {
				added++
			}
		}
	}
	s.count(ctx, added, duplicates, b.Skipped)
	return nil
}

// failed ends the collector when the index takes nothing any more: a new
// process goes on from what is durable. Senders are told to retry.
func (s *store) failed(err error) error {
	if errors.Is(err, index.ErrFailed) {
		componentstatus.ReportStatus(s.host, componentstatus.NewFatalErrorEvent(err))
	}
	return err
}
