package index

import (
	"fmt"
	"time"
)

const (
	maxAccount = 1024    // bytes of an account's id
	maxID      = 1024    // bytes of a prompt's id
	maxText    = 8 << 20 // bytes of one prompt's text, all messages together
)

var (
	minTime = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	maxTime = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Validate reports why Add would refuse the prompt, as an error that wraps
// ErrInvalid and holds nothing of its text; nil if Add would take it.
func (p *Prompt) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
	}
	if p.Account == "" {
		return bad("account is missing")
	}
	if len(p.Account) > maxAccount {
		return bad("account has %d bytes, more than %d", len(p.Account), maxAccount)
	}
	if len(p.ID) > maxID {
		return bad("id has %d bytes, more than %d", len(p.ID), maxID)
	}
	if !p.Time.IsZero() && (p.Time.Before(minTime) || !p.Time.Before(maxTime)) {
		return bad("time %s is not between 1970 and 2200", p.Time.UTC().Format(time.RFC3339))
	}
	size, said := len(p.Text), p.Text != ""
	for _, m := range p.Messages {
		size += len(m.Content)
		said = said || m.Content != ""
	}
	if !said {
		return bad("text and messages are empty")
	}
	if size > maxText {
		return bad("text has %d bytes, more than %d", size, maxText)
	}
	return nil
}
