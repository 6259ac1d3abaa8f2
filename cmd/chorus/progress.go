package main

import (
	"encoding/json"
	"io"
	"math"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A progress tells how far a run is: a bar on a terminal; elsewhere, with
// --json, an object a line every few seconds; else nothing.
type progress struct {
	bar   *progressbar.ProgressBar
	lines io.Writer // nil without JSON lines
	now   func() time.Time
	start time.Time
	last  time.Time // of the last line
	total int64     // bytes, -1 if that is not known
	bytes int64
}

const (
	progressTick  = 200 * time.Millisecond
	progressEvery = 5 * time.Second // between JSON lines: shorter runs have none
)

// A loadProgress is a line about load.
type loadProgress struct {
	Prompts int     `json:"prompts"` // stored, or known before
	Bytes   int64   `json:"bytes"`   // of input read
	Total   int64   `json:"total_bytes,omitempty"`
	Rate    float64 `json:"prompts_per_second"`
	Left    float64 `json:"seconds_left,omitempty"`
}

// newProgress begins a run of total bytes, -1 if that is not known.
func (a *app) newProgress(total int64) progress {
	p := progress{now: time.Now, total: total}
	p.start = p.now()
	p.last = p.start
	if _, ok := terminal(a.stderr); ok {
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(a.stderr),
			progressbar.OptionSetDescription("loading"),
			progressbar.OptionShowBytes(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionFullWidth(),
		)
	} else if a.json {
		p.lines = a.stderr
	}
	return p
}

// set shows that bytes of input have been read and prompts of it stored.
func (p *progress) set(bytes int64, prompts int) {
	p.bytes = bytes
	if p.bar != nil {
		rate := float64(prompts) / max(p.now().Sub(p.start).Seconds(), 1e-3)
		p.bar.Describe(thousands(prompts) + " prompts, " + thousands(int(rate)) + "/s")
		p.bar.Set64(bytes)
		return
	}
	p.line(func(seconds float64) any {
		s := loadProgress{Prompts: prompts, Bytes: bytes, Rate: math.Round(float64(prompts) / seconds)}
		if p.total > 0 {
			s.Total = p.total
			if bytes > 0 {
				s.Left = max(0, math.Round(seconds*float64(p.total-bytes)/float64(bytes)))
			}
		}
		return s
	})
}

// state shows what consume has done so far.
func (p *progress) state(s consumed) {
	if p.bar != nil {
		p.bar.Describe(thousands(int(s.Prompts)) + " prompts, " + thousands(int(s.Rate)) + "/s, " + thousands(int(s.Behind)) + " behind")
		p.bar.Add(0)
		return
	}
	p.line(func(float64) any { return s })
}

// line writes an object if it is time to.
func (p *progress) line(of func(seconds float64) any) {
	if p.lines == nil {
		return
	}
	now := p.now()
	if now.Sub(p.last) < progressEvery {
		return
	}
	p.last = now
	json.NewEncoder(p.lines).Encode(map[string]any{"progress": of(now.Sub(p.start).Seconds())})
}

func (p *progress) finish() {
	if p.bar != nil {
		p.bar.Finish()
	}
}

// terminal says whether w is one, and how many columns it has.
func terminal(w any) (columns int, ok bool) {
	if o, ok := w.(*answer); ok {
		w = o.w
	}
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	return columns, err == nil
}
