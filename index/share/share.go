// Package share carries campaigns from one provider to another.
//
// [WriteSTIX] writes a campaign as a bundle of STIX 2.1 (OASIS Standard, 10
// June 2021): what its templates look like, how far they spread and when, and
// sketches of their fixed words; accounts only when asked. [Read] reads a
// bundle, and [Bundle.Match] tells which of one's own templates and campaigns
// contain its indicators. [WriteCSV] and [WriteJSONL] write campaigns for other
// tools.
//
// # Keys
//
// An indicator's sketch is made with a [Key] that both sides have, never with
// an index's own secret. Sketches of different keys have nothing in common, so
// that an indicator matches only with the key it was made with. A sketch keeps
// words out of sight and is no encryption; the pattern stands beside it in
// clear, without what filled its slots.
//
// # What it does not do
//
// It sends and fetches nothing, keeps nothing, and never writes an exemplar.
// Everything is a pure function of its arguments: the same campaign and key
// give the same bytes. Values are safe for concurrent use once made.
package share

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/minhash"
)

// Lengths of a key's secret, in bytes.
const (
	MinSecret = 16
	MaxSecret = 4096
)

// A Key makes sketches that are comparable for all who have it.
type Key struct {
	id   string // tells keys apart without giving anything of them away
	seed uint64
}

// NewKey derives a key from a secret (HKDF with SHA-256, RFC 5869). The secret
// should be as random as 16 bytes or more from a random source are.
func NewKey(secret []byte) (*Key, error) {
	if n := len(secret); n < MinSecret || n > MaxSecret {
		return nil, fmt.Errorf("share: a key has %d bytes, must have %d to %d", n, MinSecret, MaxSecret)
	}
	return derive(secret)
}

// Public returns the key that everyone has.
func Public() *Key {
	k, err := derive([]byte(publicID))
	if err != nil { // no fixed input fails
		panic(err)
	}
	k.id = publicID
	return k
}

const publicID = "public"

func derive(secret []byte) (*Key, error) {
	salt := []byte("chorus share 1")
	seed, err := hkdf.Key(sha256.New, secret, salt, "seed", 8)
	if err != nil {
		return nil, fmt.Errorf("share: %w", err)
	}
	id, err := hkdf.Key(sha256.New, secret, salt, "id", 8)
	if err != nil {
		return nil, fmt.Errorf("share: %w", err)
	}
	return &Key{id: hex.EncodeToString(id), seed: binary.LittleEndian.Uint64(seed)}, nil
}

// Indicators consist of shingles of so many tokens, made the way of this
// version: slots cut a pattern into pieces that the text does not show.
const (
	shingleTokens = 5
	sketchVersion = 1
)

func (k *Key) sketcher() *minhash.Sketcher {
	scheme := minhash.NewScheme(k.seed)
	scheme.Version, scheme.Shingle = sketchVersion, shingleTokens
	s, err := minhash.NewSketcher(scheme)
	if err != nil { // the recommended scheme is valid
		panic(err)
	}
	return s
}

// maxSketch bounds an indicator's sketch, in keys; the least ones are kept.
const maxSketch = 1024

// sketch returns the keys, ascending, of the shingles that consist of a
// pattern's fixed words. Marks of a text's begin and end take no part, since a
// pattern may begin and end anywhere.
func (k *Key) sketch(s *minhash.Sketcher, pattern string, slots int) []uint64 {
	var keys []uint64
	for _, fixed := range split(pattern, slots) {
		tokens := len(s.Tokens(nil, fixed))
		for _, sh := range s.Shingles(nil, fixed) {
			if sh.First >= 0 && sh.Last < tokens {
				keys = append(keys, sh.Key)
			}
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	return keys[:min(maxSketch, len(keys))]
}

// split returns what stands between a pattern's slots {1}, {2}, ….
func split(pattern string, slots int) (fixed []string) {
	for i := range slots {
		before, after, found := strings.Cut(pattern, fmt.Sprintf("{%d}", i+1))
		if !found {
			break
		}
		fixed, pattern = append(fixed, before), after
	}
	return append(fixed, pattern)
}

// Options of WriteSTIX. The zero value shares no accounts, with the public key.
type Options struct {
	Key      *Key // nil: Public
	Accounts bool // write the campaign's members, which must be filled
}

// templateOf returns the full template of a campaign's template, if it is
// among those given.
func templateOf(templates []index.Template, id string) *index.Template {
	if i := slices.IndexFunc(templates, func(t index.Template) bool { return t.ID == id }); i >= 0 {
		return &templates[i]
	}
	return nil
}
