// Package otelcol is an exporter for the OpenTelemetry Collector that keeps a
// chorus index inside the collector: NewFactory makes its factory, of the type
// "chorus".
//
// It takes the prompts out of logs and traces that follow the GenAI semantic
// conventions, old and new, as promptlog reads them, and adds them to the index.
// Other spans and log records are counted and left alone.
//
// A request that a receiver has accepted is durable: without a sending_queue,
// which is the default, the collector answers when the index has the prompts. A
// prompt without an id gets one made of its words, account and time, so that
// what a sender repeats counts once. Messages that conventions before 1.37 put
// into events of their own are joined with their request if they are in the
// same batch.
//
// With listen set, the index is served over HTTP as "chorus serve" does. To feed
// a chorus server that runs elsewhere this package is not needed: the
// collector's own otlphttp exporter sends to it.
package otelcol
