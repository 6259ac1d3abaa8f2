package index

import (
	"fmt"

	"github.com/cespare/xxhash/v2"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// A shelf remembers the evidence on the templates on disk that have enough
// accounts to be part of a campaign. Only seals and Expire change them. Guarded by
// the assessor's lock.
type shelf struct {
	sealed  uint64 // the last prompt sealed, and
	expired int    // the generation, that it is as of
	known   map[uint32]*shelved
	whole   bool // known has all there are
}

// shelfShare is the part of Options.TemplateBytes that a shelf takes at most.
// Evidence beyond is read again whenever templates are assessed.
const shelfShare = 4

// A shelved is the evidence on one template on disk.
type shelved struct {
	id, campaign uint32
	stamp        uint64 // of the record that it was read from
	raised       int64
	first, last  int64
	all, recent  []template.Use // recent within windowDays; nil if that is all
	keys         []uint64
	usage        template.Usage
	texts        template.Texts
}

func shelve(t *template.Template, stamp uint64) *shelved {
	s := &shelved{
		id: t.ID, campaign: t.Campaign, stamp: stamp, raised: t.Raised, first: t.First, last: t.Last,
		keys: t.Core(), usage: t.Usage(), texts: t.Texts(),
	}
	last := template.DayOf(t.Last)
	s.all = usesOf(t, 0, last)
	if from, some := late(t); some {
		s.recent = usesOf(t, from, last)
	}
	return s
}

func usesOf(t *template.Template, from, to int32) (uses []template.Use) {
	t.EachMember(from, to, 0, func(i, n int, m template.Member) {
		if i == 0 {
			uses = make([]template.Use, n)
		}
		uses[i] = use(m)
	})
	return uses
}

func use(m template.Member) template.Use {
	return template.Use{Account: m.Account, Prompts: uint32(m.Prompts)}
}

func member(u template.Use) template.Member {
	return template.Member{Account: u.Account, Prompts: uint64(u.Prompts)}
}

// bytes estimates the memory that s takes.
func (s *shelved) bytes() int {
	return 256 + 8*len(s.all) + 8*len(s.recent) + 8*len(s.keys) + s.texts.Bytes()
}

func (s *shelved) eachKey(fn func(key uint64)) int {
	for _, k := range s.keys {
		fn(k)
	}
	return len(s.keys)
}

// shelved returns the evidence on the templates on disk of watchAccounts and more
// that are not in memory, ascending. The caller holds the assessor's lock.
func (ix *Index) shelved(r *store.Reader, expired int, inMemory map[uint32]bool) (all []*shelved, err error) {
	sh := &ix.assessor.shelf
	if sh.whole && sh.sealed == r.Sealed() && sh.expired == expired {
		for _, id := range sortedKeys(sh.known) {
			if !inMemory[id] {
				all = append(all, sh.known[id])
			}
		}
		return all, nil
	}
	next := shelf{sealed: r.Sealed(), expired: expired, known: make(map[uint32]*shelved), whole: true}
	room := ix.opts.TemplateBytes / shelfShare
	if err := r.Scan(store.TableStat, nil, nil, func(key, value []byte) error {
		stat, err := template.DecodeStat(value)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if !stat.Out || stat.Accounts < watchAccounts {
			return nil
		}
		id, stamp := templateNumber(key), xxhash.Sum64(value)
		s := sh.known[id]
		if s == nil || s.stamp != stamp || sh.expired != expired {
			t, err := loadTemplate(r, key, value)
			if err != nil {
				return err
			}
			s = shelve(t, stamp)
		}
		if room -= s.bytes(); room >= 0 {
			next.known[id] = s
		} else {
			next.whole = false
		}
		if !inMemory[id] {
			all = append(all, s)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	*sh = next
	return all, nil
}

// evidenceOut is evidence for a template on disk. The caller holds ix.mu.
func (ix *Index) evidenceOut(s *shelved) *assessed {
	a := &assessed{
		id: s.id, texts: s.texts, label: ix.labelOf(s.id, s.campaign, s.eachKey),
		raised: s.raised, keeps: ix.keeps(s.raised), campaign: s.campaign, first: s.first, last: s.last,
	}
	a.verdict = ix.labels.verdict(a.label)
	a.fill(s.usage, 0)
	a.grow(len(s.all))
	for i, u := range s.all {
		a.put(i, member(u), 0, &ix.accounts.stats[u.Account-1])
	}
	if s.recent != nil {
		members := make([]template.Member, len(s.recent))
		for i, u := range s.recent {
			members[i] = member(u)
		}
		ix.lately(a, members)
	}
	return a
}

// picks returns a campaign's templates, those that left memory from disk,
// without those that there are no more.
func (ix *Index) picks(r *store.Reader, now *assessments, ids []uint32) (picks []pick, err error) {
	for _, id := range ids {
		a := now.byID[id]
		t := a.t
		if t == nil {
			ix.mu.RLock()
			t = ix.templates.Get(id) // it may have come back
			ix.mu.RUnlock()
		}
		if t == nil {
			if t, err = findTemplate(r, id); err != nil {
				return nil, err
			}
			if t == nil {
				continue
			}
		}
		picks = append(picks, pick{t, len(a.accounts)})
	}
	return picks, nil
}
