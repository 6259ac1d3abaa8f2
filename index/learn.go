package index

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/seed-368d3dfa/chorus/index/internal/campaign"
	"github.com/seed-368d3dfa/chorus/index/internal/store"
)

// LeastLabels is how many labels of each kind Learn needs.
const LeastLabels = campaign.LeastLabels

// LearnOptions say what is to become of what is learnt. The zero value only looks.
type LearnOptions struct {
	Apply  bool   // score by what is learnt from now on, if it is better
	Forget bool   // score by the shipped table from now on
	Author string // who wants that: for the audit trail
}

// A Learning is what the labels teach about the table of factors.
type Learning struct {
	Text      string         `json:"text"`      // what came of it, in words
	Applied   bool           `json:"applied"`   // the table in force has changed
	Better    bool           `json:"better"`    // than the shipped table, on labels that it was not learnt from
	Benign    int            `json:"benign"`    // labels that say so of templates of 8 accounts and more
	Confirmed int            `json:"confirmed"` // likewise
	Shipped   Trial          `json:"shipped"`   // how the shipped table does on the labels
	Learnt    Trial          `json:"learnt"`    // how it would do once learnt: each label was left out of what it was tried by
	Factors   []FactorPoints `json:"factors"`   // the table
	Begin     []Rescored     `json:"begin"`     // campaigns without a verdict that would alert and do not now
	End       []Rescored     `json:"end"`       // those that would alert no more
	History   []Learnt       `json:"history"`   // every change of the table in force, oldest first
}

// A Trial is how well a table does on labels.
type Trial struct {
	Loss   float64 `json:"loss"`         // mean logistic loss, in nats; both kinds of labels count for half
	False  int     `json:"false_alerts"` // benign labels that it would alert for
	Missed int     `json:"missed"`       // confirmed labels that it would not alert for
}

// FactorPoints are the points that a factor has at most, or at least if it speaks
// against. Those of "network" are for all prompts from one network, and those of
// "learnt" for every template.
type FactorPoints struct {
	Name    string  `json:"name"`
	Shipped float64 `json:"shipped"`
	Now     float64 `json:"now"` // in force before this
	Learnt  float64 `json:"learnt"`
}

// A Rescored is a campaign whose status another table changes.
type Rescored struct {
	Campaign string  `json:"campaign"`
	Template string  `json:"template"` // the one with the best evidence
	Accounts int     `json:"accounts"`
	Before   float64 `json:"before"` // the template's score
	After    float64 `json:"after"`
}

// A Learnt is one change of the table of factors in force.
type Learnt struct {
	Seq    uint64             `json:"seq"`
	Time   time.Time          `json:"time"`
	At     time.Time          `json:"at,omitzero"` // the newest prompt's, when it was put in force
	Author string             `json:"author,omitempty"`
	Labels int                `json:"labels"`           // that it was learnt from; 0: the shipped table
	Times  map[string]float64 `json:"times,omitempty"`  // factor → what its shipped points are multiplied by
	Points map[string]float64 `json:"points,omitempty"` // factor that is shipped without any → its points
	Offset float64            `json:"offset,omitempty"` // of every score
}

func (l *Learnt) weights() campaign.Weights {
	return campaign.Weights{Times: l.Times, Points: l.Points, Offset: l.Offset, Labels: l.Labels, Time: l.Time}
}

// Learn fits the table of factors to the verdicts given so far, and says what they
// teach and what that would change. Labels alone change no score: only Apply does,
// and it refuses what does not do better than the shipped table on labels that are
// left out. Forget returns to that. An alert that was raised before stays one only if its
// score is not below the threshold. Flags for what begins to alert are recorded, all durable
// when Learn returns. Its errors include ErrFewLabels.
func (ix *Index) Learn(ctx context.Context, o LearnOptions) (*Learning, error) {
	switch {
	case o.Apply && o.Forget:
		return nil, fmt.Errorf("index: Learn: Apply or Forget, not both")
	case (o.Apply || o.Forget) && ix.opts.ReadOnly:
		return nil, fmt.Errorf("index: Learn: opened read-only")
	case len(o.Author) > maxText:
		return nil, fmt.Errorf("%w: the author's name is longer than %d bytes", ErrLabel, maxText)
	}
	all, err := ix.gatherNow()
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	before := all.by(all.population.Weights)
	for _, a := range all.all {
		a.keeps = false
	}
	shipped := all.by(campaign.Weights{})
	at := time.Now().UTC().Truncate(time.Millisecond)
	weights, report := campaign.Learn(shipped.examples(), at)
	out := &Learning{
		Benign: report.Benign, Confirmed: report.Confirmed, Better: report.Better(),
		Shipped: trial(report.Shipped), Learnt: trial(report.Learnt),
	}
	after := shipped
	if !o.Forget {
		if !report.Enough() {
			return nil, fmt.Errorf("%w: %d benign and %d confirmed, where %d of each are needed; those of templates of fewer than %d accounts do not count",
				ErrFewLabels, report.Benign, report.Confirmed, LeastLabels, watchAccounts)
		}
		after = all.by(weights)
	}
	now := after.population.Weights
	for i, f := range new(campaign.Weights).Table() {
		out.Factors = append(out.Factors, FactorPoints{f.Name, f.Points, points(&before.population.Weights, i), points(&now, i)})
	}
	out.Begin, out.End = before.begins(after), after.begins(before)
	for i := range out.End {
		r := &out.End[i]
		r.Before, r.After = r.After, r.Before
	}
	out.Text = out.words(o, before.population.Weights.Labels)
	if o.Forget && before.population.Weights.Labels > 0 || o.Apply && out.Better {
		if err := ix.teach(ctx, after, Learnt{
			Time: at, Author: o.Author, Labels: now.Labels, Times: now.Times, Points: now.Points, Offset: now.Offset,
		}); err != nil {
			return nil, err
		}
		out.Applied = true
	}
	err = ix.view(func(*snapshot) { out.History = append([]Learnt{}, ix.learnt...) }, nil)
	return out, err
}

// words says what came of learning.
func (l *Learning) words(o LearnOptions, inForce int) string {
	if o.Forget {
		if inForce == 0 {
			return "The shipped table is in force already."
		}
		return fmt.Sprintf("The shipped table is in force again; what %d labels taught is forgotten.", inForce)
	}
	text := fmt.Sprintf("Of %d benign labels, each left out of what is learnt, the shipped table would alert for %d and the learnt one for %d; "+
		"of %d confirmed ones they would miss %d and %d.", l.Benign, l.Shipped.False, l.Learnt.False, l.Confirmed, l.Shipped.Missed, l.Learnt.Missed)
	switch {
	case l.Shipped.False+l.Shipped.Missed == 0:
		return text + " The shipped table makes no mistake on these labels: there is nothing to learn."
	case !l.Better:
		return text + " That is not surely better, so the learnt table is not for use."
	case o.Apply:
		return text + " The learnt table is in force."
	}
	return text + " The learnt table is better."
}

func trial(t campaign.Trial) Trial {
	return Trial{Loss: math.Round(1000*t.Loss) / 1000, False: t.False, Missed: t.Missed}
}

func points(w *campaign.Weights, i int) float64 {
	return math.Round(10*w.Table()[i].Points) / 10
}

// gatherNow gathers the evidence as of now, and judges nothing.
func (ix *Index) gatherNow() (*assessments, error) {
	ix.closing.RLock()
	defer ix.closing.RUnlock()
	if ix.closed {
		return nil, ErrClosed
	}
	ix.assessor.Lock()
	defer ix.assessor.Unlock()
	return ix.gatherAll()
}

// by concludes by other weights from what s has gathered, and leaves s as it is.
func (s *assessments) by(w campaign.Weights) *assessments {
	c := &assessments{asOf: s.asOf, population: s.population.Snapshot(), byID: make(map[uint32]*assessed, len(s.all))}
	c.population.Weights = w
	for _, a := range s.all {
		b := *a
		if a.recent != nil {
			recent := *a.recent
			b.recent = &recent
		}
		c.all, c.byID[b.id] = append(c.all, &b), &b
	}
	c.conclude()
	return c
}

// examples returns one for each label: its template with the highest score, as
// one that alerts is enough. Labels that say the same of one campaign are one.
func (s *assessments) examples() (out []campaign.Example) {
	same := make(map[uint64]uint64) // label → an earlier one that it is one with
	first := func(label uint64) uint64 {
		for same[label] != 0 {
			label = same[label]
		}
		return label
	}
	for i := range s.campaigns {
		said := make(map[string]uint64)
		for _, id := range s.campaigns[i].Templates {
			a := s.byID[id]
			if a.label == 0 {
				continue
			}
			one, other := first(cmp.Or(said[a.verdict], a.label)), first(a.label)
			if said[a.verdict] = min(one, other); one != other {
				same[max(one, other)] = min(one, other)
			}
		}
	}
	best := make(map[uint64]*assessed)
	for _, a := range s.all {
		if a.verdict == None || a.fragment {
			continue
		}
		label := first(a.label)
		if b := best[label]; b == nil || a.score > b.score {
			best[label] = a
		}
	}
	for _, label := range sortedKeys(best) {
		a := best[label]
		_, factors := campaign.Score(a.e, s.population)
		out = append(out, campaign.Example{Label: label, Confirmed: a.verdict == Confirmed, Factors: factors})
	}
	return out
}

// begins returns the campaigns without a verdict that alert by other's weights
// and have no template in one that does by s's.
func (s *assessments) begins(other *assessments) []Rescored {
	out := []Rescored{}
	for i := range other.campaigns {
		g := &other.campaigns[i]
		if g.status != "alert" || slices.ContainsFunc(g.Templates, func(id uint32) bool {
			was := s.of[id]
			return was != nil && (was.status == "alert" || was.status == Confirmed)
		}) {
			continue
		}
		id := g.Templates[0]
		out = append(out, Rescored{
			Campaign: g.id, Template: templateID(id), Accounts: len(g.Accounts),
			Before: math.Round(10*s.byID[id].score) / 10, After: math.Round(10*other.byID[id].score) / 10,
		})
	}
	return out
}

// teach puts a table in force, with everything that changes by it in one
// transaction: entries of the journal are always of the table that is stored
// when they are replayed.
func (ix *Index) teach(ctx context.Context, after *assessments, l Learnt) error {
	r := &request{done: make(chan struct{})}
	r.exclusive = func() error {
		ix.mu.Lock()
		l.Seq, l.At = uint64(len(ix.learnt))+1, timeOf(max(0, ix.last)) // no prompt: no alert either
		ix.learnt = append(ix.learnt, l)
		ix.population.Weights = l.weights()
		for _, a := range after.all {
			if !a.alerts() || a.verdict == Benign {
				continue
			}
			if t := ix.templates.Get(a.id); t != nil && t.Raised == 0 {
				a.t = t
				ix.raise(a, ix.last)
			}
		}
		ix.mu.Unlock()
		value, err := json.Marshal(&l)
		if err != nil { // no value of a Learnt fails
			panic(err)
		}
		s := ix.rotate()
		s.puts = append(s.puts, store.Put{Table: store.TableAux, Key: learntKey(l.Seq), Value: value})
		s.cut = ix.journaled.Load()
		ix.seals <- s
		<-s.stored
		return ix.failure()
	}
	if err := ix.enqueue(ctx, r); err != nil {
		return err
	}
	<-r.done
	return r.err
}

func learntKey(seq uint64) []byte { return binary.BigEndian.AppendUint64([]byte{auxLearnt}, seq) }

// keeps reports whether an alert was raised, if at all, since the table in force is.
func (ix *Index) keeps(raised int64) bool {
	n := len(ix.learnt)
	return raised != 0 && (n == 0 || raised >= ix.learnt[n-1].At.UnixMilli())
}

// restoreLearnt reads the tables that were ever in force.
func (ix *Index) restoreLearnt(r *store.Reader) error {
	if err := eachLearnt(r, func(l *Learnt) { ix.learnt = append(ix.learnt, *l) }); err != nil {
		return err
	}
	if n := len(ix.learnt); n > 0 {
		ix.population.Weights = ix.learnt[n-1].weights()
	}
	return nil
}

// eachLearnt decodes the tables that were ever in force, oldest first.
func eachLearnt(r *store.Reader, fn func(*Learnt)) error {
	seq := uint64(0)
	return r.Scan(store.TableAux, []byte{auxLearnt}, []byte{auxLearnt + 1}, func(key, value []byte) error {
		var l Learnt
		seq++
		if err := json.Unmarshal(value, &l); err != nil || l.Seq != seq || !slices.Equal(key, learntKey(seq)) {
			return fmt.Errorf("%w: a learnt table is malformed", ErrDamaged)
		}
		w := l.weights()
		if err := w.Check(); err != nil {
			return fmt.Errorf("%w: a learnt table: %w", cmp.Or(newer(err), ErrDamaged), err)
		}
		fn(&l)
		return nil
	})
}

// newer is ErrVersion for what only a later version can have written.
func newer(err error) error {
	if errors.Is(err, campaign.ErrFactor) {
		return ErrVersion
	}
	return nil
}
