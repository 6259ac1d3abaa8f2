package template

import (
	"cmp"
	"math/bits"
	"slices"
)

// A Prompt is what Apply needs to know of one prompt.
type Prompt struct {
	Number  uint64 // ascending
	Account uint32
	Since   int32    // the day of the account's first prompt
	Time    int64    // unix ms
	Keys    []uint64 // its sample, ascending and distinct
	Scale   uint8
	Traits
}

// A Sieve tells which keys are prevalent: those that enough accounts sent.
// sift.Table is one.
type Sieve interface {
	// Observe notes that account sent keys, and sets out[i] to 0 unless keys[i]
	// is prevalent.
	Observe(account uint32, keys []uint64, out []uint8)
	Mark(key uint64)   // key is prevalent: a template gave it up
	Forget(key uint64) // a template owns key: it needs no sifting
}

// A Past finds earlier prompts by key. It must answer the same for the same
// sequence of prompts.
type Past interface {
	// Each calls fn for every earlier prompt in memory whose sample holds key.
	Each(key uint64, fn func(number uint64))
	// Prompt returns an earlier prompt in memory, without its keys.
	Prompt(number uint64) Prompt
	// Start is the number of the first prompt in memory.
	Start() uint64
}

// An Archive finds templates that left memory.
type Archive interface {
	// Owners returns the ids of the templates on disk that own some of keys.
	Owners(keys []uint64) []uint32
	// Load returns a template on disk, or nil if there is none.
	Load(id uint32) *Template
}

// Options of a Set. Zero values mean the defaults.
type Options struct {
	MinCore       int     // keys that found a template; default 2
	FlagAccounts  int     // accounts within 7 days that flag a template; default 20
	AlertAccounts int     // fewest that an alert needs: templates are due for assessing when they have them; default 20
	MaxExemplars  int     // per template; default 8, negative: none
	Archive       Archive // where templates go that leave memory; nil: none leave
}

// A Set is the templates in memory.
type Set struct {
	opts   Options
	sieve  Sieve
	past   Past
	owners *owners
	slots  []*Template // nil where free
	free   []int
	byID   map[uint32]*Template
	nextID uint32
	stamp  uint64
	out    int        // templates that left memory, at most
	back   []returned // keys of those that came back since the last Changed
	pad    pad

	changes changes
	weight  int         // of all templates, as of the last Changed
	lost    []*Template // whose past had not been searched when they were placed

	touched []*Template // scratch of one Apply
	matched []*Template
	unowned []uint64
	states  []uint8
	floats  []uint64
}

// New returns an empty Set.
func New(o Options, sieve Sieve, past Past) *Set {
	if o.MinCore == 0 {
		o.MinCore = 2
	}
	if o.FlagAccounts == 0 {
		o.FlagAccounts = 20
	}
	if o.AlertAccounts == 0 {
		o.AlertAccounts = 20
	}
	if o.MaxExemplars == 0 {
		o.MaxExemplars = 8
	}
	return &Set{opts: o, sieve: sieve, past: past, owners: newOwners(0), byID: make(map[uint32]*Template), nextID: 1}
}

const (
	maxCore       = 1024 // keys of one core
	maxCandidates = 32
	offers        = 16 // matching prompts after which candidates are judged
	windowed      = 32 // matching prompts after which core keys are judged
	partialsJudge = 4  // partial matches after which a split is judged
	flagDays      = 7
	assessFrom    = 16 // accounts from which a template is assessed
)

// A Match is one template that a prompt belongs to.
type Match struct {
	ID       uint32
	Hits     int  // core keys that the prompt holds
	Exemplar bool // the prompt should be kept to show the template
}

// A Result is what Apply found; its slices are reused by the next Apply.
type Result struct {
	Matches []Match // most hits first
	Flags   []Flag
	Due     []uint32 // templates that have grown enough to be assessed
}

// A Flag says that a template's accounts within 7 days reached the threshold.
type Flag struct {
	Template uint32
	Accounts int
}

// Apply counts one prompt in: it sifts the prompt's keys, finds the templates
// whose cores it contains to at least 60 %, founds a template on prevalent
// keys that none owns, and lets cores grow, shrink and split by what their
// prompts keep containing.
func (s *Set) Apply(p *Prompt, r *Result) {
	r.Matches, r.Flags, r.Due = r.Matches[:0], r.Flags[:0], r.Due[:0]
	s.stamp++
	s.touched, s.matched = s.touched[:0], s.matched[:0]
	s.hit(p)

	var best *Template
	for _, t := range s.touched {
		if t.hits >= t.need(p.Scale) && (best == nil || t.hits > best.hits) {
			best = t
		}
	}
	n := len(s.floats)
	founds := (n >= s.opts.MinCore && (best == nil || 2*n >= best.hits) || n > 0 && len(s.touched) == 0) && s.Len() < maxSlots
	if founds && s.revive(s.floats) { // before anything is counted
		s.Apply(p, r)
		return
	}
	for _, t := range s.touched {
		if t.hits >= t.need(p.Scale) {
			s.matched = append(s.matched, t)
		} else if t.hits >= s.opts.MinCore {
			s.partial(t, p)
		}
	}
	if founds {
		s.matched = append(s.matched, s.found(slices.Clone(s.floats), p))
	} else if n > 0 && best != nil {
		s.offer(best, s.floats)
	}
	for _, t := range s.matched {
		s.belongs(t, p, r)
	}
	slices.SortStableFunc(r.Matches, func(a, b Match) int { return b.Hits - a.Hits })
}

// hit counts, for every template that owns keys of p, how many; and sifts the
// keys without owner, leaving the prevalent ones in s.floats.
func (s *Set) hit(p *Prompt) {
	var warm uint8
	for _, k := range p.Keys { // touch all places first: the misses overlap
		warm |= s.owners.tags[s.owners.home(k)]
	}
	_ = warm
	s.unowned, s.floats = s.unowned[:0], s.floats[:0]
	for _, k := range p.Keys {
		slot := s.owners.get(k)
		if slot < 0 {
			s.unowned = append(s.unowned, k)
			continue
		}
		t := s.slots[slot]
		if t.stamp != s.stamp {
			t.stamp, t.hits = s.stamp, 0
			s.touched = append(s.touched, t)
		}
		t.hits++
	}
	if len(s.states) < len(s.unowned) {
		s.states = make([]uint8, 2*len(s.unowned))
	}
	s.sieve.Observe(p.Account, s.unowned, s.states)
	for i, k := range s.unowned {
		if s.states[i] != 0 {
			s.floats = append(s.floats, k)
		}
	}
}

// belongs counts p as one of t's prompts.
func (s *Set) belongs(t *Template, p *Prompt, r *Result) {
	t.usedAt = p.Number
	fresh := t.use(p.Account, p.Since, p.Time, 1, p.Values...)
	t.traits.note(p.Traits)
	if t.stamp != s.stamp { // founded or split off just now
		t.stamp, t.hits = s.stamp, t.held(p)
	}
	m := Match{ID: t.ID, Hits: t.hits, Exemplar: s.wantsExemplar(t, p.Account)}
	if m.Exemplar {
		t.Exemplars = append(t.Exemplars, p.Account)
		t.recore()
	}
	r.Matches = append(r.Matches, m)
	if d := DayOf(p.Time); (fresh || t.Born == p.Number) && !t.Flagged && t.spreads(d-flagDays+1, d, s.opts.FlagAccounts) {
		t.Flagged = true
		r.Flags = append(r.Flags, Flag{t.ID, t.Spread(d-flagDays+1, d)})
	}
	if t.assessable(assessFrom, s.opts.AlertAccounts) {
		r.Due = append(r.Due, t.ID)
	}
	if len(t.cands) > 0 {
		s.judgeCandidates(t)
	}
	if t.shows(p.Scale) {
		s.window(t, p)
	}
}

// held returns how many core keys the prompt holds.
func (t *Template) held(p *Prompt) (n int) {
	i := 0
	for _, c := range t.core {
		for i < len(p.Keys) && p.Keys[i] < c.key {
			i++
		}
		if i < len(p.Keys) && p.Keys[i] == c.key {
			n++
		}
	}
	return n
}

// wantsExemplar keeps prompts of distinct accounts: the first three, then ever
// rarer ones, so that a template's life is sampled, not its first minute.
func (s *Set) wantsExemplar(t *Template, account uint32) bool {
	n := len(t.Exemplars)
	if n >= s.opts.MaxExemplars || slices.Contains(t.Exemplars, account) {
		return false
	}
	return n < 3 || t.Prompts >= 1<<uint(n-1)
}

// found makes a template of keys that none owns, counts in the earlier
// prompts that memory still holds, and returns it.
func (s *Set) found(keys []uint64, p *Prompt) *Template {
	if len(keys) > maxCore {
		keys = keys[:maxCore]
	}
	t := &Template{ID: s.nextID, Born: p.Number, Past: s.past.Start(), usedAt: p.Number}
	s.nextID++
	s.place(t)
	t.restate()
	t.core = make([]coreKey, 0, len(keys))
	for _, k := range keys {
		t.core = append(t.core, coreKey{key: k})
		s.owners.set(k, t.slot)
		s.sieve.Forget(k)
	}
	t.recount()
	s.recall(t, p.Number)
	return t
}

// place gives t a slot.
func (s *Set) place(t *Template) {
	if n := len(s.free); n > 0 {
		t.slot, s.free = s.free[n-1], s.free[:n-1]
		s.slots[t.slot] = t
	} else {
		t.slot = len(s.slots)
		s.slots = append(s.slots, t)
	}
	s.byID[t.ID] = t
	if t.changes = &s.changes; t.coreDirty || t.statDirty {
		s.changes.list = append(s.changes.list, t)
	}
	if t.Past > 1 {
		s.lost = append(s.lost, t)
	}
}

// remove forgets t, but not which keys it owns.
func (s *Set) remove(t *Template) {
	s.slots[t.slot] = nil
	s.free = append(s.free, t.slot)
	delete(s.byID, t.ID)
	s.weight -= t.weighed
	t.changes, t.weighed = nil, 0
}

// recall counts in the prompts before number that memory still holds.
func (s *Set) recall(t *Template, number uint64) {
	held := make(map[uint64]int)
	for _, c := range t.core {
		s.past.Each(c.key, func(n uint64) {
			if n < number {
				held[n]++
			}
		})
	}
	order := make([]uint64, 0, len(held))
	for n := range held {
		order = append(order, n)
	}
	slices.Sort(order)
	for _, n := range order {
		q := s.past.Prompt(n)
		if held[n] >= max(1, t.need(q.Scale)) {
			t.use(q.Account, q.Since, q.Time, 1, q.Values...)
			t.traits.note(q.Traits)
		}
	}
}

// offer notes prevalent keys without owner that came with t.
func (s *Set) offer(t *Template, keys []uint64) {
	for _, k := range keys {
		i := slices.IndexFunc(t.cands, func(c candidate) bool { return c.key == k })
		if i >= 0 {
			t.cands[i].n++
		} else if len(t.cands) < maxCandidates && len(t.core)+len(t.cands) < maxCore {
			t.cands = append(t.cands, candidate{k, 1})
		}
	}
	t.recore()
}

// judgeCandidates joins to the core the candidates that came with at least
// half of the last matching prompts, and lets the others go.
func (s *Set) judgeCandidates(t *Template) {
	t.recore()
	if t.offered++; t.offered < offers {
		return
	}
	grown := false
	for _, c := range t.cands {
		if 2*int(c.n) >= offers && s.owners.get(c.key) < 0 {
			t.core = append(t.core, coreKey{key: c.key})
			s.owners.set(c.key, t.slot)
			s.sieve.Forget(c.key)
			grown = true
		}
	}
	t.cands, t.offered = nil, 0
	if grown {
		t.recount()
		t.resetWindow()
	}
}

// window counts core keys over windows of matching prompts, at the start and
// then ever rarer, and drops those that few of them hold.
func (s *Set) window(t *Template, p *Prompt) {
	at := t.seen
	t.seen++
	start := uint32(0)
	if at >= 2*windowed { // windows begin at 0 and at the powers of two from 64 on
		start = 1 << (bits.Len32(at) - 1)
	}
	if at >= start+windowed {
		return
	}
	t.recore()
	if at == start {
		for i := range t.core {
			t.core[i].hits = 0
		}
	}
	i := 0
	for _, k := range p.Keys {
		for i < len(t.core) && t.core[i].key < k {
			i++
		}
		if i < len(t.core) && t.core[i].key == k {
			t.core[i].hits++
		}
	}
	if at == start+windowed-1 {
		s.drop(t, func(c coreKey) bool { return 4*int(c.hits) < windowed })
	}
}

func (t *Template) resetWindow() {
	t.restate()
	t.seen = 0
	for i := range t.core {
		t.core[i].hits = 0
	}
}

// drop takes keys out of a core, unless too few would be left.
func (s *Set) drop(t *Template, out func(coreKey) bool) []uint64 {
	var gone []uint64
	for _, c := range t.core {
		if out(c) {
			gone = append(gone, c.key)
		}
	}
	if len(gone) == 0 || len(t.core)-len(gone) < s.opts.MinCore {
		return nil
	}
	t.core = slices.DeleteFunc(t.core, out)
	for _, k := range gone {
		s.owners.remove(k)
		s.sieve.Mark(k)
	}
	t.recount()
	return gone
}

// partial notes that p holds a part of t's core, too little to belong; when
// the same part keeps coming alone, it becomes a template of its own.
func (s *Set) partial(t *Template, p *Prompt) {
	t.recore()
	i := 0
	for _, k := range p.Keys {
		for i < len(t.core) && t.core[i].key < k {
			i++
		}
		if i < len(t.core) && t.core[i].key == k {
			t.core[i].part++
		}
	}
	if t.partials++; t.partials < partialsJudge {
		return
	}
	often := func(c coreKey) bool { return int(c.part) >= partialsJudge-1 }
	n := 0
	for _, c := range t.core {
		if often(c) {
			n++
		}
	}
	t.partials = 0
	var part []uint64
	if n >= s.opts.MinCore && s.Len() < maxSlots {
		part = s.drop(t, often)
	}
	for i := range t.core {
		t.core[i].part = 0
	}
	if part != nil {
		t.resetWindow()
		if nt := s.found(part, p); nt.held(p) >= nt.need(p.Scale) {
			s.matched = append(s.matched, nt)
		}
	}
}

// Get returns a template in memory by id, or nil.
func (s *Set) Get(id uint32) *Template { return s.byID[id] }

// Len returns the number of templates in memory.
func (s *Set) Len() int { return len(s.byID) }

// Each calls fn for every template in memory, in no order.
func (s *Set) Each(fn func(*Template)) {
	for _, t := range s.slots {
		if t != nil {
			fn(t)
		}
	}
}

// Contained returns the templates of whose cores a sample holds enough to
// belong, without counting anything.
func (s *Set) Contained(keys []uint64, scale uint8) (found []*Template) {
	hits := make(map[int]int)
	for _, k := range keys {
		if slot := s.owners.get(k); slot >= 0 {
			hits[slot]++
		}
	}
	for slot, n := range hits {
		if t := s.slots[slot]; n >= t.need(scale) {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, func(a, b *Template) int { return cmp.Compare(a.ID, b.ID) })
	return found
}
