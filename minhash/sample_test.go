package minhash

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSampleThreshold(t *testing.T) {
	k := newSketcher(t)
	for n := 1; n < 6000; n += 1 + n/3 {
		all := keysOf(k, prose(uint64(n), n))
		s := k.Sketch()
		if s.Shingles != len(all) {
			t.Fatalf("%d words: %d shingles, want %d", n, s.Shingles, len(all))
		}
		below := func(scale uint8) (keys []uint64) {
			for key := range all {
				if key < 1<<(KeyBits-scale) {
					keys = append(keys, key)
				}
			}
			slices.Sort(keys)
			return keys
		}
		if want := below(s.Scale); !slices.Equal(s.Sample, want) || len(want) > k.scheme.MaxSample {
			t.Fatalf("%d words: sample of %d keys at scale %d, want %d", n, len(s.Sample), s.Scale, len(want))
		}
		if s.Scale > 0 && len(below(s.Scale-1)) <= k.scheme.MaxSample {
			t.Fatalf("%d words: scale %d is not the smallest", n, s.Scale)
		}
	}
}

// TestSampleContainment holds a template against long prompts that contain it, below their thresholds.
func TestSampleContainment(t *testing.T) {
	k := newSketcher(t)
	template := prose(1, 250)
	k.Reset()
	k.Add(template)
	core := slices.Clone(k.Sketch().Sample)
	for n := 100; n < 10000; n *= 3 {
		k.Reset()
		k.Add(prose(2, n) + "\n" + template + "\n" + prose(3, n))
		s := k.Sketch()
		expected, found := 0, 0
		for _, key := range core {
			if key < 1<<(KeyBits-s.Scale) {
				expected++
				if _, ok := slices.BinarySearch(s.Sample, key); ok {
					found++
				}
			}
		}
		// The template's two shingles with marks are lost.
		if found < expected-2 {
			t.Errorf("%d words around: %d of %d keys at scale %d", 2*n, found, expected, s.Scale)
		}
	}
}

func TestSortAnyKeys(t *testing.T) {
	k := newSketcher(t)
	rng := rand.New(rand.NewPCG(11, 12))
	for range 2000 {
		keys := make([]uint64, 1+rng.IntN(300))
		distinct := 1 + rng.IntN(len(keys))
		for i := range keys {
			switch rng.IntN(3) {
			case 0:
				keys[i] = uint64(rng.IntN(distinct)) // all in one bucket
			case 1:
				keys[i] = 1<<KeyBits - 1 - uint64(rng.IntN(distinct))
			default:
				keys[i] = rng.Uint64() >> (64 - KeyBits)
			}
		}
		got := k.sort(keys)
		slices.Sort(keys)
		if !slices.Equal(got, keys) {
			t.Fatal("not sorted")
		}
	}
}

func TestSketchIsRepeatable(t *testing.T) {
	k := newSketcher(t)
	k.Reset()
	k.Add(prose(1, 500))
	a := k.Sketch()
	sample, signature := slices.Clone(a.Sample), slices.Clone(a.Signature)
	b := k.Sketch()
	if !slices.Equal(sample, b.Sample) || !slices.Equal(signature, b.Signature) {
		t.Error("a second Sketch differs")
	}
	k.Reset()
	if s := k.Sketch(); s.Signature != nil || len(s.Sample) != 0 || s.Shingles != 0 {
		t.Errorf("nothing sketched as %v", s)
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	k := newSketcher(t)
	texts := []string{prose(1, 10), prose(2, 400), prose(3, 4000), "Переведите текст", "请翻译"}
	run := func() {
		for _, text := range texts {
			k.Reset()
			k.Add(text)
			k.Sketch()
		}
	}
	run()
	if n := testing.AllocsPerRun(10, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
