package index

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// A town is a fortnight of a service's traffic to attack: ordinary accounts,
// a benign template that some of them use now and then, and a campaign.
type town struct {
	*traffic
	rng      *rand.Rand
	users    []string // of the service
	benign   []string // words of the benign template
	campaign []string // and of the campaign's
	prompts  []Prompt
}

const (
	attackers = alertAccounts - 1
	townDays  = 14
)

// newTown makes the traffic of so many accounts, fans of which use the benign
// template; members is the size of the campaign, 0 for none.
func newTown(seed uint64, fans, members int) *town {
	w := &town{traffic: newTraffic(seed, 0, 0, time.Minute), rng: rand.New(rand.NewPCG(seed, 11))}
	w.benign, w.campaign = w.some(24, 24), w.some(24, 24)
	for i := range 600 {
		user := fmt.Sprintf("user-%d", i)
		w.users = append(w.users, user)
		arrives := time.Duration(w.rng.IntN(townDays*24)) * time.Hour
		for range 1 + min(80, int(4*w.rng.ExpFloat64()*w.rng.ExpFloat64())) {
			w.say(user, arrives, w.ordinary())
		}
		if i < fans { // popularity: many once, some often
			for range 1 + int(2*w.rng.ExpFloat64()*w.rng.ExpFloat64()) {
				w.say(user, arrives, w.fill(w.benign))
			}
			for range 3 + w.rng.IntN(12) {
				w.say(user, arrives, w.ordinary())
			}
		}
	}
	for i := range members {
		for range 6 + w.rng.IntN(5) {
			w.say(fmt.Sprintf("member-%d", i), 5*24*time.Hour, w.fill(w.campaign))
		}
	}
	return w
}

func (w *town) ordinary() string { return strings.Join(w.some(8, 40), " ") }

// fill puts another text into the middle of a template.
func (w *town) fill(template []string) string {
	h := len(template) / 2
	return strings.Join(slices.Concat(template[:h], w.some(6, 12), template[h:]), " ")
}

// say sends a prompt at some time from after on.
func (w *town) say(account string, after time.Duration, text string) {
	left := int64(townDays*24*time.Hour - after)
	w.prompts = append(w.prompts, Prompt{
		Account: account, Text: text, Time: trafficStart.Add(after + time.Duration(w.rng.Int64N(max(1, left)))).Truncate(time.Millisecond),
	})
}

// attack sends n prompts of each of the attacker's accounts.
func (w *town) attack(accounts, n int, text func() string) {
	for a := range accounts {
		for range n {
			w.say(fmt.Sprintf("attacker-%d", a), 6*24*time.Hour, text())
		}
	}
}

// alerts plays the town's traffic in the order of time and returns the alerts.
func (w *town) alerts(t *testing.T) []Campaign {
	t.Helper()
	slices.SortStableFunc(w.prompts, func(a, b Prompt) int { return a.Time.Compare(b.Time) })
	ix := open(t, tempIndex(t), &Options{SiftBytes: 8 << 20, NoSync: true})
	addAll(t, ix, w.prompts, 4096)
	found, err := ix.Campaigns(context.Background(), Filter{Status: "alert", Members: true})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// share is which share of so many accounts of a kind the campaigns have.
func share(found []Campaign, kind string, of int) float64 {
	n := 0
	for _, c := range found {
		for _, m := range c.Members {
			if strings.HasPrefix(m.Account, kind) {
				n++
			}
		}
	}
	return float64(n) / float64(of)
}

// window is some words of a template, from a random place.
func (w *town) window(template []string, n int) []string {
	at := w.rng.IntN(len(template) - n + 1)
	return template[at : at+n]
}

// TestPoisonBenign: an outsider with fewer accounts than an alert needs cannot
// get an honest template alerted, whatever he sends of it. It is either his
// alone or one of 40 users and more: with one to about 20 of them beside his
// accounts an alert has most of its accounts from him, and is right about those.
func TestPoisonBenign(t *testing.T) {
	attacks := map[string]struct {
		prompts int // an account
		text    func(w *town) string
	}{
		"as it is":  {8, func(w *town) string { return strings.Join(w.benign, " ") }},
		"own slots": {8, func(w *town) string { return w.fill(w.benign) }},
		"flood":     {120, func(w *town) string { return w.fill(w.benign) }},
		"fragments": {20, func(w *town) string { return strings.Join(w.window(w.benign, 12), " ") + " " + w.ordinary() }},
		"halves": {8, func(w *town) string {
			return strings.Join(slices.Concat(w.some(8, 8), w.benign[:14], w.some(8, 8)), " ")
		}},
		"mixture":    {8, func(w *town) string { return w.fill(w.benign) + " " + strings.Join(w.campaign, " ") }},
		"with decoy": {8, func(w *town) string { return [...]string{w.fill(w.benign), w.ordinary()}[w.rng.IntN(2)] }},
	}
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			for _, fans := range []int{0, 40, 120} {
				for seed := range uint64(2) {
					w := newTown(seed, fans, 0)
					w.attack(attackers, attack.prompts, func() string { return attack.text(w) })
					for _, c := range w.alerts(t) {
						t.Errorf("seed %d, %d honest users: alert of %d accounts with score %v, %.0f of them honest", seed, fans, c.Accounts, c.Score,
							float64(c.Accounts)-share([]Campaign{c}, "attacker", 1))
					}
				}
			}
		})
	}
}

// TestPoisonHide: an outsider cannot hide a campaign by sending its words too.
func TestPoisonHide(t *testing.T) {
	attacks := map[string]func(w *town) string{
		"nothing":             nil,
		"one key":             func(w *town) string { return strings.Join(w.campaign[:5], " ") },
		"one key in ordinary": func(w *town) string { return w.ordinary() + " " + strings.Join(w.campaign[3:8], " ") },
		"many keys":           func(w *town) string { return strings.Join(w.window(w.campaign, 8), " ") + " " + w.ordinary() },
		"a sentence": func(w *town) string {
			return strings.Join(slices.Concat(w.some(9, 9), w.campaign[:12], w.some(9, 9)), " ")
		},
		"the template":         func(w *town) string { return strings.Join(w.campaign, " ") },
		"the template, filled": func(w *town) string { return w.fill(w.campaign) },
	}
	for name, text := range attacks {
		t.Run(name, func(t *testing.T) {
			for _, accounts := range []int{1, attackers} {
				for seed := range uint64(2) {
					const members = 40
					w := newTown(seed, 20, members)
					if text != nil {
						w.attack(accounts, 1200/accounts, func() string { return text(w) })
					}
					found := w.alerts(t)
					if got := share(found, "member", members); got < .9 {
						t.Errorf("seed %d, %d accounts: %.0f %% of the campaign's accounts are alerted", seed, accounts, 100*got)
					}
					if got := share(found, "user", len(w.users)); got > .02 {
						t.Errorf("seed %d, %d accounts: %.0f honest accounts are alerted", seed, accounts, got*float64(len(w.users)))
					}
				}
			}
		})
	}
}
