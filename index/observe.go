package index

import "time"

// Work is one thing that an index did on the disk, for metrics.
type Work struct {
	Kind       string // "commit" of prompts and labels, "seal" of a memtable to a segment, or one "merge"
	Prompts    int    // commit: those made durable
	Duplicates int    // commit: those that had been seen before, beside them
	Took       time.Duration
	Err        error // nothing of it is durable
}

// observe tells Options.Observe of work that began at start.
func (ix *Index) observe(w Work, start time.Time) {
	if ix.opts.Observe == nil {
		return
	}
	w.Took = time.Since(start)
	ix.opts.Observe(w)
}

// observeCommit counts what groups brought.
func (ix *Index) observeCommit(waiting []*group, err error, start time.Time) {
	if ix.opts.Observe == nil {
		return
	}
	w := Work{Kind: "commit", Err: err}
	for _, g := range waiting {
		for _, r := range g.requests {
			for i := range r.placements {
				if r.placements[i].Duplicate {
					w.Duplicates++
				} else {
					w.Prompts++
				}
			}
		}
	}
	ix.observe(w, start)
}
