package console

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, method, target string, header map[string]string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, "http://chorus.test"+target, nil)
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestHandler(t *testing.T) {
	for _, test := range []struct {
		method, path string
		status       int
		kind         string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8"},
		{"HEAD", "/", 200, "text/html; charset=utf-8"},
		{"GET", "/console/app.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/console/base.css", 200, "text/css; charset=utf-8"},
		{"GET", "/favicon.ico", 200, "image/svg+xml"},
		{"POST", "/", 405, ""},
		{"GET", "/console/", 404, ""},
		{"GET", "/console/index.html", 404, ""},
		{"GET", "/console/none.js", 404, ""},
		{"GET", "/console/../console.go", 404, ""},
		{"GET", "/console/%2e%2e%2fconsole.go", 404, ""},
		{"GET", "/console/app.js%00", 404, ""},
		{"GET", "/console//app.js", 404, ""},
	} {
		resp := get(t, test.method, test.path, nil)
		if resp.StatusCode != test.status {
			t.Errorf("%s %s: %d, want %d", test.method, test.path, resp.StatusCode, test.status)
			continue
		}
		if test.status != 200 {
			continue
		}
		if kind := resp.Header.Get("Content-Type"); kind != test.kind {
			t.Errorf("%s: %q, want %q", test.path, kind, test.kind)
		}
		if csp := resp.Header.Get("Content-Security-Policy"); csp != Policy || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: policy %q, headers %v", test.path, csp, resp.Header)
		}
		again := get(t, test.method, test.path, map[string]string{"If-None-Match": resp.Header.Get("ETag")})
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %d for its own tag", test.path, again.StatusCode)
		}
	}
}

func TestPolicy(t *testing.T) {
	if strings.Contains(Policy, "unsafe") || !strings.HasPrefix(Policy, "default-src 'none'") {
		t.Error(Policy)
	}
}

var (
	imported = regexp.MustCompile(`(?m)^(?:import|export) .*from '(.*)';`)
	linked   = regexp.MustCompile(`(?:href|src)="([^"#]+)"`)
	outside  = regexp.MustCompile(`https?://[^'"\s]+`)
	markup   = regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|DOMParser|createContextualFragment|\beval\(|new Function|setTimeout\('|\.html\(`)
	inline   = regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son[a-z]+="|javascript:`)
	comments = regexp.MustCompile(`(?m)^\s*//.*$`)
)

// TestFiles holds the scripts to what the package promises: what they import is
// there, nothing is loaded from elsewhere, no markup is made of strings.
func TestFiles(t *testing.T) {
	entries, err := fs.ReadDir(static, "static")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{"index.html": true}
	files := make(map[string]string)
	for _, e := range entries {
		body, err := fs.ReadFile(static, "static/"+e.Name())
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(body)
	}
	for name, body := range files {
		if path.Ext(name) == ".js" {
			body = comments.ReplaceAllString(body, "")
		}
		for _, url := range outside.FindAllString(body, -1) {
			if url != "http://www.w3.org/2000/svg" { // a name, never loaded
				t.Errorf("%s: %s", name, url)
			}
		}
		if found := markup.FindString(body); found != "" {
			t.Errorf("%s: %s", name, found)
		}
		if found := inline.FindString(body); found != "" && name != "icon.svg" {
			t.Errorf("%s: %s", name, found)
		}
		for _, m := range imported.FindAllStringSubmatch(body, -1) {
			file := strings.TrimPrefix(m[1], "./")
			if _, ok := files[file]; !ok {
				t.Errorf("%s imports %s", name, m[1])
			}
			used[file] = true
		}
	}
	for _, m := range linked.FindAllStringSubmatch(files["index.html"], -1) {
		if strings.HasPrefix(m[1], "/") {
			t.Errorf("index.html: %s breaks below a path prefix", m[1])
		}
		file, ok := strings.CutPrefix(m[1], "console/")
		if _, found := files[file]; ok && !found {
			t.Errorf("index.html: no %s", m[1])
		}
		used[file] = true
	}
	for name := range files {
		if !used[name] {
			t.Errorf("nothing uses %s", name)
		}
	}
}
