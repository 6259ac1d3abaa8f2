package embed

import (
	"context"
	"errors"

	"github.com/seed-368d3dfa/chorus/index"
)

// An item is a prompt in the queue: a whole one, or what its way in knows of it
// with raw JSON from which the goroutine fills in the rest.
type item struct {
	prompt index.Prompt
	raw    []byte
	decode func(raw []byte, p *index.Prompt) error // nil: prompt is whole
	bytes  int                                     // size, when it was queued
}

// size is the memory of an item's strings, in bytes.
func (it *item) size() int {
	p := &it.prompt
	n := len(it.raw) + len(p.ID) + len(p.Account) + len(p.Text) + len(p.Model)
	for i := range p.Messages {
		n += len(p.Messages[i].Role) + len(p.Messages[i].Content)
	}
	for k, v := range p.Attrs {
		n += len(k) + len(v)
	}
	return n
}

var errQueueBytes = errors.New("embed: prompt is larger than Options.QueueBytes")

// offer queues an item or drops by policy; it reports whether the item was taken.
func (t *Tap) offer(ctx context.Context, it *item) bool {
	if it.prompt.Time.IsZero() {
		it.prompt.Time = now()
	}
	size := it.size()
	if size > t.opts.QueueBytes {
		t.refuse(&t.stats.TooLarge, errQueueBytes)
		return false
	}
	t.mu.Lock()
	for t.full(size) && !t.closed && t.makeRoom(ctx) {
	}
	t.stats.Received++ // now, as a caller that waits is none of the other counters
	if t.closed || t.full(size) {
		t.stats.Dropped++
		t.mu.Unlock()
		return false
	}
	at := t.head + t.count
	if at >= len(t.ring) {
		at -= len(t.ring)
	}
	t.ring[at] = *it
	t.ring[at].bytes = size
	t.count++
	t.bytes += size
	t.stats.Queued++
	look := t.count == 1 || t.batchReady()
	t.mu.Unlock()
	if look {
		t.signal()
	}
	return true
}

// full says that there is no room for size bytes more. t.mu is held.
func (t *Tap) full(size int) bool {
	return t.count == len(t.ring) || t.bytes+size > t.opts.QueueBytes
}

// makeRoom does what the policy says about a full queue and reports whether it
// is worth looking again. t.mu is held, and let go while waiting.
func (t *Tap) makeRoom(ctx context.Context) bool {
	switch t.opts.Policy {
	case DropOldest:
		if t.count == 0 { // the batch being added has all of QueueBytes
			return false
		}
		t.bytes -= t.pop().bytes
		t.stats.Queued--
		t.stats.Dropped++
		return true
	case Block:
		if t.room == nil {
			t.room = make(chan struct{})
		}
		room := t.room
		t.mu.Unlock()
		defer t.mu.Lock()
		select {
		case <-room:
			return true
		case <-ctx.Done():
		}
	}
	return false
}

// pop takes the oldest item off the ring. t.mu is held, and t.count > 0.
func (t *Tap) pop() item {
	it := t.ring[t.head]
	t.ring[t.head] = item{} // its strings go with it
	if t.head++; t.head == len(t.ring) {
		t.head = 0
	}
	t.count--
	return it
}

// batchReady says that waiting for more prompts would not make a larger batch.
// t.mu is held.
func (t *Tap) batchReady() bool {
	return t.count >= t.opts.BatchPrompts || t.bytes >= t.batchBytes() || t.closed
}

// batchBytes is the size at which a batch ends: a part of QueueBytes, so that
// prompts find room while one is being added.
func (t *Tap) batchBytes() int { return t.opts.QueueBytes / 4 }

// letIn wakes those who wait for room. t.mu is held.
func (t *Tap) letIn() {
	if t.room != nil {
		close(t.room)
		t.room = nil
	}
}

// signal has the goroutine look at the queue.
func (t *Tap) signal() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}
