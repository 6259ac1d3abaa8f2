// Package access says who may do what with a server over HTTP, and how much of
// it at a time.
//
// Call [Open] with the path of a token file, then [Guard.Wrap] around the
// server's routes. A request brings a token as
//
//	Authorization: Bearer TOKEN
//	Authorization: Basic base64(anything:TOKEN)
//	Authorization: ApiKey base64(anything:TOKEN)
//
// or the cookie of a session that POST /login began. [From] finds in a request's
// context whose it was, and [Record] writes what it decided to the audit log.
//
// A token has one or several roles:
//
//	ingest  adds prompts: POST /v1/prompts, /v1/logs, /v1/traces, _bulk, Loki's push
//	read    GET below /v1/, /metrics, and POST /v1/similar
//	decide  what read may, POST /v1/labels and /v1/learn, and POST below /v1/campaigns/: what goes to other providers, and comes from them
//	admin   everything, also /debug/pprof/, backups and webhooks
//
// Whatever else changes something needs admin: a route that nobody thought of is
// closed, not open. /healthz, /readyz, the API's description and pages, which
// hold no data, are open.
//
// While there is no token file, Options.Anonymous says who may come in. Once
// there is one, even one without tokens, everybody needs a token.
//
// Requests beyond a token's rate and beyond what memory allows are answered with
// 429 and Retry-After; prompts and queries have room of their own, so that
// neither starves the other.
//
// The package does not do TLS; see server/listen.
package access
