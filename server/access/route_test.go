package access

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"
)

func TestNeed(t *testing.T) {
	open := need{open: true}
	for _, test := range []struct {
		method, path string
		want         need
	}{
		{"GET", "/healthz", open},
		{"GET", "/", open},
		{"HEAD", "/", open},
		{"GET", "/campaigns/c8", open},
		{"GET", "/openapi.json", open},
		{"GET", "/_license", open},
		{"POST", "/login", open},
		{"GET", "/metrics", need{role: Read}},
		{"GET", "/v1/session", need{}},
		{"GET", "/v1/templates", need{role: Read}},
		{"HEAD", "/v1/templates", need{role: Read}},
		{"GET", "/v1/accounts/a%2Fb", need{role: Read}},
		{"GET", "/v1/accounts/..%2F..%2Fhealthz", need{role: Read}},
		{"GET", "/%76%31/templates", need{role: Read}},
		{"GET", "/v1/some/new/route", need{role: Read}},
		{"POST", "/v1/similar", need{role: Read}},
		{"POST", "/v1/labels", need{role: Decide}},
		{"POST", "/v1/campaigns/c8/export", need{role: Decide}},
		{"POST", "/v1/campaigns/import", need{role: Decide}},
		{"DELETE", "/v1/campaigns/c8", need{role: Admin}},
		{"POST", "/v1/prompts", need{role: Ingest}},
		{"POST", "/v1/logs", need{role: Ingest}},
		{"POST", "/v1/traces", need{role: Ingest}},
		{"POST", "/_bulk", need{role: Ingest}},
		{"PUT", "/_bulk", need{role: Ingest}},
		{"POST", "/prompts/_bulk", need{role: Ingest}},
		{"POST", "/elasticsearch/prompts/_bulk", need{role: Ingest}},
		{"PUT", "/_index_template/x", need{role: Ingest}},
		{"PUT", "/elasticsearch/_ilm/policy/x", need{role: Ingest}},
		{"POST", "/loki/api/v1/push", need{role: Ingest}},
		{"POST", "/insert/jsonline", need{role: Ingest}},
		{"POST", "/insert/elasticsearch/_bulk", need{role: Ingest}},

		{"GET", "/debug/pprof/heap", need{role: Admin}},
		{"GET", "/v1/backup", need{role: Admin}},
		{"GET", "/v1/webhooks", need{role: Admin}},
		{"GET", "/v1/webhooks/1", need{role: Admin}},
		{"POST", "/v1/webhooks/replay", need{role: Admin}},
		{"DELETE", "/v1/labels", need{role: Admin}},
		{"POST", "/v1/some/new/route", need{role: Admin}},
		{"POST", "/v1/some/_bulk", need{role: Admin}},
		{"POST", "/v1/labels%2F_bulk", need{role: Admin}},
		{"POST", "/v1%2Fprompts", need{role: Admin}},
		{"POST", "/insert/../v1/labels", need{role: Admin}},
		{"POST", "//v1/labels", need{role: Admin}},
		{"GET", "//debug/pprof/", need{role: Admin}},
		{"GET", "/static/../v1/templates", need{role: Admin}},
		{"OPTIONS", "/v1/prompts", need{role: Admin}},
		{"get", "/v1/templates", need{role: Admin}},
	} {
		r := httptest.NewRequest(test.method, test.path, nil)
		if got := needOf(r); got != test.want {
			t.Errorf("%s %s needs %+v, want %+v", test.method, test.path, got, test.want)
		}
	}
}

// FuzzNeed asks of every path that a ServeMux would take to something guarded
// whether the guard sees the same.
func FuzzNeed(f *testing.F) {
	mux := http.NewServeMux()
	none := http.NotFoundHandler()
	for _, p := range []string{
		"/debug/pprof/", "POST /v1/labels", "GET /v1/templates/{id}", "GET /v1/accounts/{id}", "POST /v1/prompts", "/v1/webhooks/{id}",
		"POST /_bulk", "POST /{index}/_bulk", "GET /metrics", "GET /{$}", "GET /static/",
	} {
		mux.Handle(p, none)
	}
	roles := map[string]Role{
		"/debug/pprof/": Admin, "POST /v1/labels": Decide, "GET /v1/templates/{id}": Read, "GET /v1/accounts/{id}": Read,
		"POST /v1/prompts": Ingest, "/v1/webhooks/{id}": Admin, "POST /_bulk": Ingest, "POST /{index}/_bulk": Ingest, "GET /metrics": Read,
	}
	for _, p := range []string{"/v1/labels", "/%64ebug/pprof/x", "/v1//labels", "/v1/./labels", "/v1/labels%2f", "/a/_bulk", "/static/..%2f..%2fmetrics",
		"/%2e%2e/v1/labels", "/v1/templates/a%2Fb", "/x%00/_bulk", "/v1/webhooks/%2e%2e", "/v1/labels%2F_bulk", "/static/%2e%2e/metrics"} {
		f.Add("POST", p)
		f.Add("GET", p)
	}
	f.Fuzz(func(t *testing.T, method, p string) {
		if !strings.HasPrefix(p, "/") || method == "CONNECT" {
			return
		}
		u, err := url.ParseRequestURI(p)
		if err != nil || u.Host != "" || u.Scheme != "" {
			return
		}
		r := &http.Request{Method: method, URL: u, Host: "x", Header: http.Header{}}
		_, pattern := mux.Handler(r)
		role, guarded := roles[pattern]
		if !guarded || path.Clean(u.EscapedPath()) != u.EscapedPath() && path.Clean(u.EscapedPath())+"/" != u.EscapedPath() {
			return // no route, or it is only redirected to
		}
		if got := needOf(r); got.open || !got.role.Has(role) {
			t.Errorf("%s %q goes to %q, and needs %+v", method, p, pattern, got)
		}
	})
}
