package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// The pause after the first attempt, the factor from one to the next, and the
// longest; 12 attempts take about two days.
const (
	firstPause  = 2 * time.Second
	pauseFactor = 4
	longPause   = 12 * time.Hour
	longAfter   = 24 * time.Hour // the longest that a receiver may ask for
)

// pause is how long to wait after so many attempts, give or take a half, so
// that many senders do not come back at one moment.
func pause(tries int) time.Duration {
	d := firstPause
	for range tries - 1 {
		d = min(pauseFactor*d, longPause)
	}
	return d/2 + rand.N(d)
}

// An outcome is how an attempt ended; its zero value is success.
type outcome struct {
	err   string        // "": delivered
	after time.Duration // that the receiver asks to wait
	gone  bool          // it wants no more
}

// deliver makes one attempt.
func (q *queue) deliver(ctx context.Context, seq uint64, body []byte) outcome {
	id := fmt.Sprintf("flag_%s_%d", q.s.instance(), seq)
	at := time.Now()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, q.hook.URL, bytes.NewReader(body))
	if err != nil {
		return outcome{err: "the address is not valid"}
	}
	signatures := make([]string, len(q.signers))
	for i, w := range q.signers {
		if signatures[i], err = w.Sign(id, at, body); err != nil {
			return outcome{err: "signing failed"}
		}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "chorus")
	r.Header.Set(standardwebhooks.HeaderWebhookID, id)
	r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, timestamp(at))
	r.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	resp, err := q.s.client.Do(r)
	if err != nil {
		return outcome{err: reason(err)}
	}
	defer resp.Body.Close()
	io.CopyN(io.Discard, resp.Body, 4<<10) // so that the connection can be used again
	switch {
	case resp.StatusCode/100 == 2:
		return outcome{}
	case resp.StatusCode/100 == 3:
		return outcome{err: fmt.Sprintf("status %d: redirects are not followed; name the final address", resp.StatusCode)}
	}
	return outcome{
		err: fmt.Sprintf("status %d", resp.StatusCode), after: retryAfter(resp.Header.Get("Retry-After"), at),
		gone: resp.StatusCode == http.StatusGone,
	}
}

func timestamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// reason words a failure without the address.
func reason(err error) string {
	var n net.Error
	if errors.As(err, &n) && n.Timeout() {
		return "no answer in time"
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return err.Error()
}

// retryAfter reads the header of that name: seconds or a date (RFC 9110, 10.2.3).
func retryAfter(v string, now time.Time) time.Duration {
	d := time.Duration(0)
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		d = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(v); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), longAfter)
}
