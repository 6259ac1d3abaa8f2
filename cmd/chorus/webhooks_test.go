package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/seed-368d3dfa/chorus/server/webhook"
	"github.com/seed-368d3dfa/chorus/testdata/testport"
)

// TestWebhook serves with a hook from the command line, whose receiver is away
// at first.
func TestWebhook(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	t.Setenv("CHORUS_WEBHOOK_SECRET", secret)
	key, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	delivered := make(chan webhook.Payload, 100)
	away := true
	r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := key.Verify(body, r.Header); err != nil {
			t.Error(err)
		}
		if away {
			away = false
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var p webhook.Payload
		if err := json.Unmarshal(body, &p); err != nil {
			t.Error(err)
		}
		delivered <- p
	}))
	defer r.Close()
	address := testport.Free(t)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	db := filepath.Join(t.TempDir(), "x.db")
	ended := make(chan string, 1)
	go func() {
		code, _, stderr := call(ctx, nil, "serve", "--db", db, "--listen", address, "--flag-accounts", "5", "--webhook", r.URL+"/hook")
		if code != exitDone {
			stderr += "\nexit code not 0"
		}
		ended <- stderr
	}()
	for range 18_000 {
		resp, err := http.Post("http://"+address+"/v1/prompts", "application/x-ndjson", bytes.NewReader(lines(30)))
		if err == nil {
			resp.Body.Close()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	select {
	case p := <-delivered:
		if p.Data.Flag.Seq != 1 || p.Data.Template == nil || p.Data.Template.Pattern != "" {
			t.Errorf("%+v", p)
		}
	case <-time.After(3 * time.Minute):
		t.Error("nothing is delivered")
	}
	resp, err := http.Get("http://" + address + "/v1/webhooks")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if !strings.Contains(string(body), `{"items":[{"hook":"127.0.0.1#`) || strings.Contains(string(body), "/hook") {
		t.Errorf("%s", body)
	}
	resp, err = http.Post("http://"+address+"/v1/webhooks/replay", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	body, _ = io.ReadAll(resp.Body)
	resp.Body.Close()
	if strings.TrimSpace(string(body)) != `{"replayed":0}` {
		t.Errorf("%s", body)
	}
	stop()
	if stderr := <-ended; strings.Contains(stderr, "not 0") || !strings.Contains(stderr, "status 503") || strings.Contains(stderr, r.URL) {
		t.Error(stderr)
	}
	for _, args := range [][]string{
		{"--webhook", "example.com"}, {"--webhooks", filepath.Join(t.TempDir(), "none.json")}, {"--webhook", r.URL, "--webhook", r.URL},
		{"--webhook", r.URL, "--webhook-tries", "0"}, {"--webhook", r.URL, "--webhook-secret-file", filepath.Join(t.TempDir(), "none")},
	} {
		if code, _, stderr := call(context.Background(), nil, append([]string{"serve", "--db", db, "--listen", "127.0.0.1:0"}, args...)...); code != exitUsage || strings.Contains(stderr, secret) {
			t.Errorf("%v: %d, %s", args, code, stderr)
		}
	}
}
