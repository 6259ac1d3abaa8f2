package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
)

// A Token is what the token file keeps of one: never the token itself.
type Token struct {
	Name       string    `json:"name"`
	Roles      Role      `json:"roles"`
	Created    time.Time `json:"created"`
	Expires    time.Time `json:"expires,omitzero"`
	Rate       float64   `json:"rate,omitempty"`       // requests a second; 0: as Options.Rate says
	Concurrent int       `json:"concurrent,omitempty"` // requests at a time; 0: as Options.Concurrent says
	Hash       Hash      `json:"sha256"`
}

// A Hash is a token's SHA-256. A slow hash, as passwords need, would add nothing: a
// token has 130 random bits, so that nobody can try them all, and it is verified
// with every request.
type Hash [sha256.Size]byte

func hashOf(token string) Hash { return sha256.Sum256([]byte(token)) }

// MarshalText writes hexadecimal digits.
func (h Hash) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h[:])), nil }

// UnmarshalText reads them.
func (h *Hash) UnmarshalText(b []byte) error {
	if len(b) != 2*len(h) {
		return fmt.Errorf("want %d hexadecimal digits", 2*len(h))
	}
	_, err := hex.Decode(h[:], b)
	return err
}

// tokenPrefix makes tokens easy to find where they should not be.
const tokenPrefix = "chorus_"

func newToken() string { return tokenPrefix + rand.Text() }

// Names go to logs and become authors of verdicts.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$`)

var errName = errors.New("a name has 1 to 64 letters, digits and any of . _ @ + -, and begins with a letter or digit")

// validate reports what is wrong with a token's record.
func (t *Token) validate() error {
	switch {
	case !nameForm.MatchString(t.Name):
		return errName
	case t.Roles == 0:
		return errors.New("it has no role: want " + strings.Join(RoleNames(), ", "))
	case t.Rate < 0 || math.IsNaN(t.Rate) || math.IsInf(t.Rate, 0):
		return errors.New("its rate is no number of requests a second")
	case t.Concurrent < 0:
		return errors.New("its number of requests at a time is negative")
	case t.Hash == Hash{}:
		return errors.New("it has no sha256")
	}
	return nil
}
