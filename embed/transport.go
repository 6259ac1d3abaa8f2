package embed

import (
	"context"
	"errors"
	"io"
	"net/http"
)

type transport struct {
	next http.RoundTripper
	w    *watcher
}

// NewTransport returns a RoundTripper that sends requests by next (nil:
// [http.DefaultTransport]), with their bodies as they are, and gives tap the
// prompts that Middleware would. The account is HTTPOptions.Account's to say,
// from the request's context for example, or else the body's.
//
// A request that could not be sent, or that follows a redirect, does not count.
func NewTransport(tap *Tap, next http.RoundTripper, o *HTTPOptions) (http.RoundTripper, error) {
	if tap == nil {
		return nil, errors.New("embed: NewTransport without a tap")
	}
	if next == nil {
		next = http.DefaultTransport
	}
	opts, err := o.filled(nil)
	if err != nil {
		return nil, err
	}
	return &transport{next, &watcher{tap, opts}}, nil
}

// RoundTrip takes the prompt from a copy of the body where the request offers
// one, as it does for bodies in memory: net/http then sees the very same request
// and can send it again on a new connection. Other bodies are watched as they
// are sent.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Response != nil || !t.w.watches(r) {
		return t.next.RoundTrip(r)
	}
	if r.GetBody == nil {
		sent := r.WithContext(r.Context()) // a RoundTripper must not change its request
		sent.Body = t.w.watch(r)
		return t.next.RoundTrip(sent)
	}
	it := t.w.item(r)
	ctx, again := r.Context(), r.GetBody
	resp, err := t.next.RoundTrip(r)
	if err == nil {
		t.w.read(ctx, &it, again)
	}
	return resp, err
}

// read queues what a copy of a body has.
func (w *watcher) read(ctx context.Context, it *item, again func() (io.ReadCloser, error)) {
	body, err := again()
	if err != nil {
		return // the sender's own trouble, not the tap's
	}
	defer body.Close()
	limit := w.opts.BodyBytes
	raw, err := io.ReadAll(io.LimitReader(body, int64(limit)+1))
	switch {
	case len(raw) > limit:
		w.tap.refuse(&w.tap.stats.TooLarge, errBody)
	case err == nil && len(raw) > 0:
		it.raw = raw
		w.tap.offer(ctx, it)
	}
}
