package otelcol

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
)

// maxReasons bounds the reasons that are counted each on its own.
const maxReasons = 100

// count counts what became of a request. Each reason is logged once.
func (s *store) count(ctx context.Context, added, duplicates int64, skips []promptlog.Skip) {
	one := func(n int64, outcome, reason string) {
		if n > 0 {
			attrs := []attribute.KeyValue{attribute.String("outcome", outcome)}
			if reason != "" {
				attrs = append(attrs, attribute.String("reason", reason))
			}
			s.counter.Add(ctx, n, metric.WithAttributes(attrs...))
		}
	}
	unrelated := int64(0)
	reasons := make(map[string]int64)
	for i := range skips {
		if skips[i].Unrelated() {
			unrelated++
		} else {
			reasons[skips[i].Kind()]++
		}
	}
	one(added, "added", "")
	one(duplicates, "duplicate", "")
	one(unrelated, "unrelated", "")
	for reason, n := range reasons {
		one(n, "skipped", s.say(reason))
	}
}

// say logs a reason that is new and returns its name in counters.
func (s *store) say(reason string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.said[reason] {
		if len(s.said) >= maxReasons {
			return "other reasons"
		}
		s.said[reason] = true
		s.log.Warn("skipped, and counted from now on", zap.String("reason", reason))
	}
	return reason
}
