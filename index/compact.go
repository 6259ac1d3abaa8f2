package index

import (
	"context"
	"errors"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
)

// Compact rewrites the file of an index that nobody has open without the pages
// that expiry and merging left free, and returns its size before and after, in
// bytes. It needs room for a second file beside the first, verifies that before it
// takes the first's place, and leaves one of the two, whole, wherever it is
// interrupted. Its errors are Open's.
func Compact(ctx context.Context, path string) (before, after int64, err error) {
	s, err := store.Open(path, store.Options{MustExist: true})
	if err != nil {
		return 0, 0, wrap(err)
	}
	before = s.Size()
	err = s.Shrink(ctx)
	after = s.Size()
	if err := errors.Join(err, s.Close()); err != nil {
		return 0, 0, wrap(err)
	}
	return before, after, nil
}
