package index

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
)

// flag numbers and records a flag. The caller holds ix.mu.
func (ix *Index) flag(flag Flag) {
	ix.flagSeq++
	flag.Seq = ix.flagSeq
	value, err := json.Marshal(flag)
	if err != nil { // no value of a Flag fails
		panic(err)
	}
	ix.freshFlags = append(ix.freshFlags, flag)
	ix.unsealedFlags = append(ix.unsealedFlags, store.Put{
		Table: store.TableFlag, Key: binary.BigEndian.AppendUint64(nil, flag.Seq), Value: value,
	})
	close(ix.flagged)
	ix.flagged = make(chan struct{})
}

// FlagsAfter returns the recorded flags whose number is above after, oldest
// first, at most limit of them; limit 0 means all.
func (ix *Index) FlagsAfter(ctx context.Context, after uint64, limit int) ([]Flag, error) {
	var flags []Flag
	enough := errors.New("enough")
	err := ix.view(nil, func(r *store.Reader, s *snapshot) error {
		add := func(f Flag) error {
			flags = append(flags, f)
			if len(flags) == limit {
				return enough
			}
			return ctx.Err()
		}
		if err := r.Scan(store.TableFlag, binary.BigEndian.AppendUint64(nil, after+1), nil, func(_, value []byte) error {
			var f Flag
			if err := json.Unmarshal(value, &f); err != nil {
				return fmt.Errorf("%w: a flag is malformed", ErrDamaged)
			}
			return add(f)
		}); err != nil {
			return err
		}
		last := after
		if len(flags) > 0 {
			last = flags[len(flags)-1].Seq
		}
		for _, f := range s.flags {
			if f.Seq > last {
				if err := add(f); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == enough {
		err = nil
	}
	return flags, err
}

// Flags yields the recorded flags whose number is above after, then those to
// come as they are recorded, until ctx is done or the index closes. A reader
// that stops resumes with the number of the last flag it saw.
func (ix *Index) Flags(ctx context.Context, after uint64) iter.Seq2[Flag, error] {
	return func(yield func(Flag, error) bool) {
		for {
			ix.mu.RLock()
			more := ix.flagged
			ix.mu.RUnlock()
			flags, err := ix.FlagsAfter(ctx, after, 1000)
			if err != nil {
				if ctx.Err() == nil {
					yield(Flag{}, err)
				}
				return
			}
			for _, f := range flags {
				after = f.Seq
				if !yield(f, nil) {
					return
				}
			}
			if len(flags) == 1000 {
				continue
			}
			select {
			case <-more:
			case <-ctx.Done():
				return
			case <-ix.gone:
				return
			}
		}
	}
}
