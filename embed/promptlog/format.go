package promptlog

import (
	"slices"
	"strings"
	"time"
)

// A format says where a kind of log keeps what makes a prompt. Each field is a
// list of paths as tree.find follows them; the first that leads to something
// counts.
type format struct {
	name    string
	match   func(d *decoder, v *value) bool // by the keys of a record; nil: never detected
	drop    func(d *decoder, v *value) (reason string)
	account []string
	time    []string
	id      []string
	model   []string
	body    []string                                          // of what decoder.converse reads; "" is the record itself
	where   func(d *decoder, v *value) (path string, ok bool) // the one of body that counts; nil: the first that says something
	system  []string                                          // of a system prompt beside the body
	ip      []string

	layout  string
	zone    *time.Location
	telling bool   // no record that matches is better read as another format
	attrs   []attr // beside ip

	// Formats of which a record is not one prompt.
	record func(d *decoder, f *format, v *value, to *batch)
}

type attr struct {
	name  string
	paths []string
}

// formats are in the order of detection: those with the most telling keys first.
var formats []*format

func init() { // breaks the cycle between the table and the decoders it names
	formats = []*format{
		{
			name:  nativeName,
			match: func(d *decoder, v *value) bool { return v.has("account") && (v.has("text") || v.has("messages")) },
			// For CSV and Parquet; lines have a decoder of their own.
			account: []string{"account"}, time: []string{"time"}, id: []string{"id"}, model: []string{"model"},
			body: []string{"text", "messages"}, ip: []string{"attrs.ip", "ip"},
		},
		{
			name: "otlp",
			match: func(d *decoder, v *value) bool {
				return v.has("resourceSpans") || v.has("resource_spans") || v.has("resourceLogs") || v.has("resource_logs")
			},
			account: otelAccount, model: otelModel, id: otelID, ip: otelIP,
			record: (*decoder).otlp,
		},
		{
			name: "otel", // spans and events as SDKs and stores print them
			match: func(d *decoder, v *value) bool {
				for _, a := range []*value{v.get("attributes"), v} {
					if a = d.object(a); a != nil {
						for i := range a.elems {
							if isGenAI(a.elems[i].key) {
								return true
							}
						}
					}
				}
				return false
			},
			account: otelAccount, model: otelModel, id: otelID, ip: otelIP,
			time:   []string{"start_time", "startTime", "startTimeUnixNano", "timestamp", "time", "timeUnixNano"},
			record: (*decoder).flatSpan,
		},
		{
			name: "bedrock",
			match: func(d *decoder, v *value) bool {
				return v.get("schemaType").str() == "ModelInvocationLog" || v.has("modelId") && v.get("input").has("inputContentType")
			},
			drop: func(d *decoder, v *value) string {
				if in := v.get("input"); in.get("inputBodyJson").empty() && in.has("inputBodyS3Path") {
					return "the body is in an object of its own"
				}
				return ""
			},
			account: []string{"requestMetadata.account", "requestMetadata.user_id", "requestMetadata.userId", "identity.arn", "accountId"},
			time:    []string{"timestamp"}, id: []string{"requestId"}, model: []string{"modelId"},
			body: []string{"input.inputBodyJson"},
		},
		{
			name: "litellm", // spend logs and StandardLoggingPayload
			match: func(d *decoder, v *value) bool {
				spend := v.has("request_id") && v.has("startTime") && (v.has("api_key") || v.has("spend"))
				return spend || v.has("messages") && (v.has("model_parameters") || v.has("model_map_information") || v.has("response_cost")) && v.has("startTime")
			},
			account: []string{"metadata.user_api_key_hash", "api_key", "end_user", "user", "metadata.user_api_key_user_id", "team_id"},
			time:    []string{"startTime"}, id: []string{"request_id", "id"}, model: []string{"model"},
			body: []string{"messages", "proxy_server_request"},
			ip:   []string{"requester_ip_address", "metadata.requester_ip_address"},
		},
		{
			name: "helicone",
			match: func(d *decoder, v *value) bool {
				return v.has("request_created_at") && (v.has("request_body") || v.has("request_id") || v.has("signed_body_url"))
			},
			drop: func(d *decoder, v *value) string {
				if b := v.get("request_body"); v.has("signed_body_url") && (b.empty() || len(b.elems) == 0 && b.kind == '{') {
					return "the body is elsewhere (signed_body_url)"
				}
				return ""
			},
			account: []string{"request_user_id", "user_id"}, time: []string{"request_created_at"}, id: []string{"request_id"},
			model: []string{"request_model", "response_model", "model_override"}, body: []string{"request_body"},
			ip: []string{"request_ip"},
		},
		{
			name:  "azure-apim",
			match: func(d *decoder, v *value) bool { return isAPIM(v) || isAPIM(d.object(v.get("properties"))) },
			time:  []string{"TimeGenerated", "timeGenerated", "time"}, record: (*decoder).apim,
			account: []string{"ApimSubscriptionId", "apimSubscriptionId", "UserId", "userId", "CallerIpAddress", "callerIpAddress", "callerIPAddress"},
			ip:      []string{"CallerIpAddress", "callerIpAddress", "callerIPAddress"},
			model:   []string{"ModelName", "modelName", "DeploymentName", "deploymentName"},
			id:      []string{"RequestId", "requestId"},
		},
		{
			name:    "vertex",
			match:   func(d *decoder, v *value) bool { return v.has("logging_time") && v.has("full_request") },
			account: []string{"account", "user", "full_request.labels.account", "full_request.labels.user"},
			time:    []string{"logging_time"}, id: []string{"request_id"}, model: []string{"model", "deployed_model_id"},
			body: []string{"full_request", "request_payload"},
		},
		{
			name: "kong",
			match: func(d *decoder, v *value) bool {
				return v.has("started_at") && v.has("request") && (v.has("ai") || v.has("latencies"))
			},
			drop: func(d *decoder, v *value) string {
				if !v.has("ai") {
					return "no request to a model (ai is missing)"
				}
				return ""
			},
			account: []string{"consumer.id", "consumer.username", "consumer.custom_id", "authenticated_entity.id", "request.headers.x-consumer-id"},
			time:    []string{"started_at"}, id: []string{"request.id"},
			model: []string{"ai.proxy.meta.request_model", "ai.ai-proxy.meta.request_model", "ai.ai-proxy-advanced.meta.request_model", "ai.meta.request_model"},
			body:  []string{"ai.proxy.payload.request", "ai.ai-proxy.payload.request", "ai.ai-proxy-advanced.payload.request", "ai.payload.request"},
			ip:    []string{"client_ip"},
		},
		{
			name: "langfuse",
			match: func(d *decoder, v *value) bool {
				return v.has("type") && (v.has("start_time") || v.has("startTime")) && (v.has("trace_id") || v.has("traceId")) && v.hasKey("input")
			},
			drop: func(d *decoder, v *value) string {
				if kind := v.get("type").str(); kind != "GENERATION" {
					return "not an observation of type GENERATION"
				}
				return ""
			},
			account: []string{"user_id", "userId", "metadata.user_id", "metadata.userId", "session_id", "sessionId"},
			time:    []string{"start_time", "startTime"}, id: []string{"id"},
			model: []string{"provided_model_name", "providedModelName", "model"}, body: []string{"input"},
		},
		{
			name: "wildchat",
			match: func(d *decoder, v *value) bool {
				return v.has("conversation") && (v.has("conversation_hash") || v.has("conversation_id") || v.has("hashed_ip"))
			},
			account: []string{"hashed_ip", "conversation.*.hashed_ip"}, time: []string{"timestamp", "conversation.*.timestamp"},
			id: []string{"conversation_hash", "conversation_id"}, model: []string{"model"}, body: []string{"conversation"},
		},
		body("anthropic", isAnthropic),
		body("responses", isResponses),
		body("openai", isChat),
		{
			name:  "fields", // any object or row with usual names
			match: func(d *decoder, v *value) bool { return d.has(v, commonAccount) && d.has(v, commonText) },

			account: commonAccount, time: commonTime, id: commonID, model: []string{"model", "model_name"}, body: commonText,
			system: []string{"system_prompt", "system"}, ip: commonIP,
		},
	}
	for _, f := range formats {
		if f.name == "anthropic" { // whose keys others have, too
			break
		}
		f.telling = true
	}
	f := *formatNamed(nativeName)
	f.time = slices.Concat(f.time, commonTime)
	shipped = &f
}

const nativeName = "native"

var (
	commonAccount = []string{"account", "account_id", "accountId", "organization_id", "org_id", "user_id", "userId", "customer_id", "user", "api_key_hash", "api_key_id", "key_id", "api_key", "client_id", "tenant_id"}
	commonTime    = []string{"time", "timestamp", "ts", "@timestamp", "created_at", "createdAt", "created", "start_time", "startTime", "started_at", "request_time", "datetime", "date"}
	commonID      = []string{"id", "request_id", "requestId", "trace_id"}
	commonText    = []string{"messages", "prompt", "text", "input", "query", "question", "content", "message", "user_prompt"}
	commonIP      = []string{"ip", "client_ip", "remote_addr", "remote_ip", "source_ip"}
)

// envelopes are the members in which gateways and middlewares log a body.
var envelopes = []string{"body", "request_body", "requestBody", "request.body", "request", "req.body", "payload", "data", "params", "input", "http.request.body", "message", "log"}

// body is the format of an API's request bodies, alone or in an envelope. Who
// calls is asked of the envelope's account, then of the body, which may name
// the caller's own user, then of the envelope's other names.
func body(name string, is func(*value) bool) *format {
	f := &format{name: name, id: commonID, ip: commonIP, account: []string{"account", "account_id", "accountId"}, time: commonTime, body: []string{""}, model: []string{"model"}}
	callers := []string{"safety_identifier", "metadata.user_id", "user"}
	for _, e := range append([]string{""}, envelopes...) {
		if e != "" {
			e += "."
			f.body = append(f.body, e[:len(e)-1])
			f.model = append(f.model, e+"model")
		}
		for _, c := range callers {
			f.account = append(f.account, e+c)
		}
	}
	f.account = append(f.account, commonAccount[3:]...)
	f.where = func(d *decoder, v *value) (path string, ok bool) {
		if is(v) {
			return "", true
		}
		for _, e := range envelopes {
			if b := d.object(d.tree.find(v, e)); b != nil && is(b) {
				return e, true
			}
		}
		return "", false
	}
	f.match = func(d *decoder, v *value) bool {
		_, ok := f.where(d, v)
		return ok
	}
	return f
}

func isChat(v *value) bool {
	return v.hasKey("messages") && v.get("messages") != nil && (v.get("messages").kind == '[' || v.get("messages").kind == '"') ||
		v.has("prompt") && v.has("model")
}

func isResponses(v *value) bool {
	return v.has("model") && v.has("input") && !v.has("messages") && (v.get("input").kind == '"' || v.get("input").kind == '[')
}

func isAnthropic(v *value) bool {
	return v.has("messages") && (v.has("system") || v.has("anthropic_version") || v.has("stop_sequences") || v.get("metadata").has("user_id") || strings.HasPrefix(v.get("model").str(), "claude"))
}

// Formats returns the names that Options.Format takes, beside "auto".
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// formatNamed returns a format, nil for an unknown name.
func formatNamed(name string) *format {
	for _, f := range formats {
		if f.name == name {
			return f
		}
	}
	return nil
}

func (v *value) has(key string) bool { return v.get(key) != nil }

// hasKey is has for members that may be null.
func (v *value) hasKey(key string) bool {
	if v != nil && v.kind == '{' {
		for i := range v.elems {
			if v.elems[i].key == key {
				return true
			}
		}
	}
	return false
}

func (d *decoder) has(v *value, paths []string) bool {
	for _, path := range paths {
		if !d.tree.find(v, path).empty() {
			return true
		}
	}
	return false
}

// object returns v, or what v has as JSON in a string, if that is an object.
func (d *decoder) object(v *value) *value {
	if v != nil && v.kind == '"' {
		v = d.tree.inner(v)
	}
	if v == nil || v.kind != '{' {
		return nil
	}
	return v
}

// detect returns the format of a record, nil if its keys match none.
func (d *decoder) detect(record []byte) *format {
	d.tree.reset()
	v, reason := d.tree.parse(record)
	if reason != "" || v.kind != '{' {
		return nil
	}
	for _, f := range formats {
		if f.match(d, &v) {
			return f
		}
	}
	return nil
}
