package webhook

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func TestDelivery(t *testing.T) {
	ix := openIndex(t)
	flag(t, ix, "before")
	r := newReceiver(t, nil)
	s := send(t, ix, filepath.Join(t.TempDir(), "state"), nil, Hook{URL: r.URL + "/hook?token=hidden", Secret: secret})
	flag(t, ix, "one", "two")
	until(t, "two deliveries", func() bool { return s.Status()[0].Position == 3 })
	if diff := cmp.Diff([]uint64{2, 3}, r.flags()); diff != "" { // not what was there before
		t.Error(diff)
	}
	p := r.taken[0]
	if p.Type != "flag.template" || p.Data.Template == nil || p.Data.Template.ID != p.Data.Flag.ID || p.Data.Template.Accounts != 3 || p.Data.Campaign != nil {
		t.Errorf("%+v", p)
	}
	st := s.Status()
	if len(st) != 1 || st[0].Position != 3 || len(st[0].Retries)+len(st[0].Dead) != 0 || strings.Contains(st[0].Hook, "hidden") {
		t.Errorf("%+v", st)
	}
}

// TestSignature holds the signature against the specification's own vector.
func TestSignature(t *testing.T) {
	h := Hook{URL: "https://example.com", Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
	signers, err := h.check()
	if err != nil {
		t.Fatal(err)
	}
	got, err := signers[0].Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
}

// While a secret is being replaced, receivers with either verify.
func TestTwoSecrets(t *testing.T) {
	other := strings.Replace(secret, "A", "B", 1)
	ix := openIndex(t)
	r := newReceiver(t, func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		if n := len(strings.Fields(r.Header.Get("webhook-signature"))); n != 2 {
			t.Errorf("%d signatures", n)
		}
		return false
	})
	send(t, ix, filepath.Join(t.TempDir(), "state"), nil, Hook{URL: r.URL, Secret: other + " " + secret})
	flag(t, ix, "one")
	until(t, "a delivery", func() bool { return len(r.flags()) == 1 })
}

// What fails is tried again, under the same id, until it is taken.
func TestRetry(t *testing.T) {
	ix := openIndex(t)
	r := newReceiver(t, func(n int, w http.ResponseWriter, r *http.Request) bool {
		switch n {
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
		case 2:
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		case 3:
			panic(http.ErrAbortHandler)
		default:
			return false
		}
		return true
	})
	s := send(t, ix, filepath.Join(t.TempDir(), "state"), nil, Hook{URL: r.URL, Secret: secret})
	flag(t, ix, "one", "two", "three")
	until(t, "three deliveries", func() bool { return len(r.flags()) == 3 })
	if r.tried() != 6 {
		t.Errorf("%d attempts", r.tried())
	}
	until(t, "no retries", func() bool { return len(s.Status()[0].Retries) == 0 })
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "Mon, 01 Jun 2026 08:01:00 GMT": time.Minute, "Mon, 01 Jun 2020 08:01:00 GMT": 0, "999999": longAfter,
	} {
		if got := retryAfter(v, now); got != want {
			t.Errorf("%q: %v, want %v", v, got, want)
		}
	}
	ix := openIndex(t)
	r := newReceiver(t, func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
		return n == 1
	})
	send(t, ix, filepath.Join(t.TempDir(), "state"), nil, Hook{URL: r.URL, Secret: secret})
	flag(t, ix, "one")
	until(t, "a delivery", func() bool { return len(r.flags()) == 1 })
	if d := r.attempts[1].Sub(r.attempts[0]); d < time.Second { // a timer never fires early
		t.Errorf("tried again after %v, asked to wait 1 s", d)
	}
}

// A delivery that fails too often is a dead letter, which a replay delivers.
func TestDeadLetter(t *testing.T) {
	ix := openIndex(t)
	healthy := make(chan struct{})
	r := newReceiver(t, func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		select {
		case <-healthy:
			return false
		default:
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
	})
	state := filepath.Join(t.TempDir(), "state")
	hook := Hook{URL: r.URL, Secret: secret}
	s := send(t, ix, state, func(o *Options) { o.Tries = 4 }, hook)
	flag(t, ix, "one")
	until(t, "a dead letter", func() bool { return len(s.Status()[0].Dead) == 1 })
	st := s.Status()[0]
	if l := st.Dead[0]; l.Seq != 1 || l.Tries != 4 || l.Error != "status 502" || !st.Down || len(st.Retries) != 0 || r.tried() != 4 {
		t.Errorf("%+v after %d attempts", st, r.tried())
	}
	s.Close()
	s = send(t, ix, state, nil, hook) // dead letters last
	if n := len(s.Status()[0].Dead); n != 1 {
		t.Fatalf("%d dead letters after a restart", n)
	}
	if _, err := s.Replay("example.com#0"); err != ErrUnknown {
		t.Errorf("%v", err)
	}
	if n, err := s.Replay("", 2); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	close(healthy)
	if n, err := s.Replay(st.Hook, 1); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	until(t, "the delivery", func() bool { return slices.Equal(r.flags(), []uint64{1}) })
}

// 410 stops a hook; flags wait for it.
func TestGone(t *testing.T) {
	ix := openIndex(t)
	r := newReceiver(t, func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n == 1 {
			w.WriteHeader(http.StatusGone)
		}
		return n == 1
	})
	s := send(t, ix, filepath.Join(t.TempDir(), "state"), nil, Hook{URL: r.URL, Secret: secret})
	flag(t, ix, "one", "two")
	until(t, "stopped", func() bool { return s.Status()[0].Stopped })
	if r.tried() != 1 {
		t.Errorf("%d attempts", r.tried())
	}
	if n, err := s.Replay(""); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	until(t, "both deliveries", func() bool { return len(r.flags()) == 2 })
}

// Flags recorded while nothing is sent are delivered later, each once, in order.
func TestRestart(t *testing.T) {
	ix := openIndex(t)
	r := newReceiver(t, nil)
	state := filepath.Join(t.TempDir(), "state")
	hook := Hook{URL: r.URL, Secret: secret}
	s := send(t, ix, state, nil, hook)
	flag(t, ix, "one", "two")
	until(t, "two deliveries", func() bool { return len(r.flags()) == 2 })
	s.Close()
	flag(t, ix, "three", "four")
	s = send(t, ix, state, nil, hook)
	flag(t, ix, "five")
	until(t, "five deliveries", func() bool { return len(r.flags()) == 5 })
	s.Close()
	send(t, ix, state, nil, hook)
	flag(t, ix, "six")
	until(t, "six deliveries", func() bool { return len(r.flags()) == 6 })
	if diff := cmp.Diff([]uint64{1, 2, 3, 4, 5, 6}, r.flags()); diff != "" {
		t.Error(diff)
	}
	for id, n := range r.ids {
		if n != 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
}

// A slow receiver holds up neither the index nor other hooks.
func TestSlow(t *testing.T) {
	ix := openIndex(t)
	release := make(chan struct{})
	slow := newReceiver(t, func(int, http.ResponseWriter, *http.Request) bool {
		<-release
		return false
	})
	quick := newReceiver(t, nil)
	s := send(t, ix, filepath.Join(t.TempDir(), "state"), nil, Hook{URL: slow.URL, Secret: secret}, Hook{URL: quick.URL, Secret: secret})
	flag(t, ix, "one", "two", "three")
	until(t, "three deliveries", func() bool { return len(quick.flags()) == 3 })
	if n := slow.tried(); n > 1 {
		t.Errorf("%d attempts at a time", n)
	}
	close(release)
	until(t, "three deliveries", func() bool { return len(slow.flags()) == 3 })
	until(t, "both positions", func() bool { st := s.Status(); return st[0].Position == 3 && st[1].Position == 3 })
}

// One that does not answer in time is tried again.
func TestTimeout(t *testing.T) {
	ix := openIndex(t)
	r := newReceiver(t, func(n int, _ http.ResponseWriter, r *http.Request) bool {
		if n == 1 {
			<-r.Context().Done()
		}
		return n == 1
	})
	s := send(t, ix, filepath.Join(t.TempDir(), "state"), func(o *Options) {
		o.Timeout, o.pause = 50*time.Millisecond, func(int) time.Duration { return time.Hour }
	}, Hook{URL: r.URL, Secret: secret})
	flag(t, ix, "one")
	until(t, "a retry", func() bool { return len(s.Status()[0].Retries) == 1 })
	if l := s.Status()[0].Retries[0]; l.Error != "no answer in time" || l.Tries != 1 {
		t.Errorf("%+v", l)
	}
}

// A receiver that is down gets one attempt at a time, and then everything.
func TestDown(t *testing.T) {
	ix := openIndex(t)
	healthy := make(chan struct{})
	r := newReceiver(t, func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		select {
		case <-healthy:
			return false
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
	})
	s := send(t, ix, filepath.Join(t.TempDir(), "state"), func(o *Options) { o.Tries = 1 << 20 }, Hook{URL: r.URL, Secret: secret})
	var names []string
	for i := range 8 {
		names = append(names, strings.Repeat("n", i+1))
	}
	flag(t, ix, names...)
	until(t, "down", func() bool { return s.Status()[0].Down })
	until(t, "more attempts", func() bool { return r.tried() > 10 })
	if n := len(s.Status()[0].Retries); n > downAfter {
		t.Errorf("%d flags were tried", n)
	}
	close(healthy)
	until(t, "all deliveries", func() bool { return len(r.flags()) == 8 })
}

func TestFilters(t *testing.T) {
	ix := openIndex(t)
	all, campaigns, high := newReceiver(t, nil), newReceiver(t, nil), newReceiver(t, nil)
	s := send(t, ix, filepath.Join(t.TempDir(), "state"), nil, Hook{URL: all.URL, Secret: secret},
		Hook{URL: campaigns.URL, Secret: secret, Kinds: []string{"campaign"}}, Hook{URL: high.URL, Secret: secret, MinScore: 90})
	flag(t, ix, "one", "two")
	until(t, "two deliveries, all positions", func() bool {
		st := s.Status()
		return len(all.flags()) == 2 && st[1].Position == 2 && st[2].Position == 2
	})
	if campaigns.tried()+high.tried() != 0 {
		t.Errorf("%d and %d attempts", campaigns.tried(), high.tried())
	}
}

// The receiver of the specification refuses what is replayed or changed.
func TestReplayed(t *testing.T) {
	h := Hook{URL: "https://example.com", Secret: secret}
	signers, err := h.check()
	if err != nil {
		t.Fatal(err)
	}
	key, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"type":"flag.template"}`)
	header := func(id string, at time.Time, body []byte) http.Header {
		signature, err := signers[0].Sign(id, at, body)
		if err != nil {
			t.Fatal(err)
		}
		return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp(at)}, "Webhook-Signature": {signature}}
	}
	now := time.Now()
	good := header("flag_x_1", now, body)
	if err := key.Verify(body, good); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(http.Header) []byte{
		"old": func(h http.Header) []byte {
			clear(h)
			copyInto(h, header("flag_x_1", now.Add(-10*time.Minute), body))
			return body
		},
		"younger time": func(h http.Header) []byte { h.Set("webhook-timestamp", timestamp(now.Add(time.Minute))); return body },
		"other id":     func(h http.Header) []byte { h.Set("webhook-id", "flag_x_2"); return body },
		"other body":   func(http.Header) []byte { return []byte(`{"type":"flag.campaign"}`) },
		"no signature": func(h http.Header) []byte { h.Del("webhook-signature"); return body },
	} {
		h := good.Clone()
		if err := key.Verify(change(h), h); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func copyInto(to, from http.Header) {
	for k, v := range from {
		to[k] = v
	}
}

func TestPause(t *testing.T) {
	total := time.Duration(0)
	for tries := 1; tries < 12; tries++ {
		least, most := time.Duration(1<<62), time.Duration(0)
		for range 200 {
			d := pause(tries)
			least, most = min(least, d), max(most, d)
		}
		if most > longPause+longPause/2 || most < least+least/4 {
			t.Errorf("after %d: %v to %v", tries, least, most)
		}
		total += least
	}
	if total < 24*time.Hour/2 || total > 48*time.Hour {
		t.Errorf("all pauses together are %v at least", total)
	}
}
