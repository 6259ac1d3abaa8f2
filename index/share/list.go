package share

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"

	"github.com/seed-368d3dfa/chorus/index"
)

// WriteCSV writes a campaign's accounts, the surest first, under a heading.
func WriteCSV(w io.Writer, c index.Campaign) error {
	out := csv.NewWriter(w)
	out.Write([]string{"campaign", "status", "account", "prompts", "confidence"})
	for _, m := range c.Members {
		out.Write([]string{c.ID, c.Status, m.Account, strconv.Itoa(m.Prompts), strconv.FormatFloat(m.Confidence, 'f', -1, 64)})
	}
	out.Flush()
	return out.Error()
}

// A line is one line of WriteJSONL: what it is, and its properties.
type line struct {
	Type     string          `json:"type"` // "campaign", "template", "member"
	Campaign *index.Campaign `json:"campaign,omitempty"`
	Template *index.Template `json:"template,omitempty"`
	Member   *index.Member   `json:"member,omitempty"`
}

// WriteJSONL writes a campaign as lines of JSON: itself, its templates without
// anything that filled their slots, both without attributes, and with accounts
// its members.
func WriteJSONL(w io.Writer, c index.Campaign, templates []index.Template, accounts bool) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	members := c.Members
	c.Members, c.Attrs = nil, nil
	if err := e.Encode(line{Type: "campaign", Campaign: &c}); err != nil {
		return err
	}
	for _, part := range c.Templates {
		found := templateOf(templates, part.ID)
		if found == nil {
			continue
		}
		t := *found
		t.Exemplars, t.Members, t.Attrs, t.Slots = []string{}, nil, nil, make([]index.Slot, len(found.Slots))
		for i, s := range found.Slots {
			t.Slots[i] = index.Slot{Distinct: s.Distinct, Examples: []string{}}
		}
		if err := e.Encode(line{Type: "template", Template: &t}); err != nil {
			return err
		}
	}
	for i := range members {
		if !accounts {
			break
		}
		if err := e.Encode(line{Type: "member", Member: &members[i]}); err != nil {
			return err
		}
	}
	return nil
}
