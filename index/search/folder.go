package search

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// A folder holds
//
//	format.json  {"version":formatVersion,"generation":N,"sum":S}
//	N/           what type words keeps
//
// S is the CRC-32 of N/root.bolt when the folder was closed; it is absent
// while the folder is open, and after a crash.
//
// Version 1: the first. 2: the field pairs; places without offsets.
const formatVersion = 2

type format struct {
	Version    int     `json:"version"`
	Generation int     `json:"generation"`
	Sum        *uint32 `json:"sum,omitempty"`
}

const (
	formatName = "format.json"
	rootName   = "root.bolt" // where scorch says what there is
)

// openFolder opens the current generation. Its error says why it must be
// rebuilt; errBusy and permissions are no such reason.
func openFolder(folder string) (w *words, generation int, err error) {
	b, err := os.ReadFile(filepath.Join(folder, formatName))
	if err != nil {
		return nil, 0, err
	}
	var f format
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, 0, fmt.Errorf("search: %s: %w", formatName, err)
	}
	if f.Version != formatVersion || f.Generation < 1 {
		return nil, f.Generation, fmt.Errorf("search: version %d, not %d", f.Version, formatVersion)
	}
	path := filepath.Join(folder, strconv.Itoa(f.Generation))
	if err := verify(path); err != nil {
		return nil, f.Generation, err
	}
	if f.Sum != nil {
		sum, err := checksum(filepath.Join(path, rootName))
		if err == nil && sum != *f.Sum {
			err = fmt.Errorf("search: %s is damaged", rootName)
		}
		if err == nil {
			err = publish(folder, format{formatVersion, f.Generation, nil}) // it changes from now on
		}
		if err != nil {
			return nil, f.Generation, err
		}
	}
	w, err = openWords(path)
	return w, f.Generation, err
}

// createGeneration makes an empty generation; publish makes it the current one.
func createGeneration(folder string, generation int) (*words, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(folder, strconv.Itoa(generation))
	if err := os.RemoveAll(path); err != nil {
		return nil, err
	}
	return openWords(path)
}

func publish(folder string, f format) error {
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	temporary := filepath.Join(folder, formatName+".new")
	if err := os.WriteFile(temporary, b, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, filepath.Join(folder, formatName))
}

// clean removes all generations but one, best effort.
func clean(folder string, current int) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n != current {
			os.RemoveAll(filepath.Join(folder, e.Name()))
		}
	}
}

// verify checks the segments' checksums: the last four bytes of a segment are
// the CRC-32 of those before (package zapx, footer).
func verify(path string) error {
	return filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(name) != ".zap" {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		h := crc32.NewIEEE()
		var sum [4]byte
		if _, err := io.CopyN(h, f, info.Size()-4); err != nil || info.Size() < 4 {
			return fmt.Errorf("search: segment %s is cut off", e.Name())
		}
		if _, err := io.ReadFull(f, sum[:]); err != nil {
			return err
		}
		if binary.BigEndian.Uint32(sum[:]) != h.Sum32() {
			return fmt.Errorf("search: segment %s is damaged", e.Name())
		}
		return nil
	})
}

// checksum is the CRC-32 of a file.
func checksum(path string) (uint32, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	h := crc32.NewIEEE()
	_, err = io.Copy(h, f)
	return h.Sum32(), err
}
