package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A progress is a bar on a terminal; elsewhere it shows nothing.
type progress struct {
	bar   *progressbar.ProgressBar
	bytes int64
}

// newProgress begins a bar of total bytes, -1 if that is not known.
func newProgress(w io.Writer, total int64) progress {
	if _, ok := terminal(w); !ok {
		return progress{}
	}
	return progress{bar: progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription("loading"),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionFullWidth(),
	)}
}

// set shows that bytes of input have been read and prompts of it stored.
func (p *progress) set(bytes int64, prompts int) {
	p.bytes = bytes
	if p.bar != nil {
		p.bar.Describe(thousands(prompts) + " prompts")
		p.bar.Set64(bytes)
	}
}

func (p *progress) finish() {
	if p.bar != nil {
		p.bar.Finish()
	}
}

// terminal says whether w is one, and how many columns it has.
func terminal(w any) (columns int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	return columns, err == nil
}
