package main

import (
	"bufio"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// adminRoutes are for operators: Go's own profiles, and backups of an index that
// is being served. The guard keeps them for admins.
func adminRoutes(ix *index.Index, log *slog.Logger) map[string]http.Handler {
	return map[string]http.Handler{
		"GET /v1/backup":           backupHandler(ix, log),
		"GET /debug/pprof/":        http.HandlerFunc(pprof.Index),
		"GET /debug/pprof/cmdline": http.HandlerFunc(pprof.Cmdline),
		"GET /debug/pprof/profile": atLeisure(pprof.Profile),
		"GET /debug/pprof/symbol":  http.HandlerFunc(pprof.Symbol),
		"GET /debug/pprof/trace":   atLeisure(pprof.Trace),
	}
}

// atLeisure takes the deadline off an answer that begins after a while.
func atLeisure(f http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).SetWriteDeadline(time.Time{}) // writers that know no deadlines do without
		f(w, r)
	})
}

// backupPause is how long a client may take for a mebibyte of a backup.
const backupPause = time.Minute

// backupHandler answers with a consistent copy of the index. One that fails on
// its way is cut off, so that no client takes it for a whole one.
func backupHandler(ix *index.Index, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", `attachment; filename="chorus.db"`)
		if r.Method == http.MethodHead {
			return
		}
		out := bufio.NewWriterSize(&unhurried{w, http.NewResponseController(w)}, 1<<20)
		err := ix.Backup(r.Context(), out)
		if err == nil {
			err = out.Flush()
		}
		if err != nil {
			log.Warn("backup cut off", "error", err)
			panic(http.ErrAbortHandler)
		}
	})
}

// An unhurried answer gives the client time for each write.
type unhurried struct {
	http.ResponseWriter
	c *http.ResponseController
}

func (u *unhurried) Write(b []byte) (int, error) {
	u.c.SetWriteDeadline(time.Now().Add(backupPause)) // writers that know no deadlines do without
	return u.ResponseWriter.Write(b)
}
