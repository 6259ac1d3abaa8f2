package promptlog

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"github.com/seed-368d3dfa/chorus/index"
)

// An idSource makes ids for prompts that have none, so that the same log can be
// loaded again. An id is a hash of three things: the log's first record, the
// number of the prompt's record, and the record. The same log gives the same
// ids however it is compressed and after it has grown; another log that holds
// an equal record gives another id unless it begins with the same record and
// has the equal one at the same place. Two of n prompts get the same id with a
// probability of n²/2⁶⁵: one in a million for six million prompts.
type idSource struct {
	on     bool
	first  uint64 // hash of the log's first record
	record []byte
}

// of returns the id of the nth prompt of a record.
func (s *idSource) of(line, nth int) string {
	var b [32]byte
	binary.LittleEndian.PutUint64(b[:], s.first)
	binary.LittleEndian.PutUint64(b[8:], uint64(line))
	binary.LittleEndian.PutUint64(b[16:], uint64(nth))
	binary.LittleEndian.PutUint64(b[24:], xxhash.Sum64(s.record))
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], xxhash.Sum64(b[:]))
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// identify gives the nth prompt of a record an id if it has none but may have
// one: for the first what stands beside the record, else with Options.ContentIDs one made of what it says. That
// is the first 96 bits of a SHA-256: whoever writes prompts must not be able to
// make two of them pass for one.
func (d *decoder) identify(p *index.Prompt, nth int) {
	if p.ID == "" && nth == 0 {
		p.ID = d.beside.ID
	}
	if p.ID != "" || !d.contentIDs || p.Time.IsZero() {
		return
	}
	b := d.said[:0]
	part := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendVarint(b, p.Time.UnixNano())
	part(p.Account)
	part(p.Model)
	part(p.Text)
	for i := range p.Messages {
		part(p.Messages[i].Role)
		part(p.Messages[i].Content)
	}
	sum := sha256.Sum256(b)
	p.ID = base64.RawURLEncoding.EncodeToString(sum[:12])
	if d.said = b; cap(b) > maxSaid {
		d.said = nil
	}
}

// maxSaid bounds the buffer that a decoder keeps for ids.
const maxSaid = 1 << 20
