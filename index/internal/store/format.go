package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The disk format
//
// A store is one bbolt file of 4096-byte pages without a synced freelist. All
// integers are big-endian in keys and little-endian in values unless said
// otherwise; "uvarint" and "varint" are those of encoding/binary. Every stored
// value ends with
//
//	sum [4]   CRC32-C of the bucket's tag [1], the key and the value before it
//
// which the arrows below leave out. Prompts are numbered from 1 upwards in
// the order of sealing and a number is never used again.
//
//	"store" (tag 1)       its sequence counts the changes of "segments", "runs" and "layers"
//	    "format"  → version [4]
//	    "cut"     → seq [8]: journal entries up to seq are part of the segments and tables
//	    "sealed"  → n [8]: the last prompt ever sealed
//	"meta" (2)            name → value, the caller's
//	"journal" (3)         its sequence is the last seq given out
//	    seq [8]   → value, the caller's
//	"segments" (4)
//	    first [8] → n [4] width [2] mintime [8] maxtime [8]: prompts [first, first+n),
//	                unix ms, width of a signature in bytes
//	"records" (5)         last prompt of the block [8] → record block
//	"signatures" (6)      last prompt of the block [8] → signature block
//	"runs" (7)            its sequence is the last run id given out
//	    kind [1] shard [1] first [8] → id [8] level [1] end [8] postings [8] blocks [4]:
//	                a run of postings of the prompts [first, end). The runs of one
//	                kind and shard cover disjoint intervals.
//	"postings" (8)        id [8] last key of the block [5] block number in the run, from 0 [3]
//	                → posting block
//	"layers" (10)         its sequence is the last layer id given out
//	    id [8]    → blocks [4] records [4]: a layer of records of the tables below 4, which
//	                hide those of the layers of lower ids and of the tables' own buckets
//	"layered" (11)        id [8] table [1] key of the block's last record → layer block
//	"garbage" (9)         what is being written or deleted and belongs to nothing; the
//	                next writable Open deletes it
//	    'R' id [8]    → nothing: a run's blocks
//	    'L' id [8]    → nothing: a layer's blocks
//	    'S' first [8] → end [8]: the record and signature blocks of prompts [first, end)
//	"template" … "aux" (16 + Table)   key → value, the caller's
//
// Keys of records, signatures and postings name the last item of a block, so
// that one Seek finds the block that holds an item; so do those of layers. A block's limit is such that two
// (or three, or four: bbolt's leaves hold no fewer) fill their pages: 65,490
// bytes for postings, 16,340 for records, signatures and layers (more for a record of a
// layer that is longer).
//
// Posting block: groups of 128 postings (the last may be shorter), sorted by
// key, then prompt, without duplicates. Prompts are stored as offsets from the run's first.
//
//	groups [2]        number of groups
//	last [1]          postings in the last group, less one
//	width [1]         bits of an offset: those of end-first-1
//	groups times:     first key [5, big-endian]  start [2] of the group, from the end of this table
//	groups
//
// A group is a string of bits, lowest first, padded to a byte with zeros. R(k)
// is a Rice code: quotient by 2^k as ones and a zero, then k bits; a quotient
// of 20 or more is 20 ones and the 40-bit number. When no key repeats:
//
//	k [8 bits]
//	offset [width bits] for every posting
//	gap to the key before, less one, R(k), for all but the first
//
// and otherwise:
//
//	k+128 [8 bits]  d [8 bits]
//	same [1 bit] for all but the first: has the key of the posting before
//	gap to the key before, less one, R(k), for every other but the first
//	offset: when same, the difference to the posting before, less one, R(d); else width bits
//
// Record block: groups of 64 records (the last may be shorter).
//
//	n [2]             number of records
//	groups times:     start [2] of the group, from the end of this table
//	groups
//
// A group has four columns, account, time (unix ms), shingles and scale, each
//
//	least value (uvarint, of time varint)  width [1]
//	value less the least [width bits] for each record, lowest bit first, padded to a byte
//
// and then the ids, each
//
//	shared [4 bits, high]  rest [4 bits, low]   bytes shared with the id before, bytes that follow
//	shared-15 (uvarint, when shared is 15)  rest-15 (uvarint, when rest is 15)
//	bytes
//
// Signature block:
//
//	n [2]             number of rows
//	present [(n+7)/8] one bit a row, lowest first: 0 is a row of zeros
//	rows [width each] those present
//
// Layer block: records by table, then key, each
//
//	table [1]
//	length (uvarint) of the key, key
//	length+1 (uvarint) of the value, value; 0 instead: the record is deleted
//
// Closing page. bbolt leaves bytes that no sum of ours covers: free pages, the
// slack inside pages, the older meta page. So Close of a writable store cuts the
// file after bbolt's last page, and when that leaves at most 64 MiB it appends
// one page and leaves a mark at byte 2048 of the older meta page, where bbolt
// stores nothing and which its next commit overwrites whole:
//
//	page: magic [8] "chorusZ\n"  1 [4]  length [8] of the file before this page
//	      sum [4] CRC32-C of the file before this page, then of the 20 bytes before this field
//	      zeros to 4096
//	mark: magic [8] "chorusM\n"  length [8]
//
// A file with a mark has a closing page or is damaged. While the mark is being
// set or removed the page begins with "OPENING\0" instead, which says nothing
// about the rest. Backup writes page and mark too.
//
// Versions
//
//	1   the first
//	2   adds layers; a store of version 1 becomes one of version 2 with its first layer

const (
	formatVersion  = 2
	closingVersion = 1
)

const pageSize = 4096

const (
	tagStore byte = 1 + iota
	tagMeta
	tagJournal
	tagSegments
	tagRecords
	tagSignatures
	tagRuns
	tagPostings
	tagGarbage
	tagLayers
	tagLayered
	tagTables byte = 16
)

var bucketNames = [...][]byte{
	tagStore:      []byte("store"),
	tagMeta:       []byte("meta"),
	tagJournal:    []byte("journal"),
	tagSegments:   []byte("segments"),
	tagRecords:    []byte("records"),
	tagSignatures: []byte("signatures"),
	tagRuns:       []byte("runs"),
	tagPostings:   []byte("postings"),
	tagGarbage:    []byte("garbage"),
	tagLayers:     []byte("layers"),
	tagLayered:    []byte("layered"),

	tagTables + byte(TableTemplate): []byte("template"),
	tagTables + byte(TableStat):     []byte("stat"),
	tagTables + byte(TableUse):      []byte("use"),
	tagTables + byte(TableExemplar): []byte("exemplar"),
	tagTables + byte(TableFlag):     []byte("flag"),
	tagTables + byte(TableLabel):    []byte("label"),
	tagTables + byte(TableAccount):  []byte("account"),
	tagTables + byte(TableAux):      []byte("aux"),
}

var (
	keyFormat = []byte("format")
	keyCut    = []byte("cut")
	keySealed = []byte("sealed")
)

const (
	maxPostingBlock = 65490 // with its sum
	maxRecordBlock  = 16340 // with its sum; signatures and layers too
	sumLen          = 4
)

const (
	maxTransaction = 1 << 20 // bytes of blocks that one transaction writes, about
	maxSweep       = 256     // entries that one transaction deletes
	foldFill       = .9      // of a page of the tables that layers are folded into: many records come at a time
	fanIn          = 8       // runs that one merge takes, and layers that one fold does
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(tag byte, key, value []byte) uint32 {
	t := [1]byte{tag}
	return crc32.Update(crc32.Update(crc32.Update(0, castagnoli, t[:]), castagnoli, key), castagnoli, value)
}

// withSum appends the sum to value, in place when its capacity allows.
func withSum(tag byte, key, value []byte) []byte {
	return binary.LittleEndian.AppendUint32(value, sum(tag, key, value))
}

// checked returns a stored value without its sum, which must be right.
func checked(tag byte, key, stored []byte) ([]byte, error) {
	n := len(stored) - sumLen
	if n < 0 || sum(tag, key, stored[:n]) != binary.LittleEndian.Uint32(stored[n:]) {
		return nil, damaged("%s %x: wrong checksum", bucketNames[tag], shortKey(key))
	}
	return stored[:n:n], nil
}

// shortKey keeps errors short; keys of tables may be long.
func shortKey(key []byte) []byte { return key[:min(len(key), 16)] }

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s; restore a backup", ErrDamaged, fmt.Sprintf(format, args...))
}

func be64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// key40 appends a posting key.
func key40(b []byte, key uint64) []byte {
	return append(b, byte(key>>32), byte(key>>24), byte(key>>16), byte(key>>8), byte(key))
}

func get40(b []byte) uint64 {
	_ = b[4]
	return uint64(b[0])<<32 | uint64(b[1])<<24 | uint64(b[2])<<16 | uint64(b[3])<<8 | uint64(b[4])
}

func postingKey(run, last uint64, block int) []byte {
	b := key40(be64(run), last)
	return append(b, byte(block>>16), byte(block>>8), byte(block))
}
