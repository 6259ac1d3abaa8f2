package access

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// CookieName is that of the cookie which holds a session.
const CookieName = "chorus_session"

const (
	sessionLasts = 12 * time.Hour
	maxLogin     = 4 << 10 // of a sign-in's body
)

// login begins a session for the token in a JSON object {"token":"…"}, which it
// answers with 204, or in a form's field, which it answers with a redirection to
// the page named by the field "next".
func (g *Guard) login(w http.ResponseWriter, r *http.Request) *refusal {
	token, next, err := loginToken(w, r)
	if err != nil {
		return &refusal{status: http.StatusBadRequest, detail: err.Error()}
	}
	h := g.holders.Load().find(hashOf(token))
	if h == nil || h.expired(time.Now()) {
		return &refusal{status: http.StatusUnauthorized, challenge: "invalid_token", detail: "there is no such token, or it has been revoked or has expired"}
	}
	g.setCookie(w, r, g.sessions.begin(h, time.Now()), sessionLasts)
	g.o.Audit.record(&visit{Identity: Identity{h.Name, h.Roles}, remote: r.RemoteAddr}, "sign in")
	leave(w, r, next)
	return nil
}

// logout ends the session that a request continues.
func (g *Guard) logout(w http.ResponseWriter, r *http.Request) *refusal {
	if c, err := r.Cookie(CookieName); err == nil {
		g.sessions.end(c.Value, g.holders.Load(), time.Now())
	}
	g.setCookie(w, r, "", -time.Second)
	next := ""
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		next = "/"
	}
	leave(w, r, next)
	return nil
}

// setCookie gives the browser a session. Scripts cannot read it, other sites
// cannot send it.
func (g *Guard) setCookie(w http.ResponseWriter, r *http.Request, value string, lasts time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: CookieName, Value: value, Path: "/", MaxAge: int(lasts.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
}

func leave(w http.ResponseWriter, r *http.Request, next string) {
	w.Header().Set("Cache-Control", "no-store")
	if next == "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

var errLogin = errors.New(`want {"token":"…"} as application/json, or a form with the field "token"`)

// loginToken reads the body of a sign-in. next is "" for JSON.
func loginToken(w http.ResponseWriter, r *http.Request) (token, next string, err error) {
	body := http.MaxBytesReader(w, r.Body, maxLogin)
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case "application/json":
		b, err := io.ReadAll(body)
		if err != nil {
			return "", "", errLogin
		}
		var v struct{ Token string }
		if json.Unmarshal(b, &v) != nil {
			return "", "", errLogin
		}
		token = v.Token
	case "application/x-www-form-urlencoded":
		r.Body = body
		if r.ParseForm() != nil {
			return "", "", errLogin
		}
		token, next = r.PostForm.Get("token"), localPath(r.PostForm.Get("next"))
	}
	if token = strings.TrimSpace(token); token == "" {
		return "", "", errLogin
	}
	return token, next, nil
}

// localPath returns p if it is a path of this server, otherwise "/".
func localPath(p string) string {
	if len(p) > 1 && p[0] == '/' && p[1] != '/' && !strings.ContainsFunc(p, func(r rune) bool { return r == '\\' || r < ' ' }) {
		return p
	}
	return "/"
}

// whoami answers GET /v1/session with the identity that the request has.
func (g *Guard) whoami(w http.ResponseWriter, r *http.Request, v *visit) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(v.Identity)
}

// A revocable body ends when the request's token does: an upload that never
// ends must not outlive it.
type revocable struct {
	io.ReadCloser
	ctx context.Context
}

// ErrRevoked is what reading a body returns when its token is no longer valid.
var ErrRevoked = errors.New("access: the token was revoked or has expired")

func (b *revocable) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, ErrRevoked
	}
	return b.ReadCloser.Read(p)
}
