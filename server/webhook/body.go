package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// A Payload is the body of a delivery.
type Payload struct {
	Type      string    `json:"type"`      // "flag.template" or "flag.campaign"
	Timestamp time.Time `json:"timestamp"` // the flag's, in the prompts' own time
	Data      Data      `json:"data"`
}

// Data is what a delivery tells.
type Data struct {
	Flag     index.Flag `json:"flag"`
	Template *Template  `json:"template,omitempty"` // of a template's flag, as it is when sent
	Campaign *Campaign  `json:"campaign,omitempty"` // of a campaign's flag; absent when it has become part of another
}

// A Template sums up a template.
type Template struct {
	ID        string         `json:"id"`
	Status    string         `json:"status,omitempty"`
	Score     float64        `json:"score"`
	Accounts  int            `json:"accounts"`
	Prompts   int            `json:"prompts,omitempty"`
	FirstSeen time.Time      `json:"first_seen,omitzero"`
	LastSeen  time.Time      `json:"last_seen,omitzero"`
	Factors   []index.Factor `json:"factors,omitempty"`
	Pattern   string         `json:"pattern,omitempty"` // Hook.Patterns only
}

// A Campaign sums up a campaign.
type Campaign struct {
	ID        string         `json:"id"`
	Status    string         `json:"status"`
	Score     float64        `json:"score"`
	Accounts  int            `json:"accounts"`
	Prompts   int            `json:"prompts"`
	FirstSeen time.Time      `json:"first_seen"`
	LastSeen  time.Time      `json:"last_seen"`
	FlaggedAt time.Time      `json:"flagged_at,omitzero"`
	Log10P    float64        `json:"log10_p"`
	Factors   []index.Factor `json:"factors"`
	Templates []Part         `json:"templates"` // the best evidence first
}

// A Part is one template of a campaign.
type Part struct {
	ID       string `json:"id"`
	Accounts int    `json:"accounts"`
	Pattern  string `json:"pattern,omitempty"` // Hook.Patterns only
}

// payload is what a hook is told of a flag; nil if it does not ask for it.
func (s *Sender) payload(ctx context.Context, h *Hook, f index.Flag) ([]byte, error) {
	if !h.wants(f.Kind) {
		return nil, nil
	}
	p := Payload{Type: "flag." + f.Kind, Timestamp: f.Time, Data: Data{Flag: f}}
	score := f.Score
	switch f.Kind {
	case "template":
		found, err := s.ix.Lookup(ctx, f.ID)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			p.Data.Template = templateOf(&found[0], h.Patterns)
			score = max(score, found[0].Score)
		}
	case "campaign":
		c, err := s.ix.Campaign(ctx, f.ID)
		if err != nil && !errors.Is(err, index.ErrNotFound) {
			return nil, err
		}
		if err == nil {
			p.Data.Campaign = campaignOf(&c, h.Patterns)
			score = max(score, c.Score)
		}
	}
	if score < h.MinScore {
		return nil, nil
	}
	return json.Marshal(&p)
}

func templateOf(t *index.Template, patterns bool) *Template {
	out := &Template{ID: t.ID, Status: t.Status, Score: t.Score, Accounts: t.Accounts, Prompts: t.Prompts,
		FirstSeen: t.FirstSeen, LastSeen: t.LastSeen, Factors: t.Factors}
	if patterns {
		out.Pattern = t.Pattern
	}
	return out
}

func campaignOf(c *index.Campaign, patterns bool) *Campaign {
	out := &Campaign{ID: c.ID, Status: c.Status, Score: c.Score, Accounts: c.Accounts, Prompts: c.Prompts,
		FirstSeen: c.FirstSeen, LastSeen: c.LastSeen, FlaggedAt: c.FlaggedAt, Log10P: c.Log10P, Factors: c.Factors, Templates: []Part{}}
	for _, t := range c.Templates {
		part := Part{ID: t.ID, Accounts: t.Accounts}
		if patterns {
			part.Pattern = t.Pattern
		}
		out.Templates = append(out.Templates, part)
	}
	return out
}
