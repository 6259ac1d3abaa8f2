package server

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/access"
)

// TestAudit gives verdicts with a token: its name is their author, and the audit
// log has them without any text.
func TestAudit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	audit := access.NewAudit(path+".audit", nil)
	token, _, err := access.Create(path, access.Token{Name: "ann", Roles: access.Decide})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := access.Open(path, &access.Options{Audit: audit})
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	s := start(t, Options{Guard: guard, Routes: map[string]http.Handler{"GET /metrics": http.NotFoundHandler()}})
	for _, body := range []string{
		`{"text":"` + marker + ` and more words than a few","verdict":"benign","reason":"says ` + marker + `"}`,
		`{"text":"` + marker + ` and yet more of these words","verdict":"confirmed","author":"bob"}`,
	} {
		if resp := s.do("POST", "/v1/labels", "application/json", []byte(body), nil); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("without a token: %s", resp.Status)
		}
		if resp := s.do("POST", "/v1/labels", "application/json", []byte(body), nil, "Authorization", "Bearer "+token); resp.StatusCode != http.StatusOK {
			t.Errorf("%s", resp.Status)
		}
	}
	if resp := s.do("POST", "/v1/prompts", "application/json", []byte(prompt("1", "a", marker)), nil, "Authorization", "Bearer "+token); resp.StatusCode != http.StatusForbidden {
		t.Errorf("another role's: %s", resp.Status)
	}
	var page page[index.Label]
	s.do("GET", "/v1/labels", "", nil, &page, "Authorization", "Bearer "+token)
	if len(page.Items) != 2 || page.Items[0].Author != "ann" || page.Items[1].Author != "bob" {
		t.Errorf("%+v", page.Items)
	}
	b, err := os.ReadFile(path + ".audit")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	if strings.Count(text, `"action":"label","name":"ann"`) != 2 || !strings.Contains(text, `"text":true,"verdict":"benign","author":"ann"}`) || strings.Contains(text, marker) {
		t.Errorf("%s", text)
	}
}
