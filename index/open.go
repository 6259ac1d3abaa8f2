package index

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/minhash"
)

const (
	metaScheme = "scheme"
	auxCounts  = 'c' // → counters
)

// entropy is where secret seeds are from; tests have the same ones every time.
var entropy = rand.Reader

// openScheme reads the index's scheme, or makes one with a secret seed.
func (ix *Index) openScheme() error {
	b, err := ix.store.Meta(metaScheme)
	if err != nil {
		return err
	}
	if b == nil {
		if ix.opts.ReadOnly {
			ix.scheme = minhash.NewScheme(0)
			return nil
		}
		var seed [8]byte
		if _, err := io.ReadFull(entropy, seed[:]); err != nil {
			return fmt.Errorf("index: making a seed: %w", err)
		}
		ix.scheme = minhash.NewScheme(binary.LittleEndian.Uint64(seed[:]))
		if b, err = ix.scheme.MarshalBinary(); err != nil {
			return err
		}
		return ix.store.SetMeta(metaScheme, b)
	}
	if err := ix.scheme.UnmarshalBinary(b); err != nil {
		return fmt.Errorf("%w: %w", ErrScheme, err)
	}
	return nil
}

// counters is the record of the index's own numbers.
func (ix *Index) counters() store.Put {
	var b []byte
	for _, v := range []uint64{
		uint64(ix.templates.NextID()), uint64(ix.templates.Out()), ix.flagSeq, ix.duplicates, ix.attrs.others,
	} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return store.Put{Table: store.TableAux, Key: []byte{auxCounts}, Value: b}
}

func (ix *Index) restoreCounters(r *store.Reader) error {
	b, ok, err := r.Get(store.TableAux, []byte{auxCounts})
	if err != nil || !ok {
		return err
	}
	c := cutter{b: b}
	ix.templates.SetNextID(uint32(c.uint64()))
	ix.templates.SetOut(int(c.uint64()))
	ix.flagSeq, ix.duplicates = c.uint64(), c.uint64()
	if len(c.b) > 0 { // older records end before
		ix.attrs.others = c.uint64()
	}
	if c.bad || len(c.b) > 0 {
		return fmt.Errorf("%w: the counters are malformed", ErrDamaged)
	}
	return nil
}

// total sets the totals to those of segments.
func (ix *Index) total(segments []store.Segment) {
	ix.prompts, ix.first, ix.last = 0, math.MaxInt64, math.MinInt64
	for _, s := range segments {
		ix.prompts += uint64(s.N)
		ix.first, ix.last = min(ix.first, s.MinTime), max(ix.last, s.MaxTime)
	}
}
