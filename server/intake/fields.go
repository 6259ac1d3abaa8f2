package intake

import (
	"net/http"
	"slices"
	"strings"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
)

// given returns what a request says in its query, or else in a header.
func given(r *http.Request, query string, names ...string) string {
	q := r.URL.Query()
	if v := q.Get(query); v != "" {
		return v
	}
	for _, name := range names {
		v := r.Header.Get(name)
		if strings.HasPrefix(name, "_") {
			v = q.Get(name)
		}
		if v != "" {
			return v
		}
	}
	return ""
}

// fields fills in what a request says about its records, and reports whether
// it says anything.
func fields(r *http.Request, o *promptlog.Options) (said bool, err error) {
	var m promptlog.Map
	mapped := false
	paths := func(p *promptlog.Paths, query string, names ...string) {
		list := given(r, query, names...)
		if list == "" {
			return
		}
		mapped = true
		for path := range strings.SplitSeq(list, ",") {
			if path = strings.TrimSpace(path); path == "" && err == nil {
				err = badRequest("%s: a path between commas is empty", query)
			}
			*p = append(*p, path)
		}
	}
	var ip promptlog.Paths
	paths(&m.Text, "text_field", "X-Chorus-Text-Field", "_msg_field", "VL-Msg-Field")
	paths(&m.Time, "time_field", "X-Chorus-Time-Field", "_time_field", "VL-Time-Field")
	paths(&m.Account, "account_field", "X-Chorus-Account-Field")
	paths(&m.ID, "id_field", "X-Chorus-Id-Field")
	paths(&m.Model, "model_field", "X-Chorus-Model-Field")
	paths(&ip, "ip_field", "X-Chorus-Ip-Field")
	if err != nil {
		return false, err
	}
	if len(ip) > 0 {
		m.Attrs = map[string]promptlog.Paths{"ip": ip}
	}
	if mapped {
		o.Map = &m
	}
	if f := given(r, "format", "X-Chorus-Format"); f != "" {
		if f != "auto" && !slices.Contains(promptlog.Formats(), f) {
			return false, badRequest("format: want auto or one of %s", strings.Join(promptlog.Formats(), ", "))
		}
		o.Format = f
	}
	if mapped && o.Format == "" {
		o.Format = "auto"
	}
	ids := given(r, "make_ids", "X-Chorus-Make-Ids")
	switch ids {
	case "":
	case "true", "1":
		o.ContentIDs = true
	case "false", "0":
		o.ContentIDs = false
	default:
		return false, badRequest("make_ids: want true or false")
	}
	return o.Format != "", nil
}
