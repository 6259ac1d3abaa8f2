package embed

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-368d3dfa/chorus/index"
)

// A body is what requests of OpenAI's chat completions, Responses and completions,
// of Anthropic's messages, of Gemini and of Bedrock have that matters here.
//
//	https://platform.openai.com/docs/api-reference/chat/create
//	https://platform.openai.com/docs/api-reference/responses/create
//	https://platform.openai.com/docs/api-reference/completions/create
//	https://docs.anthropic.com/en/api/messages
//	https://ai.google.dev/api/generate-content
//	https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
type body struct {
	Model        plain `json:"model"`
	System       text  `json:"system"`             // Anthropic, Converse
	Instructions text  `json:"instructions"`       // Responses
	SystemCamel  text  `json:"systemInstruction"`  // Gemini,
	SystemSnake  text  `json:"system_instruction"` // which takes both
	Messages     turns `json:"messages"`
	Input        turns `json:"input"`     // Responses
	Contents     turns `json:"contents"`  // Gemini
	Prompt       lines `json:"prompt"`    // completions, Llama
	InputText    lines `json:"inputText"` // Titan

	SafetyIdentifier plain    `json:"safety_identifier"`
	User             plain    `json:"user"` // which safety_identifier replaces
	Metadata         metadata `json:"metadata"`
}

type metadata struct{ userID string }

func (m *metadata) UnmarshalJSON(b []byte) error {
	*m = metadata{}
	if len(b) == 0 || b[0] != '{' {
		return nil
	}
	var v struct {
		UserID plain `json:"user_id"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	m.userID = person(string(v.UserID))
	return nil
}

// person is the part of a user_id that stays the same from session to session.
// It may be JSON in a string, or end in a session.
func person(id string) string {
	if strings.HasPrefix(id, "{") {
		var v struct {
			Account plain `json:"account_uuid"`
			User    plain `json:"user_id"`
			Device  plain `json:"device_id"`
		}
		if json.Unmarshal([]byte(id), &v) == nil {
			for _, s := range []plain{v.Account, v.User, v.Device} {
				if s != "" {
					return string(s)
				}
			}
		}
	}
	if before, _, ok := strings.Cut(id, "_session_"); ok && before != "" {
		return before
	}
	return id
}

// decodeBody fills in p from a body. An account that p has already stays, and a
// model unless the body names one.
func decodeBody(raw []byte, p *index.Prompt) error {
	if raw = bytes.TrimLeft(raw, " \t\r\n"); len(raw) == 0 || raw[0] != '{' {
		return errJSON
	}
	var b body
	if json.Unmarshal(raw, &b) != nil { // its error quotes the text
		return errJSON
	}
	p.Model = cmp.Or(string(b.Model), p.Model)
	for _, system := range []text{b.System, b.Instructions, b.SystemCamel, b.SystemSnake} {
		if system != "" {
			p.Messages = append(p.Messages, index.Message{Role: "system", Content: string(system)})
		}
	}
	p.Messages = slices.Concat(p.Messages, b.Messages, b.Input, b.Contents, b.Prompt.turns, b.InputText.turns)
	for _, account := range []string{string(b.SafetyIdentifier), string(b.User), b.Metadata.userID} {
		if p.Account == "" {
			p.Account = account
		}
	}
	return nil
}

var (
	errEncoding = errors.New("embed: body has a Content-Encoding other than gzip and zstd")
	errPacked   = errors.New("embed: body cannot be decompressed")
)

// bodyDecoder returns the decoder of bodies with a Content-Encoding that have at
// most limit bytes.
func bodyDecoder(encoding string, limit int) func([]byte, *index.Prompt) error {
	var unpack func([]byte) (io.Reader, func(), error)
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return decodeBody
	case "gzip":
		unpack = func(b []byte) (io.Reader, func(), error) {
			r, err := gzip.NewReader(bytes.NewReader(b))
			return r, func() {}, err
		}
	case "zstd":
		unpack = func(b []byte) (io.Reader, func(), error) {
			r, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
			if err != nil {
				return nil, nil, err
			}
			return r, r.Close, nil
		}
	default:
		return func([]byte, *index.Prompt) error { return errEncoding }
	}
	return func(packed []byte, p *index.Prompt) error {
		r, done, err := unpack(packed)
		if err != nil {
			return errPacked
		}
		defer done()
		raw, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
		switch {
		case len(raw) > limit:
			return errBody
		case err != nil:
			return errPacked
		}
		return decodeBody(raw, p)
	}
}
