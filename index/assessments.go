package index

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-368d3dfa/chorus/index/internal/campaign"
	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// assessments are those of every template of watchAccounts accounts and more,
// with the campaigns that they make. They do not change once made, but for what
// is described when somebody asks.
type assessments struct {
	asOf       generation
	all        []*assessed // by id
	byID       map[uint32]*assessed
	allied     []campaign.Template
	population *campaign.Population
	campaigns  []gathered
	graph      *sharing
	of         map[uint32]*gathered // template → its campaign
	begun      time.Time
	took       time.Duration
	kin        kinFound
	described  sync.Map // id → *outlined, as of when it was first asked for
}

// A generation tells states of the index apart: none of its numbers ever
// falls, and whatever changes an assessment raises one of them.
type generation struct {
	prompts uint64 // number of the next
	sealed  uint64 // number of the first in the memtable: what is recalled counts when it is rotated
	labels  int
	learnt  int
	expired int
}

// covers reports whether a is o or later.
func (a generation) covers(o generation) bool {
	return a.prompts >= o.prompts && a.sealed >= o.sealed && a.labels >= o.labels && a.learnt >= o.learnt && a.expired >= o.expired
}

// generation is that of now. The caller holds ix.mu.
func (ix *Index) generation() generation {
	return generation{ix.mem.next(), ix.mem.first, len(ix.labels.all), len(ix.learnt), ix.expired}
}

// assessor keeps the last assessments. Its lock is taken before ix.mu.
type assessor struct {
	sync.Mutex // held while assessing
	shelf      shelf
	last       atomic.Pointer[assessments]
	busy       atomic.Bool   // somebody assesses in the background
	quick      time.Duration // callers wait for assessing, Lag or not, that takes less
	still      time.Duration // without prompts, after which they are no stream
}

// gatherShare is how many accounts' uses are gathered under one lock, about:
// adding prompts does not wait longer for that than for some 100 prompts.
const gatherShare = 8 << 10

// assessAll scores everything as of now or later, or with Options.Lag of
// shortly before. What is scored is gathered in small shares, and scored without
// the lock: it is as of one moment unless prompts are being added. Callers of one
// time share one result, and it stays as long as nothing changes. The caller
// holds no lock.
func (ix *Index) assessAll() (*assessments, error) {
	ix.closing.RLock()
	defer ix.closing.RUnlock()
	if ix.closed {
		return nil, ErrClosed
	}
	ix.mu.RLock()
	now, streaming := ix.generation(), ix.opts.Lag > 0 && time.Since(ix.added) < ix.assessor.still
	ix.mu.RUnlock()
	last := ix.assessor.last.Load()
	if last == nil || !streaming || last.asOf.labels < now.labels || last.asOf.learnt < now.learnt || last.asOf.expired < now.expired {
		return ix.assessAt(now)
	}
	switch age := time.Since(last.begun); {
	case last.took < ix.assessor.quick && age > quickShare*last.took:
		return ix.assessAt(now)
	case age < ix.opts.Lag:
		return last, nil
	case age < ix.opts.Lag+lagRoom*max(last.took, time.Second): // somebody asks all the time
		ix.assessSoon(now)
		return last, nil
	}
	return ix.assessAt(now)
}

const (
	lagRoom    = 4 // times that assessing may take as long as before
	quick      = 25 * time.Millisecond
	still      = 500 * time.Millisecond
	quickShare = 20 // at most one part in so many of the time is spent assessing while callers wait
)

// assessSoon begins to score everything, unless that is being done.
func (ix *Index) assessSoon(now generation) {
	if !ix.assessor.busy.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer ix.assessor.busy.Store(false)
		ix.closing.RLock()
		defer ix.closing.RUnlock()
		if ix.closed {
			return
		}
		if _, err := ix.assessAt(now); err != nil {
			ix.opts.Logger.Error("index: scoring failed", "error", err)
		}
	}()
}

// expect makes the next assessments know a campaign that has been flagged since
// the last ones, so that who has seen its flag finds it.
func (ix *Index) expect(campaign string) error {
	last := ix.assessor.last.Load()
	number, ok := parseCampaignID(campaign)
	if ix.opts.Lag == 0 || last == nil || !ok || slices.ContainsFunc(last.campaigns, func(g gathered) bool { return g.id == campaign }) {
		return nil
	}
	ix.closing.RLock()
	defer ix.closing.RUnlock()
	if ix.closed {
		return ErrClosed
	}
	ix.mu.RLock()
	now, t := ix.generation(), ix.templates.Get(number)
	raised := t != nil && t.Raised != 0
	ix.mu.RUnlock()
	if !raised {
		return nil
	}
	_, err := ix.assessAt(now)
	return err
}

// assessAt scores everything as of a generation or later. The caller holds
// ix.closing.
func (ix *Index) assessAt(now generation) (*assessments, error) {
	ix.assessor.Lock()
	defer ix.assessor.Unlock()
	if last := ix.assessor.last.Load(); last != nil && last.asOf.covers(now) {
		return last, nil
	}
	begun := time.Now()
	s, err := ix.gatherAll()
	if err != nil {
		return nil, err
	}
	s.conclude()
	s.graph = newSharing(s.all)
	for i := range s.campaigns {
		s.campaigns[i].log10p = s.graph.log10p(s.campaigns[i].Templates)
	}
	for _, a := range s.all {
		a.texts = template.Texts{}
		if s.of[a.id] == nil { // its evidence is the greater part, and not looked at again
			a.e, a.accounts = nil, nil
		}
	}
	s.begun, s.took = begun, time.Since(begun)
	ix.assessor.last.Store(s)
	return s, nil
}

// conclude makes campaigns of what has been gathered.
func (s *assessments) conclude() {
	for _, a := range s.all {
		a.judge(s.population)
	}
	s.allied = allied(s.all, s.population)
	s.campaigns = gather(s)
	s.of = make(map[uint32]*gathered)
	for i := range s.campaigns {
		g := &s.campaigns[i]
		for _, id := range g.Templates {
			s.of[id] = g
		}
	}
}

// gatherAll gathers the evidence on every template of enough accounts. The
// caller holds the assessor's lock and ix.closing.
func (ix *Index) gatherAll() (*assessments, error) {
	s := &assessments{}
	var some []*template.Template // in memory
	var shelved []*shelved
	for stale := true; stale; {
		some = some[:0]
		known := make(map[uint32]bool)
		ix.mu.RLock()
		s.asOf, s.population = ix.generation(), ix.population.Snapshot()
		out, leaving := ix.templates.Out() > 0, ix.sealing
		ix.templates.Each(func(t *template.Template) {
			if t.AccountCount() >= watchAccounts {
				some = append(some, t)
			}
			known[t.ID] = true
		})
		ix.mu.RUnlock()
		if !out {
			break
		}
		if leaving != nil {
			<-leaving.stored // what left memory with it is on disk
		}
		if err := ix.store.View(func(r *store.Reader) (err error) {
			if stale = r.Sealed()+1 > s.asOf.sealed; !stale { // or what came back and has been sealed since would be missed
				shelved, err = ix.shelved(r, s.asOf.expired, known)
			}
			return err
		}); err != nil {
			return nil, wrap(err)
		}
	}
	s.all = make([]*assessed, 0, len(some)+len(shelved))
	ix.inShares(len(some), func(i int) int {
		a := ix.evidence(some[i], 0)
		a.texts = a.texts.Clone()
		s.all = append(s.all, a)
		return a.size
	})
	ix.inShares(len(shelved), func(i int) int {
		s.all = append(s.all, ix.evidenceOut(shelved[i]))
		return s.all[len(s.all)-1].size
	})
	slices.SortFunc(s.all, func(a, b *assessed) int { return cmp.Compare(a.id, b.id) })
	s.byID = make(map[uint32]*assessed, len(s.all))
	for _, a := range s.all {
		s.byID[a.id] = a
	}
	return s, nil
}

// inShares calls fn for 0 to n-1 under ix.mu, which it lets go of whenever what
// fn returned adds up to gatherShare.
func (ix *Index) inShares(n int, fn func(i int) int) {
	for i := 0; i < n; {
		ix.mu.RLock()
		for sum := 0; i < n && sum < gatherShare; i++ {
			sum += fn(i)
		}
		ix.mu.RUnlock()
	}
}

// rescore is the score of a template, or that with the allies with which it alerts,
// without the accounts that are taken.
func (s *assessments) rescore(t *campaign.Template, taken func(account uint32) bool) float64 {
	a := s.byID[t.ID]
	score, _ := campaign.Rate(cmp.Or(a.united, a.e).Without(taken), s.population)
	return score
}

// status is what an analyst says of a template, or what the campaigns make of
// it; a is nil where it has too few accounts for a score.
func (s *assessments) status(verdict string, a *assessed) string {
	switch {
	case verdict != None:
		return verdict
	case a == nil:
	case s.of[a.id] != nil:
		return s.of[a.id].status
	case a.alerts():
		return "alert"
	case a.score >= watchScore:
		return "watch"
	}
	return "none"
}

// factors returns the reasons for a template's score, or for that with the
// allies with which it alerts. Its campaign must list it.
func (s *assessments) factors(id uint32) (factors []Factor) {
	a := s.byID[id]
	_, found := campaign.Score(cmp.Or(a.united, a.e), s.population)
	for _, f := range found {
		factors = append(factors, Factor(f))
	}
	return factors
}
