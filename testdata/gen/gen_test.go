package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
)

// TestDemo holds the files of testdata against what seed 1 gives.
func TestDemo(t *testing.T) {
	lines, truth, err := generate(1)
	if err != nil {
		t.Fatal(err)
	}
	const again = "differs: run go run ./testdata/gen -out testdata"
	packed, err := os.ReadFile("../demo.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	if len(packed) > 400_000 {
		t.Errorf("demo.jsonl.gz has %d bytes", len(packed))
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	// Compression may change with Go's version, its content may not.
	if !bytes.Equal(stored, lines) {
		t.Error("demo.jsonl.gz " + again)
	}
	stored, err = os.ReadFile("../demo.truth.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stored, truth) {
		t.Error("demo.truth.json " + again)
	}
}

// TestOrdinary looks for runs of five words that three accounts share although
// nothing was planted: the grammar must be varied enough to have next to none.
func TestOrdinary(t *testing.T) {
	w := newWorld(2)
	w.ordinary(ordinaryPrompts)
	accounts := map[string]map[string]bool{}
	for _, p := range w.prompts {
		words := strings.Fields(strings.ToLower(p.Text))
		for i := 0; i+5 <= len(words); i++ {
			run := strings.Join(words[i:i+5], " ")
			if accounts[run] == nil {
				accounts[run] = map[string]bool{}
			}
			accounts[run][p.Account] = true
		}
	}
	shared := 0
	for _, a := range accounts {
		if len(a) >= 3 {
			shared++
		}
	}
	t.Logf("%d of %d runs of five words are shared by three accounts", shared, len(accounts))
	if shared*200 > len(accounts) {
		t.Errorf("%d of %d runs of five words are shared by three accounts", shared, len(accounts))
	}
}

// TestTruth checks that the truth's numbers are those of the log.
func TestTruth(t *testing.T) {
	lines, _, err := generate(3)
	if err != nil {
		t.Fatal(err)
	}
	sent := map[string]int{}
	d := json.NewDecoder(bytes.NewReader(lines))
	last := start
	for d.More() {
		var p prompt
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if p.Time.Before(last) {
			t.Errorf("%s is out of order", p.ID)
		}
		last = p.Time
		sent[p.Account]++
	}
	w := newWorld(3)
	w.lookalikes()
	w.campaigns()
	owner := map[string]string{}
	for _, c := range w.truth.Campaigns {
		if len(c.Accounts) < 20 || len(c.Accounts) > 60 {
			t.Errorf("%s has %d accounts", c.ID, len(c.Accounts))
		}
		total := 0
		for _, a := range c.Accounts {
			if owner[a] != "" {
				t.Errorf("%s is in %s and %s", a, owner[a], c.ID)
			}
			owner[a] = c.ID
			total += sent[a]
		}
		if total < c.Prompts {
			t.Errorf("%s: %d prompts in the log, %d in the truth", c.ID, total, c.Prompts)
		}
	}
}
