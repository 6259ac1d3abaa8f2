package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// kin adds two variants of a template, and one that comes under a system prompt
// which a few prompts had alone before.
func (s *service) kin() {
	s.t.Helper()
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	a := "take the minutes of this meeting and make a table of them"
	b := "every row names who promised what and by when it is due"
	c := "leave out small talk and whatever was only a joke"
	edited := "leave out small talk and anything that was only a joke. take the minutes of this session and make a table of those. " +
		"every row says who promised what and by which day it is due"
	var prompts []index.Prompt
	for i := range 60 {
		payload := ". " + word(i) + " " + word(i+100) + " " + word(i+200) + " " + word(i+300)
		add := func(account string, m ...index.Message) {
			at = at.Add(time.Minute)
			prompts = append(prompts, index.Prompt{Account: fmt.Sprintf("%s-%d", account, i%12), Time: at, Messages: m})
		}
		user := index.Message{Role: "user", Content: a + ". " + b + ". " + c + payload}
		if i%2 == 0 {
			user.Content = edited + payload
		}
		add(fmt.Sprint("variant", i%2), user)
		system := index.Message{Role: "system", Content: "you are the polite voice of a large library and answer in no more than three short lines"}
		told := index.Message{Role: "user", Content: payload}
		if i >= 6 {
			told.Content = "please tell me what the reader below may borrow next and say in one word why" + payload
		}
		add("reader", system, told)
	}
	if _, err := s.ix.Add(s.t.Context(), prompts...); err != nil {
		s.t.Fatal(err)
	}
}

// TestKin lists families and bundles, and labels a bundle.
func TestKin(t *testing.T) {
	s := start(t, Options{})
	s.kin()
	list := func(query string) []index.Template {
		t.Helper()
		var page struct{ Items []index.Template }
		s.do("GET", "/v1/templates?limit=100&"+query, "", nil, &page)
		return page.Items
	}
	var family, bundle string
	all := list("min_accounts=5")
	for _, m := range all {
		if m.Family != "" {
			family = m.Family
		}
		if strings.Contains(m.Pattern, "polite voice") {
			bundle = m.Bundle
		}
	}
	if family == "" || bundle == "" {
		t.Fatalf("family %q, bundle %q: %+v", family, bundle, all)
	}
	variants := list("family=" + family)
	if len(variants) < 2 || variants[0].Family != family || variants[0].Variants != len(variants)-1 {
		t.Errorf("variants: %+v", variants)
	}
	together := list("bundle=" + bundle)
	if len(together) < 2 || together[0].Bundle != bundle || together[0].Family != "" {
		t.Errorf("together: %+v", together)
	}
	if folded := list("fold=true&min_accounts=5"); len(folded) != len(all)-len(variants)+1 {
		t.Errorf("%d of %d are left, %d of them variants", len(folded), len(all), len(variants))
	}
	for _, query := range []string{"family=t1", "family=f0", "bundle=" + family, "fold=perhaps"} {
		if status := s.do("GET", "/v1/templates?"+query, "", nil, nil).StatusCode; status != 400 && status != 422 {
			t.Errorf("%s: %d", query, status)
		}
	}
	var given labelled
	if status := s.do("POST", "/v1/labels", "application/json", []byte(`{"bundle":"`+bundle+`","verdict":"benign","author":"ann"}`), &given).StatusCode; status != 200 || given.Accepted != 1 {
		t.Errorf("%d, %+v", status, given)
	}
	if status := s.do("POST", "/v1/labels", "application/json", []byte(`{"bundle":"b99999","verdict":"benign"}`), nil).StatusCode; status != 404 {
		t.Errorf("an unknown bundle: %d", status)
	}
	for _, m := range list("bundle=" + bundle) {
		if m.Status != index.Benign {
			t.Errorf("%s is %s", m.ID, m.Status)
		}
	}
	var labels page[index.Label]
	s.do("GET", "/v1/labels?bundle="+bundle, "", nil, &labels)
	if len(labels.Items) != 1 || labels.Items[0].Bundle != bundle || len(labels.Items[0].Templates) != len(together) {
		t.Errorf("%+v", labels)
	}
	if s.do("GET", "/v1/labels?bundle=b99999", "", nil, &labels); len(labels.Items) != 0 {
		t.Errorf("of another bundle: %+v", labels)
	}
}
