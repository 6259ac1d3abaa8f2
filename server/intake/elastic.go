package intake

import (
	"fmt"
	"net/http"
	"strings"
)

// elasticVersion is the version of Elasticsearch whose answers these are. Some
// clients refuse others' major versions; 8 is spoken by those of 7, 8 and 9.
const elasticVersion = "8.17.0"

// elastic has what shippers ask an Elasticsearch for before they send. Answers
// are true of chorus: one node, no index templates, policies or pipelines, and
// nothing that needs them.
func (in *Intake) elastic() map[string]func(http.ResponseWriter, *http.Request) error {
	fixed := func(text string) func(http.ResponseWriter, *http.Request) error {
		return func(w http.ResponseWriter, r *http.Request) error {
			in.elasticAnswer(w, r, http.StatusOK, []byte(text))
			return nil
		}
	}
	const ignored = `{"acknowledged":true}`
	routes := map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /_license":                fixed(`{"license":{"status":"active","uid":"chorus","type":"basic","issued_to":"chorus","issuer":"chorus"}}`),
		"GET /_xpack":                  fixed(`{"license":{"status":"active","uid":"chorus","type":"basic","mode":"basic"},"features":{"ilm":{"available":false,"enabled":false},"security":{"available":false,"enabled":false}}}`),
		"GET /_nodes":                  fixed(`{"_nodes":{"total":1,"successful":1,"failed":0},"cluster_name":"chorus","nodes":{"chorus":{"name":"chorus","version":"` + elasticVersion + `","roles":["ingest"]}}}`),
		"GET /_nodes/{rest...}":        fixed(`{"_nodes":{"total":1,"successful":1,"failed":0},"cluster_name":"chorus","nodes":{"chorus":{"name":"chorus","version":"` + elasticVersion + `","roles":["ingest"]}}}`),
		"GET /_cluster/health":         in.elasticHealth,
		"GET /_cat/health":             in.elasticHealth,
		"GET /_cluster/health/{index}": in.elasticHealth,
	}
	// What a shipper would install first: taken and ignored, as there is nothing to prepare.
	for path, text := range map[string]string{
		"/_index_template/{name}":     `{"index_templates":[]}`,
		"/_component_template/{name}": `{"component_templates":[]}`,
		"/_template/{name}":           `{}`,
		"/_ilm/policy/{name}":         `{}`,
		"/_ingest/pipeline/{name}":    `{}`,
		"/_data_stream/{name}":        `{"data_streams":[]}`,
	} {
		routes["GET "+path] = fixed(text)
		routes["PUT "+path] = fixed(ignored)
	}
	return routes
}

// Greeting wraps the handler of "/": GET and HEAD of it by a client that does
// not ask for a page get the answer by which clients know an Elasticsearch.
// Everything else is next's.
func (in *Intake) Greeting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Add("Vary", "Accept")
		}
		root := r.URL.Path == "/" || r.URL.Path == "/elasticsearch" || r.URL.Path == "/elasticsearch/"
		if !root || r.Method != http.MethodGet && r.Method != http.MethodHead || r.URL.Path == "/" && strings.Contains(r.Header.Get("Accept"), "text/html") {
			next.ServeHTTP(w, r)
			return
		}
		in.elasticAnswer(w, r, http.StatusOK, []byte(`{"name":"chorus","cluster_name":"chorus","cluster_uuid":"chorus","version":{"number":"`+elasticVersion+
			`","build_flavor":"default","build_type":"tar","lucene_version":"9.12.0","minimum_wire_compatibility_version":"7.17.0","minimum_index_compatibility_version":"7.0.0"},"tagline":"You Know, for Search"}`))
	})
}

// elasticHealth is green when the index answers.
func (in *Intake) elasticHealth(w http.ResponseWriter, r *http.Request) error {
	if _, err := in.ix.Stats(r.Context()); err != nil {
		return err
	}
	if strings.Contains(r.URL.Path, "/_cat/") {
		in.write(w, http.StatusOK, "text/plain; charset=UTF-8", []byte("chorus green 1 1 0 0 0 0 0 0 - 100.0%\n"))
		return nil
	}
	in.elasticAnswer(w, r, http.StatusOK, []byte(`{"cluster_name":"chorus","status":"green","timed_out":false,"number_of_nodes":1,"number_of_data_nodes":1}`))
	return nil
}

// elasticAnswer writes JSON as clients expect it from an Elasticsearch.
func (in *Intake) elasticAnswer(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	kind := "application/json"
	if v, ok := strings.CutPrefix(r.Header.Get("Accept"), "application/vnd.elasticsearch+json"); ok {
		version, _, _ := strings.Cut(v, ",")
		kind = "application/vnd.elasticsearch+json"
		if version == ";compatible-with=8" || version == "; compatible-with=8" {
			kind += version
		}
	}
	in.write(w, status, kind, body)
}

// failElastic answers with an error as Elasticsearch words it.
func (in *Intake) failElastic(w http.ResponseWriter, r *http.Request, err error) {
	status, words := in.status(w, r, err)
	kind := "illegal_argument_exception"
	switch {
	case status == http.StatusRequestEntityTooLarge:
		kind = "content_too_long_exception"
	case status == http.StatusTooManyRequests:
		kind = "es_rejected_execution_exception"
	case status >= http.StatusInternalServerError:
		kind = "unavailable_shards_exception"
	}
	cause := fmt.Sprintf(`"type":%q,"reason":%s`, kind, quoted(words))
	in.elasticAnswer(w, r, status, fmt.Appendf(nil, `{"error":{"root_cause":[{%s}],%s},"status":%d}`, cause, cause, status))
}
