package drill

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// Template is the template of a plan that has none. {} is a slot.
const Template = `You are a careful reviewer of worked solutions. Read the task below, reason about it in numbered steps, ` +
	`check every step against the one before it, and close with a line that begins with VERDICT. Task: {}`

// Bounds of a plan.
const (
	maxAccounts = 1_000_000
	maxPrompts  = 20_000_000 // planted in all, decoys too
	maxDays     = 366
)

// A Plan says what campaign to plant.
type Plan struct {
	Template string    // {} marks a slot; "": [Template]
	Accounts int       // at least 1
	PerDay   float64   // prompts of the template that an account sends a day, in the mean; above 0
	Days     int       // for how long, at least 1
	Tier     Tier      // how the template is disguised
	Decoys   int       // ordinary prompts that every account sends beside it
	Payloads []string  // what fills slots, each in turn; none: made up, no two alike
	Ordinary []string  // ordinary texts, for decoys and tier 3; none: made up
	End      time.Time // the campaign lasts until then
	Seed     uint64
}

// Validate reports what is wrong with a plan.
func (p *Plan) Validate() error {
	total := float64(p.Accounts) * (p.PerDay*float64(p.Days) + float64(p.Decoys))
	switch {
	case p.Template != "" && strings.TrimSpace(strings.ReplaceAll(p.Template, slot, "")) == "":
		return errors.New("drill: the template has no fixed words")
	case p.Accounts < 1 || p.Accounts > maxAccounts:
		return fmt.Errorf("drill: %d accounts; want 1 to %d", p.Accounts, maxAccounts)
	case !(p.PerDay > 0) || math.IsInf(p.PerDay, 1):
		return fmt.Errorf("drill: %v prompts a day; want more than 0", p.PerDay)
	case p.Days < 1 || p.Days > maxDays:
		return fmt.Errorf("drill: %d days; want 1 to %d", p.Days, maxDays)
	case p.Tier < 0 || p.Tier > maxTier:
		return fmt.Errorf("drill: tier %d; want 0 to %d", p.Tier, maxTier)
	case p.Decoys < 0:
		return fmt.Errorf("drill: %d decoys; want 0 or more", p.Decoys)
	case total > maxPrompts:
		return fmt.Errorf("drill: %.0f prompts to plant; want at most %d", total, maxPrompts)
	case p.End.IsZero():
		return errors.New("drill: the plan has no end")
	}
	return nil
}

// Begin is when the campaign starts.
func (p *Plan) Begin() time.Time { return p.End.AddDate(0, 0, -p.Days) }

const slot = "{}"

// Planted is a campaign's prompts in time order, decoys among them.
type Planted struct {
	Prompts  []index.Prompt
	Accounts int // every one sends at least one prompt of the template
	Sent     int // prompts of the template
	decoy    map[string]bool
}

// prefix begins the ids of planted accounts and prompts. With the random bits
// that follow, none of them is one of a user's own.
const prefix = "drill-"

// Plant makes the campaign's prompts. The same plan gives the same prompts.
func (p *Plan) Plant() (*Planted, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(p.Seed, 0x6472696c6c))
	template := p.Template
	if template == "" {
		template = Template
	}
	parts := strings.Split(template, slot)
	ordinary := func() string {
		if len(p.Ordinary) == 0 {
			return sentence(rng)
		}
		return p.Ordinary[rng.IntN(len(p.Ordinary))]
	}
	next := rng.IntN(max(1, len(p.Payloads)))
	payload := func() string {
		if len(p.Payloads) == 0 {
			return sentence(rng)
		}
		next++
		return p.Payloads[next%len(p.Payloads)]
	}
	begin := p.Begin()
	moment := func() time.Time {
		return begin.Add(time.Duration(rng.Int64N(int64(p.End.Sub(begin))))).Truncate(time.Millisecond)
	}
	out := &Planted{Accounts: p.Accounts, decoy: make(map[string]bool)}
	run := rng.Uint64()
	add := func(account, text string) string {
		id := fmt.Sprintf("%s%x-%d", prefix, run, len(out.Prompts))
		network := fmt.Sprintf("%d.%d.%d.%d", 1+rng.IntN(223), rng.IntN(256), rng.IntN(256), 1+rng.IntN(254))
		out.Prompts = append(out.Prompts, index.Prompt{
			ID: id, Account: account, Time: moment(), Text: text, Attrs: map[string]string{"ip": network},
		})
		return id
	}
	for range p.Accounts {
		account := fmt.Sprintf("%s%x", prefix, rng.Uint64())
		// A load balancer deals prompts out evenly, yet not exactly so.
		n := max(1, int(p.PerDay*float64(p.Days)*math.Exp(-.08+.4*rng.NormFloat64())+.5))
		for range n {
			var b strings.Builder
			for i, part := range parts {
				if i > 0 {
					b.WriteString(payload())
				}
				b.WriteString(part)
			}
			add(account, p.Tier.disguise(rng, b.String(), ordinary))
			out.Sent++
		}
		for range p.Decoys {
			out.decoy[add(account, ordinary())] = true
		}
	}
	slices.SortStableFunc(out.Prompts, func(a, b index.Prompt) int { return a.Time.Compare(b.Time) })
	return out, nil
}

// IsPlanted reports whether an account is one of a drill's.
func IsPlanted(account string) bool { return strings.HasPrefix(account, prefix) }
