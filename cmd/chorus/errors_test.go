package main

import (
	"errors"
	"fmt"
	"testing"

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
		"index": errors.New("index"),
		"":      errors.New(""),
	} {
		if got := plain(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
