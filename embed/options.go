package embed

import (
	"fmt"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// A Policy says what a full queue does to prompts.
type Policy int

const (
	DropNewest Policy = iota // refuses the new prompt; Add returns false
	DropOldest               // makes room by dropping those queued longest
	Block                    // waits for room: this one can slow the host
)

func (p Policy) String() string {
	switch p {
	case DropNewest:
		return "DropNewest"
	case DropOldest:
		return "DropOldest"
	case Block:
		return "Block"
	}
	return fmt.Sprintf("Policy(%d)", int(p))
}

// Options say how a tap works. A nil *Options and the zero value mean the
// defaults. New copies it.
type Options struct {
	// Queue is how many prompts wait at most. 0: 8192.
	Queue int

	// QueueBytes bounds the memory of prompts that wait or are being added: the
	// bytes of their strings. One prompt beyond it is refused as too large.
	// 0: 64 MiB.
	QueueBytes int

	// Policy says what happens when the queue is full. 0: DropNewest.
	Policy Policy

	// BatchPrompts is how many prompts the index gets at a time, at most; never
	// more than Queue. 0: 1024.
	BatchPrompts int

	// BatchDelay is how long a prompt waits for others to share its batch.
	// 0: 100 ms. Negative: not at all.
	BatchDelay time.Duration

	// OnError is called with each failure of the index, from the tap's own
	// goroutine, which waits for it. Its errors have no prompt text. nil:
	// failures are only counted.
	OnError func(error)
}

const maxQueue, maxQueueBytes = 1 << 24, 1 << 40

func (o *Options) filled() (Options, error) {
	var f Options
	if o != nil {
		f = *o
	}
	set := func(name string, p *int, def, most int) error {
		if *p == 0 {
			*p = def
		}
		if *p < 1 || *p > most {
			return fmt.Errorf("embed: Options.%s is %d; it must be from 1 to %d, or 0 for %d", name, *p, most, def)
		}
		return nil
	}
	for _, err := range []error{
		set("Queue", &f.Queue, 8192, maxQueue),
		set("QueueBytes", &f.QueueBytes, 64<<20, maxQueueBytes),
		set("BatchPrompts", &f.BatchPrompts, 1024, index.MaxBatch),
	} {
		if err != nil {
			return f, err
		}
	}
	if f.Policy < DropNewest || f.Policy > Block {
		return f, fmt.Errorf("embed: Options.Policy is %v", f.Policy)
	}
	if f.BatchDelay == 0 {
		f.BatchDelay = 100 * time.Millisecond
	}
	f.BatchPrompts = min(f.BatchPrompts, f.Queue)
	return f, nil
}
