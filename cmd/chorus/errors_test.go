package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/seed-368d3dfa/chorus/index"
)

func TestPlain(t *testing.T) {
	disk := errors.New("store: write: write x.db: no space left on device")
	for want, err := range map[string]error{
		"locked by another process: x.db":                 fmt.Errorf("%w: %w", index.ErrLocked, errors.New("store: locked by another process: x.db")),
		"damaged: the page 3 is torn; restore a backup":   fmt.Errorf("%w: %w", index.ErrDamaged, errors.New("store: damaged: the page 3 is torn; restore a backup")),
		"not a chorus index (x.db)":                       fmt.Errorf("%w: %w", index.ErrNotIndex, errors.New("store: not a chorus index (x.db)")),
		"write: write x.db: no space left on device":      errors.Join(disk, disk),
		"not found: no account \"a: b\"":                  errors.New("index: not found: no account \"a: b\""),
		"open index: permission denied":                   errors.New("open index: permission denied"),
		"a.jsonl: map: text: want a path\nthat is no map": errors.New("a.jsonl: promptlog: map: text: want a path\nthat is no map"),
		"compact: interrupted":                            fmt.Errorf("store: compact: %w", context.Canceled),
		"index":                                           errors.New("index"),
		"":                                                errors.New(""),
	} {
		if got := plain(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestStopped: a command that is interrupted says that, and fails.
func TestStopped(t *testing.T) {
	db := filepath.Join(t.TempDir(), "x.db")
	if code, _, stderr := call(t.Context(), bytes.NewReader(lines(3)), "load", "--db", db, "-"); code != exitDone {
		t.Fatal(stderr)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{{"check"}, {"compact"}, {"backup", db + ".copy"}} {
		code, _, stderr := call(ctx, nil, append(args, "--db", db)...)
		if code != exitFailed || !strings.Contains(stderr, "interrupted\nThe same command can be given again.\n") || strings.Contains(stderr, "context") {
			t.Errorf("%s: exit code %d\n%s", args, code, stderr)
		}
	}
}

// A full writer takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// TestUnwritten: whose answer cannot be written has failed, and was not used wrongly.
func TestUnwritten(t *testing.T) {
	db := filepath.Join(t.TempDir(), "x.db")
	for _, args := range [][]string{{"--help"}, {"help", "load"}, {"completion", "bash"}, {"version"},
		{"token", "create", "ann", "--role", "read", "--db", db}, {"token", "create", "ann", "--role", "read", "--json", "--db", db},
	} {
		var stderr bytes.Buffer
		a := &app{stdout: full{}, stderr: &stderr}
		if code := a.run(t.Context(), args); code != exitFailed || stderr.String() != "chorus: no space left\n" {
			t.Errorf("%s: exit code %d\n%s", args, code, stderr.String())
		}
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var stderr bytes.Buffer
	a := &app{stdout: null, stderr: &stderr}
	if code := a.run(t.Context(), []string{"token", "create", "ann", "--role", "read", "--db", db}); code != exitFailed || !strings.Contains(stderr.String(), "none was made") {
		t.Errorf("exit code %d\n%s", code, stderr.String())
	}
	if _, err := os.Stat(db + ".tokens"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a token that nobody saw is valid: %v", err)
	}
}

// TestFlagged: what is wrong with an option is told by its flag.
func TestFlagged(t *testing.T) {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	tuning(f)
	for option, name := range optionFlags {
		if _, ok := reflect.TypeFor[index.Options]().FieldByName(option); !ok || f.Lookup(name) == nil {
			t.Errorf("%s is no option, or --%s no flag", option, name)
		}
		err := flagged(fmt.Errorf("open: %w", &index.OptionError{Option: option, Reason: "too much"}))
		if want := "--" + name + ": too much"; err.Error() != want || !errors.As(err, new(*usageError)) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
