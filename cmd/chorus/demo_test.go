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
// template that hardly anybody else is.
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
}
