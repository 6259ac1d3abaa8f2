package index

import (
	"fmt"
	"testing"
	"time"
)

// A client that resends a conversation's history with every turn has sent the
// template of its first turn once, also when it goes on after a reopening.
func TestResentHistoryCountsOnce(t *testing.T) {
	const ask = "Walk me through the derivation slowly and justify every single step of"
	path := tempIndex(t)
	ix := open(t, path, small())
	at := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	history := make(map[int][]Message)
	turn := func(account int, said string) {
		at = at.Add(time.Minute)
		history[account] = append(history[account], Message{"user", said})
		add(t, ix, Prompt{Account: fmt.Sprint("a", account), Time: at, Messages: history[account]})
		history[account] = append(history[account][:len(history[account]):len(history[account])], Message{"assistant", "Surely. " + said})
	}
	for a := range 5 {
		turn(a, fmt.Sprintf("%s theorem %c%c.", ask, 'a'+a, 'q'-a))
		turn(a, fmt.Sprintf("And what follows from it for case %c?", 'k'+a))
	}
	closeIndex(t, ix)
	ix = open(t, path, small())
	for a := range 5 {
		turn(a, fmt.Sprintf("Thanks, number %c was the one that I meant.", 'f'+a))
	}
	widest := 0
	for _, x := range templatesOf(t, ix, Filter{Members: true}) {
		for _, m := range x.Members {
			if m.Prompts != 1 {
				t.Errorf("%s sent %q %d times", m.Account, x.Pattern, m.Prompts)
			}
		}
		widest = max(widest, x.Accounts)
	}
	if widest != 5 {
		t.Errorf("the widest template has %d accounts, want 5", widest)
	}

	// Examples that were never sent as turns of their own are no history.
	for a := range 5 {
		at = at.Add(time.Minute)
		add(t, ix, Prompt{Account: fmt.Sprint("b", a), Time: at, Messages: []Message{
			{"user", ask + " lemma."}, {"assistant", "First …"}, {"user", fmt.Sprintf("Now %c.", 'a'+a)},
		}})
	}
	if n := templatesOf(t, ix, Filter{Limit: 1})[0].Accounts; n != 10 {
		t.Errorf("with examples that look like a history: %d accounts, want 10", n)
	}
}
