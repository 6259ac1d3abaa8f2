package index

import (
	"encoding/json"
	"fmt"

	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// replay counts the journal's prompts in again.
func (ix *Index) replay() error {
	var e entry
	return ix.store.Journal(func(seq uint64, value []byte) error {
		c := cutter{b: value}
		for len(c.b) > 0 {
			if err := readEntry(&c, &e, ix.scheme.Rows); err != nil {
				return err
			}
			if err := ix.replayEntry(&e, seq); err != nil {
				return err
			}
		}
		return nil
	})
}

func (ix *Index) replayEntry(e *entry, seq uint64) error {
	ix.journaled.Store(seq)
	if e.label != nil {
		var l Label
		if err := json.Unmarshal(e.label, &l); err != nil {
			return fmt.Errorf("%w: a label in the journal is malformed", ErrDamaged)
		}
		ix.mu.Lock()
		ix.recordLabel(l)
		ix.mu.Unlock()
		ix.replayed(e, seq)
		return nil
	}
	ix.mu.Lock() // recalls may be under way
	err := ix.replayAccount(e)
	if err == nil {
		err = ix.attrs.replay(&e.sketch)
	}
	ix.mu.Unlock()
	if err != nil {
		return err
	}
	s := sketched{keys: append([]uint64(nil), e.sketch.keys...), signature: append([]byte(nil), e.sketch.signature...),
		shingles: e.sketch.shingles, scale: e.sketch.scale, turn: e.sketch.turn, network: e.sketch.network, payment: e.sketch.payment,
		values: e.sketch.values}
	if len(s.signature) > 0 {
		s.bands = ix.own.Bands(nil, s.signature)
	}
	if e.prompt.ID != "" {
		s.idKey = ix.own.idKey(e.prompt.ID)
	}
	i := 0
	ix.mu.Lock()
	ix.apply(&e.prompt, &s, e.account, e.time, func(template.Match) string {
		i++
		if i > len(e.texts) {
			return ""
		}
		return e.texts[i-1]
	})
	ix.mu.Unlock()
	ix.replayed(e, seq)
	return nil
}

// replayAccount takes an entry's account in. The caller holds ix.mu.
func (ix *Index) replayAccount(e *entry) error {
	if e.name != "" {
		if id, fresh := ix.accounts.intern(e.name); !fresh || id != e.account {
			return fmt.Errorf("%w: the journal names account %d twice", ErrDamaged, e.account)
		}
	}
	if e.account == 0 || int(e.account) > ix.accounts.len() {
		return fmt.Errorf("%w: the journal holds an unknown account", ErrDamaged)
	}
	return nil
}

// replayed seals what is full, where it was when the entries were made.
func (ix *Index) replayed(e *entry, seq uint64) {
	if e.last && !ix.opts.ReadOnly {
		if s := ix.rotateIfFull(); s != nil {
			s.cut = seq
			ix.seals <- s
		}
	}
}
