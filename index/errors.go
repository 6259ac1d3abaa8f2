package index

import (
	"errors"
	"fmt"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
)

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

// wrap turns the store's errors into this package's.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	for from, to := range map[error]error{
		store.ErrLocked: ErrLocked, store.ErrDamaged: ErrDamaged, store.ErrVersion: ErrVersion,
		store.ErrNotStore: ErrNotIndex, store.ErrMissing: ErrMissing, store.ErrClosed: ErrClosed,
	} {
		if errors.Is(err, from) {
			return &Error{to, err}
		}
	}
	return err
}

// An Error is a failure of the storage beneath: errors.Is finds the sentinel
// of this package, the text says where it happened.
type Error struct {
	sentinel error
	cause    error
}

func (e *Error) Error() string   { return e.sentinel.Error() + ": " + e.cause.Error() }
func (e *Error) Unwrap() []error { return []error{e.sentinel, e.cause} }

// An OptionError is a field of Options that has a value it cannot have.
type OptionError struct {
	Option string // the field's name
	Reason string
}

func (e *OptionError) Error() string { return "index: Options." + e.Option + ": " + e.Reason }

func badOption(name, format string, args ...any) error {
	return &OptionError{name, fmt.Sprintf(format, args...)}
}
