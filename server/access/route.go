package access

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// A rule says what a request needs. The first of rules that matches counts.
type rule struct {
	methods string // space-separated; "": all
	path    string // ends with "/": everything below; begins with "*": whatever ends so
	need    need
}

// A need is what a request has to show.
type need struct {
	open bool // nothing
	role Role // 0: any token
}

var rules = []rule{
	{"", "/healthz", need{open: true}},
	{"", "/readyz", need{open: true}},
	{"", "/login", need{open: true}},
	{"", "/logout", need{open: true}},
	{"GET HEAD", "/v1/session", need{}},
	{"", "/debug/", need{role: Admin}},
	{"", "/v1/backup", need{role: Admin}},
	{"", "/v1/webhooks", need{role: Admin}},
	{"", "/v1/webhooks/", need{role: Admin}},
	{"GET HEAD", "/v1/", need{role: Read}},
	{"GET HEAD", "/metrics", need{role: Read}},
	{"GET HEAD", "/", need{open: true}}, // pages, the API's description, what shippers ask first: no data
	{"POST", "/v1/similar", need{role: Read}},
	{"POST", "/v1/labels", need{role: Decide}},
	{"POST", "/v1/learn", need{role: Decide}},
	{"POST", "/v1/campaigns/", need{role: Decide}},
	{"POST", "/v1/prompts", need{role: Ingest}},
	{"POST", "/v1/logs", need{role: Ingest}},
	{"POST", "/v1/traces", need{role: Ingest}},
	{"", "/v1/", need{role: Admin}},
	{"POST", "/loki/", need{role: Ingest}},
	{"POST", "/insert/", need{role: Ingest}},
	{"POST PUT", "*/_bulk", need{role: Ingest}},
	{"PUT", "/elasticsearch/", need{role: Ingest}}, // what shippers would install first; it is ignored
	{"PUT", "/_index_template/", need{role: Ingest}},
	{"PUT", "/_component_template/", need{role: Ingest}},
	{"PUT", "/_template/", need{role: Ingest}},
	{"PUT", "/_ilm/", need{role: Ingest}},
	{"PUT", "/_ingest/", need{role: Ingest}},
	{"PUT", "/_data_stream/", need{role: Ingest}},
	{"", "/", need{role: Admin}},
}

func (l *rule) matches(method, p string) bool {
	if l.methods != "" && !strings.Contains(" "+l.methods+" ", " "+method+" ") {
		return false
	}
	switch {
	case l.path[0] == '*':
		return strings.HasSuffix(p, l.path[1:])
	case l.path[len(l.path)-1] == '/':
		return strings.HasPrefix(p, l.path)
	}
	return p == l.path
}

// needOf says what a request needs. A path that is not clean could mean
// something else to whoever routes it, so that it takes all roles.
func needOf(r *http.Request) need {
	p := r.URL.EscapedPath()
	if clean := path.Clean("/" + p); clean != p && clean+"/" != p {
		return need{role: Admin}
	}
	p = unescape(p)
	for i := range rules {
		if rules[i].matches(r.Method, p) {
			return rules[i].need
		}
	}
	return need{role: Admin}
}

// unescape decodes a path as [http.ServeMux] does: one segment at a time, so that
// an encoded slash parts nothing.
func unescape(p string) string {
	if !strings.Contains(p, "%") {
		return p
	}
	segments := strings.Split(p, "/")
	for i, s := range segments {
		if decoded, err := url.PathUnescape(s); err == nil {
			segments[i] = strings.ReplaceAll(decoded, "/", "\x00")
		}
	}
	return strings.Join(segments, "/")
}
