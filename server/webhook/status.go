package webhook

import (
	"slices"
	"time"
)

// A Status says how one hook is doing.
type Status struct {
	Hook     string   `json:"hook" doc:"Its host and a hash of its address"`
	Position uint64   `json:"position" doc:"The last flag that was taken up"`
	Down     bool     `json:"down" doc:"The last attempts all failed"`
	Stopped  bool     `json:"stopped" doc:"The receiver has answered 410: it gets nothing until a replay or the next start"`
	Retries  []Letter `json:"retries" doc:"Deliveries that will be tried again"`
	Dead     []Letter `json:"dead" doc:"Deliveries that were given up; a replay takes them up again"`
}

// Status returns how every hook is doing, in the order of Options.Hooks.
func (s *Sender) Status() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Status, len(s.queues))
	for i, q := range s.queues {
		out[i] = Status{
			Hook: q.hook.Name(), Position: q.progress.Position, Down: q.failures >= downAfter, Stopped: q.stopped,
			Retries: append([]Letter{}, q.progress.Retries...), Dead: append([]Letter{}, q.progress.Dead...),
		}
	}
	return out
}

// Replay takes dead letters up again, at once: those of the given flags, or
// all; of the hook of that name, or of all. It returns how many. A stopped hook
// starts again.
func (s *Sender) Replay(hook string, flags ...uint64) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := false
	for _, q := range s.queues {
		if hook != "" && q.hook.Name() != hook {
			continue
		}
		known = true
		q.progress.Dead = slices.DeleteFunc(q.progress.Dead, func(l Letter) bool {
			if len(flags) > 0 && !slices.Contains(flags, l.Seq) {
				return false
			}
			n++
			q.progress.Retries = append(q.progress.Retries, Letter{Seq: l.Seq, Due: time.Now(), Error: l.Error})
			return true
		})
		q.stopped, q.failures, q.probe = false, 0, time.Time{}
		select {
		case q.again <- struct{}{}:
		default:
		}
	}
	if hook != "" && !known {
		return 0, ErrUnknown
	}
	return n, s.save()
}

func (s *Sender) instance() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Instance
}
