package server

import (
	"net/http"

	"github.com/seed-368d3dfa/chorus/server/console"
)

// mountPages mounts the investigator's pages.
func mountPages(mux *http.ServeMux) {
	pages := console.Handler()
	for _, pattern := range console.Paths() {
		mux.Handle(pattern, pages)
	}
}
