package store

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// TestByHand spells a tiny store as format.go has it.
func TestByHand(t *testing.T) {
	s := try(t, filepath.Join(t.TempDir(), "a.db"), Options{})
	must(t, s.SetMeta("m", []byte("v")))
	_, err := s.Append([][]byte{[]byte("x"), []byte("y")})
	must(t, err)
	d := &SegmentData{
		First: 1,
		Records: []Record{
			{Account: 300, Time: 1000, Shingles: 7, ID: "ab1"},
			{Account: 301, Time: 1003, Shingles: 7, Scale: 1, ID: "ab2"},
			{Account: 300, Time: 1001, Shingles: 8, Scale: 1},
			{Account: 300, Time: 1001, Shingles: 8, Scale: 1, ID: "abcdefghijklmnopq"},
		},
		Width:      2,
		Signatures: []byte{0, 0, 7, 8, 0, 0, 9, 10},
	}
	d.Postings[KindShingle] = []uint64{Pack(9, 0), Pack(5, 1), Pack(5, 3), Pack(5, 1)}
	d.Postings[KindBand] = []uint64{Pack(0xf0000009, 0), Pack(0xf0000005, 1)}
	must(t, s.Seal(d, func() []Put {
		return []Put{
			{TableFlag, []byte("k"), []byte("f")}, {TableUse, []byte("u"), nil}, {TableStat, []byte("s"), []byte("0")}, {TableStat, []byte("s"), []byte("1")},
		}
	}, 1))

	want := `
		store/666f726d6174 02000000
		store/637574 0100000000000000
		store/7365616c6564 0400000000000000
		meta/6d 76
		journal/0000000000000002 79
		segments/0000000000000001 04000000 0200 e803000000000000 eb03000000000000
		records/0000000000000004 0400 0000
			ac02 01 02  d00f 02 5c  07 01 0c  00 01 0e
			03616231 2132 00 0f02 6162636465666768696a6b6c6d6e6f7071
		signatures/0000000000000004 0400 0a 0708 090a
		runs/0000 0000000000000001 0100000000000000 00 0500000000000000 0300000000000000 01000000
		runs/010f 0000000000000001 0200000000000000 00 0500000000000000 0200000000000000 01000000
		postings/0000000000000001 0000000009 000000 0100 02 02 0000000005 0000 81 00 b500
		postings/0000000000000002 00f0000009 000000 0100 01 02 00f0000005 0000 01 51
		layers/0000000000000001 01000000 02000000
		layered/0000000000000001 02 75 01 01 73 02 31 02 01 75 00
		flag/6b 66`
	tags := map[string]byte{"store": 1, "meta": 2, "journal": 3, "segments": 4, "records": 5, "signatures": 6, "runs": 7, "postings": 8, "layers": 10, "layered": 11, "flag": 20}
	keyLen := map[string]int{"store": 6, "meta": 1, "journal": 8, "segments": 8, "records": 8, "signatures": 8, "runs": 10, "postings": 16, "layers": 8, "layered": 10, "flag": 1}
	expected := map[string]string{}
	var name, text string
	add := func() {
		if name == "" {
			return
		}
		b, err := hex.DecodeString(text)
		must(t, err)
		n := keyLen[name]
		if name == "store" && b[0] == 'c' {
			n = 3
		}
		stored := binary.LittleEndian.AppendUint32(slices.Clone(b[n:]), crc32.Checksum(append([]byte{tags[name]}, b...), crc32.MakeTable(crc32.Castagnoli)))
		expected[name+"/"+hex.EncodeToString(b[:n])] = hex.EncodeToString(stored)
	}
	for _, field := range strings.Fields(want) {
		if n, rest, ok := strings.Cut(field, "/"); ok {
			add()
			name, text = n, rest
		} else {
			text += field
		}
	}
	add()
	must(t, s.db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				at := string(name) + "/" + hex.EncodeToString(k)
				if got := hex.EncodeToString(v); got != expected[at] {
					t.Errorf("%s:\n got %s\nwant %s", at, got, expected[at])
				}
				delete(expected, at)
				return nil
			})
		})
	}))
	for at := range expected {
		t.Error(at, "is missing")
	}

	head := []byte("chorusZ\n\x01\x00\x00\x00\x45\x23\x01\x00\x00\x00\x00\x00")
	body := bytes.Repeat([]byte{7}, 0x12345)
	table := crc32.MakeTable(crc32.Castagnoli)
	page := binary.LittleEndian.AppendUint32(bytes.Clone(head), crc32.Checksum(append(bytes.Clone(body), head...), table))
	page = append(page, make([]byte, pageSize-len(page))...)
	if got := closingPage(0x12345, crc32.Checksum(body, table)); !bytes.Equal(got, page) {
		t.Errorf("closing page: %x, want %x", got[:32], page[:32])
	}
}

// encodeBlocks returns the blocks of sorted postings.
func encodeBlocks(t testing.TB, span uint64, postings [][2]uint64) (blocks [][]byte, lasts []uint64) {
	t.Helper()
	w := newBlockWriter(span, func(last uint64, b []byte) error {
		if len(b)+sumLen > maxPostingBlock || cap(b) < len(b)+sumLen {
			t.Fatalf("a block of %d bytes with room for %d", len(b), cap(b))
		}
		blocks, lasts = append(blocks, b), append(lasts, last)
		return nil
	})
	for _, p := range postings {
		must(t, w.add(p[0], p[1]))
	}
	must(t, w.flush())
	return blocks, lasts
}

func decodeBlock(b []byte, span uint64) (postings [][2]uint64, ok bool) {
	p, ok := parseBlock(b, span)
	if !ok {
		return nil, false
	}
	var keys, offs [groupLen]uint64
	for g := range p.groups {
		n := p.decode(g, &keys, &offs)
		if n == 0 {
			return nil, false
		}
		for i := range n {
			postings = append(postings, [2]uint64{keys[i], offs[i]})
		}
	}
	return postings, true
}

func comparePostings(a, b [2]uint64) int { return slices.Compare(a[:], b[:]) }

func TestBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for name, c := range map[string]struct {
		n    int
		span uint64
		key  func() uint64
	}{
		"one prompt":   {1, 1, func() uint64 { return 0 }},
		"one key":      {70_000, 100_000, func() uint64 { return 12345 }},
		"all prompts":  {300_000, 1000, func() uint64 { return rng.Uint64N(300) }},
		"uniform":      {50_000, 1 << 17, func() uint64 { return rng.Uint64N(1 << 40) }},
		"ends":         {500, 1 << 40, func() uint64 { return rng.Uint64N(2) * keyMask }},
		"zipf":         {50_000, 1 << 17, rand.NewZipf(rng, 1.1, 1, 1<<36).Uint64},
		"two clusters": {5000, 1 << 24, func() uint64 { return rng.Uint64N(2)*(1<<39) + rng.Uint64N(1000) }},
		"small":        {130, 7, func() uint64 { return rng.Uint64N(200) }},
	} {
		t.Run(name, func(t *testing.T) {
			var postings [][2]uint64
			for range c.n {
				postings = append(postings, [2]uint64{c.key(), rng.Uint64N(c.span)})
			}
			slices.SortFunc(postings, comparePostings)
			postings = slices.Compact(postings)
			blocks, lasts := encodeBlocks(t, c.span, postings)
			var got [][2]uint64
			for i, b := range blocks {
				ps, ok := decodeBlock(b, c.span)
				if !ok || ps[len(ps)-1][0] != lasts[i] {
					t.Fatalf("block %d of %d: malformed", i, len(blocks))
				}
				got = append(got, ps...)
			}
			if !slices.Equal(got, postings) {
				t.Fatal("decoded otherwise")
			}
			// Look-ups of keys that are there and of their neighbours.
			want := map[uint64][]uint64{}
			for _, p := range postings {
				want[p[0]] = append(want[p[0]], p[1])
			}
			looked := 0
			for key := range want {
				for _, key := range []uint64{key, key + 1, key - 1} {
					for _, b := range blocks {
						p, _ := parseBlock(b, c.span)
						if got := p.search(key); got > 0 && p.first(got-1) >= key || got < p.groups && p.first(got) < key {
							t.Fatalf("key %x: group %d of %d", key, got, p.groups)
						}
					}
					var got []uint64
					for _, b := range blocks {
						p, _ := parseBlock(b, c.span)
						more, ok := p.lookup(key, func(off uint64) bool { got = append(got, off); return true })
						if !more || !ok {
							t.Fatal("malformed")
						}
					}
					if !slices.Equal(got, want[key]) {
						t.Fatalf("key %x: %d, want %d", key, got, want[key])
					}
				}
				if looked++; looked == 300 {
					break
				}
			}
		})
	}
}

func TestBlockSizes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const prompts = 130_000
	size := func(n int, key func() uint64) float64 {
		var postings [][2]uint64
		for range n {
			postings = append(postings, [2]uint64{key(), rng.Uint64N(prompts)})
		}
		slices.SortFunc(postings, comparePostings)
		postings = slices.Compact(postings)
		total := 0
		blocks, _ := encodeBlocks(t, prompts, postings)
		for _, b := range blocks {
			total += len(b) + sumLen + 16
		}
		return float64(total) / float64(len(postings))
	}
	// Postings of a shard: 25 shingles, 24 bands a prompt; or all of a template's.
	if got := size(prompts*25/16, func() uint64 { return rng.Uint64N(1 << 36) }); got > 4.8 {
		t.Errorf("%.2f bytes a shingle", got)
	}
	if got := size(prompts*24/16, func() uint64 { return rng.Uint64N(1 << 28) }); got > 3.9 {
		t.Errorf("%.2f bytes a band", got)
	}
	if got := size(100_000, func() uint64 { return rng.Uint64N(100) }); got > 1.5 {
		t.Errorf("%.2f bytes a repeated key", got)
	}
}

func FuzzBlock(f *testing.F) {
	for _, h := range []string{"010002020000000005000081 00b500", "0100010200f00000050000 0151", "", "ffff7f28"} {
		b, _ := hex.DecodeString(strings.ReplaceAll(h, " ", ""))
		f.Add(b, uint64(4), uint64(5))
	}
	f.Fuzz(func(t *testing.T, b []byte, span, key uint64) {
		key &= keyMask
		if p, ok := parseBlock(b, span); ok {
			p.lookup(key, func(off uint64) bool {
				if off >= span {
					t.Fatalf("offset %d of %d", off, span)
				}
				return true
			})
		}
		postings, ok := decodeBlock(b, span)
		if !ok || !slices.IsSortedFunc(postings, comparePostings) || len(slices.Compact(slices.Clone(postings))) != len(postings) {
			return
		}
		// What can be decoded can be encoded, and comes back.
		blocks, _ := encodeBlocks(t, span, postings)
		var again [][2]uint64
		for _, b := range blocks {
			ps, ok := decodeBlock(b, span)
			if !ok {
				t.Fatal("malformed")
			}
			again = append(again, ps...)
		}
		if !slices.Equal(again, postings) {
			t.Fatal("came back otherwise")
		}
	})
}

// FuzzPostings makes postings of bytes and holds look-ups against them.
func FuzzPostings(f *testing.F) {
	f.Add([]byte("abcabcabcabc"), uint8(0))
	f.Add(bytes.Repeat([]byte{1, 2, 3, 0xff, 9}, 300), uint8(30))
	f.Fuzz(func(t *testing.T, b []byte, shift uint8) {
		const span = 1 << 16
		var postings [][2]uint64
		for ; len(b) >= 4; b = b[4:] {
			postings = append(postings, [2]uint64{uint64(binary.LittleEndian.Uint16(b)) << (shift % 25), uint64(binary.LittleEndian.Uint16(b[2:]))})
		}
		slices.SortFunc(postings, comparePostings)
		postings = slices.Compact(postings)
		var got [][2]uint64
		blocks, _ := encodeBlocks(t, span, postings)
		for _, b := range blocks {
			ps, ok := decodeBlock(b, span)
			if !ok {
				t.Fatal("malformed")
			}
			again, _ := encodeBlocks(t, span, ps)
			if len(again) != 1 || !bytes.Equal(again[0], b) {
				t.Fatal("encoded otherwise")
			}
			got = append(got, ps...)
		}
		if !slices.Equal(got, postings) {
			t.Fatal("decoded otherwise")
		}
		for i := 0; i < len(postings); i += 1 + len(postings)/20 {
			var got, want []uint64
			for _, p := range postings {
				if p[0] == postings[i][0] {
					want = append(want, p[1])
				}
			}
			for _, b := range blocks {
				p, _ := parseBlock(b, span)
				p.lookup(postings[i][0], func(off uint64) bool { got = append(got, off); return true })
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%d, want %d", got, want)
			}
		}
	})
}

func FuzzRecords(f *testing.F) {
	b, _ := hex.DecodeString("02000000ac020102d00f020c07000001020361623121 32")
	f.Add(b)
	f.Add([]byte{})
	must(f, encodeRecords([]Record{{1, 2, 3, 4, "5"}, {1 << 31, -1 << 63, 1 << 30, 255, strings.Repeat("long", 99)}, {Time: 1<<63 - 1}}, func(_ int, b []byte) error {
		f.Add(b)
		return nil
	}))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := parseRecordBlock(b)
		if !ok {
			return
		}
		var g recordGroupReader
		var records []Record
		for i := range p.n {
			var r Record
			if !p.at(&g, i, &r) {
				return
			}
			records = append(records, r)
		}
		var again []Record
		must(t, encodeRecords(records, func(n int, b []byte) error {
			p, ok := parseRecordBlock(b)
			if !ok || p.n != n || len(b)+sumLen > maxRecordBlock {
				t.Fatal("malformed")
			}
			for i := range n {
				var r Record
				if !p.at(&g, i, &r) {
					t.Fatal("malformed")
				}
				again = append(again, r)
			}
			return nil
		}))
		if !slices.Equal(again, records) {
			t.Fatal("came back otherwise")
		}
	})
}

func TestRecordBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, longest := range []int{1, 12, 300, MaxID + 1} {
		var records, got []Record
		for range 3000 {
			id := make([]byte, rng.IntN(longest))
			for j := range id {
				id[j] = byte(rng.IntN(256))
			}
			records = append(records, Record{rng.Uint32(), int64(rng.Uint64()), rng.Uint32(), uint8(rng.Uint32()), string(id)})
		}
		must(t, encodeRecords(records, func(n int, b []byte) error {
			if len(b)+sumLen > maxRecordBlock {
				t.Fatalf("a block of %d bytes", len(b))
			}
			if n := checkBlock(tagRecords, b, &Segment{MinTime: -1 << 63, MaxTime: 1<<63 - 1}); n == 0 {
				t.Fatal("malformed")
			}
			p, _ := parseRecordBlock(b)
			var g recordGroupReader
			for i := range n {
				var r Record
				if !p.at(&g, i, &r) {
					t.Fatal("malformed")
				}
				got = append(got, r)
			}
			return nil
		}))
		if !slices.Equal(got, records) {
			t.Fatal("decoded otherwise")
		}
	}
}

func FuzzSignatures(f *testing.F) {
	f.Add([]byte{4, 0, 10, 7, 8, 9, 10}, 2)
	f.Add([]byte{1, 0, 0}, 1)
	f.Fuzz(func(t *testing.T, b []byte, width int) {
		if width < 1 || width > MaxWidth {
			return
		}
		p, ok := parseSignatureBlock(b, width)
		if !ok {
			return
		}
		var rows []byte
		for i := range min(p.n, 1<<20/width) {
			rows = p.appendRow(rows, i)
		}
		var again []byte
		must(t, encodeSignatures(rows, width, func(n int, b []byte) error {
			p, ok := parseSignatureBlock(b, width)
			if !ok || p.n != n || len(b)+sumLen > maxRecordBlock {
				t.Fatal("malformed")
			}
			for i := range n {
				again = p.appendRow(again, i)
			}
			return nil
		}))
		if !bytes.Equal(again, rows) {
			t.Fatal("came back otherwise")
		}
	})
}

func FuzzSort(f *testing.F) {
	f.Add([]byte("12345678abcdefgh12345678"), true)
	f.Fuzz(func(t *testing.T, b []byte, ordered bool) {
		var a []uint64
		for ; len(b) >= 8; b = b[8:] {
			p := binary.BigEndian.Uint64(b)
			if ordered {
				p = Pack(p>>offsetBits, len(a)/3)
			}
			a = append(a, p)
		}
		want := slices.Clone(a)
		slices.Sort(want)
		want = slices.Compact(want)
		if got := sortPostings(a, make([]uint64, len(a))); !slices.Equal(got, want) {
			t.Fatalf("%x, want %x", got, want)
		}
	})
}

func TestMergeTwo(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		all := make([]uint64, rng.IntN(20))
		for i := range all {
			all[i] = uint64(i)*3 + rng.Uint64N(3)
		}
		var a, b []uint64
		share := rng.IntN(5)
		for _, v := range all {
			if rng.IntN(4) < share {
				a = append(a, v)
			} else {
				b = append(b, v)
			}
		}
		got := make([]uint64, len(all))
		if mergeTwo(got, a, b); !slices.Equal(got, all) {
			t.Fatalf("%v and %v make %v", a, b, got)
		}
	}
}
