package metrics

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-368d3dfa/chorus/index"
)

// campaignsEvery is how often campaigns are counted, at most: it takes a look at
// every template.
const campaignsEvery = time.Minute

// An indexCollector asks an index when it is scraped.
type indexCollector struct {
	ix        *index.Index
	campaigns atomic.Pointer[map[string]int] // by status; nil: not counted yet
	scraped   chan struct{}
}

type stat struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*index.Stats) float64
}

func newStat(name, help string, kind prometheus.ValueType, value func(*index.Stats) float64) stat {
	return stat{prometheus.NewDesc(name, help, nil, nil), kind, value}
}

var stats = []stat{
	newStat("chorus_prompts", "Prompts retained.", prometheus.GaugeValue, func(s *index.Stats) float64 { return float64(s.Prompts) }),
	newStat("chorus_accounts", "Accounts known.", prometheus.GaugeValue, func(s *index.Stats) float64 { return float64(s.Accounts) }),
	newStat("chorus_templates", "Templates known.", prometheus.GaugeValue, func(s *index.Stats) float64 { return float64(s.Templates) }),
	newStat("chorus_template_bytes", "Memory that templates take, about.", prometheus.GaugeValue, func(s *index.Stats) float64 { return float64(s.Memory) }),
	newStat("chorus_flags_total", "Flags ever recorded: templates that spread, campaigns that raised an alert.", prometheus.CounterValue, func(s *index.Stats) float64 { return float64(s.Flags) }),
	newStat("chorus_segments", "Segments of the index.", prometheus.GaugeValue, func(s *index.Stats) float64 { return float64(s.Segments) }),
	newStat("chorus_runs", "Sorted runs of postings; merging makes them fewer.", prometheus.GaugeValue, func(s *index.Stats) float64 { return float64(s.Runs) }),
	newStat("chorus_unsealed_prompts", "Prompts that are in the journal and in no segment yet.", prometheus.GaugeValue, func(s *index.Stats) float64 { return float64(s.Unsealed) }),
	newStat("chorus_queue_requests", "Batches of prompts that wait to be counted in; 64 fill the queue.", prometheus.GaugeValue, func(s *index.Stats) float64 { return float64(s.Queued) }),
	newStat("chorus_index_bytes", "Size of the index's file.", prometheus.GaugeValue, func(s *index.Stats) float64 { return float64(s.Bytes) }),
	newStat("chorus_newest_prompt_timestamp_seconds", "Time of the newest prompt, in the prompts' own time.", prometheus.GaugeValue, func(s *index.Stats) float64 {
		if s.Last.IsZero() {
			return 0
		}
		return float64(s.Last.UnixMilli()) / 1000
	}),
}

var campaignsDesc = prometheus.NewDesc("chorus_campaigns", "Campaigns by status, counted at most once a minute.", []string{"status"}, nil)

// Watch adds the figures of an index, until stop is called, which must be before
// the index is closed.
func (m *Metrics) Watch(ix *index.Index) (stop func()) {
	c := &indexCollector{ix: ix, scraped: make(chan struct{}, 1)}
	m.registry.MustRegister(c)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.count(ctx)
	}()
	return func() {
		m.registry.Unregister(c)
		cancel()
		<-done
	}
}

// count counts campaigns after scrapes: while one waits for it, it would be late.
func (c *indexCollector) count(ctx context.Context) {
	for {
		select {
		case <-c.scraped:
		case <-ctx.Done():
			return
		}
		all, err := c.ix.Campaigns(ctx, index.Filter{})
		if err == nil {
			counts := map[string]int{"alert": 0, "watch": 0, index.Benign: 0, index.Confirmed: 0}
			for i := range all {
				counts[all[i].Status]++
			}
			c.campaigns.Store(&counts)
		}
		select {
		case <-time.After(campaignsEvery):
		case <-ctx.Done():
			return
		}
	}
}

// Describe implements prometheus.Collector.
func (c *indexCollector) Describe(ch chan<- *prometheus.Desc) {
	for i := range stats {
		ch <- stats[i].desc
	}
	ch <- campaignsDesc
}

// Collect implements prometheus.Collector. An index that is closed has no
// figures.
func (c *indexCollector) Collect(ch chan<- prometheus.Metric) {
	s, err := c.ix.Stats(context.Background())
	if err != nil {
		return
	}
	for i := range stats {
		ch <- prometheus.MustNewConstMetric(stats[i].desc, stats[i].kind, stats[i].value(&s))
	}
	if counts := c.campaigns.Load(); counts != nil {
		for status, n := range *counts {
			ch <- prometheus.MustNewConstMetric(campaignsDesc, prometheus.GaugeValue, float64(n), status)
		}
	}
	select {
	case c.scraped <- struct{}{}:
	default:
	}
}
