package server

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/seed-368d3dfa/chorus/server/access"
)

// An api is the mux with the OpenAPI document of what is mounted on it. It is
// huma's adapter: what huma registers becomes a pattern of the mux.
type api struct {
	*http.ServeMux
	huma.API
	s *Server
}

func newAPI(s *Server) *api {
	a := &api{ServeMux: http.NewServeMux(), s: s}
	schemas := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	schemas.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[problem]())
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "chorus", Version: "1",
				Description: "Finds the prompt templates that many accounts of an LLM service send. " +
					"Lists are pages: pass next as cursor for the page after. Times are RFC 3339 in UTC. " +
					"Errors are application/problem+json (RFC 9457) and never have any of a prompt's text. " +
					"Answers may gain properties. Every GET answers HEAD too.",
			},
			Components: &huma.Components{Schemas: schemas, SecuritySchemes: map[string]*huma.SecurityScheme{
				"token":    {Type: "http", Scheme: "bearer", Description: "made by \"chorus token create\"; where there are none, nobody needs one"},
				"password": {Type: "http", Scheme: "basic", Description: "the token as the password of anybody"},
				"session":  {Type: "apiKey", In: "cookie", Name: access.CookieName, Description: "made by POST /login"},
			}},
			Security: []map[string][]string{{"token": {}}, {"password": {}}, {"session": {}}, {}},
		},
		Formats: map[string]huma.Format{
			"application/json": {Marshal: s.encode, Unmarshal: json.Unmarshal},
			"json":             {Marshal: s.encode, Unmarshal: json.Unmarshal}, // of application/problem+json
		},
		DefaultFormat:                "application/json",
		Transformers:                 []huma.Transformer{s.rephrase},
		RejectUnknownQueryParameters: true,
	}
	config.AllowAdditionalPropertiesByDefault = true
	a.API = huma.NewAPI(config, a)
	return a
}

// Handle mounts what huma has made of an operation.
func (a *api) Handle(op *huma.Operation, h func(huma.Context)) {
	a.mount(op, func(w http.ResponseWriter, r *http.Request) error {
		r.Header.Del("Accept") // there is one form of answer, whatever is asked for
		h(humago.NewContext(op, r, w))
		return nil
	})
}

// mount mounts a handler, which returns an error if it has not answered.
func (a *api) mount(op *huma.Operation, h func(http.ResponseWriter, *http.Request) error) {
	if op.Metadata["tagged"] != nil {
		h = a.s.tagged(h)
	}
	a.HandleFunc(op.Method+" "+op.Path, func(w http.ResponseWriter, r *http.Request) {
		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil { // its words quote the query
			a.s.fail(w, r, badRequest("the query is not well-formed"))
		} else if err := h(w, r); err != nil {
			a.s.fail(w, r, err)
		}
	})
}

// plain mounts a handler that does not go through huma, and documents it.
func (a *api) plain(op huma.Operation, h func(http.ResponseWriter, *http.Request) error) {
	a.document(&op)
	a.mount(&op, func(w http.ResponseWriter, r *http.Request) error {
		for name := range r.URL.Query() {
			if !slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == name }) {
				return unknownParam(&op)
			}
		}
		return h(w, r)
	})
}

// document takes an operation into the document.
func (a *api) document(op *huma.Operation) {
	if op.Responses == nil {
		op.Responses = make(map[string]*huma.Response)
	}
	op.Responses["default"] = a.failure()
	a.OpenAPI().AddOperation(op)
}

// failure is the answer in case of any error.
func (a *api) failure() *huma.Response {
	return &huma.Response{Description: "Error", Content: map[string]*huma.MediaType{
		problemKind: {Schema: schemaOf[problem](a)},
	}}
}

// schemaOf is the schema of a type, as a reference if it is a struct.
func schemaOf[T any](a *api) *huma.Schema {
	return a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
}

// answers is what an operation answers when all is well, of one media type.
func answers[T any](a *api, kind string) map[string]*huma.Response {
	return map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{kind: {Schema: schemaOf[T](a)}}}}
}

// A reply is the output of an operation.
type reply[T any] struct{ Body T }

// get registers an operation that answers with a T.
func get[I, T any](a *api, op huma.Operation, f func(context.Context, *I) (T, error)) {
	op.Method = http.MethodGet
	huma.Register(a.API, op, func(ctx context.Context, in *I) (*reply[T], error) {
		v, err := f(ctx, in)
		if err != nil {
			return nil, a.s.refuse(ctx, op.Method+" "+op.Path, err)
		}
		return &reply[T]{v}, nil
	})
	documented := a.OpenAPI().Paths[op.Path].Get
	documented.Responses["default"] = a.failure()
	if op.Metadata["tagged"] == nil {
		return
	}
	text := &huma.Schema{Type: huma.TypeString}
	documented.Parameters = append(documented.Parameters, &huma.Param{
		Name: "If-None-Match", In: "header", Schema: text, Description: "ETag of the answer that the client has: 304 if it is still the same",
	})
	documented.Responses["200"].Headers = map[string]*huma.Param{"ETag": {Schema: text}}
	documented.Responses["304"] = &huma.Response{Description: "Not modified"}
}

// tagged marks operations on single objects, which have an ETag.
var tagged = map[string]any{"tagged": true}

// finish makes the document say what JSON holds: no array is ever null.
func (a *api) finish() {
	for _, s := range a.OpenAPI().Components.Schemas.Map() {
		neverNull(s)
	}
	for _, path := range a.OpenAPI().Paths {
		for _, op := range []*huma.Operation{path.Get, path.Post} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				neverNull(p.Schema)
			}
		}
	}
}

func neverNull(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
		neverNull(s.Items)
	}
	for _, p := range s.Properties {
		neverNull(p)
	}
}

// encode writes JSON. A client that has gone needs no answer.
func (s *Server) encode(w io.Writer, v any) error {
	e := json.NewEncoder(quiet{w})
	e.SetEscapeHTML(false)
	if c, ok := w.(http.ResponseWriter); ok {
		s.deadline(c)
	}
	return e.Encode(v)
}

// A quiet writer fails for nobody.
type quiet struct{ io.Writer }

func (q quiet) Write(b []byte) (int, error) {
	q.Writer.Write(b)
	return len(b), nil
}

// unrouted is the error of a request that no route takes: its path, or only
// its method, is unknown.
func (a *api) unrouted(r *http.Request) error {
	var allowed methodError
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := a.Handler(other); !strings.HasPrefix(pattern, "/") && pattern != "" {
			allowed = append(allowed, method)
			if method == http.MethodGet {
				allowed = append(allowed, http.MethodHead)
			}
		}
	}
	if len(allowed) > 0 {
		return allowed
	}
	return errNoRoute
}
