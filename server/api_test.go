package server

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-368d3dfa/chorus/index"
)

// TestDocument checks that openapi.json has every operation of the contract,
// names every body type, refers to nothing that is missing, and that the
// schemas of answers admit no null where there never is one.
func TestDocument(t *testing.T) {
	s := start(t, Options{})
	resp, body := s.body("/openapi.json")
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || kind != "application/openapi+json" {
		t.Fatalf("%d, %s", resp.StatusCode, kind)
	}
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Summary     string
			Responses   map[string]struct {
				Content map[string]struct{ Schema map[string]any }
			}
		}
		Components struct{ Schemas map[string]json.RawMessage }
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("OpenAPI %s", doc.OpenAPI)
	}
	for _, want := range []string{
		"post /v1/prompts", "get /v1/similar", "post /v1/similar", "get /v1/templates", "get /v1/templates/{id}", "get /v1/templates/{id}/days",
		"get /v1/campaigns", "get /v1/campaigns/{id}", "get /v1/campaigns/{id}/matrix", "get /v1/campaigns/{id}/export",
		"post /v1/campaigns/{id}/export", "post /v1/campaigns/import", "get /v1/accounts", "get /v1/accounts/{id}",
		"get /v1/flags", "post /v1/labels", "get /v1/labels", "get /v1/stats", "get /v1/days", "get /healthz", "get /readyz",
	} {
		method, path, _ := strings.Cut(want, " ")
		op, ok := doc.Paths[path][method]
		if !ok || op.OperationID == "" || op.Summary == "" {
			t.Errorf("%s: %+v", want, op)
		}
		if op.Responses["default"].Content[problemKind].Schema["$ref"] != "#/components/schemas/Problem" {
			t.Errorf("%s: no problem among its answers: %+v", want, op.Responses["default"])
		}
		for kind, m := range op.Responses["200"].Content {
			if kind == "application/json" && m.Schema["$ref"] == nil {
				t.Errorf("%s: its answer has no name: %v", want, m.Schema)
			}
		}
	}
	for _, ref := range regexp.MustCompile(`#/components/schemas/(\w+)`).FindAllStringSubmatch(body, -1) {
		if doc.Components.Schemas[ref[1]] == nil {
			t.Errorf("nothing is called %s", ref[1])
		}
	}
	for name, schema := range doc.Components.Schemas {
		if name != "Question" && strings.Contains(string(schema), `"null"`) {
			t.Errorf("%s admits null: %s", name, schema)
		}
	}
	if _, yaml := s.body("/openapi.yaml"); !strings.Contains(yaml, "/v1/campaigns/{id}/matrix:") {
		t.Errorf("openapi.yaml: %.300s", yaml)
	}
}

// TestDocs checks that the page that shows the document needs nothing from
// elsewhere, and may load nothing from there.
func TestDocs(t *testing.T) {
	s := start(t, Options{})
	resp, page := s.body("/docs")
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
	for _, ref := range regexp.MustCompile(`(?:src|href)="([^"#]+)"`).FindAllStringSubmatch(page, -1) {
		if resp, body := s.body(ref[1]); resp.StatusCode != 200 || body == "" {
			t.Errorf("%s: %d", ref[1], resp.StatusCode)
		}
	}
	for _, path := range []string{"/docs", "/docs/docs.js", "/docs/docs.css"} {
		if _, body := s.body(path); strings.Contains(body, "http://") || strings.Contains(body, "https://") || strings.Contains(body, "innerHTML") {
			t.Errorf("%s reaches outside", path)
		}
	}
}

func TestConditional(t *testing.T) {
	s := start(t, Options{})
	s.rings(1)
	var list campaignPage
	s.do("GET", "/v1/campaigns", "", nil, &list)
	if len(list.Items) == 0 {
		t.Fatal("no campaign")
	}
	id := list.Items[0].ID
	for _, path := range []string{
		"/v1/campaigns/" + id, "/v1/campaigns/" + id + "/matrix", "/v1/templates/" + list.Items[0].Templates[0].ID, "/v1/accounts/ring0-1", "/openapi.json",
	} {
		first := s.do("GET", path, "", nil, nil)
		tag := first.Header.Get("ETag")
		if first.StatusCode != 200 || !regexp.MustCompile(`^"[\w-]{16}"$`).MatchString(tag) {
			t.Errorf("%s: %d, ETag %s", path, first.StatusCode, tag)
		}
		for _, have := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			if resp := s.do("GET", path, "", nil, nil, "If-None-Match", have); resp.StatusCode != 304 || resp.Header.Get("ETag") != tag {
				t.Errorf("%s: If-None-Match %s: %d", path, have, resp.StatusCode)
			}
		}
		if resp := s.do("GET", path, "", nil, nil, "If-None-Match", `"x"`); resp.StatusCode != 200 {
			t.Errorf("%s: another ETag: %d", path, resp.StatusCode)
		}
	}
	path := "/v1/campaigns/" + id
	tag := s.do("GET", path, "", nil, nil).Header.Get("ETag")
	s.do("POST", "/v1/labels", "application/json", []byte(`{"campaign":"`+id+`","verdict":"benign"}`), nil)
	if resp := s.do("GET", path, "", nil, nil, "If-None-Match", tag); resp.StatusCode != 200 || resp.Header.Get("ETag") == tag {
		t.Errorf("after a label: %d", resp.StatusCode)
	}
	if resp := s.do("GET", "/v1/campaigns/c999", "", nil, nil, "If-None-Match", "*"); resp.StatusCode != 404 || resp.Header.Get("ETag") != "" {
		t.Errorf("of nothing: %d", resp.StatusCode)
	}
}

func TestRequestID(t *testing.T) {
	s := start(t, Options{})
	for given, kept := range map[string]bool{"abc-1.2_3": true, "": false, "a b": false, strings.Repeat("x", 65): false, "\tx": false, "<script>": false} {
		var p struct{ Instance string }
		resp := s.do("GET", "/v1/templates/t999", "", nil, &p, "X-Request-Id", given)
		id := resp.Header.Get("X-Request-Id")
		if (id == given) != kept || !sane.MatchString(id) || p.Instance != "urn:chorus:request:"+id {
			t.Errorf("%q: id %q, instance %s", given, id, p.Instance)
		}
	}
	s.ix.Close()
	s.do("GET", "/v1/stats", "", nil, nil, "X-Request-Id", "find-me")
	if !strings.Contains(s.log.String(), "find-me") {
		t.Errorf("the log does not name the request: %s", s.log.String())
	}
}

func TestMethods(t *testing.T) {
	s := start(t, Options{})
	for path, want := range map[string]string{
		"/v1/prompts": "POST", "/v1/similar": "GET, HEAD, POST", "/v1/labels": "GET, HEAD, POST", "/v1/stats": "GET, HEAD", "/v1/campaigns/c1/matrix": "GET, HEAD", "/docs": "GET, HEAD",
	} {
		for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"} {
			var p failure
			resp := s.do(method, path, "", nil, &p)
			if resp.StatusCode != 405 || p.Status != 405 || resp.Header.Get("Allow") != want {
				t.Errorf("%s %s: %d, Allow %q", method, path, resp.StatusCode, resp.Header.Get("Allow"))
			}
		}
	}
	for _, path := range []string{"/v1/stats", "/v1/templates", "/v1/flags", "/healthz", "/openapi.json", "/docs"} {
		got, want := s.do("HEAD", path, "", nil, nil), s.do("GET", path, "", nil, nil)
		if got.StatusCode != 200 || got.Header.Get("Content-Type") != want.Header.Get("Content-Type") {
			t.Errorf("HEAD %s: %d %v", path, got.StatusCode, got.Header)
		}
	}
	if resp := s.do("HEAD", "/v1/flags", "", nil, nil, "Accept", "text/event-stream"); resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD of a stream: %v", resp.Header)
	}
}

// TestUnknownParams checks that a misspelt parameter is refused, and that the
// refusal does not repeat it.
func TestUnknownParams(t *testing.T) {
	s := start(t, Options{})
	for path, known := range map[string]string{
		"/v1/templates": "min_accounts", "/v1/flags": "after", "/v1/campaigns/c1/export": "format", "/v1/stats": "none", "/v1/similar": "text",
	} {
		var p failure
		resp := s.do("GET", path+"?"+marker+"=1", "", nil, &p)
		if resp.StatusCode != 422 || !strings.Contains(p.Detail, known) || strings.Contains(p.Detail, marker) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, p.Detail)
		}
	}
	var p failure
	if resp := s.do("GET", "/v1/templates?limit=%zz", "", nil, &p); resp.StatusCode != 400 {
		t.Errorf("%d %+v", resp.StatusCode, p)
	}
}

func TestLabelsFilter(t *testing.T) {
	s := start(t, Options{})
	s.rings(2)
	var list campaignPage
	s.do("GET", "/v1/campaigns", "", nil, &list)
	a, b := list.Items[0], list.Items[1]
	for _, l := range []string{
		`{"campaign":"` + a.ID + `","verdict":"benign"}`, `{"campaign":"` + b.ID + `","verdict":"confirmed"}`,
		`{"template":"` + a.Templates[0].ID + `","verdict":"confirmed"}`, `{"campaign":"` + a.ID + `","verdict":"none"}`, `{"text":"` + marker + `","verdict":"benign"}`,
	} {
		if resp := s.do("POST", "/v1/labels", "application/json", []byte(l), nil); resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d", l, resp.StatusCode)
		}
	}
	for query, want := range map[string][]uint64{
		"": {1, 2, 3, 4, 5}, "?campaign=" + a.ID: {1, 4}, "?template=" + a.Templates[0].ID: {1, 3, 4}, "?campaign=" + b.ID: {2},
		"?campaign=c999": nil, "?after=3": {4, 5}, "?cursor=3": {4, 5}, "?after=99": nil, "?campaign=" + a.ID + "&limit=1": {1},
	} {
		var p struct {
			Items []index.Label
			Next  string
		}
		s.do("GET", "/v1/labels"+query, "", nil, &p)
		var got []uint64
		for _, l := range p.Items {
			got = append(got, l.Seq)
		}
		if !slices.Equal(got, want) || p.Items == nil || (p.Next != "") != strings.Contains(query, "limit") {
			t.Errorf("%s: %v, next %q, want %v", query, got, p.Next, want)
		}
	}
}
