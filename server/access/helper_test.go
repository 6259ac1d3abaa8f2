package access

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-368d3dfa/chorus/testdata/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

// tokenPath names a token file that does not exist.
func tokenPath(t *testing.T) string { return filepath.Join(t.TempDir(), "x.db.tokens") }

// create makes a token and returns it.
func create(t *testing.T, path string, token Token) string {
	t.Helper()
	secret, _, err := Create(path, token)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// open makes a guard that the test closes.
func open(t *testing.T, path string, o *Options) *Guard {
	t.Helper()
	g, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// whose answers with the identity that the request has.
var whose = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	id, ok := From(r.Context())
	if ok {
		io.WriteString(w, id.Name+" "+id.Roles.String())
	}
})

// request makes one, with headers as name and value in turn.
func request(method, path string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "http://127.0.0.1"+path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func do(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func mustHave(t *testing.T, what, text, want string) {
	t.Helper()
	if !strings.Contains(text, want) {
		t.Errorf("%s: %q has no %q", what, text, want)
	}
}
