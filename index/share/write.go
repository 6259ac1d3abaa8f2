package share

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/minhash"
)

// WriteSTIX writes a campaign as a STIX 2.1 bundle. templates are the
// campaign's; one that is missing is left out. It returns how many indicators
// it wrote, and how many of them have too few fixed words for a sketch: those
// match nothing.
func WriteSTIX(w io.Writer, c index.Campaign, templates []index.Template, o Options) (indicators, bare int, err error) {
	if o.Key == nil {
		o.Key = Public()
	}
	common := func(kind, id string) object {
		return object{Type: kind, SpecVersion: specVersion, ID: id, Created: stamp{c.FirstSeen}, Modified: stamp{c.LastSeen}}
	}
	fixed := func(kind, id string) object {
		return object{Type: kind, SpecVersion: specVersion, ID: id, Created: defined, Modified: defined}
	}
	definition := extensionDefinition{
		object: fixed("extension-definition", extensionID), Name: "chorus",
		Description: "Spread of prompt templates over accounts, and sketches of their fixed words",
		Schema:      home + "/tree/main/index/share", Version: "1.0.0", ExtensionTypes: []string{propertyExtension},
	}
	definition.CreatedBy = identityID
	campaignID := newID("campaign", c.ID, c.FirstSeen.UTC().Format(time.RFC3339Nano))
	refs := []string{campaignID}
	objects := []any{
		identity{fixed("identity", identityID), "chorus", "system"},
		definition,
		stixCampaign{
			object: common("campaign", campaignID), Name: fmt.Sprintf("Shared prompts first seen %s (%s)", c.FirstSeen.UTC().Format(time.DateOnly), c.ID),
			Description: fmt.Sprintf("%d accounts sent %d prompts of %d templates", c.Accounts, c.Prompts, len(c.Templates)),
			Labels:      []string{c.Status}, Confidence: int(math.Round(c.Score)),
			FirstSeen: stamp{c.FirstSeen}, LastSeen: stamp{c.LastSeen}, Extensions: map[string]campaignIn{extensionID: inCampaign(&c, o.Accounts)},
		},
	}
	s := o.Key.sketcher()
	for _, part := range c.Templates {
		t := templateOf(templates, part.ID)
		if t == nil || strings.TrimSpace(t.Pattern) == "" {
			continue
		}
		in := indicatorIn{
			ExtensionType: propertyExtension, Key: o.Key.id, Scheme: scheme{sketchVersion, shingleTokens}, Sketch: []string{},
			Accounts: t.Accounts, Prompts: t.Prompts, FixedWords: t.FixedWords,
		}
		for _, key := range o.Key.sketch(s, t.Pattern, len(t.Slots)) {
			in.Sketch = append(in.Sketch, fmt.Sprintf("%0*x", keyDigits, key))
		}
		indicators++
		if len(in.Sketch) == 0 {
			bare++
		}
		id := newID("indicator", campaignID, t.ID, o.Key.id)
		refs = append(refs, id)
		head := common("indicator", id)
		head.Created, head.Modified = stamp{t.FirstSeen}, stamp{t.LastSeen}
		link, seen := head, head
		link.Type, link.ID = "relationship", newID("relationship", id)
		seen.Type, seen.ID = "sighting", newID("sighting", id)
		objects = append(objects,
			stixIndicator{
				object: head, Name: "Prompt template " + t.ID, Description: fmt.Sprintf("%d accounts sent %d prompts of it", t.Accounts, t.Prompts),
				Types: []string{"anomalous-activity"}, Pattern: t.Pattern, PatternType: patternType, ValidFrom: stamp{t.FirstSeen},
				Extensions: map[string]indicatorIn{extensionID: in},
			},
			relationship{link, "indicates", id, campaignID},
			sighting{seen, stamp{t.FirstSeen}, stamp{t.LastSeen}, min(t.Prompts, 999_999_999), id},
		)
	}
	objects = append(objects, note{common("note", newID("note", campaignID)), "Why the accounts are thought to act together", worded(&c), refs})
	body, err := json.Marshal(objects)
	if err != nil {
		return 0, 0, fmt.Errorf("share: %w", err)
	}
	sum := sha256.Sum256(body)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return indicators, bare, e.Encode(struct {
		Type    string `json:"type"`
		ID      string `json:"id"`
		Objects []any  `json:"objects"`
	}{"bundle", newID("bundle", hex.EncodeToString(sum[:])), objects})
}

const keyDigits = minhash.KeyBits / 4

func inCampaign(c *index.Campaign, accounts bool) campaignIn {
	in := campaignIn{
		ExtensionType: propertyExtension, Score: c.Score, Accounts: c.Accounts, Prompts: c.Prompts, Log10P: c.Log10P, Days: []day{},
	}
	for _, d := range c.Days {
		in.Days = append(in.Days, day(d))
	}
	if accounts {
		for _, m := range c.Members {
			in.Members = append(in.Members, member(m))
		}
	}
	return in
}

// worded says a campaign's factors, one a line.
func worded(c *index.Campaign) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Score %.0f of 100, status %s.", c.Score, c.Status)
	for _, f := range c.Factors {
		fmt.Fprintf(&b, "\n%+.0f %s: %s", f.Points, f.Name, f.Text)
	}
	return b.String()
}
