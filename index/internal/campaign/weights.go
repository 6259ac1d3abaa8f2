package campaign

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Weights are what verdicts have taught beyond the table of factors. Their zero
// value is the table as it is shipped.
type Weights struct {
	Times  map[string]float64 `json:"times,omitempty"`  // factor → what its points are multiplied by; 1 if it is not there
	Points map[string]float64 `json:"points,omitempty"` // factor that is shipped without any → its points at a value of 1
	Offset float64            `json:"offset,omitempty"` // added to every score
	Labels int                `json:"labels,omitempty"` // that taught this; 0: nothing is taught
	Time   time.Time          `json:"time,omitzero"`    // when they did
}

// How far weights may be from the table: what a few verdicts say must not turn
// it upside down.
const (
	leastTimes, mostTimes = .5, 1.5
	mostPoints            = 10.
	mostOffset            = 10.
)

// table is the factors with points. weighted are their names, and unweighted
// those of factors that are shipped without.
var (
	table      = []scored{emptiness, balance, draw, focus, harvesting, repetition, cohort, spread, payment, welcome, flood}
	weighted   = names(table)
	unweighted = names([]scored{network})
)

func names(factors []scored) (names []string) {
	for _, s := range factors {
		names = append(names, s.name)
	}
	return names
}

// offsetName is the factor that shows an offset.
const offsetName = "learnt"

// ErrFactor is the error of weights for a factor that there is not.
var ErrFactor = errors.New("unknown factor")

// Check reports what is impossible in weights, which may have been read from
// somewhere.
func (w *Weights) Check() error {
	if w.Labels < 0 || w.Labels == 0 && (len(w.Times)+len(w.Points) > 0 || w.Offset != 0) {
		return fmt.Errorf("learnt from %d labels", w.Labels)
	}
	for name, v := range w.Times {
		if !slices.Contains(weighted, name) {
			return fmt.Errorf("%w %q", ErrFactor, name)
		}
		if !(v >= leastTimes && v <= mostTimes) {
			return fmt.Errorf("factor %q counts %g times", name, v)
		}
	}
	for name, v := range w.Points {
		if slices.Contains(weighted, name) {
			return fmt.Errorf("factor %q has %g points of its own", name, v)
		}
		if !slices.Contains(unweighted, name) {
			return fmt.Errorf("%w %q", ErrFactor, name)
		}
		if !(math.Abs(v) <= mostPoints) {
			return fmt.Errorf("factor %q has %g points", name, v)
		}
	}
	if !(math.Abs(w.Offset) <= mostOffset) {
		return fmt.Errorf("an offset of %g points", w.Offset)
	}
	return nil
}

// times is what the points of a factor are multiplied by.
func (w *Weights) times(name string) float64 {
	if v, ok := w.Times[name]; ok {
		return v
	}
	return 1
}

// weigh gives the factors the points that they have by w, and adds the offset.
// The balance and the draw have theirs already.
func (w *Weights) weigh(factors []Factor, words bool) []Factor {
	if w.Labels == 0 {
		return factors
	}
	for i := range factors {
		switch f := &factors[i]; f.Name {
		case balance.name, draw.name:
		case network.name:
			f.Points = w.Points[f.Name] * f.Value
		default:
			f.Points *= w.times(f.Name)
		}
	}
	if w.Offset == 0 {
		return factors
	}
	f := Factor{Name: offsetName, Value: float64(w.Labels), Points: w.Offset}
	if words {
		f.Text = fmt.Sprintf("%d verdicts taught, on %s, how scores are to be here", w.Labels, w.Time.UTC().Format(time.DateOnly))
	}
	return append(factors, f)
}

// Table returns the factors with the points that they have at most by w: those of a
// factor against are negative.
func (w *Weights) Table() (factors []Factor) {
	for _, s := range table {
		factors = append(factors, Factor{Name: s.name, Points: s.points * w.times(s.name)})
	}
	for _, name := range unweighted {
		factors = append(factors, Factor{Name: name, Points: w.Points[name]})
	}
	return append(factors, Factor{Name: offsetName, Points: w.Offset})
}
