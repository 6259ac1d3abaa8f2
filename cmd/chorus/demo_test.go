package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-368d3dfa/chorus/index"
)

// TestGenerator runs the tests of the demo log's generator, which "go test
// ./..." passes over as it does everything in folders called testdata.
func TestGenerator(t *testing.T) {
	if out, err := exec.Command("go", "test", module+"/testdata/gen").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDemo loads the demo log: every planted account is to be a member of a
// template that hardly anybody else is, and what alerts is to be the planted
// campaigns and nothing else.
func TestDemo(t *testing.T) {
	db := filepath.Join(t.TempDir(), "x.db")
	if code, _, stderr := call(t.Context(), nil, "load", "--db", db, "../../testdata/demo.jsonl.gz"); code != exitDone {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	code, stdout, stderr := call(t.Context(), nil, "templates", "--json", "--members", "--min-accounts", "5", "--limit", "0", "--db", db)
	if code != exitDone {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	var truth struct {
		Campaigns []struct {
			ID, About string
			Accounts  []string
		}
	}
	b, err := os.ReadFile("../../testdata/demo.truth.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &truth); err != nil {
		t.Fatal(err)
	}
	planted, covered := map[string]bool{}, map[string]bool{}
	for _, c := range truth.Campaigns {
		for _, a := range c.Accounts {
			planted[a] = true
		}
	}
	for d := json.NewDecoder(strings.NewReader(stdout)); d.More(); {
		var m index.Template
		if err := d.Decode(&m); err != nil {
			t.Fatal(err)
		}
		mine := 0
		for _, member := range m.Members {
			if planted[member.Account] {
				mine++
			}
		}
		if 10*mine < 8*len(m.Members) {
			continue
		}
		for _, member := range m.Members {
			covered[member.Account] = true
		}
	}
	for _, c := range truth.Campaigns {
		got := 0
		for _, a := range c.Accounts {
			if covered[a] {
				got++
			}
		}
		if 10*got < 9*len(c.Accounts) {
			t.Errorf("%s (%s): %d of %d accounts found", c.ID, c.About, got, len(c.Accounts))
		}
	}

	code, stdout, stderr = call(t.Context(), nil, "campaigns", "--json", "--members", "--status", "alert", "--limit", "0", "--db", db)
	if code != exitDone {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	alerts := map[string]int{} // of each planted campaign
	for d := json.NewDecoder(strings.NewReader(stdout)); d.More(); {
		var c index.Campaign
		if err := d.Decode(&c); err != nil {
			t.Fatal(err)
		}
		members := map[string]bool{}
		for _, m := range c.Members {
			members[m.Account] = true
		}
		whose := ""
		for _, p := range truth.Campaigns {
			both := 0
			for _, a := range p.Accounts {
				if members[a] {
					both++
				}
			}
			if 10*both >= 9*max(len(members), len(p.Accounts)) {
				whose = p.ID
			}
		}
		if whose == "" {
			t.Errorf("%s alerts with %d accounts and is none of the planted campaigns", c.ID, len(members))
		}
		alerts[whose]++
	}
	for _, p := range truth.Campaigns {
		if alerts[p.ID] != 1 {
			t.Errorf("%s (%s): %d alerts", p.ID, p.About, alerts[p.ID])
		}
	}
}
