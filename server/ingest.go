package server

import (
	"net/http"

	"github.com/seed-368d3dfa/chorus/server/intake"
)

// mountIntake puts the routes that take prompts beside the server's own.
func (s *Server) mountIntake(mux *http.ServeMux) {
	in := intake.New(s.ix, &intake.Options{BodyBytes: s.o.BodyBytes, StreamBytes: s.o.StreamBytes, Pause: s.o.Pause, Fail: s.fail})
	for pattern, h := range in.Routes() {
		mux.HandleFunc(pattern, h)
	}
}
