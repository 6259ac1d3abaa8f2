package embed

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/seed-368d3dfa/chorus/index"
)

// HTTPOptions say how Middleware and NewTransport find prompts in requests. Nil
// and the zero value mean the defaults.
type HTTPOptions struct {
	// Account tells who sends a request. If it returns "", the account is what
	// the body says: safety_identifier or user (OpenAI), metadata.user_id
	// (Anthropic); a body can say what it likes. nil: in Middleware
	// AccountFromKey(nil); in NewTransport the body, as requests that leave all
	// have the host's own key.
	Account func(*http.Request) string

	// Match says which requests hold prompts. nil: POST to a path that ends as
	// those of OpenAI, Anthropic, Gemini, Bedrock and Vertex AI do: in /completions,
	// /responses, /messages, :generateContent, :streamGenerateContent, :rawPredict,
	// :streamRawPredict, /converse, /converse-stream, /invoke or
	// /invoke-with-response-stream.
	Match func(*http.Request) bool

	// ID gives a request an id: one seen before is not counted again. "": none.
	// nil: none.
	ID func(*http.Request) string

	// Attrs is what else is known of a request, as Prompt.Attrs: a map that does
	// not change afterwards. nil: nothing.
	Attrs func(*http.Request) map[string]string

	// BodyBytes bounds the bodies that are read, before and after decompression.
	// Longer ones are passed on and counted as TooLarge. Bodies under way take
	// so much memory each at most, besides Options.QueueBytes. 0: 8 MiB.
	BodyBytes int
}

func (o *HTTPOptions) filled(account func(*http.Request) string) (HTTPOptions, error) {
	var f HTTPOptions
	if o != nil {
		f = *o
	}
	if f.BodyBytes == 0 {
		f.BodyBytes = 8 << 20
	}
	if f.BodyBytes < 0 {
		return f, fmt.Errorf("embed: HTTPOptions.BodyBytes is %d", f.BodyBytes)
	}
	if f.Match == nil {
		f.Match = asksModel
	}
	if f.Account == nil {
		f.Account = account
	}
	return f, nil
}

func asksModel(r *http.Request) bool {
	if r.Method != http.MethodPost {
		return false
	}
	_, ok := beforeMethod(r.URL.Path)
	return ok
}

// methods are how the paths of requests end that hold prompts.
var methods = []string{
	"/chat/completions", "/completions", "/responses", "/messages",
	":generateContent", ":streamGenerateContent", ":rawPredict", ":streamRawPredict",
	"/converse", "/converse-stream", "/invoke", "/invoke-with-response-stream",
}

func beforeMethod(path string) (before string, ok bool) {
	path = strings.TrimSuffix(path, "/")
	for _, m := range methods {
		if before, ok := strings.CutSuffix(path, m); ok {
			return before, true
		}
	}
	return "", false
}

// modelIn returns the model, or Azure's deployment, that a path names right before
// the method; "" if it does not.
func modelIn(path string) string {
	before, _ := beforeMethod(path)
	for _, name := range []string{"/models/", "/model/", "/deployments/"} {
		if i := strings.LastIndex(before, name); i >= 0 {
			return before[i+len(name):]
		}
	}
	return ""
}

// AccountFromHeader returns a HTTPOptions.Account that takes the value of a
// header, as a gateway sets it after it has authenticated the request.
func AccountFromHeader(name string) func(*http.Request) string {
	return func(r *http.Request) string { return r.Header.Get(name) }
}

// AccountFromKey returns a HTTPOptions.Account that hashes the request's API key
// with HMAC-SHA-256: "key-" and 32 hexadecimal digits. The key is the first there
// is of X-Api-Key (Anthropic), Api-Key (Azure), X-Goog-Api-Key (Gemini), the
// credentials of Authorization and the query's key (Gemini). Without a secret,
// whoever has a key can find its account.
func AccountFromKey(secret []byte) func(*http.Request) string {
	secret = bytes.Clone(secret)
	hashes := &sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }}
	return func(r *http.Request) string {
		key := cmp.Or(r.Header.Get("X-Api-Key"), r.Header.Get("Api-Key"), r.Header.Get("X-Goog-Api-Key"))
		if key == "" {
			scheme, credentials, ok := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " ")
			if key = strings.TrimSpace(credentials); !ok {
				key = scheme
			}
		}
		if key == "" && r.URL != nil && r.URL.RawQuery != "" {
			key = r.URL.Query().Get("key")
		}
		if key == "" {
			return ""
		}
		mac := hashes.Get().(hash.Hash)
		defer hashes.Put(mac)
		mac.Reset()
		io.WriteString(mac, key)
		return "key-" + hex.EncodeToString(mac.Sum(nil)[:16])
	}
}

// A watcher makes prompts of requests.
type watcher struct {
	tap  *Tap
	opts HTTPOptions
}

var errBody = errors.New("embed: body is longer than HTTPOptions.BodyBytes")

// watches says whether r is to be looked at; a body that says itself that it is
// too large is only counted.
func (w *watcher) watches(r *http.Request) bool {
	if r.Body == nil || r.Body == http.NoBody || !w.opts.Match(r) {
		return false
	}
	if r.ContentLength > int64(w.opts.BodyBytes) {
		w.tap.refuse(&w.tap.stats.TooLarge, errBody)
		return false
	}
	return true
}

// item is what r tells before its body does.
func (w *watcher) item(r *http.Request) item {
	it := item{prompt: index.Prompt{Time: now(), Model: modelIn(r.URL.Path)}}
	if w.opts.Account != nil {
		it.prompt.Account = w.opts.Account(r)
	}
	if w.opts.ID != nil {
		it.prompt.ID = w.opts.ID(r)
	}
	if w.opts.Attrs != nil {
		it.prompt.Attrs = w.opts.Attrs(r)
	}
	it.decode = bodyDecoder(r.Header.Get("Content-Encoding"), w.opts.BodyBytes)
	return it
}
