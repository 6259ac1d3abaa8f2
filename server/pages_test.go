package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-368d3dfa/chorus/server/console"
)

func TestPages(t *testing.T) {
	s := start(t, Options{})
	for _, test := range []struct {
		method, path string
		status       int
		kind         string
	}{
		{"GET", "/", http.StatusOK, "text/html; charset=utf-8"},
		{"GET", "/login", http.StatusOK, "text/html; charset=utf-8"},
		{"GET", "/console/app.js", http.StatusOK, "text/javascript; charset=utf-8"},
		{"GET", "/console/none.js", http.StatusNotFound, "application/problem+json"},
		{"GET", "/console/", http.StatusNotFound, "application/problem+json"},
		{"POST", "/console/app.js", http.StatusMethodNotAllowed, "application/problem+json"},
	} {
		resp := s.do(test.method, test.path, "", nil, nil, "Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
		if kind := resp.Header.Get("Content-Type"); resp.StatusCode != test.status || kind != test.kind {
			t.Errorf("%s %s: %d, %q", test.method, test.path, resp.StatusCode, kind)
		}
		if csp := resp.Header.Get("Content-Security-Policy"); strings.HasPrefix(test.kind, "text/") && csp != console.Policy {
			t.Errorf("%s: policy %q", test.path, csp)
		}
	}
}
