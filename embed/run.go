package embed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// run adds what is queued, batch by batch, until the tap is closed and empty.
func (t *Tap) run(ctx context.Context) {
	defer close(t.done)
	defer t.cancel()
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	var items []item
	var prompts []index.Prompt
	for t.await(timer) {
		var size int
		items, size = t.take(items[:0])
		prompts = t.decode(items, prompts[:0])
		t.add(ctx, prompts)
		clear(items)
		clear(prompts)
		t.mu.Lock()
		t.bytes -= size
		t.letIn()
		t.mu.Unlock()
	}
}

// await returns true when there is a batch to take, and false when there will be
// none any more.
func (t *Tap) await(timer *time.Timer) bool {
	timing := false
	for {
		t.mu.Lock()
		some, ready, closed := t.count > 0, t.batchReady(), t.closed
		t.mu.Unlock()
		switch {
		case !some && closed:
			return false
		case !some:
			if timing { // DropOldest or Close have taken them
				timer.Stop()
				timing = false
			}
			<-t.wake
			continue
		case ready || t.opts.BatchDelay < 0:
			timer.Stop()
			return true
		}
		if !timing {
			timer.Reset(t.opts.BatchDelay)
			timing = true
		}
		select {
		case <-t.wake:
		case <-timer.C:
			return true
		}
	}
}

// takeShare is how many items leave the ring under one lock: the host waits no
// longer than it takes to move them.
const takeShare = 32

// take moves a batch out of the ring. Its size stays in t.bytes.
func (t *Tap) take(items []item) (batch []item, size int) {
	for more := true; more; {
		t.mu.Lock()
		for n := 0; ; n++ {
			if more = t.count > 0 && len(items) < t.opts.BatchPrompts && size <= t.batchBytes(); !more || n == takeShare {
				break
			}
			it := t.pop()
			size += it.bytes
			items = append(items, it)
		}
		t.letIn()
		t.mu.Unlock()
	}
	return items, size
}

// errIgnored is of raw JSON that holds no prompt and was not meant to.
var errIgnored = errors.New("embed: not a prompt")

// decode appends the prompts of items that are prompts and counts the others.
func (t *Tap) decode(items []item, prompts []index.Prompt) []index.Prompt {
	for i := range items {
		it := &items[i]
		if it.decode != nil {
			err := it.decode(it.raw, &it.prompt)
			it.raw = nil
			if err == nil {
				err = it.prompt.Validate()
			}
			if err != nil {
				t.mu.Lock()
				t.stats.Queued--
				switch err {
				case errIgnored:
					t.stats.Ignored++
				case errBody:
					t.stats.TooLarge++
					t.stats.LastError = err.Error()
				default:
					t.stats.Invalid++
					t.stats.LastError = err.Error()
				}
				t.mu.Unlock()
				continue
			}
		}
		prompts = append(prompts, it.prompt)
	}
	return prompts
}

// add hands prompts to the index and counts what became of them.
func (t *Tap) add(ctx context.Context, prompts []index.Prompt) {
	if len(prompts) == 0 {
		return
	}
	placed, err := t.ix.Add(ctx, prompts...)
	if errors.Is(err, index.ErrInvalid) && len(prompts) > 1 { // an Adder stricter than Validate: spare the others
		for i := range prompts {
			t.add(ctx, prompts[i:i+1])
		}
		return
	}
	n := uint64(len(prompts))
	duplicates := uint64(0)
	for i := range placed[:min(len(placed), len(prompts))] {
		if placed[i].Duplicate {
			duplicates++
		}
	}
	t.mu.Lock()
	t.stats.Queued -= n
	if err != nil {
		if errors.Is(err, index.ErrInvalid) {
			t.stats.Invalid += n
		} else {
			t.stats.Failed += n
		}
		t.stats.LastError = err.Error()
	} else {
		t.stats.Duplicates += duplicates
		t.stats.Added += n - duplicates
	}
	t.mu.Unlock()
	if err != nil && t.opts.OnError != nil {
		t.opts.OnError(fmt.Errorf("embed: %d prompts not added: %w", n, err))
	}
}

// abandon drops what is queued, ends an Add under way as far as the index heeds
// its context, and returns how many it dropped.
func (t *Tap) abandon() (dropped int) {
	t.mu.Lock()
	for t.count > 0 {
		t.bytes -= t.pop().bytes
		dropped++
	}
	t.stats.Queued -= uint64(dropped)
	t.stats.Dropped += uint64(dropped)
	t.mu.Unlock()
	t.cancel()
	t.signal()
	return dropped
}
