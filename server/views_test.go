package server

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-368d3dfa/chorus/index"
)

// body fetches a path and returns the answer with its body.
func (s *service) body(path string) (*http.Response, string) {
	s.t.Helper()
	resp, err := http.Get(s.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, string(b)
}

func TestViews(t *testing.T) {
	s := start(t, Options{})
	s.rings(2)
	var stats index.Stats
	s.do("GET", "/v1/stats", "", nil, &stats)
	if stats.Prompts != 600 || stats.Accounts != 160 || stats.Scheme.Version == 0 {
		t.Errorf("%+v", stats)
	}
	sum := func(path string) (prompts, accounts int) {
		var days struct{ Items []index.Day }
		s.do("GET", path, "", nil, &days)
		for _, d := range days.Items {
			prompts, accounts = prompts+d.Prompts, accounts+d.NewAccounts
		}
		return prompts, accounts
	}
	if prompts, accounts := sum("/v1/days"); prompts != 600 || accounts != 160 {
		t.Errorf("%d prompts of %d accounts on all days", prompts, accounts)
	}
	var campaigns campaignPage
	s.do("GET", "/v1/campaigns", "", nil, &campaigns)
	if len(campaigns.Items) != 2 {
		t.Fatalf("%+v", campaigns)
	}
	c := campaigns.Items[0]
	s.do("GET", "/v1/campaigns?template="+c.Templates[0].ID, "", nil, &campaigns)
	if len(campaigns.Items) != 1 || campaigns.Items[0].ID != c.ID {
		t.Errorf("of its template: %+v", campaigns)
	}
	if prompts, accounts := sum("/v1/templates/" + c.Templates[0].ID + "/days"); prompts != 150 || accounts != 30 {
		t.Errorf("%d prompts of %d accounts on the days of a template", prompts, accounts)
	}
	var m index.Matrix
	s.do("GET", "/v1/campaigns/"+c.ID+"/matrix?limit=3", "", nil, &m)
	if len(m.Accounts) != 3 || m.Members != 30 || len(m.Cells) < 3 || m.Cells[0] != (index.Cell{0, 0, 5}) || len(m.Days) != len(c.Days) {
		t.Errorf("%+v", m)
	}
	account := m.Accounts[0]
	for query, want := range map[string]struct {
		kind, ending string
		accounts     bool
	}{
		"":                           {"application/stix+json", ".stix.json", false},
		"?format=stix&accounts=true": {"application/stix+json", ".stix.json", true},
		"?format=jsonl":              {"application/x-ndjson", ".jsonl", false},
		"?format=csv&accounts=true":  {"text/csv", ".csv", true},
	} {
		resp, body := s.body("/v1/campaigns/" + c.ID + "/export" + query)
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != want.kind ||
			resp.Header.Get("Content-Disposition") != `attachment; filename="`+c.ID+want.ending+`"` {
			t.Errorf("%s: %d %v", query, resp.StatusCode, resp.Header)
		}
		if strings.Contains(body, account) != want.accounts || !strings.Contains(body, c.ID) {
			t.Errorf("%s: %s", query, body)
		}
	}
	for path, status := range map[string]int{
		"/v1/campaigns/c999/matrix": 404, "/v1/campaigns/c999/export": 404, "/v1/templates/t999/days": 404,
		"/v1/campaigns/" + c.ID + "/export?format=csv": 422, "/v1/campaigns/" + c.ID + "/export?format=pdf": 422,
		"/v1/campaigns/" + c.ID + "/matrix?limit=0": 422,
	} {
		var p failure
		if resp := s.do("GET", path, "", nil, &p); resp.StatusCode != status || p.Status != status {
			t.Errorf("%s: %d %+v", path, resp.StatusCode, p)
		}
	}
}

// TestOddAccounts asks for accounts whose ids are hard to write into an address.
func TestOddAccounts(t *testing.T) {
	s := start(t, Options{})
	for _, id := range []string{".", "..", "/", "a/b", "../../v1/stats", "%", "%2F", "?id=x&id=y", "#", "+", " a ", "ä€😀", "a\tb", "\\", "\u202e", strings.Repeat("x/", 512)} {
		one, err := json.Marshal(map[string]string{"account": id, "text": "hello"})
		if err != nil {
			t.Fatal(err)
		}
		s.do("POST", "/v1/prompts", "application/json", one, nil)
		var got index.Account
		if resp := s.do("GET", "/v1/accounts?id="+url.QueryEscape(id), "", nil, &got); resp.StatusCode != 200 || got.ID != id || got.Prompts != 1 {
			t.Errorf("%.20q: %d, %+v", id, resp.StatusCode, got)
		}
	}
	for query, want := range map[string]int{"": 422, "?id=": 422, "?id=nobody": 404, "?id=.&x=1": 422, "?id=%zz": 400} {
		if resp, body := s.body("/v1/accounts" + query); resp.StatusCode != want {
			t.Errorf("%q: %d %s", query, resp.StatusCode, body)
		}
	}
}
