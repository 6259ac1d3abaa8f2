package server

import (
	_ "embed"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// The documentation's page needs nothing from elsewhere.
var (
	//go:embed docs/index.html
	docsPage []byte
	//go:embed docs/docs.css
	docsStyle []byte
	//go:embed docs/docs.js
	docsScript []byte
)

// docsPolicy lets the documentation load what this server has, and nothing else.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// mountDocs mounts the OpenAPI document and a page that shows it. Everything
// else must be mounted before.
func (s *Server) mountDocs(a *api) {
	a.finish()
	asJSON, err := a.OpenAPI().MarshalJSON()
	if err != nil { // the document is the same every time
		panic(err)
	}
	asYAML, err := a.OpenAPI().YAML()
	if err != nil {
		panic(err)
	}
	fixed := func(where, kind string, body []byte) {
		a.mount(&huma.Operation{Method: http.MethodGet, Path: where, Metadata: tagged}, func(w http.ResponseWriter, r *http.Request) error {
			h := w.Header()
			h.Set("Content-Type", kind)
			h.Set("Content-Length", strconv.Itoa(len(body)))
			h.Set("Cache-Control", "no-cache")
			if kind == "text/html; charset=utf-8" {
				h.Set("Content-Security-Policy", docsPolicy)
				h.Set("Referrer-Policy", "no-referrer")
			}
			w.Write(body) // a client that has gone needs no answer
			return nil
		})
	}
	fixed("/openapi.json", "application/openapi+json", asJSON)
	fixed("/openapi.yaml", "application/openapi+yaml", asYAML)
	fixed("/docs", "text/html; charset=utf-8", docsPage)
	fixed("/docs/docs.css", "text/css; charset=utf-8", docsStyle)
	fixed("/docs/docs.js", "text/javascript; charset=utf-8", docsScript)
}
