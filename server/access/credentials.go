package access

import (
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
)

// credentials returns the token that a request brings in its header; "" if none.
// ok is false for a header that holds none that could be read.
func credentials(r *http.Request) (token string, ok bool) {
	header := r.Header.Values("Authorization")
	switch {
	case len(header) == 0:
		return "", true
	case len(header) > 1:
		return "", false
	}
	scheme, value, _ := strings.Cut(strings.TrimSpace(header[0]), " ")
	value = strings.TrimSpace(value)
	switch strings.ToLower(scheme) {
	case "bearer":
		return value, value != ""
	case "basic", "apikey": // shippers know only these
		b, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return "", false
		}
		_, token, _ = strings.Cut(string(b), ":")
		return token, token != ""
	}
	return "", false
}

// find returns the holder of a token. It compares with all hashes, whole, so
// that the time it takes says nothing.
func (l *holders) find(h Hash) *holder {
	var found *holder
	for _, k := range l.all {
		if subtle.ConstantTimeCompare(k.Hash[:], h[:]) == 1 {
			found = k
		}
	}
	return found
}
