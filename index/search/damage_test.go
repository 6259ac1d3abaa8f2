package search

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// fill makes an index with three templates.
func fill(t testing.TB) *index.Index {
	t.Helper()
	ix := openIndex(t, nil)
	send(t, ix, 3, "You are a patient tutor. Work through the exercise below in numbered steps and write down every result: {}")
	send(t, ix, 3, "Act as a strict examiner who never smiles; compare both of the candidate's answers with the menu {} please")
	send(t, ix, 3, "Another matter, which has nothing in common with those two but its length, for gardeners and their grandmothers: {}")
	return ix
}

// whole checks that a search finds everything there is.
func whole(t *testing.T, ix *index.Index, folder string) {
	t.Helper()
	s, err := Open(ix, folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	catchUp(t, s)
	if a, b, c := found(t, s, `"patient tutor"`), found(t, s, "examiner"), found(t, s, "gard*"); a != 1 || b != 1 || c != 1 {
		t.Errorf("found %d, %d and %d", a, b, c)
	}
}

// files are those in a folder, relative to it.
func files(t *testing.T, folder string) (names []string) {
	t.Helper()
	if err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			name, _ := filepath.Rel(folder, path)
			names = append(names, name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return names
}

// Whatever happens to its files, the folder is as good as new afterwards.
func TestDamaged(t *testing.T) {
	ix := fill(t)
	good := filepath.Join(t.TempDir(), "good")
	whole(t, ix, good)
	names := files(t, good)
	if len(names) < 3 {
		t.Fatalf("only %v", names)
	}
	for _, name := range names {
		for what, do := range map[string]func(path string, b []byte) error{
			"gone":    func(path string, _ []byte) error { return os.Remove(path) },
			"empty":   func(path string, _ []byte) error { return os.WriteFile(path, nil, 0o600) },
			"half":    func(path string, b []byte) error { return os.WriteFile(path, b[:len(b)/2], 0o600) },
			"zeroes":  func(path string, b []byte) error { return os.WriteFile(path, make([]byte, len(b)), 0o600) },
			"flipped": func(path string, b []byte) error { b[len(b)/3] ^= 0x55; return os.WriteFile(path, b, 0o600) },
			"folder":  func(path string, _ []byte) error { os.Remove(path); return os.Mkdir(path, 0o700) },
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				folder := filepath.Join(t.TempDir(), "search")
				if err := os.CopyFS(folder, os.DirFS(good)); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(folder, name)
				b, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := do(path, b); err != nil {
					t.Fatal(err)
				}
				whole(t, ix, folder)
				whole(t, ix, folder)
			})
		}
	}
	for name, text := range map[string]string{
		"another version": `{"version":999,"generation":1}`, "no generation": `{"version":1,"generation":7}`, "nonsense": `{"version":1,"generation":-1}`,
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "search")
			if err := os.CopyFS(folder, os.DirFS(good)); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, formatName), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			whole(t, ix, folder)
		})
	}
}

// A file where the folder should be is left alone.
func TestNotAFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "search")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(fill(t), path, nil); err == nil {
		s.Close()
		t.Error("opened")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "mine" {
		t.Errorf("%q, %v", b, err)
	}
}

// A folder that vanishes under a search is there again after the next Open.
func TestVanished(t *testing.T) {
	ix := fill(t)
	folder := filepath.Join(t.TempDir(), "search")
	s := openSearch(t, ix, folder)
	catchUp(t, s)
	err := os.RemoveAll(folder)
	for range 1000 { // the search may be writing a file while its folder goes
		if err == nil {
			break
		}
		err = os.RemoveAll(folder)
	}
	if err != nil {
		t.Fatal(err)
	}
	if n := found(t, s, "tutor"); n != 1 {
		t.Errorf("found %d", n)
	}
	s.Close()
	whole(t, ix, folder)
}

// TestKilled kills a process again and again while it writes.
func TestKilled(t *testing.T) {
	if folder := os.Getenv("CHORUS_TEST_FOLDER"); folder != "" {
		ix := fill(t)
		s := openSearch(t, ix, folder)
		for i := 0; ; i++ {
			send(t, ix, 3, fmt.Sprintf("Sentence %s says the same to all who ask, and nobody else says anything like number %s: {}", letters(i), letters(7*i)))
			catchUp(t, s)
			if err := s.Rebuild(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if testing.Short() {
		t.Skip("starts processes")
	}
	ix := fill(t)
	folder := filepath.Join(t.TempDir(), "search")
	for i := range 5 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKilled$")
		cmd.Env = append(os.Environ(), "CHORUS_TEST_FOLDER="+folder)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for range 12_000 {
			if _, err := os.Stat(filepath.Join(folder, formatName)); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Duration(20+70*i) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		whole(t, ix, folder)
	}
}

func letters(n int) string {
	s := ""
	for ; n > 0 || s == ""; n /= 20 {
		s += string(rune('b' + n%20))
	}
	return s + "qua"
}
