package webhook

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// state is what the file holds:
//
//	{"version":1,"instance":"…","hooks":{URL:{"position":17,"retries":[…],"dead":[…]}}}
//
// Addresses may hold secrets: the file is for its owner alone.
type state struct {
	Version  int                  `json:"version"`
	Instance string               `json:"instance"` // part of every webhook-id
	Hooks    map[string]*progress `json:"hooks"`
}

const stateVersion = 1

// A progress says how far one hook is. Every flag up to Position was delivered,
// not asked for, or is in one of the lists.
type progress struct {
	Position uint64   `json:"position"`
	Retries  []Letter `json:"retries,omitempty"`
	Dead     []Letter `json:"dead,omitempty"`
}

// A Letter is a delivery that failed.
type Letter struct {
	Seq   uint64    `json:"seq" doc:"Of the flag"`
	Tries int       `json:"tries"`
	Due   time.Time `json:"due,omitzero" doc:"When it is tried again; absent for dead letters"`
	Error string    `json:"error" doc:"Of the last attempt"`
}

func newInstance() string { return strings.ToLower(rand.Text()[:10]) }

// load reads the state and gives every queue its part.
func (s *Sender) load(ctx context.Context) error {
	if len(s.queues) == 0 {
		return nil
	}
	b, err := os.ReadFile(s.o.State)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.state = state{Version: stateVersion, Instance: newInstance()}
	case err != nil:
		return fmt.Errorf("webhook: %w", err)
	default:
		if err := json.Unmarshal(b, &s.state); err != nil || s.state.Instance == "" {
			return fmt.Errorf("webhook: %s is damaged; delete it and hooks begin with the next flag", s.o.State)
		}
		if s.state.Version != stateVersion {
			return fmt.Errorf("webhook: %s is of version %d, made by another version of chorus", s.o.State, s.state.Version)
		}
	}
	if s.state.Hooks == nil {
		s.state.Hooks = make(map[string]*progress)
	}
	flags, err := s.ix.FlagsAfter(ctx, 0, 0)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	last := uint64(len(flags)) // numbered from 1 without gaps
	for _, q := range s.queues {
		p := s.state.Hooks[q.hook.URL]
		if p == nil {
			p = &progress{Position: last}
			s.state.Hooks[q.hook.URL] = p
		}
		if p.Position > last { // the index is another, or an older copy: its flags need ids of their own
			s.o.Logger.Warn("webhook: the index has fewer flags than were delivered; going on with the next", "hook", q.hook.Name())
			p.Position = last
			s.state.Instance = newInstance()
		}
		past := func(l Letter) bool { return l.Seq > last }
		p.Retries, p.Dead = slices.DeleteFunc(p.Retries, past), slices.DeleteFunc(p.Dead, past)
		q.progress = p
	}
	return s.save()
}

// save writes the state, as a whole or not at all. The caller holds s.mu or is
// the only one.
func (s *Sender) save() error {
	if len(s.queues) == 0 {
		return nil
	}
	b, err := json.Marshal(&s.state)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(s.o.State), filepath.Base(s.o.State)+".*") // for its owner alone
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.o.State)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("webhook: %w", err)
	}
	return nil
}
