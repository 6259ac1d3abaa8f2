package consume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
	"github.com/seed-368d3dfa/chorus/index"
)

// Options say how to read a stream. Nil and the zero value mean the defaults.
type Options struct {
	// Format and Map are as in promptlog.Options; what the URL says counts before
	// them. "": auto, and nil: nothing.
	Format string
	Map    *promptlog.Map

	// DeadLetters gets one JSON line for each record in which something is no
	// prompt: a DeadLetter, with the record's value, which is people's words. It
	// is written to before the record is acknowledged, and synced if it has a
	// method Sync() error. A failure ends Run. nil: they are only counted.
	DeadLetters io.Writer

	// OnSkip is called with what was skipped, from a goroutine of Run that waits
	// for it. nil: it is only counted.
	OnSkip func([]promptlog.Skip)

	// UntilCaughtUp ends Run when all that was in the stream when it began is in
	// the index and acknowledged.
	UntilCaughtUp bool

	// Retry makes Run try again, ever less often up to once a minute, whatever
	// stands between it and the broker. Otherwise only a connection that was there
	// before is made again; without one at the start Run fails.
	Retry bool

	// Logger gets what a person who runs this should know; never prompt text.
	// nil: nothing.
	Logger *slog.Logger
}

// Stats are a stream's counters since Open.
type Stats struct {
	Records     uint64         `json:"records"`      // delivered and acknowledged
	Prompts     uint64         `json:"prompts"`      // counted in, durable
	Duplicates  uint64         `json:"duplicates"`   // counted before, like those of a record that came again
	Skipped     uint64         `json:"skipped"`      // no prompts
	DeadLetters uint64         `json:"dead_letters"` // records with any that were skipped
	Reasons     map[string]int `json:"reasons,omitempty"`
	Bytes       uint64         `json:"bytes"`  // of records' values
	Behind      int64          `json:"behind"` // records in the stream that have not been delivered, about
}

// maxReasons is how many reasons are counted each on its own.
const maxReasons = 100

// A Stream is a way in from a broker. Its methods may be called concurrently,
// Run once at a time.
type Stream struct {
	ix   *index.Index
	c    *config
	name string
	opts Options
	log  *slog.Logger

	mu    sync.Mutex
	stats Stats
}

// Open reads a URL and the files that it names; it does not connect yet. o may
// be nil. Errors about the URL wrap ErrURL.
func Open(ix *index.Index, url string, o *Options) (*Stream, error) {
	if ix == nil {
		return nil, errors.New("consume: Open without an index")
	}
	c, err := parse(url)
	if err != nil {
		return nil, err
	}
	s := &Stream{ix: ix, c: c, name: c.String()}
	if o != nil {
		s.opts = *o
	}
	if c.format == "auto" && s.opts.Format != "" {
		c.format = s.opts.Format
	}
	if c.fields == nil {
		c.fields = s.opts.Map
	}
	if s.log = s.opts.Logger; s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.log = s.log.With("stream", s.name)
	if c.format != "auto" && !slices.Contains(promptlog.Formats(), c.format) {
		return nil, fmt.Errorf("consume: unknown format %q", c.format)
	}
	return s, nil
}

// Check reports what is wrong with a URL, as an error that wraps ErrURL.
func Check(url string) error {
	_, err := parse(url)
	return err
}

// String names the stream without who reads it.
func (s *Stream) String() string { return s.name }

// Stats returns the counters, all of one moment.
func (s *Stream) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Reasons = maps.Clone(st.Reasons)
	return st
}

// Run reads the stream until ctx is done, and then acknowledges what is durable
// and returns nil. Other reasons to end are a failure of the index or of
// DeadLetters, what a broker refuses for good, and Options.UntilCaughtUp.
func (s *Stream) Run(ctx context.Context) error {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		began := time.Now()
		err := s.session(ctx)
		if ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err())) {
			return nil
		}
		var final *finalError
		if err == nil || !s.opts.Retry || errors.As(err, &final) {
			return err
		}
		if time.Since(began) > time.Minute {
			wait = time.Second
		}
		s.log.Warn("will try again", "error", err, "in", wait)
		select {
		case <-time.After(wait/2 + rand.N(wait/2)):
		case <-ctx.Done():
			return nil
		}
	}
}

// A finalError is one that no broker can mend.
type finalError struct{ error }

func (e *finalError) Unwrap() error { return e.error }

// session reads the stream over one connection.
func (s *Stream) session(ctx context.Context) error {
	// A record's time is a prompt's that has none; a live stream has one. Records
	// that hold several prompts without ids cannot give each its place.
	d := promptlog.NewDecoder(&promptlog.Options{Format: s.c.format, Map: s.c.fields, TimeOptional: true, ContentIDs: true})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := &flow{s: s, d: d, queue: make(chan *flight, maxFlights), cancel: cancel, room: make(chan struct{}, 1)}
	connect := connectKafka
	if s.c.scheme == "nats" {
		connect = connectNATS
	}
	settled := make(chan struct{})
	go func() {
		defer close(settled)
		f.settle(context.WithoutCancel(ctx))
	}()
	var err error
	if f.src, err = connect(ctx, s, f); err == nil {
		err = f.run(ctx)
		// What is on its way to the disk gets there, is acknowledged, and only
		// then the connection ends.
		f.drain(context.Background())
		f.src.close()
	}
	close(f.queue)
	<-settled
	if f.failed != nil {
		return f.failed
	}
	return err
}

// count adds what became of a flight.
func (s *Stream) count(fl *flight, added, duplicates int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.stats
	for i := range fl.records {
		if !fl.records[i].control {
			st.Records++
		}
		st.Bytes += uint64(len(fl.records[i].value))
	}
	st.Prompts += uint64(added)
	st.Duplicates += uint64(duplicates)
	st.Skipped += uint64(len(fl.skips))
	st.DeadLetters += uint64(len(fl.dead))
	for i := range fl.skips {
		if st.Reasons == nil {
			st.Reasons = make(map[string]int)
		}
		kind := fl.skips[i].Kind()
		if _, ok := st.Reasons[kind]; !ok && len(st.Reasons) >= maxReasons {
			kind = "other reasons"
		}
		st.Reasons[kind]++
	}
}

func (s *Stream) behind(n int64) {
	s.mu.Lock()
	s.stats.Behind = n
	s.mu.Unlock()
}

// errorf is an error of the stream.
func (s *Stream) errorf(format string, args ...any) error {
	return fmt.Errorf("consume: %s: "+format, append([]any{s.name}, args...)...)
}
