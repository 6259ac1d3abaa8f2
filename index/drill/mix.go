package drill

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// A Mixer adds a log's prompts to an index, with planted ones among them by
// time. It is for one goroutine. Use NewMixer.
type Mixer struct {
	ix      *index.Index
	planted []index.Prompt
	pending []*index.Pending
}

// maxPending is how many batches may be on their way to the disk.
const maxPending = 8

// NewMixer returns a Mixer that plants p, which may be nil.
func NewMixer(ix *index.Index, p *Planted) *Mixer {
	m := &Mixer{ix: ix}
	if p != nil {
		m.planted = p.Prompts
	}
	return m
}

// Add adds the next prompts of the log, and before each one the planted
// prompts that are older. The prompts must not change before Finish.
func (m *Mixer) Add(ctx context.Context, prompts []index.Prompt) error {
	if len(m.planted) == 0 {
		return m.submit(ctx, prompts)
	}
	mixed := make([]index.Prompt, 0, len(prompts)+len(prompts)/8)
	for i := range prompts {
		for len(m.planted) > 0 && m.planted[0].Time.Before(prompts[i].Time) {
			mixed = append(mixed, m.planted[0])
			m.planted = m.planted[1:]
		}
		mixed = append(mixed, prompts[i])
	}
	return m.submit(ctx, mixed)
}

// Finish adds the planted prompts that are left and returns when everything
// has been counted in. It is to be called after an error, too.
func (m *Mixer) Finish(ctx context.Context) error {
	err := m.submit(ctx, m.planted)
	m.planted = nil
	for _, p := range m.pending {
		if _, e := p.Wait(); err == nil {
			err = e
		}
	}
	m.pending = nil
	return err
}

func (m *Mixer) submit(ctx context.Context, prompts []index.Prompt) error {
	for batch := range slices.Chunk(prompts, index.MaxBatch/8) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(m.pending) == maxPending {
			_, err := m.pending[0].Wait()
			m.pending = m.pending[1:]
			if err != nil {
				return err
			}
		}
		p, err := m.ix.Submit(ctx, batch...)
		if err != nil {
			return err
		}
		m.pending = append(m.pending, p)
	}
	return nil
}

// A Survey sums up a log: its first and last time, and some of its texts.
type Survey struct {
	First, Last time.Time
	Prompts     int
	Texts       []string // a sample, uniform over the prompts that have a text

	rng  *rand.Rand
	most int
	seen int
}

// NewSurvey returns a Survey that keeps up to so many texts, chosen by seed.
func NewSurvey(texts int, seed uint64) *Survey {
	return &Survey{rng: rand.New(rand.NewPCG(seed, 0x737572766579)), most: texts}
}

// Note takes a prompt in.
func (s *Survey) Note(p *index.Prompt) {
	if s.Prompts == 0 || p.Time.Before(s.First) {
		s.First = p.Time
	}
	if s.Prompts == 0 || p.Time.After(s.Last) {
		s.Last = p.Time
	}
	s.Prompts++
	text := p.Text
	for i := len(p.Messages) - 1; i >= 0 && text == ""; i-- {
		if p.Messages[i].Role == "user" {
			text = p.Messages[i].Content
		}
	}
	if text == "" || s.most == 0 {
		return
	}
	// Reservoir sampling (Vitter, algorithm R, 1985).
	s.seen++
	if len(s.Texts) < s.most {
		s.Texts = append(s.Texts, strings.Clone(text))
	} else if i := s.rng.IntN(s.seen); i < s.most {
		s.Texts[i] = strings.Clone(text)
	}
}
