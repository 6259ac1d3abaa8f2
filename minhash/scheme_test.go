package minhash

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
)

func TestSchemeRoundTrip(t *testing.T) {
	s := NewScheme(0x0123456789abcdef)
	b, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(b), "0200"+"0500"+"6000"+"0800"+"1800"+"00040000"+"efcdab8967452301"; got != want {
		t.Errorf("scheme is %s, want %s", got, want)
	}
	var r Scheme
	if err := r.UnmarshalBinary(b); err != nil || r != s {
		t.Errorf("%+v, %v", r, err)
	}
	for n := range len(b) {
		if err := r.UnmarshalBinary(b[:n]); err == nil || r != s {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if err := r.UnmarshalBinary(append(b, 0)); err == nil {
		t.Error("trailing byte accepted")
	}
	b[0] = 3
	if err := r.UnmarshalBinary(b); err == nil || !strings.Contains(err.Error(), "version 3") {
		t.Errorf("unknown version: %v", err)
	}
}

func TestSchemeJSONHidesSeed(t *testing.T) {
	b, err := json.Marshal(NewScheme(424242))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(b), `{"version":2,"shingle":5,"rows":96,"row_bits":8,"bands":24,"max_sample":1024}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSchemeValidate(t *testing.T) {
	if err := NewScheme(1).Validate(); err != nil {
		t.Fatal(err)
	}
	for word, change := range map[string]func(*Scheme){
		"version": func(s *Scheme) { s.Version = 3 },
		"shingle": func(s *Scheme) { s.Shingle = 0 },
		"rows":    func(s *Scheme) { s.Rows = 2000 },
		"bits":    func(s *Scheme) { s.RowBits = 1 },
		"bands":   func(s *Scheme) { s.Bands = 25 },
		"samples": func(s *Scheme) { s.MaxSample = -1 },
	} {
		s := NewScheme(1)
		change(&s)
		err := s.Validate()
		if err == nil || !strings.Contains(err.Error(), word) || !strings.HasPrefix(err.Error(), "minhash: ") {
			t.Errorf("bad %s: %v", word, err)
		}
		if _, err := NewSketcher(s); err == nil {
			t.Errorf("bad %s: a Sketcher is made", word)
		}
		if _, err := s.MarshalBinary(); err == nil {
			t.Errorf("bad %s: marshalled", word)
		}
	}
}

// TestSchemeExtremes sketches with the least and greatest parameters.
func TestSchemeExtremes(t *testing.T) {
	for _, s := range []Scheme{
		{Version: 1, Shingle: 1, Rows: 8, RowBits: 8, Bands: 1, MaxSample: 1},
		{Version: 2, Shingle: 32, Rows: 1024, RowBits: 8, Bands: 1024, MaxSample: 1 << 16},
	} {
		k, err := NewSketcher(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"", "a", "中", prose(1, 3000), strings.Repeat("中文", 500)} {
			k.Reset()
			k.Add(text)
			got := k.Sketch()
			if len(got.Sample) > s.MaxSample || text != "" && (len(got.Signature) != s.Rows || len(k.Bands(nil, got.Signature)) != s.Bands) {
				t.Errorf("%+v: %d keys, %d rows", s, len(got.Sample), len(got.Signature))
			}
		}
	}
}
