// Package console is the investigator's pages: one HTML page with the scripts
// and styles it needs, embedded in the program. [Handler] serves them.
//
// The pages hold no data. They ask the JSON API of the server that they came
// from (v1/… beside the page's own address, so that a server below a path prefix works too),
// and send the reader to a sign-in form when it answers 401. Where a reader is
// stands in the fragment of the address, #/campaigns/c1, which browsers do not
// send: neither account ids nor searched words reach logs by way of pages.
//
// Everything that was read from prompts is shown as text. The policy that comes
// with every answer forbids other origins, inline script and styles, and markup
// made of strings (Trusted Types).
package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

//go:embed static
var static embed.FS

// Policy is the Content-Security-Policy of every page.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// Paths returns the patterns of [http.ServeMux] that Handler answers: the page,
// also where a guard of the server sends browsers to sign in, and what the page loads.
// None of them has data.
func Paths() []string {
	paths := []string{"GET /{$}"}
	for at := range files {
		if at != "/" {
			paths = append(paths, "GET "+at)
		}
	}
	slices.Sort(paths)
	return paths
}

// A file is an embedded file as it is sent.
type file struct {
	body []byte
	kind string
	tag  string
}

// files are all files by the path under which they are served.
var files = func() map[string]file {
	all := make(map[string]file)
	entries, err := fs.ReadDir(static, "static")
	if err != nil {
		panic(err) // embedded
	}
	for _, e := range entries {
		body, err := fs.ReadFile(static, "static/"+e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(body)
		all["/console/"+e.Name()] = file{body, kindOf(e.Name()), `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
	}
	all["/favicon.ico"] = all["/console/icon.svg"]
	all["/"] = all["/console/index.html"]
	all["/login"] = all["/"]
	delete(all, "/console/index.html")
	return all
}()

// Handler serves the pages: index.html at / and /login, what it loads below
// /console/. Everything else is not found. Safe for concurrent use.
func Handler() http.Handler { return http.HandlerFunc(serve) }

// kindOf is a file's media type, whatever the machine's own table says.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(path.Ext(name))
}

func serve(w http.ResponseWriter, r *http.Request) {
	f, ok := files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache") // asks again, and is mostly told 304
	h.Set("ETag", f.tag)
	if strings.HasPrefix(f.kind, "text/html") {
		h.Add("Vary", "Accept") // other programs get JSON at /
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
}
