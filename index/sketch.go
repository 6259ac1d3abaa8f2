package index

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/seed-368d3dfa/chorus/index/internal/template"
	"github.com/seed-368d3dfa/chorus/minhash"
)

// sketched is what one prompt's text comes to: all that counting it needs.
type sketched struct {
	keys      []uint64 // the sample, ascending
	signature []byte   // empty for a prompt without a single token
	bands     []uint64
	shingles  uint32
	scale     uint8
	account   uint32 // its number, once looked up; 0: not known
	idKey     uint64 // hash of the prompt's id, when it has one
	network   uint32 // hash of the network it came from; 0: unknown
	payment   uint32 // hash of the means of payment; 0: unknown
	turn      uint64 // hash of the conversation so far, for messages; else 0

	// Set when the prompt is counted in, for as long as that takes.
	values []template.Value // of its attributes
	fresh  []freshValue     // those of them that are new

	// When the account has sent the conversation up to the last answer before,
	// whose hash is history, what is new in the prompt is only its tail.
	history uint64
	tail    *sketched
}

// A sketcher turns prompts into sketches. One goroutine at a time.
type sketcher struct {
	*minhash.Sketcher
	seed     uint64
	payments []string // attributes, see Options.PaymentAttrs
	scratch  []minhash.Shingle
}

// sketchers is a pool, because a sketcher's scratch space is worth keeping.
type sketchers struct {
	scheme minhash.Scheme
	pool   sync.Pool
}

func newSketchers(scheme minhash.Scheme, payments []string) (*sketchers, error) {
	s := &sketchers{scheme: scheme}
	first, err := minhash.NewSketcher(scheme)
	if err != nil {
		return nil, err
	}
	s.pool.New = func() any {
		k, err := minhash.NewSketcher(scheme)
		if err != nil { // it was valid above
			panic(err)
		}
		return &sketcher{Sketcher: k, seed: scheme.Seed, payments: payments}
	}
	s.pool.Put(&sketcher{Sketcher: first, seed: scheme.Seed, payments: payments})
	return s, nil
}

func (s *sketchers) get() *sketcher  { return s.pool.Get().(*sketcher) }
func (s *sketchers) put(k *sketcher) { s.pool.Put(k) }

// answers reports whether messages of a role are not the account's own words.
func answers(role string) bool {
	switch role {
	case "assistant", "model", "tool", "function":
		return true
	}
	return false
}

// instructs reports whether messages of a role come with every request.
func instructs(role string) bool { return role == "system" || role == "developer" }

// said calls fn with each text that the prompt's account wrote itself.
func said(p *Prompt, fn func(text string)) {
	if p.Text != "" {
		fn(p.Text)
	}
	for i := range p.Messages {
		if m := &p.Messages[i]; !answers(m.Role) {
			fn(m.Content)
		}
	}
}

// conversation fills in what tells a resent history: hashes of what the
// account said up to now and up to the last answer, and the sketch of what it
// said since.
func (k *sketcher) conversation(p *Prompt, s *sketched) {
	var d xxhash.Digest
	d.ResetWithSeed(k.seed ^ 0x70)
	d.WriteString(p.Account)
	last, before := -1, false
	for i := range p.Messages {
		m := &p.Messages[i]
		if answers(m.Role) {
			if before {
				last, s.history = i, cutKey(d.Sum64())
			}
			continue
		}
		before = before || !instructs(m.Role)
		d.WriteString("\x00" + m.Role + "\x00")
		d.WriteString(m.Content)
	}
	s.turn = cutKey(d.Sum64())
	if last < 0 {
		return
	}
	k.Reset()
	for i := range p.Messages {
		if m := &p.Messages[i]; !answers(m.Role) && (i > last || instructs(m.Role)) {
			k.Add(m.Content)
		}
	}
	tail := k.Sketch()
	s.tail = &sketched{
		keys: slices.Clone(tail.Sample), signature: slices.Clone(tail.Signature), bands: k.Bands(nil, tail.Signature),
		shingles: uint32(tail.Shingles), scale: tail.Scale, network: s.network, payment: s.payment,
	}
}

const networkAttr = "ip"

// network hashes the network of the prompt's attribute "ip": 24 bits of an IPv4
// address, 48 of an IPv6 one.
func (k *sketcher) network(p *Prompt) uint32 {
	ip := p.Attrs[networkAttr]
	if ip == "" {
		return 0
	}
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return 0
	}
	bits := 48
	if a = a.Unmap(); a.Is4() {
		bits = 24
	}
	prefix, err := a.Prefix(bits)
	if err != nil {
		return 0
	}
	b := prefix.Addr().As16()
	var d xxhash.Digest
	d.ResetWithSeed(k.seed ^ 0x4e)
	d.Write(b[:])
	return max(1, uint32(d.Sum64()>>32))
}

// payment hashes the first of the payment attributes that the prompt has.
func (k *sketcher) payment(p *Prompt) uint32 {
	if len(p.Attrs) == 0 {
		return 0
	}
	for _, name := range k.payments {
		if v := p.Attrs[name]; v != "" {
			var d xxhash.Digest
			d.ResetWithSeed(k.seed ^ 0x24)
			d.WriteString(name + "\x00")
			d.WriteString(v)
			return max(1, uint32(d.Sum64()>>32))
		}
	}
	return 0
}

// cutKey cuts a hash to the width of a key. 0 is left for none.
func cutKey(h uint64) uint64 { return max(1, h>>(64-minhash.KeyBits)) }

func (k *sketcher) idKey(id string) uint64 {
	var d xxhash.Digest
	d.ResetWithSeed(k.seed ^ 0x1d)
	d.WriteString(id)
	return cutKey(d.Sum64())
}

// A sketchArena is the memory of the sketches of a few prompts.
type sketchArena struct {
	keys, bands []uint64
	signatures  []byte
	ends        []sketchSpan
}

type sketchSpan struct{ keys, bands, signatures int }

var sketchArenas = sync.Pool{New: func() any { return new(sketchArena) }}

// sketchAll sketches prompts into out, in the memory of a. out is blank.
func (k *sketcher) sketchAll(prompts []Prompt, out []sketched, a *sketchArena) {
	a.keys, a.bands, a.signatures, a.ends = a.keys[:0], a.bands[:0], a.signatures[:0], a.ends[:0]
	for i := range prompts {
		p := &prompts[i]
		out[i].network, out[i].payment = k.network(p), k.payment(p)
		if len(p.Messages) > 0 {
			k.conversation(p, &out[i])
		}
		k.Reset()
		said(p, k.Add)
		s := k.Sketch()
		out[i].shingles, out[i].scale = uint32(s.Shingles), s.Scale
		if p.ID != "" {
			out[i].idKey = k.idKey(p.ID)
		}
		a.keys = append(a.keys, s.Sample...)
		if len(s.Signature) > 0 {
			a.signatures = append(a.signatures, s.Signature...)
			a.bands = k.Bands(a.bands, s.Signature)
		}
		a.ends = append(a.ends, sketchSpan{len(a.keys), len(a.bands), len(a.signatures)})
	}
	var at sketchSpan
	for i, e := range a.ends {
		out[i].keys = a.keys[at.keys:e.keys:e.keys]
		out[i].bands = a.bands[at.bands:e.bands:e.bands]
		out[i].signature = a.signatures[at.signatures:e.signatures:e.signatures]
		at = e
	}
}
