package server

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-368d3dfa/chorus/server/intake"
)

// mountIntake mounts the routes that take prompts, and documents chorus's own.
func (s *Server) mountIntake(a *api) *intake.Intake {
	in := intake.New(s.ix, &intake.Options{
		BodyBytes: s.o.BodyBytes, StreamBytes: s.o.StreamBytes, Pause: s.o.Pause,
		Logger: s.o.Logger, Fail: s.fail, Status: statusOf, Count: s.o.Count, Skipped: s.o.Skipped,
	})
	for pattern, h := range in.Routes() {
		a.HandleFunc(pattern, h)
	}
	text := &huma.Schema{Type: huma.TypeString}
	params := []*huma.Param{
		queryParam("format", "Of the records: auto, or the name of a format", text),
		queryParam("make_ids", "Prompts without an id get one, made of what they are", &huma.Schema{Type: huma.TypeBoolean}),
	}
	for _, name := range []string{"text", "time", "account", "id", "model", "ip"} {
		params = append(params, queryParam(name+"_field", "Path of the "+name+" in a record, or several with commas between, the first that is there counts", text))
	}
	one, anything := schemaOf[newPrompt](a), &huma.Schema{Description: "A prompt; what is none is skipped"}
	a.document(&huma.Operation{
		OperationID: "prompts", Method: http.MethodPost, Path: "/v1/prompts", Tags: []string{"Prompts"},
		Summary: "Add prompts",
		Description: "One object, an array, or a stream of lines of any length. The answer comes when what it counts is durable. " +
			"account and one of text and messages are needed; an id that has been seen before is not counted twice; time defaults to now. " +
			"What is no prompt is skipped and reported, but a single one is an error; placements come with objects and arrays. " +
			"The body may be compressed with gzip or zstd. When a stream fails on its way, the problem has the counts too.",
		Parameters: params,
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json":     {Schema: &huma.Schema{OneOf: []*huma.Schema{one, {Type: huma.TypeArray, Items: anything}}}},
			"application/x-ndjson": {Schema: &huma.Schema{Type: huma.TypeString, Description: "One prompt a line"}},
		}},
		Responses: answers[intake.Added](a, "application/json"),
	})
	return in
}

// A newPrompt is a prompt as clients send it.
type newPrompt struct {
	ID       string            `json:"id,omitempty" doc:"A prompt whose id has been seen before is not counted again"`
	Account  string            `json:"account" minLength:"1"`
	Time     time.Time         `json:"time,omitzero" doc:"Now if absent"`
	Text     string            `json:"text,omitempty"`
	Messages []newMessage      `json:"messages,omitempty" doc:"In place of text"`
	Model    string            `json:"model,omitempty"`
	Attrs    map[string]string `json:"attrs,omitempty" doc:"What else is known, like ip"`
}

// A newMessage is one turn of a conversation.
type newMessage struct {
	Role    string  `json:"role"`
	Content content `json:"content"`
}

// content is a string, or an array of parts.
type content struct{}

// Schema says so in the OpenAPI document.
func (content) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Description: `A string, or an array of parts of which {"type":"text","text":"…"} count`,
		OneOf:       []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeObject}}},
	}
}
