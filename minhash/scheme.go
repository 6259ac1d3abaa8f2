package minhash

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Version numbers the way from text to keys:
//
//	1: shingles of whole messages
//	2: and of short pieces between line feeds, colons and quotation marks
//
// New schemes have the newest; older ones keep working.
const Version = 2

// KeyBits is the width of a shingle's key: 0 <= key < 1<<KeyBits.
const KeyBits = 40

// A Scheme is everything that must be equal for two sketches to be comparable.
type Scheme struct {
	Version   int    `json:"version"`    // how text becomes keys; see [Version]
	Shingle   int    `json:"shingle"`    // whole tokens in a shingle, 1 to 32
	Rows      int    `json:"rows"`       // values in a signature, 8 to 1024
	RowBits   int    `json:"row_bits"`   // bits kept of a value, 8
	Bands     int    `json:"bands"`      // band keys of a signature; divides Rows
	MaxSample int    `json:"max_sample"` // most keys in a sample, 1 to 65536
	Seed      uint64 `json:"-"`          // secret: who knows it can aim at keys
}

// NewScheme returns the recommended parameters: shingles of 5 tokens, 96 rows of 8 bits in 24
// bands, samples of up to 1024 keys. The seed should be random and kept secret.
func NewScheme(seed uint64) Scheme {
	return Scheme{Version: Version, Shingle: 5, Rows: 96, RowBits: 8, Bands: 24, MaxSample: 1024, Seed: seed}
}

// Validate reports the first parameter that is out of range, and what is allowed.
func (s Scheme) Validate() error {
	switch {
	case s.Version < 1 || s.Version > Version:
		return fmt.Errorf("minhash: unknown scheme version %d, this release knows 1 to %d", s.Version, Version)
	case s.Shingle < 1 || s.Shingle > 32:
		return fmt.Errorf("minhash: scheme shingle is %d tokens, must be 1 to 32", s.Shingle)
	case s.Rows < 8 || s.Rows > 1024:
		return fmt.Errorf("minhash: scheme has %d rows, must be 8 to 1024", s.Rows)
	case s.RowBits != 8:
		return fmt.Errorf("minhash: scheme has rows of %d bits, must be 8", s.RowBits)
	case s.Bands < 1 || s.Rows%s.Bands != 0:
		return fmt.Errorf("minhash: scheme has %d bands, must divide its %d rows", s.Bands, s.Rows)
	case s.MaxSample < 1 || s.MaxSample > 1<<16:
		return fmt.Errorf("minhash: scheme has samples of %d keys, must be 1 to 65536", s.MaxSample)
	}
	return nil
}

// schemeSize is the length of a scheme's binary form. All integers are little-endian:
//
//	version [2] shingle [2] rows [2] row bits [2] bands [2] max sample [4] seed [8]
const schemeSize = 22

// MarshalBinary returns the scheme in 22 bytes, with its secret seed. It fails if the scheme is not valid.
func (s Scheme) MarshalBinary() ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	b := make([]byte, 0, schemeSize)
	for _, v := range [...]int{s.Version, s.Shingle, s.Rows, s.RowBits, s.Bands} {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(s.MaxSample))
	return binary.LittleEndian.AppendUint64(b, s.Seed), nil
}

// UnmarshalBinary reads what MarshalBinary wrote. On an error, an unknown version among them, s is unchanged.
func (s *Scheme) UnmarshalBinary(b []byte) error {
	if len(b) < 2 {
		return errors.New("minhash: scheme is cut short")
	}
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
	// The version first: another one may have another length.
	if v := u16(0); v < 1 || v > Version {
		return Scheme{Version: v}.Validate()
	}
	if len(b) != schemeSize {
		return fmt.Errorf("minhash: scheme has %d bytes, must have %d", len(b), schemeSize)
	}
	t := Scheme{
		Version: u16(0), Shingle: u16(2), Rows: u16(4), RowBits: u16(6), Bands: u16(8),
		MaxSample: int(binary.LittleEndian.Uint32(b[10:])),
		Seed:      binary.LittleEndian.Uint64(b[14:]),
	}
	if err := t.Validate(); err != nil {
		return err
	}
	*s = t
	return nil
}
