package index

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-368d3dfa/chorus/index/internal/campaign"
	"github.com/seed-368d3dfa/chorus/index/internal/sift"
	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
	"github.com/seed-368d3dfa/chorus/minhash"
)

// An Index is an open index. All its methods may be called concurrently.
type Index struct {
	opts      Options
	store     *store.Store
	scheme    minhash.Scheme
	sketchers *sketchers

	// Requests pass through these goroutines in this order.
	queue      chan *request         // → commitLoop
	sketchWork chan func(*sketcher)  // → sketchLoops
	groups     chan *group           // → writeLoop
	seals      chan *sealing         // → sealLoop
	merges     chan struct{}         // → mergeLoop
	written    chan struct{}         // closed when writeLoop has ended
	sealed     chan struct{}         // closed when sealLoop has ended
	merged     chan struct{}         // closed when mergeLoop has ended
	stopping   atomic.Bool           // mergeLoop ends early
	failed     atomic.Pointer[error] // the first failed write
	journaled  atomic.Uint64         // the last journal entry
	closing    sync.RWMutex          // held shared by calls, exclusively by Close
	closed     bool
	gone       chan struct{} // closed by Close

	// mu guards what follows: commitLoop writes, queries read.
	mu            sync.RWMutex
	mem           *memtable
	spare         *memtable // an empty one, or nil
	sealing       *sealing  // the last memtable rotated out, until its recalls are applied
	sift          *sift.Table
	templates     *template.Set
	accounts      *accounts
	idFilter      idFilter
	exemplars     map[uint32][]string // of mem's prompts, by template
	freshFlags    []Flag              // recorded since the one before the last seal
	unsealedFlags []store.Put
	flagSeq       uint64
	labels        labels
	learnt        []Learnt // all there ever were; the last is in force
	attrs         *attrs
	population    campaign.Population
	suspects      campaign.Sketches // templates worth a comparison with others, by their accounts
	raised        []uint32          // templates that raised an alert, in that order
	flagged       chan struct{}     // closed at the next flag
	prompts       uint64            // retained
	duplicates    uint64
	first, last   int64     // times of prompts, unix ms
	added         time.Time // when prompts were last counted in

	expired int // rises with every expire

	assessor assessor // its lock is taken before mu
	shapes   shapes   // likewise
	lowered  lowered

	scratch  [store.Kinds][]uint64 // of sealLoop
	calendar calendar              // of sealed segments
	pasts    pasts                 // of templates

	warmed sync.Once     // ix.sift
	ready  chan struct{} // closed when it is

	own    *sketcher       // of commitLoop
	result template.Result // of commitLoop

	touched uint64 // keeps lookAhead from being compiled away
}

// Open opens the index in the file at path, or creates it. One process at a
// time may have an index open for writing. Its errors include ErrLocked,
// ErrDamaged, ErrScheme, ErrVersion, ErrNotIndex and ErrMissing.
func Open(path string, o *Options) (*Index, error) {
	opts, err := o.filled()
	if err != nil {
		return nil, err
	}
	st, err := store.Open(path, store.Options{
		ReadOnly: opts.ReadOnly, MustExist: opts.MustExist || opts.ReadOnly, LockTimeout: opts.LockTimeout, NoSync: opts.NoSync,
	})
	if err != nil {
		return nil, wrap(err)
	}
	ix := newIndex(opts, st)
	if err := ix.start(); err != nil {
		st.Close()
		return nil, wrap(err)
	}
	return ix, nil
}

func newIndex(opts Options, st *store.Store) *Index {
	return &Index{
		opts: opts, store: st,
		queue: make(chan *request, 64), groups: make(chan *group, 4), seals: make(chan *sealing, 1), merges: make(chan struct{}, 1),
		written: make(chan struct{}), sealed: make(chan struct{}), merged: make(chan struct{}), gone: make(chan struct{}), ready: make(chan struct{}),
		flagged: make(chan struct{}), assessor: assessor{quick: quick, still: still}, exemplars: make(map[uint32][]string), first: math.MaxInt64, last: math.MinInt64,
	}
}

// start restores memory from the store and starts the goroutines.
func (ix *Index) start() error {
	if err := ix.openScheme(); err != nil {
		return err
	}
	sketchers, err := newSketchers(ix.scheme, ix.opts.PaymentAttrs)
	if err != nil {
		return err
	}
	ix.sketchers, ix.own = sketchers, sketchers.get()
	ix.accounts = newAccounts(ix.scheme.Seed)
	ix.attrs = newAttrs(ix.opts.KeepAttrs)
	ix.sift, err = sift.New(sift.Options{Bytes: ix.opts.SiftBytes})
	if err != nil {
		return badOption("SiftBytes", "%v", err)
	}
	maxExemplars := 0
	if ix.opts.NoExemplars {
		maxExemplars = -1
	}
	ix.templates = template.New(template.Options{
		FlagAccounts: ix.opts.FlagAccounts, AlertAccounts: alertAccounts, MaxExemplars: maxExemplars, Archive: archive{ix},
	}, ix.sift, past{ix})
	if err := ix.restore(); err != nil {
		return err
	}
	if !ix.opts.ReadOnly {
		go ix.sealLoop()
		go ix.mergeLoop()
	}
	if err := ix.replay(); err != nil {
		if !ix.opts.ReadOnly {
			close(ix.seals)
			<-ix.sealed
			close(ix.merges)
			<-ix.merged
		}
		return err
	}
	if !ix.opts.ReadOnly {
		ix.startSketching()
		go ix.commitLoop()
		go ix.writeLoop()
	}
	return nil
}

// past shows the current memtable to the template set.
type past struct{ ix *Index }

func (p past) Each(key uint64, fn func(uint64)) { p.ix.mem.Each(key, fn) }
func (p past) Start() uint64                    { return p.ix.mem.Start() }

func (p past) Prompt(n uint64) template.Prompt {
	m := p.ix.mem
	r := m.record(n)
	traits := p.ix.earlier(r, m.signature(n))
	traits.Values = m.valuesOf(n)
	return template.Prompt{
		Number: n, Account: r.Account, Since: p.ix.since(r.Account), Time: r.Time, Scale: r.Scale, Traits: traits,
	}
}

// earlier returns the traits of a prompt that was counted before. Its network
// and means of payment are not kept.
func (ix *Index) earlier(r *store.Record, signature []byte) template.Traits {
	return template.Traits{Text: textHash(signature), Opens: ix.opened(r.Account, r.Time)}
}

// opened reports whether an account's first prompt was at that time.
func (ix *Index) opened(account uint32, at int64) bool {
	return ix.accounts.stats[account-1].first == at
}

// archive finds templates that left memory.
type archive struct{ ix *Index }

// settle waits until a memtable being sealed is on disk: templates that left
// with it are only there.
func (a archive) settle() {
	if s := a.ix.sealing; s != nil {
		<-s.stored
	}
}

func (a archive) Owners(keys []uint64) (ids []uint32) {
	a.settle()
	err := a.ix.store.View(func(r *store.Reader) error {
		for _, k := range keys {
			from := outKey(k, 0)
			if err := r.Scan(store.TableAux, from, outKey(k+1, 0), func(key, _ []byte) error {
				if len(key) == len(from) {
					ids = append(ids, binary.BigEndian.Uint32(key[9:]))
				}
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		a.ix.fail(err)
	}
	return ids
}

func (a archive) Load(id uint32) (t *template.Template) {
	err := a.ix.store.View(func(r *store.Reader) (err error) {
		t, err = findTemplate(r, id)
		return err
	})
	if err != nil {
		a.ix.fail(err)
		return nil
	}
	return t
}

// failure returns the error of the first failed write, if any.
func (ix *Index) failure() error {
	if p := ix.failed.Load(); p != nil {
		return *p
	}
	return nil
}

// fail records that memory and disk no longer agree: nothing more is taken.
func (ix *Index) fail(cause error) error {
	err := error(&Error{ErrFailed, cause})
	if ix.failed.CompareAndSwap(nil, &err) {
		ix.opts.Logger.Error("index: write failed", "error", cause)
	}
	return ix.failure()
}

// Backup writes a consistent copy of the index, as of now, while writing goes
// on. The copy is an index by itself.
func (ix *Index) Backup(ctx context.Context, w io.Writer) error {
	ix.closing.RLock()
	defer ix.closing.RUnlock()
	if ix.closed {
		return ErrClosed
	}
	err := wrap(ix.store.Backup(ctx, w))
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Close finishes what has been queued, writes the memtable as a segment and
// lets go of the file. Calls after it return ErrClosed.
func (ix *Index) Close() error {
	ix.closing.Lock()
	if ix.closed {
		ix.closing.Unlock()
		return ErrClosed
	}
	ix.closed = true
	close(ix.gone)
	ix.closing.Unlock()
	ix.cool()
	if ix.opts.ReadOnly {
		return wrap(ix.store.Close())
	}
	ix.stopping.Store(true)
	close(ix.queue)
	<-ix.written
	close(ix.sketchWork)
	if ix.failure() == nil && ix.hasUnsealed() {
		if s := ix.rotate(); s != nil {
			s.cut, s.final = ix.journaled.Load(), true
			ix.seals <- s
		}
	}
	close(ix.seals)
	<-ix.sealed
	close(ix.merges)
	<-ix.merged
	err := ix.failure()
	return errors.Join(err, wrap(ix.store.Close()))
}

// hasUnsealed reports whether a checkpoint would write anything.
func (ix *Index) hasUnsealed() bool { return len(ix.mem.records)+len(ix.labels.unsealed) > 0 }
