//go:build !unix

package store

import "io/fs"

// keepOwner does nothing where files have no owners by number.
func keepOwner(string, fs.FileInfo) error { return nil }
