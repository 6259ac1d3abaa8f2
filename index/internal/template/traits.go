package template

import (
	"encoding/binary"
	"slices"
)

// Traits are what a prompt shows besides its keys.
type Traits struct {
	Text    uint32  // hash of the whole text; 0: unknown
	Network uint32  // hash of the network it came from; 0: unknown
	Payment uint32  // hash of its account's means of payment; 0: unknown
	Opens   bool    // it is the first that its account sent
	Values  []Value // of its attributes, one of each at most
}

// traits sums up the traits of a template's prompts.
type traits struct {
	openers  uint32
	texts    distinct
	networks busiest
	payments busiest
}

func (t *traits) note(p Traits) {
	if p.Text != 0 {
		t.texts.add(p.Text)
	}
	if p.Network != 0 {
		t.networks.add(p.Network)
	}
	if p.Payment != 0 {
		t.payments.add(p.Payment)
	}
	if p.Opens {
		t.openers++
	}
}

// Usage is how a template is used, beyond who uses it.
type Usage struct {
	Texts    int     // prompts whose texts were compared
	Distinct float64 // different texts among them, estimated
	Openers  int     // prompts that were their account's first
	Networks int     // prompts whose network is known
	Busiest  int     // of them from the busiest network, at least
	Payments int     // prompts whose means of payment is known
	Shared   int     // of them with the most frequent one, at least
}

// Usage returns how the template is used.
func (t *Template) Usage() Usage {
	return Usage{
		Texts: int(t.traits.texts.seen), Distinct: t.traits.texts.estimate(), Openers: int(t.traits.openers),
		Networks: int(t.traits.networks.seen), Busiest: int(t.traits.networks.top()),
		Payments: int(t.traits.payments.seen), Shared: int(t.traits.payments.top()),
	}
}

// Texts are a sample of the texts of a template's prompts.
type Texts struct{ least []uint32 }

// Texts returns a sample of the template's texts, which holds until the
// template changes; see [Texts.Clone].
func (t *Template) Texts() Texts { return Texts{t.traits.texts.least} }

// Clone returns a copy that holds for good.
func (t Texts) Clone() Texts { return Texts{slices.Clone(t.least)} }

// Bytes is the memory that the sample takes.
func (t Texts) Bytes() int { return 4 * len(t.least) }

// Shared estimates which share of the texts of the template that has fewer are
// the other's too.
func (t Texts) Shared(o Texts) float64 {
	mine, others, both := overlap(t.least, o.least)
	return max(share(both, mine), share(both, others))
}

// Within estimates which share of the texts are o's too.
func (t Texts) Within(o Texts) float64 {
	mine, _, both := overlap(t.least, o.least)
	return share(both, mine)
}

// Jaccard estimates the resemblance of the two templates' texts.
func (t Texts) Jaccard(o Texts) float64 {
	mine, others, both := overlap(t.least, o.least)
	return share(both, mine+others-both)
}

// Suspect keeps a sketch of the template's accounts while its score is worth a
// comparison with others; nil when it is not.
func (t *Template) Suspect(sketch []uint32) {
	if len(sketch) > 0 || len(t.sketch) > 0 {
		t.restate()
		t.sketch = sketch
	}
}

// Sketch returns what Suspect keeps.
func (t *Template) Sketch() []uint32 { return t.sketch }

// AccountCount is the number of distinct accounts of all days.
func (t *Template) AccountCount() int { return int(t.accounts) }

// EachKey calls fn for every key of the core and returns how many there are.
func (t *Template) EachKey(fn func(key uint64)) int {
	for _, c := range t.core {
		fn(c.key)
	}
	return len(t.core)
}

// Raise records that the template raised an alert, and the campaign that it
// belongs to.
func (t *Template) Raise(at int64, campaign uint32) {
	t.restate()
	t.Raised, t.Campaign = at, campaign
}

// due says when a template is to be assessed next: when it has so many
// accounts or so many prompts. Both grow by a share, so that the cost of
// assessing, which is that of its accounts, stays a constant per prompt.
type due struct {
	accounts uint32
	prompts  uint64
}

// assessable reports whether the template is due, and sets when it will be
// next: at alert accounts whatever its growth.
func (t *Template) assessable(least, alert int) bool {
	if int(t.accounts) < least || t.accounts < t.due.accounts && t.Prompts < t.due.prompts {
		return false
	}
	t.due = due{t.accounts + t.accounts/8 + 1, t.Prompts + t.Prompts/3 + 1}
	if int(t.accounts) < alert {
		t.due.accounts = min(t.due.accounts, uint32(alert))
	}
	return true
}

// Defer makes the template due later, when it has half as many accounts again
// or twice the prompts: it is far from an alert.
func (t *Template) Defer() {
	t.due = due{t.accounts + t.accounts/2 + 1, 2*t.Prompts + 1}
}

func (t *Template) appendTraits(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(t.accounts))
	b = binary.AppendUvarint(b, uint64(t.due.accounts))
	b = binary.AppendUvarint(b, t.due.prompts)
	b = binary.LittleEndian.AppendUint64(b, uint64(t.Raised))
	b = binary.AppendUvarint(b, uint64(t.Campaign))
	b = binary.AppendUvarint(b, uint64(t.traits.openers))
	b = t.traits.texts.append(b)
	b = t.traits.networks.append(b)
	b = binary.AppendUvarint(b, uint64(len(t.sketch)))
	for _, v := range t.sketch {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	if t.traits.payments.seen > 0 { // older records end before
		b = t.traits.payments.append(b)
	}
	return b
}

func (t *Template) decodeTraits(f *fields) {
	t.accounts = uint32(f.below(1 << 32))
	t.due = due{uint32(f.below(1 << 32)), f.uvarint()}
	t.Raised = int64(binary.LittleEndian.Uint64(f.bytes(8)))
	t.Campaign = uint32(f.below(1 << 32))
	t.traits.openers = uint32(f.below(1 << 32))
	t.traits.texts.decode(f)
	t.traits.networks.decode(f)
	for range f.count(4) {
		t.sketch = append(t.sketch, binary.LittleEndian.Uint32(f.bytes(4)))
	}
	if len(f.b) > 0 {
		t.traits.payments.decode(f)
		f.bad = f.bad || t.traits.payments.seen == 0
	}
}
