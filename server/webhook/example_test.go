package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/seed-368d3dfa/chorus/server/webhook"
)

// A receiver verifies what comes, and takes every webhook-id once.
func Example_receiver() {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" // that of the hook
	key, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	seen := make(map[string]bool) // in earnest: where restarts leave it, beside what a delivery leads to
	receive := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "too long", http.StatusRequestEntityTooLarge)
			return
		}
		if err := key.Verify(body, r.Header); err != nil { // also if it is older than five minutes
			http.Error(w, "not signed", http.StatusUnauthorized)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if id := r.Header.Get("webhook-id"); seen[id] {
			w.WriteHeader(http.StatusOK) // known: nothing to do, and no reason to send it again
			return
		} else {
			seen[id] = true
		}
		var p webhook.Payload
		if err := json.Unmarshal(body, &p); err != nil {
			http.Error(w, "no payload", http.StatusBadRequest)
			return
		}
		fmt.Printf("flag %d: %s %s, %s\n", p.Data.Flag.Seq, p.Data.Flag.Kind, p.Data.Flag.ID, p.Data.Flag.Text)
		w.WriteHeader(http.StatusNoContent)
	}

	// What comes: a delivery, the same once more, one with other words, and one of an hour ago.
	body := []byte(`{"type":"flag.template","timestamp":"2026-06-01T08:00:00Z","data":{"flag":{"seq":17,"kind":"template","id":"t6","text":"20 accounts sent this template within 7 days"}}}`)
	now := time.Now()
	post := func(signed, sent []byte, at time.Time) {
		signature, err := key.Sign("flag_abc_17", at, signed)
		if err != nil {
			panic(err)
		}
		r := httptest.NewRequest("POST", "/hook", bytes.NewReader(sent))
		r.Header.Set("webhook-id", "flag_abc_17")
		r.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
		r.Header.Set("webhook-signature", signature)
		w := httptest.NewRecorder()
		receive(w, r)
		fmt.Println(w.Code)
	}
	post(body, body, now)
	post(body, body, now)
	post(body, bytes.Replace(body, []byte("t6"), []byte("t7"), 1), now)
	post(body, body, now.Add(-time.Hour))
	// Output:
	// flag 17: template t6, 20 accounts sent this template within 7 days
	// 204
	// 200
	// 401
	// 401
}
