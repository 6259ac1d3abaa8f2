package promptlog

import (
	"encoding/base64"
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
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
