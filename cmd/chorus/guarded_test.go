package main

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-368d3dfa/chorus/server/access"
)

// TestRoutesGuarded asks every operation of the API's description, and what is
// beside it, with every kind of token: each is let in where it must be, and only
// there. A new operation fails here until somebody has thought about its role.
func TestRoutesGuarded(t *testing.T) {
	db := filepath.Join(t.TempDir(), "x.db")
	tokens := map[string]string{"nobody": "", "wrong": "chorus_WRONG"}
	for _, role := range access.RoleNames() {
		r, err := access.ParseRole(role)
		if err != nil {
			t.Fatal(err)
		}
		if tokens[role], _, err = access.Create(db+".tokens", access.Token{Name: role, Roles: r}); err != nil {
			t.Fatal(err)
		}
	}
	d, address := startServing(t, "--db", db)
	want := map[string]string{ // roles that get in
		"GET /healthz": "*", "GET /readyz": "*",
		"POST /v1/prompts": "ingest admin", "POST /v1/similar": "read decide admin", "POST /v1/labels": "decide admin", "POST /v1/learn": "decide admin",
		"POST /v1/campaigns/{id}/export": "decide admin", "POST /v1/campaigns/import": "decide admin",
		"GET /v1/webhooks": "admin", "POST /v1/webhooks/replay": "admin",

		"GET /": "*", "GET /docs": "*", "GET /openapi.json": "*", "GET /login": "*",
		"GET /metrics": "read decide admin", "GET /v1/session": "ingest read decide admin",
		"GET /v1/backup": "admin", "GET /debug/pprof/": "admin", "GET /debug/pprof/heap": "admin",
		"POST /v1/logs": "ingest admin", "POST /v1/traces": "ingest admin", "POST /_bulk": "ingest admin", "POST /logs/_bulk": "ingest admin",
		"POST /loki/api/v1/push": "ingest admin", "POST /insert/jsonline": "ingest admin",
	}
	resp, err := http.Get("http://" + address + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(b, &api); err != nil || len(api.Paths) < 10 {
		t.Fatalf("%d paths, %v", len(api.Paths), err)
	}
	for path, operations := range api.Paths {
		for method := range operations {
			operation := strings.ToUpper(method) + " " + path
			if _, known := want[operation]; known {
				continue
			}
			if method != "get" || !strings.HasPrefix(path, "/v1/") {
				t.Errorf("%s: who may do that?", operation)
				continue
			}
			want[operation] = "read decide admin"
		}
	}
	for operation, roles := range want {
		method, path, _ := strings.Cut(operation, " ")
		path = strings.NewReplacer("{id}", "x", "{", "", "}", "").Replace(path)
		for who, token := range tokens {
			var headers []string
			if token != "" {
				headers = []string{"Authorization", "Bearer " + token}
			}
			got := status(t, http.DefaultClient, method, "http://"+address+path, "", headers...)
			in := roles == "*" || strings.Contains(" "+roles+" ", " "+who+" ")
			switch {
			case in && got != http.StatusUnauthorized && got != http.StatusForbidden:
			case !in && got == http.StatusUnauthorized && (who == "nobody" || who == "wrong"):
			case !in && got == http.StatusForbidden && who != "nobody" && who != "wrong":
			default:
				t.Errorf("%s as %s: %d", operation, who, got)
			}
		}
	}
	d.stop(t)
}
