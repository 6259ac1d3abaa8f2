package server

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/index/search"
	"github.com/seed-368d3dfa/chorus/server/internal/testlog"
)

// searching serves an index that can be searched.
func searching(t *testing.T) (*service, *search.Search) {
	ix, err := index.Open(filepath.Join(t.TempDir(), "y.db"), small())
	if err != nil {
		t.Fatal(err)
	}
	words, err := search.Open(ix, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	log := &testlog.Buffer{}
	srv := New(ix, &Options{Search: words, Logger: slog.New(slog.NewTextHandler(log, nil))})
	h := httptest.NewServer(srv)
	t.Cleanup(func() {
		srv.Close()
		h.Close()
		words.Close()
		if err := ix.Close(); err != nil {
			t.Error(err)
		}
		if strings.Contains(log.String(), marker) {
			t.Errorf("the log has a prompt's text:\n%s", log.String())
		}
	})
	return &service{t, ix, srv, h.URL, log}, words
}

func TestSearch(t *testing.T) {
	s, words := searching(t)
	s.spread("abc", 6)
	s.spread("xyz", 4)
	if err := words.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
	var got search.Result
	get := func(query string) int {
		got.Items, got.Next = nil, ""
		return s.do("GET", "/v1/search?"+query, "", nil, &got).StatusCode
	}
	if code := get("q=sesame&limit=1"); code != 200 || got.Total != 2 || len(got.Items) != 1 || got.Items[0].Accounts != 6 || got.Next == "" || !got.Complete {
		t.Errorf("%d: %d of %d, next %q, complete %v", code, len(got.Items), got.Total, got.Next, got.Complete)
	}
	if h := got.Items[0].Highlights; len(h) == 0 || h[0].Field != "pattern" || !strings.EqualFold(h[0].Parts[0].Text, marker) || !h[0].Parts[0].Hit {
		t.Errorf("highlights %+v", h)
	}
	if got.Facets.Status["none"]+got.Facets.Status["watch"] != 2 || got.Facets.Accounts[0].Count != 2 {
		t.Errorf("facets %+v", got.Facets)
	}
	if code := get("q=sesame&limit=1&cursor=" + got.Next); code != 200 || len(got.Items) != 1 || got.Items[0].Accounts != 4 || got.Next != "" {
		t.Errorf("second page: %d, %+v", code, got)
	}
	if code := get("q=" + url.QueryEscape(`"instructionsabc thatabc"`) + "&min_accounts=5&since=2026-06-01&until=0d"); code != 200 || got.Total != 1 {
		t.Errorf("phrase: %d, %d", code, got.Total)
	}
	if code := get("q=sesame&min_accounts=7"); code != 200 || got.Total != 0 || got.Items == nil {
		t.Errorf("filter: %d, %+v", code, got)
	}
	for _, q := range []string{"", "q=", "q=-sesame", "q=...", "q=sesame&cursor=x", "q=sesame&cursor=20", "q=sesame&status=good",
		"q=sesame&min_score=NaN", "q=sesame&limit=0", "q=" + strings.Repeat("sesame+", 300)} {
		resp, body := s.body("/v1/search?" + q)
		var p failure
		if err := json.Unmarshal([]byte(body), &p); err != nil || resp.StatusCode != 422 && resp.StatusCode != 400 || p.Detail == "" || strings.Contains(body, marker) || strings.Contains(body, "search: ") {
			t.Errorf("%.40s: %d %s", q, resp.StatusCode, body)
		}
	}
	words.Close()
	if code := get("q=sesame"); code != 503 {
		t.Errorf("closed: %d", code)
	}
}
