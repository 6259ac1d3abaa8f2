// Package embed puts an index inside a program that already sees prompts: a
// gateway, a proxy, a service that calls a model. (It embeds an index into a
// program; it has nothing to do with vector embeddings.)
//
// [New] makes a [Tap] for an index. [Tap.Add] hands it a prompt and returns at
// once: the tap has a bounded queue and adds in batches from a goroutine of its
// own. When the index is slow, full or broken the queue fills up and prompts are
// dropped by [Policy] and counted; the host does not notice. [Tap.Close] drains.
//
//	ix, err := index.Open("chorus.db", nil)
//	tap, err := embed.New(ix, nil)
//	tap.Add(index.Prompt{Account: "a1", Text: "…"})
//
// Programs that log or carry prompts already need not call Add:
//
//	NewHandler    a slog.Handler: prompts are attributes of log records
//	NewWriter     an io.Writer: prompts are fields of JSON lines
//	Middleware    for an http.Handler: prompts are bodies of requests that arrive
//	NewTransport  an http.RoundTripper: prompts are bodies of requests that leave
//
// All of them pass everything on, unchanged, whatever becomes of the prompts.
// JSON is decoded by the tap's goroutine, not on the host's path.
//
// What this package does not do: it keeps nothing on disk before the index has
// it, so that a crash of the host loses what is queued; it does not retry what
// the index failed to add; it does not close the index. It never logs, and no
// error or counter of it holds prompt text.
//
// Before version 1 names may still change; NEWS.md says when one does.
package embed
