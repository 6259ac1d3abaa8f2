package sift

import "testing"

// A model is what a Table stands for: a map without bounds. It tells accounts
// apart as the table does, by their tags.
type model struct {
	m         int
	accounts  map[uint64]map[uint64]bool
	prevalent map[uint64]bool
}

func (s *model) Observe(account uint32, keys []uint64, out []State) {
	for i, key := range keys {
		switch {
		case s.prevalent[key]:
			out[i] = Prevalent
			continue
		case s.accounts[key] == nil:
			s.accounts[key] = map[uint64]bool{}
		}
		s.accounts[key][accountTag(account)] = true
		out[i] = Single
		if len(s.accounts[key]) == s.m {
			s.prevalent[key] = true
			out[i] = Promoted
		}
	}
}

func (s *model) Mark(key uint64) { s.prevalent[key] = true }

func (s *model) Forget(key uint64) {
	delete(s.prevalent, key)
	delete(s.accounts, key)
}

// FuzzModel plays operations on a table too large for them to fill a bucket
// and on the model, and compares all answers and counts.
func FuzzModel(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{1, 0, 1, 2, 3, 4, 1, 9, 1, 5, 2, 9, 1, 5, 3, 9, 1, 5, 0, 4, 4, 0, 0, 5, 4, 1, 0, 1})
	f.Add([]byte("a sequence of operations long enough to promote some keys, mark some and forget some"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		next := func() byte {
			if len(ops) == 0 {
				return 0
			}
			op := ops[0]
			ops = ops[1:]
			return op
		}
		// 256 keys at most, 4 to a bucket: bits 0 to 5 number the bucket of
		// the smallest table, the others go to the top of the key's tag.
		key := func(b byte) uint64 { return uint64(b&63) | uint64(b>>6)<<26 }

		m := 2 + int(next()&1)
		table := newTable(t, Options{Bytes: minBytes, Accounts: m})
		want := &model{m, map[uint64]map[uint64]bool{}, map[uint64]bool{}}
		for len(ops) > 0 {
			switch op := next(); op >> 6 {
			case 3:
				k := key(next())
				table.Mark(k)
				want.Mark(k)
			case 2:
				k := key(next())
				table.Forget(k)
				want.Forget(k)
			default:
				keys := make([]uint64, 1+op>>4&3)
				for i := range keys {
					keys[i] = key(next())
				}
				a, b := make([]State, len(keys)), make([]State, len(keys))
				table.Observe(uint32(op&15), keys, a)
				want.Observe(uint32(op&15), keys, b)
				for i := range a {
					if a[i] != b[i] {
						t.Fatalf("key %#x of account %d: state %d, want %d", keys[i], op&15, a[i], b[i])
					}
				}
			}
		}
		if got := table.Stats().Prevalent; got != len(want.prevalent) {
			t.Fatalf("%d prevalent keys, want %d", got, len(want.prevalent))
		}
	})
}
