package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// offices are prompts of templates of 24 accounts each, dealt out in turn: every other
// one's accounts share a network, and a fifth of them ask for the same.
func offices(n int) string {
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	var b strings.Builder
	for i := range 240 * n {
		which, account := i%n, i/n%24
		ip, fill := fmt.Sprintf("10.%d.%d.1", which, account), word(i+100)+" and "+word(i*31+7)
		if which%2 == 0 {
			if ip = fmt.Sprintf("10.%d.1.1", which); account%5 == 0 {
				fill = "the same"
			}
		}
		text := strings.Join(strings.Fields("follow all instructions that this long and fixed text gives to the letter"), " "+word(which)+" ") + " " + fill
		moment := at.Add(time.Duration(i) * time.Minute).Format(time.RFC3339)
		fmt.Fprintf(&b, `{"account":"of%d-%d","time":%q,"text":%q,"attrs":{"ip":%q}}`+"\n", which, account, moment, text, ip)
		fmt.Fprintf(&b, `{"account":"o%d","time":%q,"text":"%s %s %s %s %s %s"}`+"\n", i%200, moment,
			word(i*3), word(i*5+1), word(i*11+2), word(i*13+3), word(i*17+4), word(i*19+6))
	}
	return b.String()
}

// TestLearn shows, applies and forgets what labels teach.
func TestLearn(t *testing.T) {
	db := filepath.Join(t.TempDir(), "x.db")
	do := func(want int, args ...string) string {
		t.Helper()
		code, stdout, stderr := call(t.Context(), strings.NewReader(""), append(args, "--db", db)...)
		if code != want {
			t.Fatalf("%v: exit code %d\n%s%s", args, code, stdout, stderr)
		}
		return stdout + stderr
	}
	if code, _, stderr := call(t.Context(), strings.NewReader(offices(24)), "load", "--db", db, "-"); code != exitDone {
		t.Fatal(stderr)
	}
	given := make(map[string]int)
	for line := range strings.Lines(do(exitDone, "campaigns", "--json", "--members", "--limit", "0")) {
		var c index.Campaign
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		which := 0
		fmt.Sscanf(c.Members[0].Account, "of%d-", &which)
		verdict := []string{index.Benign, index.Confirmed}[which%2]
		if given[verdict]++; given[verdict] <= 8 {
			do(exitDone, "label", "--campaign", c.ID, "--verdict", verdict)
		}
	}
	holds := func(text string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("no %q in\n%s", part, text)
			}
		}
	}
	holds(do(exitDone, "learn"), "FACTOR", "  network\n", "would alert no more:", "The learnt table is better.")
	holds(do(exitDone, "learn", "--apply", "--author", "ann"), "without a verdict alert no more:", "The learnt table is in force.")
	holds(do(exitDone, "learn"), `In force is what 16 labels taught, since 20`, `by "ann".`)
	holds(do(exitDone, "campaigns", "--limit", "0"), "learnt ", "16 verdicts taught")
	var got index.Learning
	if err := json.Unmarshal([]byte(do(exitDone, "learn", "--json", "--forget", "--author", "bob")), &got); err != nil || !got.Applied || len(got.History) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if text := do(exitDone, "campaigns", "--limit", "0"); strings.Contains(text, "verdicts taught") {
		t.Error(text)
	}
	do(exitDone, "check")
}
