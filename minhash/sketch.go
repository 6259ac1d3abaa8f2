package minhash

import "slices"

// A Sketch is what is kept of a prompt's text.
type Sketch struct {
	Signature []byte   // Scheme.Rows values; nil when the prompt has no shingle, that is no token
	Sample    []uint64 // keys below 1<<(KeyBits-Scale), ascending, distinct
	Scale     uint8    // log2 of the thinning: the smallest for which at most Scheme.MaxSample keys remain
	Shingles  int      // distinct keys before thinning
}

// A Sketcher computes sketches of one scheme. It holds scratch space that grows to the largest
// prompt seen, so a steady state allocates nothing. It must not be used from several goroutines at once.
type Sketcher struct {
	scheme  Scheme
	secrets secrets

	scan    scanner
	tokens  []Token
	powers  []uint64 // of shingleBase
	keys    []uint64 // of all shingles since Reset, as they come
	sorted  []uint64
	buckets []uint32
	mixed   []uint64
	bins    []uint64
	sig     []byte
	hidden  []byte // decoded texts
	decoded int    // bytes of them since Reset
}

// NewSketcher returns a Sketcher for the scheme, or the error of its Validate.
func NewSketcher(s Scheme) (*Sketcher, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	k := &Sketcher{scheme: s, secrets: newSecrets(s.Seed)}
	k.scan.secret = k.secrets.token
	k.powers = shinglePowers(s.Shingle)
	k.bins = make([]uint64, s.Rows)
	return k, nil
}

// Reset forgets what was added. Slices of earlier sketches become invalid.
func (k *Sketcher) Reset() {
	k.keys = k.keys[:0]
	k.decoded = 0
}

// Add adds one message, and any text hidden in it as a message of its own. Shingles never cross
// messages. Any bytes will do; the time taken is linear in them.
func (k *Sketcher) Add(text string) { k.add(text, 0) }

func (k *Sketcher) add(text string, depth int) {
	k.tokens = k.scan.tokens(k.tokens[:0], text)
	k.keys = k.appendKeys(k.keys, text, k.tokens)
	if depth < maxDepth {
		k.addHidden(text, depth)
	}
}

// Sketch returns the sketch of all that was added since Reset. Its slices are valid until the next
// Reset, Add or Sketch.
func (k *Sketcher) Sketch() Sketch {
	if len(k.keys) == 0 {
		return Sketch{}
	}
	all := slices.Compact(k.sort(k.keys))
	k.sig = k.Signature(k.sig[:0], all)
	sample, scale := k.thin(all)
	return Sketch{Signature: k.sig, Sample: sample, Scale: scale, Shingles: len(all)}
}
