package embed

import (
	"errors"
	"net/http"
)

// Middleware returns a function that wraps a handler: the handler gets every
// request with its body as it came, and tap gets the prompts that it reads from
// bodies of the APIs of OpenAI, Anthropic, Gemini and Bedrock (see
// HTTPOptions.Match; Content-Encoding gzip and zstd too). A body counts when the
// handler has read it, so put Middleware behind what refuses requests.
func Middleware(tap *Tap, o *HTTPOptions) (func(http.Handler) http.Handler, error) {
	if tap == nil {
		return nil, errors.New("embed: Middleware without a tap")
	}
	opts, err := o.filled(AccountFromKey(nil))
	if err != nil {
		return nil, err
	}
	w := &watcher{tap, opts}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if !w.watches(r) {
				next.ServeHTTP(rw, r)
				return
			}
			body := w.watch(r)
			defer body.leave() // if next panics, too
			watched := *r
			watched.Body = body
			next.ServeHTTP(rw, &watched)
		})
	}, nil
}

func (w *watcher) watch(r *http.Request) *watchedBody {
	return &watchedBody{
		ReadCloser: r.Body, ctx: r.Context(), tap: w.tap, it: w.item(r),
		length: r.ContentLength, limit: w.opts.BodyBytes,
	}
}
