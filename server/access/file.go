package access

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// The token file is JSON, for its owner only, and replaced as a whole:
//
//	{"version":1,"tokens":[{"name":"fluent","roles":["ingest"],"created":"…","expires":"…","sha256":"…"}]}
type tokenFile struct {
	Version int     `json:"version"`
	Tokens  []Token `json:"tokens"`
}

const (
	fileVersion = 1
	maxFile     = 16 << 20
)

var (
	ErrExists  = errors.New("access: there is a token of that name")
	ErrUnknown = errors.New("access: there is no token of that name")
	ErrFile    = errors.New("access: the token file cannot be used")
)

// List returns the tokens of the file at path, in the order of their making.
// A file that does not exist has none.
func List(path string) ([]Token, error) {
	f, err := readTokens(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return f.Tokens, err
}

// Create makes a token with the name, roles, expiry and limits of t, and writes
// it to the file at path, which it makes if need be. The token returned is kept
// nowhere. A server that uses the file knows it within a second.
func Create(path string, t Token) (token string, made Token, err error) {
	made, err = Issue(path, t, func(shown string, _ Token) error {
		token = shown
		return nil
	})
	if err != nil {
		return "", made, err
	}
	return token, made, nil
}

// Issue makes a token as Create does, and gives it to show before the file has
// it: a token that could not be shown is nobody's, and there is none.
func Issue(path string, t Token, show func(token string, made Token) error) (made Token, err error) {
	token := newToken()
	t.Hash, t.Created = hashOf(token), time.Now().UTC().Truncate(time.Second)
	t.Expires = t.Expires.UTC().Truncate(time.Second)
	if err := t.validate(); err != nil {
		return t, fmt.Errorf("access: token %q: %w", t.Name, err)
	}
	shown := false
	err = update(path, func(f *tokenFile) error {
		if slices.ContainsFunc(f.Tokens, func(o Token) bool { return o.Name == t.Name }) {
			return fmt.Errorf("%w: %s", ErrExists, t.Name)
		}
		f.Tokens = append(f.Tokens, t)
		err := show(token, t)
		shown = err == nil
		return err
	})
	if err != nil && shown {
		err = fmt.Errorf("%w; the token that was shown is not valid", err)
	}
	return t, err
}

// Revoke takes a token out of the file. A server that uses the file ends its
// requests and sessions within a second.
func Revoke(path, name string) error {
	return update(path, func(f *tokenFile) error {
		i := slices.IndexFunc(f.Tokens, func(t Token) bool { return t.Name == name })
		if i < 0 {
			return fmt.Errorf("%w: %s", ErrUnknown, name)
		}
		f.Tokens = slices.Delete(f.Tokens, i, i+1)
		return nil
	})
}

func readTokens(path string) (f tokenFile, err error) {
	r, err := os.Open(path)
	if err != nil {
		return f, err
	}
	defer r.Close()
	return decodeTokens(r, path)
}

func decodeTokens(r *os.File, path string) (f tokenFile, err error) {
	info, err := r.Stat()
	if err != nil {
		return f, err
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o022 != 0 {
		return f, fmt.Errorf("%w: %s is writable by others (%v): chmod 600 it", ErrFile, path, mode)
	}
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return f, err
	}
	if len(b) > maxFile {
		return f, fmt.Errorf("%w: %s is larger than %d MiB", ErrFile, path, maxFile>>20)
	}
	if f, err = parseTokens(b); err != nil {
		return f, fmt.Errorf("%w: %s: %w", ErrFile, path, err)
	}
	return f, nil
}

// remake is what to do with a token file of which something is missing.
const remake = `put a copy of it back, or delete it and make tokens with "chorus token create"`

// parseTokens reads a token file. It refuses what it does not know: a limit
// whose name is misspelt must not be no limit.
func parseTokens(b []byte) (f tokenFile, err error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return tokenFile{}, errors.New("it is empty: " + remake)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); errors.Is(err, io.ErrUnexpectedEOF) {
		return tokenFile{}, errors.New("it ends in the middle: " + remake)
	} else if err != nil {
		return tokenFile{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return tokenFile{}, errors.New("something follows the object")
	}
	if f.Version != fileVersion {
		return tokenFile{}, fmt.Errorf("version %d; this program knows %d", f.Version, fileVersion)
	}
	names, hashes := make(map[string]bool), make(map[Hash]bool)
	for i := range f.Tokens {
		t := &f.Tokens[i]
		if err := t.validate(); err != nil {
			return tokenFile{}, fmt.Errorf("token %d: %w", i+1, err)
		}
		if names[t.Name] || hashes[t.Hash] {
			return tokenFile{}, fmt.Errorf("token %d is there twice", i+1)
		}
		names[t.Name], hashes[t.Hash] = true, true
	}
	return f, nil
}

// update changes the file at path, one process at a time.
func update(path string, change func(*tokenFile) error) error {
	unlock, err := lockedfile.MutexAt(path + ".lock").Lock()
	if err != nil {
		return err
	}
	defer unlock()
	f, err := readTokens(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f.Version = fileVersion
	if err := change(&f); err != nil {
		return err
	}
	if f.Tokens == nil {
		f.Tokens = []Token{}
	}
	b, err := json.MarshalIndent(&f, "", " ")
	if err != nil {
		return err
	}
	return replace(path, append(b, '\n'))
}

// replace writes a file whole or not at all, for its owner only.
func replace(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
