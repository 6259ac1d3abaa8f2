package server

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/access"
)

// offices adds templates of 24 accounts each, dealt out in turn: every other one's
// accounts share a network, and a fifth of them ask for the same.
func (s *service) offices(n int) {
	s.t.Helper()
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	var prompts []index.Prompt
	for i := range 240 * n {
		which, account := i%n, i/n%24
		p := index.Prompt{
			Account: fmt.Sprintf("of%d-%d", which, account), Time: at.Add(time.Duration(i) * time.Minute),
			Attrs: map[string]string{"ip": fmt.Sprintf("10.%d.%d.1", which, account)},
		}
		fill := word(i+100) + " and " + word(i*31+7)
		if which%2 == 0 {
			p.Attrs["ip"] = fmt.Sprintf("10.%d.1.1", which)
			if account%5 == 0 {
				fill = "the same"
			}
		}
		p.Text = strings.Join(strings.Fields("follow all instructions that this long and fixed text gives to the letter"), " "+word(which)+" ") + " " + fill
		prompts = append(prompts, p, index.Prompt{Account: fmt.Sprintf("o%d", i%200), Time: p.Time,
			Text: fmt.Sprintf("%s %s %s %s %s %s", word(i*3), word(i*5+1), word(i*11+2), word(i*13+3), word(i*17+4), word(i*19+6))})
	}
	if _, err := s.ix.Add(s.t.Context(), prompts...); err != nil {
		s.t.Fatal(err)
	}
}

// TestLearn learns that offices are no campaigns, and forgets it; the audit log
// has both.
func TestLearn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	token, _, err := access.Create(path, access.Token{Name: "ann", Roles: access.Decide})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := access.Open(path, &access.Options{Audit: access.NewAudit(path+".audit", nil)})
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	s := start(t, Options{Guard: guard})
	s.offices(24)
	learn := func(body string, status int) (got index.Learning) {
		t.Helper()
		if resp := s.do("POST", "/v1/learn", "application/json", []byte(body), &got, "Authorization", "Bearer "+token); resp.StatusCode != status {
			t.Errorf("%s: %s, want %d", body, resp.Status, status)
		}
		return got
	}
	learn(`{}`, http.StatusConflict)
	learn(`{"apply":true,"forget":true}`, http.StatusUnprocessableEntity)
	learn(`[1]`, http.StatusBadRequest)
	if got := learn(`{"forget":true}`, http.StatusOK); got.Applied || got.History == nil || got.Begin == nil {
		t.Errorf("%+v", got)
	}
	all, err := s.ix.Campaigns(t.Context(), index.Filter{Members: true})
	if err != nil || len(all) != 24 {
		t.Fatalf("%d campaigns, %v", len(all), err)
	}
	given := make(map[string]int)
	for _, c := range all {
		which := 0
		fmt.Sscanf(c.Members[0].Account, "of%d-", &which)
		verdict := []string{index.Benign, index.Confirmed}[which%2]
		if given[verdict]++; given[verdict] > 8 {
			continue
		}
		if err := s.ix.Label(t.Context(), index.Label{Campaign: c.ID, Verdict: verdict}); err != nil {
			t.Fatal(err)
		}
	}
	if got := learn(`{}`, http.StatusOK); got.Applied || !got.Better || got.Benign != 8 || got.Confirmed != 8 {
		t.Errorf("%+v", got)
	}
	if got := learn(`{"apply":true}`, http.StatusOK); !got.Applied || len(got.End) == 0 || len(got.History) != 1 || got.History[0].Author != "ann" {
		t.Errorf("%+v", got)
	}
	if got := learn(`{"forget":true,"author":"bob"}`, http.StatusOK); !got.Applied || len(got.Begin) == 0 || len(got.History) != 2 {
		t.Errorf("%+v", got)
	}
	b, err := os.ReadFile(path + ".audit")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	if strings.Count(text, `"action":"learn","name":"ann"`) != 2 || !strings.Contains(text, `"forget":true,"benign":8,"confirmed":8,"author":"bob"}`) {
		t.Error(text)
	}
}
