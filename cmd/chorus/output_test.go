package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCreate: what bears a file's name is whole, whatever ends the making of it.
func TestCreate(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "monday.db")
	entries := func() (names []string) {
		found, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			names = append(names, e.Name())
		}
		return names
	}
	write := func(s string, then func() error) error {
		return create(name, func(f *os.File) error {
			if _, err := f.WriteString(s); err != nil {
				return err
			}
			// This is what a kill would leave.
			for _, left := range entries() {
				if !strings.HasPrefix(left, "monday.db.partial") {
					t.Errorf("%s is there before it is whole", left)
				}
			}
			return then()
		})
	}
	full := errors.New("disk full")
	if err := write("half", func() error { return full }); !errors.Is(err, full) {
		t.Errorf("%v, want %v", err, full)
	}
	if left := entries(); len(left) > 0 {
		t.Errorf("%q left by what failed", left)
	}
	theirs := func() error { return os.WriteFile(name, []byte("theirs"), 0o600) }
	if err := write("ours", theirs); err == nil || !strings.Contains(err.Error(), "exists: name a new file") {
		t.Errorf("made over a file of the same name: %v", err)
	}
	if b, err := os.ReadFile(name); err != nil || string(b) != "theirs" || len(entries()) != 1 {
		t.Errorf("%q, %v; %q", b, err, entries())
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := write("whole", func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(name); err != nil || string(b) != "whole" || len(entries()) != 1 {
		t.Errorf("%q, %v; %q", b, err, entries())
	}
	missing := filepath.Join(dir, "nowhere", "monday.db")
	if err := create(missing, func(*os.File) error { return nil }); !errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), partial) {
		t.Errorf("%v", err)
	}
}
