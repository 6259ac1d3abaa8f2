package access

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// A refusal is an answer to a request that is not let in.
type refusal struct {
	status    int
	detail    string
	challenge string        // the reason in WWW-Authenticate, or ""
	after     time.Duration // until it is worth another try; 0: unknown
}

func (e *refusal) Error() string { return e.detail }

// A problem is as RFC 9457 has it, and as package server answers.
type problem struct {
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance,omitempty"` // the request's id, if somebody gave it one
}

// write answers with application/problem+json (RFC 9457).
func (e *refusal) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if e.status == http.StatusUnauthorized || e.challenge != "" {
		bearer := `Bearer realm="chorus"`
		if e.challenge != "" {
			bearer += `, error="` + e.challenge + `"` // RFC 6750, section 3
		}
		h.Add("WWW-Authenticate", bearer)
		if needOf(r).role == Ingest { // elsewhere browsers would open a window of their own
			h.Add("WWW-Authenticate", `Basic realm="chorus", charset="UTF-8"`)
		}
	}
	if e.after > 0 {
		h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(e.after.Seconds())))))
	}
	p := problem{Title: http.StatusText(e.status), Status: e.status, Detail: e.detail}
	if id := h.Get("X-Request-Id"); id != "" {
		p.Instance = "urn:chorus:request:" + id
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(e.status)
	json.NewEncoder(w).Encode(&p) // a client that has gone needs no answer
}
