package access

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestRoles(t *testing.T) {
	path := tokenPath(t)
	tokens := map[string]string{
		"ingest": create(t, path, Token{Name: "ingest", Roles: Ingest}),
		"read":   create(t, path, Token{Name: "read", Roles: Read}),
		"decide": create(t, path, Token{Name: "decide", Roles: Decide}),
		"admin":  create(t, path, Token{Name: "admin", Roles: Admin}),
		"both":   create(t, path, Token{Name: "both", Roles: Ingest | Read}),
	}
	h := open(t, path, nil).Wrap(whose)
	for _, test := range []struct{ method, path, may string }{
		{"POST", "/v1/prompts", "ingest admin both"},
		{"POST", "/_bulk", "ingest admin both"},
		{"GET", "/v1/templates", "read decide admin both"},
		{"POST", "/v1/similar", "read decide admin both"},
		{"GET", "/metrics", "read decide admin both"},
		{"POST", "/v1/labels", "decide admin"},
		{"GET", "/debug/pprof/", "admin"},
		{"DELETE", "/v1/labels", "admin"},
	} {
		for name, token := range tokens {
			may := strings.Contains(" "+test.may+" ", " "+name+" ")
			w := do(h, request(test.method, test.path, bearer(token)...))
			switch {
			case may && w.Code == http.StatusOK && strings.HasPrefix(w.Body.String(), name+" "):
			case !may && w.Code == http.StatusForbidden && strings.Contains(w.Header().Get("WWW-Authenticate"), "insufficient_scope"):
			default:
				t.Errorf("%s %s as %s: %d %s", test.method, test.path, name, w.Code, w.Body)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/", "/login", "/docs"} {
		if w := do(h, request("GET", path)); w.Code != http.StatusOK || w.Body.Len() > 0 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestAttacks tries what is no token of the file, and what is one in a strange
// place.
func TestAttacks(t *testing.T) {
	path := tokenPath(t)
	good := create(t, path, Token{Name: "ann", Roles: Admin})
	expired := create(t, path, Token{Name: "old", Roles: Admin, Expires: time.Now().Add(-time.Second)})
	tokens, err := List(path)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := tokens[0].Hash.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, path, nil).Wrap(whose)
	in := func(scheme, user, password string) string {
		return scheme + " " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	for what, header := range map[string]string{
		"bearer": "Bearer " + good, "lower case": "bearer " + good, "spaces": "Bearer   " + good + " ",
		"basic": in("Basic", "anything", good), "no user": in("Basic", "", good), "api key": in("ApiKey", "id", good),
	} {
		if w := do(h, request("GET", "/v1/templates", "Authorization", header)); w.Code != http.StatusOK || w.Body.String() != "ann admin" {
			t.Errorf("%s: %d %s", what, w.Code, w.Body)
		}
	}
	flipped := []byte(good)
	flipped[len(flipped)-1] ^= 1
	for what, header := range map[string]string{
		"none": "", "empty": "Bearer", "blank": "Bearer  ", "cut": "Bearer " + good[:len(good)-1], "longer": "Bearer " + good + "A",
		"prefix only": "Bearer " + tokenPrefix, "no prefix": "Bearer " + strings.TrimPrefix(good, tokenPrefix), "case": "Bearer " + strings.ToLower(good),
		"flipped": "Bearer " + string(flipped), "its hash": "Bearer " + string(hash), "its name": "Bearer ann", "expired": "Bearer " + expired,
		"as user": in("Basic", good, ""), "both halves": in("Basic", good[:10], good[10:]), "no colon": "Basic " + base64.StdEncoding.EncodeToString([]byte(good)),
		"not base64": "Basic " + good, "digest": "Digest " + good, "bare": good, "two": "Bearer " + good + ", Bearer " + good,
		"NUL": "Bearer " + good + "\x00", "huge": "Bearer " + strings.Repeat("A", 60<<10),
	} {
		w := do(h, request("GET", "/v1/templates", "Authorization", header))
		if w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), `Bearer realm="chorus"`) ||
			w.Header().Get("Content-Type") != "application/problem+json" || strings.Contains(w.Body.String(), good) {
			t.Errorf("%s: %d %s %s", what, w.Code, w.Header(), w.Body)
		}
	}
	r := request("GET", "/v1/templates")
	r.Header["Authorization"] = []string{"Bearer " + good, "Bearer wrong"}
	if w := do(h, r); w.Code != http.StatusUnauthorized {
		t.Errorf("two headers: %d", w.Code)
	}
	for _, path := range []string{"/v1/templates?token=" + good, "/v1/templates?access_token=" + good} {
		if w := do(h, request("GET", path)); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestAnonymous(t *testing.T) {
	path := tokenPath(t)
	for _, test := range []struct {
		anonymous Anonymous
		host      string
		want      int
	}{
		{Nobody, "127.0.0.1:8428", http.StatusUnauthorized},
		{Local, "127.0.0.1:8428", http.StatusOK},
		{Local, "127.9.9.9", http.StatusOK},
		{Local, "[::1]:8428", http.StatusOK},
		{Local, "localhost:8428", http.StatusOK},
		{Local, "LOCALHOST", http.StatusOK},
		{Local, "chorus.localhost", http.StatusOK},
		{Local, "evil.example:8428", http.StatusMisdirectedRequest},
		{Local, "localhost.evil.example", http.StatusMisdirectedRequest},
		{Local, "127.0.0.1.evil.example", http.StatusMisdirectedRequest},
		{Local, "10.0.0.1:8428", http.StatusMisdirectedRequest},
		{Local, "", http.StatusMisdirectedRequest},
		{Anyone, "evil.example", http.StatusOK},
	} {
		g := open(t, path, &Options{Anonymous: test.anonymous})
		r := request("POST", "/v1/labels")
		r.Host = test.host
		if w := do(g.Wrap(whose), r); w.Code != test.want || test.want == http.StatusOK && w.Body.String() != " admin" {
			t.Errorf("%v, host %q: %d %s, want %d", test.anonymous, test.host, w.Code, w.Body, test.want)
		}
	}
}

// TestReload makes, revokes and breaks tokens under a guard's eyes.
func TestReload(t *testing.T) {
	path := tokenPath(t)
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		g, err := Open(path, &Options{Anonymous: Anyone, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		h := g.Wrap(whose)
		wait := func() { time.Sleep(checkEvery + time.Millisecond); synctest.Wait() }
		code := func(headers ...string) int { return do(h, request("GET", "/v1/templates", headers...)).Code }
		if got := code(); got != http.StatusOK {
			t.Errorf("without a file: %d", got)
		}

		ann := create(t, path, Token{Name: "ann", Roles: Read})
		bob := create(t, path, Token{Name: "bob", Roles: Read, Expires: time.Now().Add(time.Hour)})
		wait()
		if got := code(); got != http.StatusUnauthorized {
			t.Errorf("nameless once there is a file: %d", got)
		}
		if a, b := code(bearer(ann)...), code(bearer(bob)...); a != http.StatusOK || b != http.StatusOK {
			t.Errorf("new tokens: %d, %d", a, b)
		}
		if n, exist := g.Tokens(); n != 2 || !exist {
			t.Errorf("%d tokens, %v", n, exist)
		}

		// A file that is broken by hand changes nothing, and says so once.
		good := readFile(t, path)
		if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		wait()
		wait()
		if got := code(bearer(ann)...); got != http.StatusOK || strings.Count(log.String(), "not reloaded") != 1 {
			t.Errorf("%d\n%s", got, &log)
		}
		if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
			t.Fatal(err)
		}

		if err := Revoke(path, "ann"); err != nil {
			t.Fatal(err)
		}
		wait()
		if a, b := code(bearer(ann)...), code(bearer(bob)...); a != http.StatusUnauthorized || b != http.StatusOK {
			t.Errorf("ann revoked: %d, %d", a, b)
		}
		time.Sleep(time.Hour)
		if got := code(bearer(bob)...); got != http.StatusUnauthorized {
			t.Errorf("bob expired: %d", got)
		}
		if n, _ := g.Tokens(); n != 0 {
			t.Errorf("%d tokens", n)
		}

		// The last token gone, or the file, opens nothing.
		if err := Revoke(path, "bob"); err != nil {
			t.Fatal(err)
		}
		wait()
		if got := code(); got != http.StatusUnauthorized {
			t.Errorf("no tokens left: %d", got)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		wait()
		if got := code(); got != http.StatusUnauthorized {
			t.Errorf("file gone: %d", got)
		}
	})
}

// TestRevokedInUse ends what a token has under way: a stream of flags, and an
// upload that never ends.
func TestRevokedInUse(t *testing.T) {
	for what, revoke := range map[string]func(path string) error{
		"revoked": func(path string) error { return Revoke(path, "ann") },
		"expired": func(string) error { return nil },
	} {
		path := tokenPath(t)
		synctest.Test(t, func(t *testing.T) {
			ann := create(t, path, Token{Name: "ann", Roles: Admin, Expires: time.Now().Add(time.Minute)})
			g, err := Open(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			flags, upload := make(chan error, 1), make(chan error, 1)
			h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					<-r.Context().Done()
					flags <- r.Context().Err()
					return
				}
				_, err := io.Copy(io.Discard, r.Body)
				upload <- err
			}))
			body, feed := io.Pipe()
			go do(h, request("GET", "/v1/flags", bearer(ann)...))
			go func() {
				r := request("POST", "/v1/prompts", bearer(ann)...)
				r.Body = body
				do(h, r)
				body.Close()
			}()
			go func() {
				for {
					if _, err := feed.Write([]byte("{}\n")); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			}()
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if len(flags) > 0 || len(upload) > 0 {
				t.Fatal("ended before its time")
			}
			if err := revoke(path); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			if len(flags) != 1 || len(upload) != 1 {
				t.Fatalf("%s: still under way", what)
			}
			if a, b := <-flags, <-upload; a == nil || !errors.Is(b, ErrRevoked) {
				t.Errorf("%s: %v, %v", what, a, b)
			}
		})
	}
}

func TestSession(t *testing.T) {
	path := tokenPath(t)
	synctest.Test(t, func(t *testing.T) {
		ann := create(t, path, Token{Name: "ann", Roles: Decide})
		audit := path + ".audit"
		g, err := Open(path, &Options{Audit: NewAudit(audit, nil)})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		h := g.Wrap(whose)
		login := func(kind, body string) *httptest.ResponseRecorder {
			r := request("POST", "/login", "Content-Type", kind)
			r.Body = io.NopCloser(strings.NewReader(body))
			return do(h, r)
		}
		for what, test := range map[string]struct {
			kind, body string
			code       int
		}{
			"wrong":     {"application/json", `{"token":"` + ann + `x"}`, 401},
			"empty":     {"application/json", `{"token":""}`, 400},
			"no JSON":   {"application/json", ann, 400},
			"other":     {"text/plain", ann, 400},
			"oversized": {"application/json", `{"token":"` + strings.Repeat("x", maxLogin) + `"}`, 400},
			"form":      {"application/x-www-form-urlencoded", "token=", 400},
		} {
			if w := login(test.kind, test.body); w.Code != test.code || w.Header().Get("Set-Cookie") != "" || strings.Contains(w.Body.String(), ann) {
				t.Errorf("%s: %d %s", what, w.Code, w.Body)
			}
		}

		w := login("application/json; charset=utf-8", `{"token":" `+ann+`"}`)
		if w.Code != http.StatusNoContent || len(w.Result().Cookies()) != 1 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		cookie := w.Result().Cookies()[0]
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.Secure || strings.Contains(cookie.Value, ann) {
			t.Errorf("%+v", cookie)
		}
		get := func(path string) *httptest.ResponseRecorder {
			r := request("GET", path)
			r.AddCookie(cookie)
			return do(h, r)
		}
		if w := get("/v1/templates"); w.Code != http.StatusOK || w.Body.String() != "ann decide" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if w := get("/v1/session"); w.Code != http.StatusOK || w.Body.String() != `{"name":"ann","roles":["decide"]}`+"\n" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		r := request("GET", "/v1/templates", "Authorization", "Bearer wrong")
		r.AddCookie(cookie)
		if w := do(h, r); w.Code != http.StatusUnauthorized {
			t.Errorf("a wrong token with a good cookie: %d", w.Code)
		}
		mustHave(t, "audit", readFile(t, audit), `"action":"sign in","name":"ann","roles":"decide","remote":"192.0.2.1:1234"`)

		// It ends by signing out, by time, and with its token.
		r = request("POST", "/logout")
		r.AddCookie(cookie)
		if w := do(h, r); w.Code != http.StatusNoContent || w.Result().Cookies()[0].MaxAge >= 0 {
			t.Errorf("%d %s", w.Code, w.Header())
		}
		if w := get("/v1/templates"); w.Code != http.StatusUnauthorized {
			t.Errorf("signed out: %d", w.Code)
		}
		cookie = login("application/json", `{"token":"`+ann+`"}`).Result().Cookies()[0]
		time.Sleep(sessionLasts)
		if w := get("/v1/templates"); w.Code != http.StatusUnauthorized {
			t.Errorf("out of time: %d", w.Code)
		}
		w = login("application/x-www-form-urlencoded", "token="+ann+"&next=/campaigns/c8?x%3D1")
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/campaigns/c8?x=1" {
			t.Errorf("%d %s", w.Code, w.Header())
		}
		cookie = w.Result().Cookies()[0]
		if w := get("/v1/templates"); w.Code != http.StatusOK {
			t.Errorf("signed in again: %d", w.Code)
		}
		if err := Revoke(path, "ann"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * checkEvery)
		synctest.Wait()
		if w := get("/v1/templates"); w.Code != http.StatusUnauthorized {
			t.Errorf("revoked: %d", w.Code)
		}
	})
}

func TestLocalPath(t *testing.T) {
	for p, want := range map[string]string{
		"/a": "/a", "/a?b=//c": "/a?b=//c", "": "/", "/": "/", "//evil": "/", `/\evil`: "/", "http://evil": "/", "/\tevil": "/", "a": "/",
	} {
		if got := localPath(p); got != want {
			t.Errorf("%q: %q, want %q", p, got, want)
		}
	}
}

func TestRate(t *testing.T) {
	path := tokenPath(t)
	synctest.Test(t, func(t *testing.T) {
		ann := create(t, path, Token{Name: "ann", Roles: Read})
		bob := create(t, path, Token{Name: "bob", Roles: Read, Rate: 1})
		g, err := Open(path, &Options{Rate: 10})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		h := g.Wrap(whose)
		count := func(token string) (n int, retry string) {
			for range 100 {
				w := do(h, request("GET", "/v1/templates", bearer(token)...))
				switch w.Code {
				case http.StatusOK:
					n++
				case http.StatusTooManyRequests:
					retry = w.Header().Get("Retry-After")
				default:
					t.Fatalf("%d %s", w.Code, w.Body)
				}
			}
			return n, retry
		}
		for _, test := range []struct{ ann, bob int }{{20, 2}, {0, 0}} { // two seconds' worth, each on its own
			n, retry := count(ann)
			m, _ := count(bob)
			if n != test.ann || m != test.bob || retry != "1" {
				t.Errorf("%d and %d of 100, want %+v; Retry-After %q", n, m, test, retry)
			}
		}
		time.Sleep(time.Second)
		if n, _ := count(ann); n != 10 {
			t.Errorf("%d of 100 a second later", n)
		}
	})
}

func TestConcurrent(t *testing.T) {
	path := tokenPath(t)
	ann := create(t, path, Token{Name: "ann", Roles: Read, Concurrent: 2})
	g := open(t, path, nil)
	inside, leave := make(chan bool), make(chan bool)
	h := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside <- true; <-leave }))
	for range 3 {
		done := make(chan bool)
		for range 2 {
			go func() {
				do(h, request("GET", "/v1/templates", bearer(ann)...))
				done <- true
			}()
			<-inside
		}
		if w := do(h, request("GET", "/v1/templates", bearer(ann)...)); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
			t.Errorf("%d %s", w.Code, w.Header())
		}
		for range 2 {
			leave <- true
			<-done
		}
	}
}

// TestOverload fills the room for prompts: more are refused, queries go on, and
// what is refused costs no memory.
func TestOverload(t *testing.T) {
	path := tokenPath(t)
	synctest.Test(t, func(t *testing.T) {
		g, err := Open(path, &Options{Anonymous: Anyone, Limits: Limits{IngestBytes: 4 << 20, Queries: 2, Followers: 1}})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		ctx, leave := context.WithCancel(t.Context())
		var inside atomic.Int32
		h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Stay") != "" {
				inside.Add(1)
				<-ctx.Done()
			}
		}))
		codes := make(chan int, 2000)
		for range 2000 {
			go func() {
				codes <- do(h, request("POST", "/v1/prompts", "Content-Type", "application/x-ndjson", "Stay", "yes")).Code
			}()
		}
		synctest.Wait()
		if inside.Load() != 4 || len(codes) != 2000-4-maxWaiting {
			t.Errorf("%d inside, %d refused at once", inside.Load(), len(codes))
		}
		if w := do(h, request("GET", "/v1/templates")); w.Code != http.StatusOK {
			t.Errorf("a query: %d", w.Code)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if inside.Load() != 4 || len(codes) != 2000-4 {
			t.Errorf("%d inside, %d refused", inside.Load(), len(codes))
		}
		for range len(codes) {
			if code := <-codes; code != http.StatusTooManyRequests {
				t.Fatalf("%d", code)
			}
		}
		w := do(h, request("POST", "/_bulk"))
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "2" {
			t.Errorf("%d %s", w.Code, w.Header())
		}

		stay := []string{"Stay", "yes", "Accept", "text/event-stream"}
		go do(h, request("GET", "/v1/flags", stay...))
		synctest.Wait()
		if w := do(h, request("GET", "/v1/flags", stay...)); w.Code != http.StatusTooManyRequests {
			t.Errorf("a second follower: %d", w.Code)
		}
		if w := do(h, request("GET", "/v1/flags")); w.Code != http.StatusOK {
			t.Errorf("a query beside followers: %d", w.Code)
		}
		leave()
		synctest.Wait()
		if w := do(h, request("POST", "/v1/prompts")); w.Code != http.StatusOK {
			t.Errorf("room again: %d", w.Code)
		}
	})
}

func TestIngestCost(t *testing.T) {
	for _, test := range []struct {
		length         int64
		kind, encoding string
		want           int64
	}{
		{10, "application/x-protobuf", "", leastBytes},
		{1 << 40, "application/x-ndjson", "gzip", streamBytes},
		{-1, "application/x-ndjson; charset=utf-8", "", streamBytes},
		{10, "application/json", "", leastBytes},
		{1 << 20, "application/json", "", 1 << 20},
		{1 << 40, "application/json", "", wholeBytes},
		{10, "application/json", "gzip", wholeBytes},
		{-1, "", "", wholeBytes},
	} {
		r := request("POST", "/v1/prompts", "Content-Type", test.kind)
		if test.encoding != "" {
			r.Header.Set("Content-Encoding", test.encoding)
		}
		r.ContentLength = test.length
		if got := ingestCost(r); got != test.want {
			t.Errorf("%+v: %d", test, got)
		}
		r.URL.Path = "/loki/api/v1/push"
		if got := ingestCost(r); test.kind == "application/x-protobuf" && got != pushBytes {
			t.Errorf("%+v for Loki: %d", test, got)
		}
		r.URL.Path = "/v1/logs"
		if got := ingestCost(r); got != test.want && (test.want != wholeBytes || got != pushBytes) {
			t.Errorf("%+v for OTLP: %d", test, got)
		}
	}
}

func TestAudit(t *testing.T) {
	path := tokenPath(t)
	ann := create(t, path, Token{Name: "ann", Roles: Decide})
	var log bytes.Buffer
	audit := NewAudit(path+".audit", slog.New(slog.NewTextHandler(&log, nil)))
	g := open(t, path, &Options{Audit: audit})
	h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Record(r.Context(), "label", slog.String("campaign", "c8"), slog.String("verdict", "benign"))
	}))
	Record(t.Context(), "label") // no guard, no record
	do(h, request("POST", "/v1/labels", bearer(ann)...))
	if err := os.Rename(path+".audit", path+".audit.1"); err != nil {
		t.Fatal(err)
	}
	if err := audit.Record("token created", slog.String("token", "bob")); err != nil {
		t.Fatal(err)
	}
	mustHave(t, "rotated", readFile(t, path+".audit.1"), `"action":"label","name":"ann","roles":"decide","remote":"192.0.2.1:1234","campaign":"c8","verdict":"benign"}`+"\n")
	mustHave(t, "new", readFile(t, path+".audit"), `"action":"token created","token":"bob"}`+"\n")

	bad := open(t, path, &Options{Audit: NewAudit(path+"/no/folder", slog.New(slog.NewTextHandler(&log, nil)))})
	do(bad.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { Record(r.Context(), "label") })), request("POST", "/v1/labels", bearer(ann)...))
	mustHave(t, "log", log.String(), "audit log not written")
}

// TestRefusals counts what is refused.
func TestRefusals(t *testing.T) {
	g := open(t, tokenPath(t), nil)
	var got []int
	g.OnRefusal(func(status int) { got = append(got, status) })
	do(g.Wrap(whose), request("GET", "/v1/templates"))
	do(g.Wrap(whose), request("GET", "/healthz"))
	if len(got) != 1 || got[0] != http.StatusUnauthorized {
		t.Errorf("%v", got)
	}
}

func BenchmarkWrap(b *testing.B) {
	path := b.TempDir() + "/tokens"
	var ann string
	for _, name := range strings.Fields("a b c d e f g h i j k l m n o ann") {
		secret, _, err := Create(path, Token{Name: name, Roles: Ingest, Rate: 1e9})
		if err != nil {
			b.Fatal(err)
		}
		ann = secret
	}
	g, err := Open(path, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	h := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := request("POST", "/v1/prompts", bearer(ann)...)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}

// FuzzCredentials reads whatever header: a token comes out of it, or none, and
// never one that it does not hold.
func FuzzCredentials(f *testing.F) {
	for _, header := range []string{"", "Bearer x", "Basic eDp5", "ApiKey eDp5", "basic  eDp5 ", "Basic eDo=", "Bearer", "Digest x", "Basic !"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := request("GET", "/v1/templates")
		r.Header["Authorization"] = []string{header}
		token, ok := credentials(r)
		if ok && token == "" || !ok && token != "" {
			t.Fatalf("%q: %q, %v", header, token, ok)
		}
		if !ok {
			return
		}
		_, value, _ := strings.Cut(strings.TrimSpace(header), " ")
		decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
		if !strings.HasSuffix(header, token) && !strings.Contains(value, token) && (err != nil || !strings.HasSuffix(string(decoded), ":"+token)) {
			t.Errorf("%q: %q", header, token)
		}
	})
}
