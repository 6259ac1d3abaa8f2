package drill

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

var end = time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)

func TestPlant(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		p := Plan{
			Accounts: 1 + rng.IntN(60), PerDay: .1 + 3*rng.Float64(), Days: 1 + rng.IntN(30), Tier: Tier(rng.IntN(6)),
			Decoys: rng.IntN(4), End: end, Seed: seed,
		}
		if seed%2 == 0 {
			p.Payloads, p.Ordinary = []string{"one", "two"}, []string{"an ordinary text"}
		}
		got, err := p.Plant()
		if err != nil {
			t.Fatal(err)
		}
		again, err := p.Plant()
		if err != nil || !reflect.DeepEqual(got, again) {
			t.Fatalf("seed %d: the same plan gives other prompts", seed)
		}
		sent, decoys, ids := make(map[string]int), make(map[string]int), make(map[string]bool)
		for i, q := range got.Prompts {
			if i > 0 && q.Time.Before(got.Prompts[i-1].Time) {
				t.Fatalf("seed %d: prompts are not in time order", seed)
			}
			if q.Time.Before(p.Begin()) || !q.Time.Before(end) || !IsPlanted(q.Account) || ids[q.ID] || q.Text == "" {
				t.Fatalf("seed %d: prompt %+v", seed, q)
			}
			if err := q.Validate(); err != nil {
				t.Fatal(err)
			}
			ids[q.ID] = true
			if got.decoy[q.ID] {
				decoys[q.Account]++
			} else {
				sent[q.Account]++
			}
		}
		if len(sent) != p.Accounts || got.Accounts != p.Accounts {
			t.Errorf("seed %d: %d accounts, want %d", seed, len(sent), p.Accounts)
		}
		total := 0
		for _, n := range sent {
			total += n
		}
		if total != got.Sent {
			t.Errorf("seed %d: %d prompts of the template, Sent says %d", seed, total, got.Sent)
		}
		for a := range sent {
			if decoys[a] != p.Decoys {
				t.Errorf("seed %d: account with %d decoys, want %d", seed, decoys[a], p.Decoys)
			}
		}
	}
}

// TestPlantMean: accounts send as many prompts as they were told, in the mean.
func TestPlantMean(t *testing.T) {
	p := Plan{Accounts: 2000, PerDay: 2, Days: 10, End: end}
	got, err := p.Plant()
	if err != nil {
		t.Fatal(err)
	}
	if mean := float64(got.Sent) / 2000; math.Abs(mean-20) > .6 {
		t.Errorf("%.1f prompts an account, want 20", mean)
	}
}

func TestPlantPayload(t *testing.T) {
	p := Plan{Template: "before {} between {} after", Accounts: 5, PerDay: 1, Days: 3, Payloads: []string{"A", "B", "C"}, End: end}
	got, err := p.Plant()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range got.Prompts {
		if !slices.Contains([]string{"before A between B after", "before B between C after", "before C between A after"}, q.Text) {
			t.Errorf("text %q", q.Text)
		}
	}
}

func TestValidate(t *testing.T) {
	good := Plan{Accounts: 1, PerDay: 1, Days: 1, End: end}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(p *Plan){
		"template of slots": func(p *Plan) { p.Template = " {} {}\n" },
		"no accounts":       func(p *Plan) { p.Accounts = 0 },
		"too many accounts": func(p *Plan) { p.Accounts = 1 << 30 },
		"no prompts":        func(p *Plan) { p.PerDay = 0 },
		"NaN prompts":       func(p *Plan) { p.PerDay = math.NaN() },
		"endless prompts":   func(p *Plan) { p.PerDay = math.Inf(1) },
		"too many prompts":  func(p *Plan) { p.Accounts, p.PerDay = 1000, 1e6 },
		"no days":           func(p *Plan) { p.Days = 0 },
		"too many days":     func(p *Plan) { p.Days = 367 },
		"unknown tier":      func(p *Plan) { p.Tier = 6 },
		"negative tier":     func(p *Plan) { p.Tier = -1 },
		"negative decoys":   func(p *Plan) { p.Decoys = -1 },
		"too many decoys":   func(p *Plan) { p.Decoys = math.MaxInt },
		"no end":            func(p *Plan) { p.End = time.Time{} },
	} {
		p := good
		spoil(&p)
		if _, err := p.Plant(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestTiers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	ordinary := func() string { return strings.Repeat("é", 200) }
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r == ' ' || r == '.' || r == '\u200b' {
				return -1
			}
			return r
		}, strings.ToLower(s))
	}
	for range 200 {
		for tier := range maxTier + 1 {
			got := tier.disguise(rng, Template, ordinary)
			switch tier {
			case 0:
				if got != Template {
					t.Errorf("T0 changed the text to %q", got)
				}
			case 1:
				if letters(got) != letters(Template) {
					t.Errorf("T1: %q", got)
				}
			case 2:
				if len(got) != len(Template) || len(strings.Fields(got)) != len(strings.Fields(Template)) {
					t.Errorf("T2: %q", got)
				}
			case 3:
				if !strings.Contains(got, "\n"+Template+"\n") || len(got) > len(Template)+2*around+2 || strings.ToValidUTF8(got, "") != got {
					t.Errorf("T3: %q", got)
				}
			case 4:
				parts := sentences(Template)
				for _, part := range parts {
					if !strings.Contains(got, part) {
						t.Errorf("T4 lost a sentence: %q", got)
					}
				}
				if len(parts) != 3 || len(got) != len(Template) {
					t.Errorf("T4: %d sentences, %q", len(parts), got)
				}
			case 5:
				back := got
				for latin, twin := range lookalikes {
					back = strings.ReplaceAll(back, string(twin), string(latin))
				}
				if strings.ReplaceAll(back, "\u200b", "") != Template {
					t.Errorf("T5: %q", got)
				}
			}
		}
	}
	for _, s := range []string{"", "T", "T6", "T00", "t/", "5"} {
		if _, err := ParseTier(s); err == nil {
			t.Errorf("ParseTier(%q): no error", s)
		}
	}
	for tier := range maxTier + 1 {
		if got, err := ParseTier(tier.String()); err != nil || got != tier {
			t.Errorf("ParseTier(%q) = %v, %v", tier.String(), got, err)
		}
	}
}

func TestSurvey(t *testing.T) {
	s := NewSurvey(50, 1)
	for i := range 1000 {
		p := index.Prompt{Time: end.Add(time.Duration((i*7)%1000) * time.Second), Text: strings.Repeat("x", i+1)}
		if i%10 == 0 {
			p.Text, p.Messages = "", []index.Message{{Role: "system", Content: "no"}, {Role: "user", Content: "yes"}, {Role: "assistant", Content: "no"}}
		}
		s.Note(&p)
	}
	if s.Prompts != 1000 || !s.First.Equal(end) || !s.Last.Equal(end.Add(999*time.Second)) || len(s.Texts) != 50 {
		t.Errorf("%d prompts, %v to %v, %d texts", s.Prompts, s.First, s.Last, len(s.Texts))
	}
	if slices.Contains(s.Texts, "no") {
		t.Error("a text that no user wrote")
	}
	mean := 0.
	for _, text := range s.Texts {
		mean += float64(len(text)) / 50
	}
	if mean < 300 || mean > 650 {
		t.Errorf("texts are not from everywhere: mean length %v of 1 to 1000", mean)
	}
}
