package access

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
)

// An Audit is an append-only log of who decided what: one JSON object a line
// with time, action, name, roles and remote, then what the action was about. It
// never holds prompt text or tokens. The file is opened for each record, so that it
// can be moved away at any time.
type Audit struct {
	path   string
	logger *slog.Logger
	mu     sync.Mutex
}

// NewAudit makes an audit log of the file at path, which is made with its first
// record. Failures to write it go to the logger; nil: nowhere.
func NewAudit(path string, logger *slog.Logger) *Audit {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Audit{path: path, logger: logger}
}

// Record writes what the holder of the request with this context did. Without a
// guard or an audit log it does nothing. The attributes must hold no prompt text.
func Record(ctx context.Context, action string, attrs ...slog.Attr) {
	if v, ok := ctx.Value(contextKey{}).(*visit); ok {
		v.audit.record(v, action, attrs...)
	}
}

// Record writes what somebody did beside the server, on the command line.
func (a *Audit) Record(action string, attrs ...slog.Attr) error {
	return a.write(action, attrs)
}

func (a *Audit) record(v *visit, action string, attrs ...slog.Attr) {
	if a == nil {
		return
	}
	attrs = append([]slog.Attr{
		slog.String("name", v.Name), slog.String("roles", v.Roles.String()), slog.String("remote", v.remote),
	}, attrs...)
	if err := a.write(action, attrs); err != nil {
		a.logger.Error("audit log not written", "action", action, "error", err)
	}
}

func (a *Audit) write(action string, attrs []slog.Attr) error {
	var line bytes.Buffer
	slog.New(slog.NewJSONHandler(&line, &slog.HandlerOptions{ReplaceAttr: func(groups []string, at slog.Attr) slog.Attr {
		if len(groups) == 0 {
			switch at.Key {
			case slog.LevelKey:
				return slog.Attr{}
			case slog.MessageKey:
				at.Key = "action"
			case slog.TimeKey:
				at.Value = slog.TimeValue(at.Value.Time().UTC())
			}
		}
		return at
	}})).LogAttrs(context.Background(), slog.LevelInfo, action, attrs...)
	a.mu.Lock()
	defer a.mu.Unlock()
	f, err := os.OpenFile(a.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(line.Bytes()) // one write: lines of several processes do not mix
	return errors.Join(err, f.Sync(), f.Close())
}
