package index

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// Verdicts of a Label.
const (
	Benign    = "benign"    // stops alerting and counts as evidence no more
	Confirmed = "confirmed" // a campaign: new accounts on it are flagged at once
	None      = "none"      // withdraws an earlier verdict
)

// A Label is an analyst's verdict on a template, on a bundle, on a campaign, or
// on a text: one of Template, Bundle, Campaign and Text is set. A text's verdict holds for
// every template, now or later, of whose core the text contains at least 60 %.
// Labels are never changed or deleted: the newest that applies counts, and
// all together are the audit trail.
type Label struct {
	Seq      uint64    `json:"seq,omitempty"` // from 1; set by the index
	Template string    `json:"template,omitempty"`
	Bundle   string    `json:"bundle,omitempty"`
	Campaign string    `json:"campaign,omitempty"`
	Text     string    `json:"text,omitempty"`
	Verdict  string    `json:"verdict"`
	Reason   string    `json:"reason,omitempty"`
	Author   string    `json:"author,omitempty"`
	Until    time.Time `json:"until,omitzero"` // in the prompts' own time; zero: for good
	Time     time.Time `json:"time,omitzero"`  // when it was given; zero: now

	// Templates are those of the bundle or campaign when it was labelled; set by
	// the index. The verdict holds for them and for what joins the campaign later.
	// What joins a bundle later has no verdict by that.
	Templates []string `json:"templates,omitempty"`

	// From numbers the first template that was not known when a campaign was
	// labelled: later ones that join the campaign fall under its label, those
	// that were then another campaign's do not. Set by the index.
	From uint32 `json:"from,omitempty"`
}

// Validate reports what is wrong with a label, as an error that wraps ErrLabel.
func (l *Label) Validate() error {
	n := 0
	for _, s := range []string{l.Template, l.Bundle, l.Campaign, l.Text} {
		if s != "" {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("%w: a label needs exactly one of template, bundle, campaign and text, and has %d", ErrLabel, n)
	}
	switch l.Verdict {
	case Benign, Confirmed, None:
	default:
		return fmt.Errorf("%w: verdict is not one of benign, confirmed, none", ErrLabel)
	}
	if _, ok := parseTemplateID(l.Template); l.Template != "" && !ok {
		return fmt.Errorf("%w: template is not a template's id", ErrLabel)
	}
	if _, ok := parseBundleID(l.Bundle); l.Bundle != "" && !ok {
		return fmt.Errorf("%w: bundle is not a bundle's id", ErrLabel)
	}
	if _, ok := parseCampaignID(l.Campaign); l.Campaign != "" && !ok {
		return fmt.Errorf("%w: campaign is not a campaign's id", ErrLabel)
	}
	if len(l.Text) > maxText || len(l.Reason)+len(l.Author) > maxText {
		return fmt.Errorf("%w: a label's text is longer than %d bytes", ErrLabel, maxText)
	}
	return nil
}

// Label records verdicts: all of them, durable when it returns, or none.
func (ix *Index) Label(ctx context.Context, labels ...Label) error {
	if ix.opts.ReadOnly {
		return fmt.Errorf("index: Label: opened read-only")
	}
	labels = slices.Clone(labels)
	for i := range labels {
		if err := labels[i].Validate(); err != nil {
			return err
		}
		if labels[i].Time.IsZero() {
			labels[i].Time = time.Now().UTC().Truncate(time.Millisecond)
		}
	}
	if err := ix.resolve(labels); err != nil {
		return err
	}
	r := &request{labels: labels, done: make(chan struct{})}
	if err := ix.enqueue(ctx, r); err != nil {
		return err
	}
	<-r.done
	return r.err
}

// Labels returns every label ever given, oldest first.
func (ix *Index) Labels(ctx context.Context) (labels []Label, err error) {
	err = ix.view(func(*snapshot) { labels = slices.Clone(ix.labels.all) }, nil)
	return labels, err
}

// labels is what has been labelled. Guarded by ix.mu.
type labels struct {
	all        []Label
	byTemplate map[uint32]int // newest label, index into all
	byCampaign map[uint32]int
	byKey      map[uint64][]int // labels of texts that hold a key
	confirms   bool             // some label ever said so
	flagged    map[uint32]int32 // template → day of its last flag for a new account
	unsealed   []store.Put
}

// label takes a label into memory. The caller holds ix.mu.
func (ix *Index) label(l Label, k *sketcher) {
	ls := &ix.labels
	l.Seq = uint64(len(ls.all)) + 1
	n := len(ls.all)
	ls.all = append(ls.all, l)
	if ls.byTemplate == nil {
		ls.byTemplate, ls.byCampaign, ls.byKey = make(map[uint32]int), make(map[uint32]int), make(map[uint64][]int)
	}
	ls.confirms = ls.confirms || l.Verdict == Confirmed
	for _, t := range l.Templates {
		if id, ok := parseTemplateID(t); ok {
			ls.byTemplate[id] = n
		}
	}
	if id, ok := parseTemplateID(l.Template); ok {
		ls.byTemplate[id] = n
	}
	if id, ok := parseCampaignID(l.Campaign); ok {
		ls.byCampaign[id] = n
	}
	byKeys(ls.byKey, k, l.Text, n)
}

// byKeys notes by every key of a label's text that the nth label holds it. Labels
// come in order.
func byKeys(byKey map[uint64][]int, k *sketcher, text string, n int) {
	for _, s := range k.Shingles(nil, text) {
		if at := byKey[s.Key]; len(at) == 0 || at[len(at)-1] != n {
			byKey[s.Key] = append(at, n)
		}
	}
}

// recordLabel takes a new label into memory and among what is to be sealed.
func (ix *Index) recordLabel(l Label) []byte {
	if l.Campaign != "" && l.From == 0 {
		l.From = ix.templates.NextID()
	}
	ix.label(l, ix.own)
	l = ix.labels.all[len(ix.labels.all)-1]
	value, err := json.Marshal(l)
	if err != nil { // no value of a Label fails
		panic(err)
	}
	ix.labels.unsealed = append(ix.labels.unsealed, store.Put{
		Table: store.TableLabel, Key: binary.BigEndian.AppendUint64(nil, l.Seq), Value: value,
	})
	return value
}

// restoreLabels reads the labels of the last checkpoint.
func (ix *Index) restoreLabels(r *store.Reader) error {
	if err := ix.restoreJoined(r); err != nil {
		return err
	}
	return r.Scan(store.TableLabel, nil, nil, func(_, value []byte) error {
		var l Label
		if err := json.Unmarshal(value, &l); err != nil {
			return fmt.Errorf("%w: a label is malformed", ErrDamaged)
		}
		ix.label(l, ix.own)
		return nil
	})
}

// verdict returns the newest verdict that applies to a template, or None.
// The caller holds ix.mu.
func (ix *Index) verdict(t *template.Template) string {
	return ix.labels.verdict(ix.labelOf(t.ID, t.Campaign, t.EachKey))
}

// verdict is that of a label, or None for 0.
func (ls *labels) verdict(seq uint64) string {
	if seq == 0 {
		return None
	}
	return ls.all[seq-1].Verdict
}

// labelOf returns the number of the newest label that applies to a template of a
// campaign, by the keys of its core, or 0. The caller holds ix.mu.
func (ix *Index) labelOf(id, campaign uint32, eachKey func(func(key uint64)) int) uint64 {
	ls := &ix.labels
	if len(ls.all) == 0 {
		return 0
	}
	best := -1
	take := func(n int) {
		if l := &ls.all[n]; n > best && (l.Until.IsZero() || ix.last < l.Until.UnixMilli()) {
			best = n
		}
	}
	if n, ok := ls.byTemplate[id]; ok {
		take(n)
	}
	if n, ok := ls.byCampaign[campaign]; ok && campaign != 0 && id >= ls.all[n].From {
		take(n)
	}
	if len(ls.byKey) > 0 {
		held := make(map[int]int)
		size := eachKey(func(key uint64) {
			for _, n := range ls.byKey[key] {
				held[n]++
			}
		})
		for n, hits := range held {
			if covers(hits, size) {
				take(n)
			}
		}
	}
	return uint64(best + 1)
}
