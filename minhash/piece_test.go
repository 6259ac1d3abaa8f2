package minhash

import (
	"slices"
	"testing"
)

func keysIn(t *testing.T, version int, text string) (keys []uint64) {
	t.Helper()
	s := NewScheme(1)
	s.Version = version
	k, err := NewSketcher(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, sh := range k.Shingles(nil, text) {
		keys = append(keys, sh.Key)
	}
	return keys
}

// A short piece has the keys of a message of its own, whatever stands around it.
func TestPieces(t *testing.T) {
	for _, piece := range []string{"as a duplicate", "given the open question", "请将以下文本", "would you"} {
		alone := keysIn(t, 2, piece)
		for _, around := range [][2]string{
			{"Something else comes before it.\n", "\nand after"},
			{"one two three four five six: ", ""},
			{"", ": one two three four five"},
			{"he said “", "” and went away"},
			{"« ", " », ma foi, qu'il est tard"},
			{"问题：", "：答案"},
			{"a\r\n- ", "?\r\n- b"},
		} {
			text := around[0] + piece + around[1]
			for version, want := range map[int]bool{1: false, 2: piece != "would you"} {
				got := keysIn(t, version, text)
				all := !slices.ContainsFunc(alone, func(key uint64) bool { return !slices.Contains(got, key) })
				if all != want {
					t.Errorf("version %d: all keys of %q in %q: %v, want %v", version, piece, text, all, want)
				}
			}
		}
	}
}

// Longer pieces, and those that mere spaces and full stops set off, have no keys of their own.
func TestPiecesAreShort(t *testing.T) {
	for _, text := range []string{
		"", "one", "one two three four", "one two three. four five, six! seven (eight nine ten) eleven", prose(3, 200),
		"one two three four five\nsix seven eight nine ten", "it's one\ntwo", "a: b: c: d: e",
	} {
		if one, two := keysIn(t, 1, text), keysIn(t, 2, text); !slices.Equal(one, two) {
			t.Errorf("%q has %d keys in version 1 and %d in 2", text, len(one), len(two))
		}
	}
}

// The tokens of a piece's shingles are the piece's.
func TestPieceOffsets(t *testing.T) {
	k := newSketcher(t)
	const text = "Read all that follows here: the first line\nthe second line\nand \"a quoted word\", too"
	tokens := k.Tokens(nil, text)
	var got []string
	for _, sh := range k.Shingles(nil, text)[len(tokens)+2-k.scheme.Shingle+1:] {
		got = append(got, text[tokens[sh.First].Start:tokens[sh.Last].End])
	}
	if want := []string{"the first line", "the second line", "a quoted word"}; !slices.Equal(got, want) {
		t.Errorf("pieces %q, want %q", got, want)
	}
}
