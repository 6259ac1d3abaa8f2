package access

import (
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// signIn begins a session and returns its cookie.
func signIn(t *testing.T, g *Guard, token string) *http.Cookie {
	t.Helper()
	r := request("POST", "/login", "Content-Type", "application/x-www-form-urlencoded")
	r.Body = io.NopCloser(strings.NewReader("token=" + token))
	w := do(g.Wrap(whose), r)
	if w.Code != http.StatusSeeOther || len(w.Result().Cookies()) != 1 {
		t.Fatalf("sign in: %d %s", w.Code, w.Body)
	}
	return w.Result().Cookies()[0]
}

// continues reports whose session a guard takes a cookie's value for; "" for nobody's.
func continues(t *testing.T, g *Guard, value string) string {
	t.Helper()
	r := request("GET", "/v1/templates")
	r.Header.Set("Cookie", CookieName+"="+value)
	switch w := do(g.Wrap(whose), r); w.Code {
	case http.StatusOK:
		return w.Body.String()
	case http.StatusUnauthorized:
	default:
		t.Errorf("%d %s", w.Code, w.Body)
	}
	return ""
}

func signOut(t *testing.T, g *Guard, value string) {
	t.Helper()
	r := request("POST", "/logout")
	r.Header.Set("Cookie", CookieName+"="+value)
	if w := do(g.Wrap(whose), r); w.Code != http.StatusNoContent {
		t.Errorf("sign out: %d", w.Code)
	}
}

// TestSessionsOutliveRestarts restarts the guard between whatever can happen
// to a session.
func TestSessionsOutliveRestarts(t *testing.T) {
	path := tokenPath(t)
	synctest.Test(t, func(t *testing.T) {
		ann := create(t, path, Token{Name: "ann", Roles: Decide})
		rob := create(t, path, Token{Name: "rob", Roles: Read, Expires: time.Now().Add(time.Hour)})
		start := func() *Guard {
			g, err := Open(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		g := start()
		if _, err := os.Stat(path + ".sessions"); err == nil {
			t.Error("there is a session file before anybody signs in")
		}
		first, second, third := signIn(t, g, ann).Value, signIn(t, g, ann).Value, signIn(t, g, rob).Value
		if info, err := os.Stat(path + ".sessions"); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("session file: %v, %v", info, err)
		}
		if file := readFile(t, path+".sessions"); strings.Contains(file, ann) || strings.Contains(first, ann) {
			t.Error("the token is kept")
		}
		old := g // still answers while the next one does
		g = start()
		if continues(t, g, first) != "ann decide" || continues(t, g, second) != "ann decide" || continues(t, g, third) != "rob read" {
			t.Error("a restart ends sessions")
		}
		signOut(t, old, first)
		time.Sleep(2 * checkEvery)
		synctest.Wait()
		if continues(t, g, first) != "" || continues(t, g, second) == "" {
			t.Error("signing out at another process: the session goes on, or another does not")
		}
		old.Close()
		g.Close()
		g = start()
		if continues(t, g, first) != "" || continues(t, g, second) == "" {
			t.Error("signed out before a restart: the session goes on, or another does not")
		}
		time.Sleep(time.Hour)
		if continues(t, g, third) != "" || continues(t, g, second) == "" {
			t.Error("a session outlives its token, or ends with another")
		}

		// Another token of the same name is another one.
		if err := Revoke(path, "ann"); err != nil {
			t.Fatal(err)
		}
		create(t, path, Token{Name: "ann", Roles: Admin})
		time.Sleep(2 * checkEvery)
		synctest.Wait()
		if who := continues(t, g, second); who != "" {
			t.Errorf("revoked, and made again: %s", who)
		}
		g.Close()
		g = start()
		defer g.Close()
		if who := continues(t, g, second); who != "" {
			t.Errorf("revoked, made again, restarted: %s", who)
		}
	})
}

func TestSessionExpiry(t *testing.T) {
	path := tokenPath(t)
	synctest.Test(t, func(t *testing.T) {
		ann := create(t, path, Token{Name: "ann", Roles: Read})
		g, err := Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		value := signIn(t, g, ann).Value
		g.Close()
		time.Sleep(sessionLasts - 2*time.Second)
		if g, err = Open(path, nil); err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		if continues(t, g, value) == "" {
			t.Error("it ended early")
		}
		time.Sleep(2 * time.Second)
		if continues(t, g, value) != "" {
			t.Error("it did not end")
		}
	})
}

// TestSessionTampering changes every byte of a cookie, and tries those of
// others.
func TestSessionTampering(t *testing.T) {
	path := tokenPath(t)
	ann, rob := create(t, path, Token{Name: "ann", Roles: Admin}), create(t, path, Token{Name: "rob", Roles: Read})
	g := open(t, path, nil)
	value, robs := signIn(t, g, ann).Value, signIn(t, g, rob).Value
	if continues(t, g, value) != "ann admin" || continues(t, g, robs) != "rob read" {
		t.Fatal("nobody is signed in")
	}
	b, err := base64.RawURLEncoding.DecodeString(robs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		for _, bit := range []byte{1, 128} {
			c := append([]byte(nil), b...)
			c[i] ^= bit
			if who := continues(t, g, base64.RawURLEncoding.EncodeToString(c)); who != "" {
				t.Errorf("byte %d: %s", i, who)
			}
		}
	}
	asAnn := strings.Replace(string(b), "rob", "ann", 1)
	for what, forged := range map[string]string{
		"another's name": base64.RawURLEncoding.EncodeToString([]byte(asAnn)), "cut": robs[:len(robs)-4], "longer": robs + "AAAA", "empty": "",
		"old form": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "huge": strings.Repeat("A", 60<<10), "the token": rob,
	} {
		if who := continues(t, g, forged); who != "" {
			t.Errorf("%s: %s", what, who)
		}
		signOut(t, g, forged) // must end nothing
	}
	if continues(t, g, value) == "" || continues(t, g, robs) == "" {
		t.Error("signing out with a forged cookie ended a session")
	}
}

// TestSessionFile holds that a file that is gone, damaged, or open to others
// ends all sessions, and that signing in mends it.
func TestSessionFile(t *testing.T) {
	for what, spoil := range map[string]func(path string) error{
		"gone":           os.Remove,
		"damaged":        func(path string) error { return os.WriteFile(path, []byte(`{"version":1,"key":"c2VzYW1l`), 0o600) },
		"short key":      func(path string) error { return os.WriteFile(path, []byte(`{"version":1,"key":"c2VzYW1l"}`), 0o600) },
		"no key":         func(path string) error { return os.WriteFile(path, []byte(`{"version":1}`), 0o600) },
		"open to others": func(path string) error { return os.Chmod(path, 0o640) },
	} {
		t.Run(what, func(t *testing.T) {
			path := tokenPath(t)
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				o := &Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}
				ann := create(t, path, Token{Name: "ann", Roles: Read})
				g, err := Open(path, o)
				if err != nil {
					t.Fatal(err)
				}
				value := signIn(t, g, ann).Value
				if err := spoil(path + ".sessions"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * checkEvery)
				synctest.Wait()
				if continues(t, g, value) != "" {
					t.Error("the session goes on")
				}
				value = signIn(t, g, ann).Value
				g.Close()
				if !strings.Contains(log.String(), "sign in again") || strings.Contains(log.String(), "sesame") || strings.Contains(log.String(), "c2VzYW1l") {
					t.Errorf("the log: %s", &log)
				}
				if g, err = Open(path, o); err != nil {
					t.Fatal(err)
				}
				defer g.Close()
				if continues(t, g, value) != "ann read" {
					t.Error("signing in does not mend it")
				}
			})
		})
	}
}

// TestSessionsEnded holds that however often somebody signs out, the file
// stays small, no session comes back, and nobody else's ends, nor a later one of
// the same token.
func TestSessionsEnded(t *testing.T) {
	path := tokenPath(t)
	ann, rob := create(t, path, Token{Name: "ann", Roles: Read}), create(t, path, Token{Name: "rob", Roles: Read})
	g := open(t, path, nil)
	other := signIn(t, g, rob).Value
	h := g.holders.Load().find(hashOf(ann))
	now := time.Now()
	first := g.sessions.begin(h, now)
	var lasting string
	var all []string
	for i := range 2*maxEnded + 3 {
		now = now.Add(2 * time.Second)
		value := g.sessions.begin(h, now)
		if i == 2*maxEnded-10 {
			lasting = value
			continue
		}
		all = append(all, value)
		g.sessions.end(value, g.holders.Load(), now)
		if n := len(g.sessions.kept.Ended); n > maxEnded+1 {
			t.Fatalf("%d are remembered", n)
		}
	}
	for i, value := range append(all, first) {
		if continues(t, g, value) != "" {
			t.Errorf("session %d came back", i)
		}
	}
	if continues(t, g, other) == "" {
		t.Error("another's session ended")
	}
	if continues(t, g, lasting) == "" {
		t.Error("a session ended that began after those that are forgotten")
	}
}

func FuzzSession(f *testing.F) {
	key := make([]byte, sessionKey)
	good := ticket{expires: time.Unix(1<<40, 0), name: "ann"}
	f.Add(good.sign(key, Hash{1}), `{"version":1,"key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","ended":[]}`)
	f.Fuzz(func(t *testing.T, cookie, file string) {
		if f, err := parseSessions([]byte(file)); err == nil && len(f.Key) != sessionKey {
			t.Errorf("a key of %d bytes", len(f.Key))
		}
		p, _, sum, ok := parseTicket(cookie)
		if !ok {
			return
		}
		again, _, _, ok := parseTicket(p.sign(key, Hash{1}))
		if !ok || again.id != p.id || again.name != p.name || !again.expires.Equal(p.expires) || len(sum) != 32 {
			t.Errorf("%+v became %+v", p, again)
		}
	})
}
