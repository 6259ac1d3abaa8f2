package access

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFile(t *testing.T) {
	path := tokenPath(t)
	if tokens, err := List(path); err != nil || len(tokens) != 0 {
		t.Fatalf("%v, %v", tokens, err)
	}
	secret, made, err := Create(path, Token{Name: "ann", Roles: Decide, Expires: time.Now().Add(time.Hour), Rate: 2.5, Concurrent: 3})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(secret, "chorus_") || len(secret) != len("chorus_")+26 {
		t.Errorf("token %d characters long", len(secret))
	}
	if text := readFile(t, path); strings.Contains(text, secret[len(tokenPrefix):]) {
		t.Error("the file holds the token itself")
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	tokens, err := List(path)
	if err != nil || len(tokens) != 1 || tokens[0] != made {
		t.Errorf("%+v, want %+v, %v", tokens, made, err)
	}
	if _, _, err := Create(path, Token{Name: "ann", Roles: Read}); !errors.Is(err, ErrExists) {
		t.Errorf("%v, want ErrExists", err)
	}
	if err := Revoke(path, "bob"); !errors.Is(err, ErrUnknown) {
		t.Errorf("%v, want ErrUnknown", err)
	}
	if err := Revoke(path, "ann"); err != nil {
		t.Error(err)
	}
	if tokens, err := List(path); err != nil || len(tokens) != 0 {
		t.Errorf("%v, %v", tokens, err)
	}
	for _, bad := range []Token{
		{Name: "", Roles: Read}, {Name: "a b", Roles: Read}, {Name: "a\n", Roles: Read}, {Name: strings.Repeat("a", 65), Roles: Read},
		{Name: "a"}, {Name: "a", Roles: Read, Rate: -1}, {Name: "a", Roles: Read, Concurrent: -1},
	} {
		if _, _, err := Create(path, bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

// TestFileTogether lets many make and revoke tokens at a time: none is lost.
func TestFileTogether(t *testing.T) {
	path := tokenPath(t)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 4 {
				name := fmt.Sprintf("t%d.%d", i, j)
				if _, _, err := Create(path, Token{Name: name, Roles: Ingest}); err != nil {
					t.Error(err)
				}
				if j%2 == 0 {
					if err := Revoke(path, name); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Wait()
	if tokens, err := List(path); err != nil || len(tokens) != 16 {
		t.Errorf("%d tokens, want 16, %v", len(tokens), err)
	}
}

func TestFileRefused(t *testing.T) {
	path := tokenPath(t)
	create(t, path, Token{Name: "ann", Roles: Read})
	good := readFile(t, path)
	for what, text := range map[string]string{
		"cut":           good[:len(good)/2],
		"empty":         "",
		"other version": strings.Replace(good, `"version": 1`, `"version": 2`, 1),
		"no version":    `{"tokens":[]}`,
		"unknown role":  strings.Replace(good, `"read"`, `"reed"`, 1),
		"no role":       strings.Replace(good, `"read"`, ``, 1),
		"misspelt":      strings.Replace(good, `"created"`, `"rates":1,"created"`, 1),
		"short hash":    strings.Replace(good, `"sha256": "`, `"sha256":"0`, 1),
		"trailing":      good + "{}",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := List(path); !errors.Is(err, ErrFile) {
			t.Errorf("%s: %v, want ErrFile", what, err)
		}
		if _, err := Open(path, nil); !errors.Is(err, ErrFile) {
			t.Errorf("%s: %v, want ErrFile", what, err)
		}
		if _, _, err := Create(path, Token{Name: "bob", Roles: Read}); !errors.Is(err, ErrFile) {
			t.Errorf("%s: %v, want ErrFile", what, err)
		}
	}
	if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	if err := os.Chmod(path, 0o620); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, nil); !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("%v", err)
	}
}

func TestRole(t *testing.T) {
	for _, test := range []struct {
		names []string
		want  string
	}{
		{[]string{"admin"}, "admin"},
		{[]string{"ingest", "decide"}, "decide,ingest"},
		{[]string{"read", "decide"}, "decide"},
		{[]string{"ingest", "read", "decide", "admin"}, "admin"},
	} {
		r, err := ParseRole(test.names...)
		if err != nil || r.String() != test.want {
			t.Errorf("%v: %v, %v, want %v", test.names, r, err, test.want)
		}
		if again, err := ParseRole(r.Names()...); err != nil || again != r {
			t.Errorf("%v: %v, %v", r, again, err)
		}
	}
	for _, names := range [][]string{nil, {""}, {"root"}, {"read", "Admin"}} {
		if r, err := ParseRole(names...); err == nil {
			t.Errorf("%v: %v", names, r)
		}
	}
	for _, r := range []Role{Ingest, Read, Decide} {
		if !Admin.Has(r) || r.Has(Admin) {
			t.Errorf("admin and %v", r)
		}
	}
	if !Decide.Has(Read) || Decide.Has(Ingest) || Read.Has(Ingest) || Ingest.Has(Read) {
		t.Error("roles include each other wrongly")
	}
}

func FuzzParseTokens(f *testing.F) {
	path := f.TempDir() + "/tokens"
	for _, name := range []string{"a", "b@example.org"} {
		if _, _, err := Create(path, Token{Name: name, Roles: Decide, Rate: 1}); err != nil {
			f.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"version":1,"tokens":[{}]}`))
	f.Add([]byte(`{"version":1,"tokens":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := parseTokens(b)
		if err != nil {
			if len(file.Tokens) > 0 {
				t.Error("tokens of a file that was refused")
			}
			return
		}
		for i := range file.Tokens {
			if err := file.Tokens[i].validate(); err != nil {
				t.Error(err)
			}
		}
		if slices.ContainsFunc(file.Tokens, func(t Token) bool { return t.Roles == 0 }) {
			t.Error("a token without a role")
		}
	})
}
