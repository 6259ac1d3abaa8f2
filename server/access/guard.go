package access

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Anonymous says who may come in without a token while there is no token file.
type Anonymous int

const (
	Nobody Anonymous = iota
	Local            // for servers on loopback: who names them as such in the Host header, which strange web pages cannot
	Anyone           // everybody who reaches the server
)

// Options say how a guard works. Nil means the defaults.
type Options struct {
	Anonymous  Anonymous    // while there is no token file
	Rate       float64      // requests a second of a token that has no rate of its own; 0: no limit
	Concurrent int          // requests at a time of a token that has no number of its own; 0: no limit
	Limits     Limits       // of all requests together
	Audit      *Audit       // gets decisions and sign-ins; nil: they are not kept
	Logger     *slog.Logger // gets failures; nil: nothing
}

// A Guard lets requests in, or refuses them. Safe for concurrent use.
type Guard struct {
	path     string
	o        Options
	holders  atomic.Pointer[holders]
	gates    gates
	sessions sessions
	refused  atomic.Pointer[func(status int)]
	stop     context.CancelFunc
	stopped  chan struct{}
}

// holders are the tokens of a file, as of one moment.
type holders struct {
	all   []*holder
	exist bool        // there is, or was, a file
	file  os.FileInfo // nil if there is none
}

// A holder is a token in use.
type holder struct {
	Token
	meter meter
	gone  context.Context // done when the token is no longer valid
	end   context.CancelFunc
}

// An Identity is whose a request is.
type Identity struct {
	Name  string `json:"name"` // the token's; "" without one
	Roles Role   `json:"roles"`
}

type contextKey struct{}

type visit struct {
	Identity
	audit  *Audit
	remote string
}

// From returns whose request has this context; ok is false if no guard let it in.
func From(ctx context.Context) (id Identity, ok bool) {
	v, ok := ctx.Value(contextKey{}).(*visit)
	if !ok {
		return Identity{}, false
	}
	return v.Identity, true
}

// checkEvery is how often the token file is looked at.
const checkEvery = time.Second

// Open makes a guard that goes by the token file at path, now and whenever it
// changes. A file that cannot be used is an error now; later it is logged, and
// what was valid before stays so.
func Open(path string, o *Options) (*Guard, error) {
	g := &Guard{path: path, stopped: make(chan struct{})}
	if o != nil {
		g.o = *o
	}
	if g.o.Logger == nil {
		g.o.Logger = slog.New(slog.DiscardHandler)
	}
	g.gates.init(g.o.Limits.filled())
	g.sessions.init(path, g.o.Logger)
	g.holders.Store(&holders{})
	if err := g.reload(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	g.stop = stop
	go g.watch(ctx)
	return g, nil
}

// Close ends the guard's goroutine and the requests of all tokens.
func (g *Guard) Close() {
	g.stop()
	<-g.stopped
	for _, h := range g.holders.Load().all {
		h.end()
	}
}

// Tokens is the number of tokens that are valid now, and whether there is a
// token file, so that everybody needs one.
func (g *Guard) Tokens() (valid int, exist bool) {
	l := g.holders.Load()
	for _, h := range l.all {
		if !h.expired(time.Now()) {
			valid++
		}
	}
	return valid, l.exist
}

// OnRefusal makes the guard call f with the status of each request that it
// refuses.
func (g *Guard) OnRefusal(f func(status int)) { g.refused.Store(&f) }

func (g *Guard) watch(ctx context.Context) {
	defer close(g.stopped)
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	var last string
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		g.sessions.reload()
		switch err := g.reload(); {
		case err == nil:
			last = ""
		case err.Error() != last:
			last = err.Error()
			g.o.Logger.Error("token file not reloaded; the tokens known before stay valid", "error", err)
		}
	}
}

// reload takes in the token file if it has changed.
func (g *Guard) reload() error {
	old := g.holders.Load()
	info, err := os.Stat(g.path)
	if errors.Is(err, fs.ErrNotExist) {
		if old.file != nil { // whoever deleted it did not mean to let everybody in
			g.o.Logger.Warn("the token file is gone: nobody gets in until there is one again, or a restart", "file", g.path)
			g.swap(old, &holders{exist: true})
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("access: %w", err)
	}
	if old.file != nil && sameFile(info, old.file) {
		return nil
	}
	r, err := os.Open(g.path)
	if err != nil {
		return fmt.Errorf("access: %w", err)
	}
	defer r.Close()
	if info, err = r.Stat(); err != nil {
		return fmt.Errorf("access: %w", err)
	}
	f, err := decodeTokens(r, g.path)
	if err != nil {
		return err
	}
	l := &holders{exist: true, file: info}
	for _, t := range f.Tokens {
		i := slices.IndexFunc(old.all, func(h *holder) bool { return h.Token == t })
		if i >= 0 {
			l.all = append(l.all, old.all[i])
			continue
		}
		h := &holder{Token: t, meter: g.meter(&t)}
		h.gone, h.end = context.WithCancel(context.Background())
		l.all = append(l.all, h)
	}
	g.swap(old, l)
	return nil
}

// swap makes l the tokens in use and ends the requests of those it has no more.
func (g *Guard) swap(old, l *holders) {
	g.holders.Store(l)
	for _, h := range old.all {
		if !slices.Contains(l.all, h) {
			h.end()
		}
	}
}

func (h *holder) expired(now time.Time) bool {
	return h.gone.Err() != nil || !h.Expires.IsZero() && !now.Before(h.Expires)
}

// identify returns the token that a request shows; nil, if it may come in
// without.
func (g *Guard) identify(r *http.Request) (*holder, *refusal) {
	l := g.holders.Load()
	token, ok := credentials(r)
	var h *holder
	switch {
	case !l.exist && g.o.Anonymous == Anyone:
		return nil, nil
	case !l.exist && g.o.Anonymous == Local:
		if !localName(r.Host) {
			return nil, &refusal{status: http.StatusMisdirectedRequest,
				detail: "without tokens the server answers only to localhost, 127.0.0.1 and [::1] in the Host header; \"chorus token create\" makes tokens"}
		}
		return nil, nil
	case !ok:
		return nil, &refusal{status: http.StatusUnauthorized, challenge: "invalid_request",
			detail: "Authorization: want one of Bearer TOKEN, Basic base64(anything:TOKEN), ApiKey base64(anything:TOKEN)"}
	case token != "":
		h = l.find(hashOf(token))
	default:
		if h = g.sessions.find(r, l); h == nil {
			return nil, &refusal{status: http.StatusUnauthorized, detail: "this needs a token: Authorization: Bearer TOKEN"}
		}
	}
	if h == nil {
		return nil, &refusal{status: http.StatusUnauthorized, challenge: "invalid_token", detail: "there is no such token, or it has been revoked"}
	}
	if h.expired(time.Now()) {
		return nil, &refusal{status: http.StatusUnauthorized, challenge: "invalid_token", detail: "the token has expired"}
	}
	return h, nil
}

// localName reports whether a Host header names this machine as such. A web page
// whose name was made to point here (DNS rebinding) sends that name.
func localName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// Wrap returns a handler that lets to next what may go there. It answers /login,
// /logout and /v1/session itself, save GET /login, which is a page.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := g.serve(w, r, next); err != nil {
			if f := g.refused.Load(); f != nil {
				(*f)(err.status)
			}
			err.write(w, r)
		}
	})
}

func (g *Guard) serve(w http.ResponseWriter, r *http.Request, next http.Handler) *refusal {
	need := needOf(r)
	if need.open {
		switch {
		case r.Method == http.MethodPost && r.URL.Path == "/login":
			return g.login(w, r)
		case r.Method == http.MethodPost && r.URL.Path == "/logout":
			return g.logout(w, r)
		}
		next.ServeHTTP(w, r)
		return nil
	}
	h, refused := g.identify(r)
	if refused != nil {
		return refused
	}
	v := &visit{Identity: Identity{Roles: Admin}, audit: g.o.Audit, remote: r.RemoteAddr}
	ctx := r.Context()
	if h != nil {
		v.Name, v.Roles = h.Name, h.Roles
		if !v.Roles.Has(need.role) {
			return &refusal{status: http.StatusForbidden, challenge: "insufficient_scope",
				detail: fmt.Sprintf("this needs the role %s; token %s has %s", need.role, h.Name, h.Roles)}
		}
		done, refused := h.meter.enter()
		if refused != nil {
			return refused
		}
		defer done()
		var cancel context.CancelFunc
		if h.Expires.IsZero() {
			ctx, cancel = context.WithCancel(ctx)
		} else {
			ctx, cancel = context.WithDeadline(ctx, h.Expires)
		}
		defer cancel()
		defer context.AfterFunc(h.gone, cancel)()
	}
	done, refused := g.gates.enter(r, need)
	if refused != nil {
		return refused
	}
	defer done()
	ctx = context.WithValue(ctx, contextKey{}, v)
	if r.URL.Path == "/v1/session" {
		g.whoami(w, r, v)
		return nil
	}
	inner := r.WithContext(ctx)
	if h != nil && r.Body != nil {
		inner.Body = &revocable{inner.Body, ctx}
	}
	next.ServeHTTP(w, inner)
	r.Pattern = inner.Pattern // for whoever stands around the guard
	return nil
}
