package index

import "errors"

// Errors that callers tell apart with errors.Is. What Open and the methods
// return wraps one of them with the circumstances.
var (
	ErrLocked    = errors.New("index: locked by another process")
	ErrDamaged   = errors.New("index: damaged")
	ErrScheme    = errors.New("index: made with another scheme")
	ErrVersion   = errors.New("index: made by a newer version")
	ErrClosed    = errors.New("index: closed")
	ErrNotFound  = errors.New("index: not found")
	ErrInvalid   = errors.New("index: invalid prompt")
	ErrCursor    = errors.New("index: invalid cursor")
	ErrAttr      = errors.New("index: invalid attribute")
	ErrLabel     = errors.New("index: invalid label")
	ErrFewLabels = errors.New("index: too few labels to learn from")
	ErrFailed    = errors.New("index: a write failed; reopen to continue from what is durable")
	ErrNotIndex  = errors.New("index: not a chorus index")
	ErrMissing   = errors.New("index: no such file")
)
