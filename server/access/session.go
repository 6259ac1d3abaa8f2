package access

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// sessions are those of browsers. A browser keeps its own: a signed cookie
// that names the token, never holds it, and says when it ends. So sessions
// outlive the process; they end with their token, after sessionLasts, and when
// somebody signs out, which the session file remembers.
//
// The file stands beside the token file, is for its owner only and replaced as
// a whole:
//
//	{"version":1,"key":"…","ended":[{"token":"ann","id":"…","expires":"…"}]}
//
// It is made by the first sign-in. A new key ends all sessions: the file may be
// deleted at any time. Where it cannot be written, sessions end with the process.
type sessions struct {
	path   string
	lock   string
	logger *slog.Logger

	mu   sync.Mutex
	file os.FileInfo // what kept is of; nil: of no file
	kept sessionFile
}

type sessionFile struct {
	Version int     `json:"version"`
	Key     []byte  `json:"key"`
	Ended   []ended `json:"ended"`
}

// ended is a session that ended before its time; without an id all of a
// token's that expire at this time or before.
type ended struct {
	Token   string    `json:"token"`
	ID      []byte    `json:"id,omitempty"`
	Expires time.Time `json:"expires"`
}

const (
	sessionVersion = 1
	sessionKey     = 32 // bytes
	sessionID      = 16
	maxEnded       = 64 // of one token, by id
)

// A ticket is what a cookie says, in base64url:
//
//	version [1]  id [16]  expires [8], Unix seconds, big-endian  name of the token  HMAC-SHA256 [32]
//
// The signature is over what stands before it and the token's hash: another
// token of the same name does not go on with it.
type ticket struct {
	id      [sessionID]byte
	expires time.Time
	name    string
}

const ticketHead = 1 + sessionID + 8

func (t *ticket) sign(key []byte, token Hash) string {
	b := append([]byte{sessionVersion}, t.id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(t.expires.Unix()))
	b = append(b, t.name...)
	return base64.RawURLEncoding.EncodeToString(append(b, seal(key, b, token)...))
}

func seal(key, b []byte, token Hash) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(b)
	m.Write(token[:])
	return m.Sum(nil)
}

// parseTicket reads a cookie; signed is what sum is the signature of.
func parseTicket(s string) (t ticket, signed, sum []byte, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) <= ticketHead+sha256.Size || b[0] != sessionVersion {
		return t, nil, nil, false
	}
	signed, sum = b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	copy(t.id[:], signed[1:])
	t.expires = time.Unix(int64(binary.BigEndian.Uint64(signed[1+sessionID:])), 0).UTC()
	t.name = string(signed[ticketHead:])
	return t, signed, sum, nameForm.MatchString(t.name)
}

func (s *sessions) init(tokens string, logger *slog.Logger) {
	s.path, s.lock, s.logger = tokens+".sessions", tokens+".lock", logger
	s.reload()
}

// begin makes a session of a token and returns its cookie.
func (s *sessions) begin(h *holder, now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept.Key) == 0 {
		s.update(func(f *sessionFile) {
			if len(f.Key) == 0 {
				f.Key = make([]byte, sessionKey)
				rand.Read(f.Key)
			}
		})
	}
	t := ticket{expires: now.Add(sessionLasts), name: h.Name}
	rand.Read(t.id[:])
	return t.sign(s.kept.Key, h.Hash)
}

// find returns the holder whose session a request continues.
func (s *sessions) find(r *http.Request, l *holders) *holder {
	c, err := r.Cookie(CookieName)
	if err != nil {
		return nil
	}
	h, _ := s.open(c.Value, l, time.Now())
	return h
}

// open returns the holder of a cookie that is valid, and what it says.
func (s *sessions) open(cookie string, l *holders, now time.Time) (*holder, *ticket) {
	t, signed, sum, ok := parseTicket(cookie)
	if !ok || !now.Before(t.expires) {
		return nil, nil
	}
	i := slices.IndexFunc(l.all, func(h *holder) bool { return h.Name == t.name })
	if i < 0 {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept.Key) == 0 || !hmac.Equal(sum, seal(s.kept.Key, signed, l.all[i].Hash)) || s.kept.has(&t) {
		return nil, nil
	}
	return l.all[i], &t
}

func (f *sessionFile) has(t *ticket) bool {
	return slices.ContainsFunc(f.Ended, func(e ended) bool {
		return e.Token == t.name && (bytes.Equal(e.ID, t.id[:]) || len(e.ID) == 0 && !t.expires.After(e.Expires))
	})
}

// end ends the session of a cookie, if it is one.
func (s *sessions) end(cookie string, l *holders, now time.Time) {
	_, t := s.open(cookie, l, now)
	if t == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.update(func(f *sessionFile) { f.end(t, now) })
}

// end notes that a session ended, and forgets those whose time is up. Of a
// token whose sessions were ended again and again, those that ended are noted
// by id from the last maxEnded on; of what began before, all end.
func (f *sessionFile) end(t *ticket, now time.Time) {
	f.Ended = slices.DeleteFunc(f.Ended, func(e ended) bool { return !now.Before(e.Expires) })
	f.Ended = append(f.Ended, ended{t.name, t.id[:], t.expires})
	var byID []time.Time // those that are noted so
	for _, e := range f.Ended {
		if e.Token == t.name && len(e.ID) > 0 {
			byID = append(byID, e.Expires)
		}
	}
	if len(byID) <= maxEnded {
		return
	}
	slices.SortFunc(byID, time.Time.Compare)
	until := byID[len(byID)-maxEnded-1]
	f.Ended = slices.DeleteFunc(f.Ended, func(e ended) bool { return e.Token == t.name && !e.Expires.After(until) })
	f.Ended = append(f.Ended, ended{Token: t.name, Expires: until})
}

// update changes what is kept, and the file, one process at a time. The caller
// holds s.mu.
func (s *sessions) update(change func(*sessionFile)) {
	err := func() error {
		unlock, err := lockedfile.MutexAt(s.lock).Lock()
		if err != nil {
			return err
		}
		defer unlock()
		s.read()
		change(&s.kept)
		s.kept.Version = sessionVersion
		if s.kept.Ended == nil {
			s.kept.Ended = []ended{}
		}
		b, err := json.Marshal(&s.kept)
		if err != nil {
			return err
		}
		if err := replace(s.path, append(b, '\n')); err != nil {
			return err
		}
		s.file, err = os.Stat(s.path)
		return err
	}()
	if err == nil {
		return
	}
	s.logger.Warn("session file not written: sessions end with this process", "error", err)
	change(&s.kept)
}

// reload takes in the file if it has changed.
func (s *sessions) reload() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read()
}

// read is reload for who holds s.mu. A file that is gone, cannot be used, or
// might have been read by others, ends all sessions.
func (s *sessions) read() {
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && s.file == nil:
		return
	case err == nil && s.file != nil && sameFile(info, s.file):
		return
	}
	var f sessionFile
	if err == nil {
		f, info, err = readSessions(s.path)
	}
	if err != nil {
		s.logger.Warn("session file not used: all have to sign in again", "error", err)
		f, info = sessionFile{}, nil
	}
	s.file, s.kept = info, f
}

func sameFile(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && a.Mode() == b.Mode()
}

func readSessions(path string) (f sessionFile, info os.FileInfo, err error) {
	r, err := os.Open(path)
	if err != nil {
		return f, nil, err
	}
	defer r.Close()
	if info, err = r.Stat(); err != nil {
		return f, nil, err
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return f, nil, fmt.Errorf("access: %s is open to others (%v)", path, mode)
	}
	b, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return f, nil, err
	}
	f, err = parseSessions(b)
	if err != nil {
		return f, nil, fmt.Errorf("access: %s: %w", path, err)
	}
	return f, info, nil
}

func parseSessions(b []byte) (f sessionFile, err error) {
	if json.Unmarshal(b, &f) != nil { // its words might quote the key
		return sessionFile{}, errors.New("it is no JSON object of sessions")
	}
	if f.Version != sessionVersion || len(f.Key) != sessionKey {
		return sessionFile{}, fmt.Errorf("it is not of version %d, or its key not of %d bytes", sessionVersion, sessionKey)
	}
	return f, nil
}
