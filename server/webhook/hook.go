package webhook

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// A Hook is one receiver.
type Hook struct {
	URL string `json:"url"` // https, or http

	// Secret signs deliveries: "whsec_" and 24 to 64 random bytes in base64.
	// Several with spaces between all sign, so that one can take the place of another.
	Secret     string `json:"secret,omitempty"`
	SecretFile string `json:"secret_file,omitempty"` // a file that has it

	Kinds    []string `json:"kinds,omitempty"`     // "template", "campaign"; none: both
	MinScore float64  `json:"min_score,omitempty"` // only of what scores so much, 0 to 100, when it is sent
	Patterns bool     `json:"patterns,omitempty"`  // send patterns too: the words that prompts share
}

// ReadFile reads hooks from a file with a JSON array of them.
func ReadFile(path string) ([]Hook, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	hooks, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("webhook: %s: %w", path, err)
	}
	return hooks, nil
}

// parse reads hooks. Its errors have nothing of what was read but names of fields.
func parse(b []byte) ([]Hook, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var hooks []Hook
	if err := d.Decode(&hooks); err != nil {
		var kind *json.UnmarshalTypeError
		switch {
		case errors.As(err, &kind) && kind.Field != "":
			return nil, fmt.Errorf("%s: want %s", kind.Field, kind.Type)
		case strings.Contains(err.Error(), "unknown field"):
			return nil, errors.New(strings.TrimPrefix(err.Error(), "json: "))
		}
		return nil, fmt.Errorf(`not a JSON array like [{"url":"https://…","secret":"whsec_…"}] (byte %d)`, d.InputOffset())
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the array")
	}
	return hooks, Check(hooks)
}

// Check reports what is wrong with the first hook that Start would refuse.
func Check(hooks []Hook) error {
	for i := range hooks {
		if _, err := hooks[i].check(); err != nil {
			return fmt.Errorf("webhook %d of %d: %w", i+1, len(hooks), err)
		}
		if slices.ContainsFunc(hooks[:i], func(h Hook) bool { return h.URL == hooks[i].URL }) {
			return fmt.Errorf("webhook %d of %d: %s is there twice", i+1, len(hooks), hooks[i].Name())
		}
	}
	return nil
}

// Name tells hooks apart in logs and answers without giving addresses away,
// which may hold secrets: the host and a hash of the whole.
func (h *Hook) Name() string {
	f := fnv.New32a()
	io.WriteString(f, h.URL)
	host := "?"
	if u, err := url.Parse(h.URL); err == nil {
		host = u.Hostname()
	}
	return fmt.Sprintf("%s#%08x", host, f.Sum32())
}

// check reports what is wrong with a hook, and returns who signs for it.
func (h *Hook) check() (signers []*standardwebhooks.Webhook, err error) {
	u, err := url.Parse(h.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("url: want an address like https://example.com/hook")
	case u.User != nil:
		return nil, errors.New("url: leave name and password out; deliveries are signed")
	case u.Fragment != "":
		return nil, errors.New("url: leave #… out")
	case !(h.MinScore >= 0 && h.MinScore <= 100):
		return nil, errors.New("min_score: want a number from 0 to 100")
	}
	for _, k := range h.Kinds {
		if k != "template" && k != "campaign" {
			return nil, errors.New("kinds: want template, campaign, or both")
		}
	}
	secrets := h.Secret
	if h.SecretFile != "" {
		if secrets != "" {
			return nil, errors.New("secret and secret_file: want one of them")
		}
		b, err := os.ReadFile(h.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("secret_file: %w", err)
		}
		secrets = string(b)
	}
	for s := range strings.FieldsSeq(secrets) {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "whsec_"))
		if err != nil || len(key) < 24 || len(key) > 64 {
			return nil, errors.New(`secret: want "whsec_" and 24 to 64 random bytes in base64, as from: openssl rand -base64 32`)
		}
		w, err := standardwebhooks.NewWebhookRaw(key)
		if err != nil {
			return nil, errors.New("secret: it cannot sign")
		}
		signers = append(signers, w)
	}
	if len(signers) == 0 {
		return nil, errors.New("secret: missing; without it a receiver cannot tell who sent what")
	}
	return signers, nil
}

// plain reports whether deliveries leave the machine in clear.
func (h *Hook) plain() bool {
	u, err := url.Parse(h.URL)
	if err != nil || u.Scheme == "https" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

func (h *Hook) wants(kind string) bool { return len(h.Kinds) == 0 || slices.Contains(h.Kinds, kind) }
