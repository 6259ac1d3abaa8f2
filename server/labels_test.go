package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// rings adds campaigns of 30 accounts each, beside ordinary traffic.
func (s *service) rings(n int) {
	s.t.Helper()
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	var prompts []index.Prompt
	add := func(account, text string) {
		at = at.Add(10 * time.Minute)
		prompts = append(prompts, index.Prompt{Account: account, Time: at, Text: text, Model: "m-" + account[:5]})
	}
	for i := range 150 * n {
		ring := i % n
		words := strings.Fields("follow all instructions that this long and fixed text gives to the letter")
		fixed := strings.Join(words, word(ring)+" ")
		add(fmt.Sprintf("ring%d-%d", ring, i/n%30), fmt.Sprintf("%s %s as seen by %s and %s", marker, fixed, word(i+100), word(i*31+7)))
		add(fmt.Sprintf("other-%d", i%100), fmt.Sprintf("%s %s %s %s %s %s", word(i*3), word(i*5+1), word(i*11+2), word(i*13+3), word(i*17+4), marker))
	}
	if _, err := s.ix.Add(s.t.Context(), prompts...); err != nil {
		s.t.Fatal(err)
	}
}

type campaignPage struct {
	Items []index.Campaign
	Next  string
}

func TestCampaigns(t *testing.T) {
	s := start(t, Options{})
	s.rings(3)
	var page campaignPage
	s.do("GET", "/v1/campaigns", "", nil, &page)
	if len(page.Items) != 3 || page.Next != "" || page.Items[0].Status != "alert" || page.Items[0].Accounts != 30 || page.Items[0].Members != nil || len(page.Items[0].Days) == 0 {
		t.Fatalf("%+v", page)
	}
	var one index.Campaign
	s.do("GET", "/v1/campaigns/"+page.Items[1].ID, "", nil, &one)
	if one.ID != page.Items[1].ID || len(one.Members) != 30 || len(one.Attrs["model"]) != 1 {
		t.Errorf("%+v", one)
	}
	for query, want := range map[string]int{
		"?limit=2": 2, "?limit=2&cursor=" + page.Items[1].Cursor(): 1, "?status=alert": 3, "?status=alert,watch&min_score=1": 3, "?status=watch,benign": 0,
		"?max_score=1": 0, "?max_score=0": 0, "?since=2027-01-01": 0, "?since=7d": 3, "?since=0d&until=1000w": 0, "?until=2026-06-01": 3, "?q=INSTRUCTIONS": 3, "?q=nothing%20like%20it": 0,
		"?attr=model=m-ring1": 1, "?attr=model%3Dm-ring1&attr=model=m-ring2": 0, "?attr=model=m-huge": 0,
		"?status=watch": 0, "?min_accounts=31": 0, "?id=" + one.ID + "&members=true": 1,
	} {
		var page campaignPage
		s.do("GET", "/v1/campaigns"+query, "", nil, &page)
		if len(page.Items) != want || page.Items == nil || (page.Next != "") != (query == "?limit=2") {
			t.Errorf("%s: %d campaigns, next %q", query, len(page.Items), page.Next)
		}
		if strings.Contains(query, "members") && len(page.Items[0].Members) != 30 {
			t.Errorf("%s: %d members", query, len(page.Items[0].Members))
		}
	}
	var a index.Account
	s.do("GET", "/v1/accounts/"+one.Members[0].Account, "", nil, &a)
	if len(a.Campaigns) != 1 || a.Campaigns[0].ID != one.ID || len(a.Peers) != 20 || len(a.Templates) == 0 || len(a.Templates[0].With) != 29 {
		t.Errorf("%+v", a)
	}
}

func TestLabels(t *testing.T) {
	s := start(t, Options{})
	s.rings(2)
	var page campaignPage
	s.do("GET", "/v1/campaigns", "", nil, &page)
	if len(page.Items) != 2 {
		t.Fatalf("%+v", page)
	}
	id := page.Items[0].ID
	label := fmt.Sprintf(`{"campaign":%q,"verdict":"benign","reason":"ours","author":"ann"}`, id)
	unknown := `{"template":"t999","verdict":"benign"}`
	for _, test := range []struct {
		name, path, kind, body string
		status, accepted       int
		skipped                string
	}{
		{"one", "/v1/labels", "application/json", label, 200, 1, ""},
		{"array", "/v1/labels", "", "[" + label + `,{"verdict":"none"},` + unknown + "]", 200, 1, "[{2 a label needs exactly one of template, bundle, campaign and text, and has 0} {3 no template, bundle or campaign of that id}]"},
		{"lines", "/v1/labels", "application/x-ndjson", label + "\n\n" + marker + "\n" + label, 200, 2, "[{3 not a JSON object}]"},
		{"forced", "/v1/labels?force=true", "application/json", unknown, 200, 1, ""},
		{"unknown", "/v1/labels", "application/json", unknown, 404, 0, ""},
		{"invalid", "/v1/labels", "application/json", `{"text":"` + marker + `","verdict":"` + marker + `"}`, 422, 0, ""},
		{"no JSON", "/v1/labels", "application/json", marker, 422, 0, ""},
		{"no array", "/v1/labels", "application/json", "[" + marker, 400, 0, ""},
		{"bad kind", "/v1/labels", "image/png", label, 415, 0, ""},
		{"bad force", "/v1/labels?force=" + marker, "application/json", label, 422, 0, ""},
	} {
		var got struct {
			labelled
			Detail string
		}
		resp := s.do("POST", test.path, test.kind, []byte(test.body), &got)
		if resp.StatusCode != test.status || got.Accepted != test.accepted || got.SkippedCount != len(got.Skipped) {
			t.Errorf("%s: %d %+v", test.name, resp.StatusCode, got)
		}
		if skipped := fmt.Sprint(got.Skipped); test.skipped != "" && skipped != test.skipped {
			t.Errorf("%s: skipped %s", test.name, skipped)
		}
		if strings.Contains(got.Detail+fmt.Sprint(got.Skipped), marker) {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
	s.do("GET", "/v1/campaigns", "", nil, &page)
	if last := page.Items[len(page.Items)-1]; last.ID != id || last.Status != "benign" {
		t.Errorf("last is %s, %s", last.ID, last.Status)
	}
	var templates struct{ Items []index.Template }
	s.do("GET", "/v1/templates?status=benign", "", nil, &templates)
	if len(templates.Items) == 0 || templates.Items[0].Status != "benign" || len(templates.Items[0].Factors) == 0 {
		t.Errorf("%+v", templates)
	}
	var labels struct {
		Items []index.Label
		Next  string
	}
	s.do("GET", "/v1/labels?after=1&limit=3", "", nil, &labels)
	if len(labels.Items) != 3 || labels.Items[0].Seq != 2 || labels.Next != "4" || labels.Items[0].Campaign != id || labels.Items[0].Author != "ann" {
		t.Errorf("%+v", labels)
	}
	for path, status := range map[string]int{
		"/v1/campaigns/c999": 404, "/v1/campaigns?status=good": 422, "/v1/campaigns?limit=0": 422, "/v1/templates?status=good": 422, "/v1/templates?attr=" + marker: 422, "/v1/campaigns?attr=" + marker + "=x": 422,
		"/v1/labels?after=x": 422,
	} {
		var p failure
		if resp := s.do("GET", path, "", nil, &p); resp.StatusCode != status || p.Status != status {
			t.Errorf("%s: %d %+v", path, resp.StatusCode, p)
		}
	}
	if resp := s.do("DELETE", "/v1/labels", "", nil, nil); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", resp.StatusCode)
	}
}
