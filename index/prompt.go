package index

import "time"

// A Prompt is one request that one account sent at one time.
//
// Account and one of Text or Messages are needed. A zero Time means now. ID is
// optional; a prompt whose ID has been added before is not counted again.
type Prompt struct {
	ID       string
	Account  string
	Time     time.Time
	Text     string
	Messages []Message
	Model    string
	Attrs    map[string]string // what else the log knows: "ip", "country", …
}

// A Message is one turn of a conversation, as chat APIs have them. Only what
// the account sends is sketched: roles "assistant" and "tool" are ignored.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// A Placement says where Add put one prompt.
type Placement struct {
	Prompt    uint64   // the prompt's number in this index, from 1; 0 for a duplicate
	Templates []string // ids of the templates that it belongs to, best match first
	Duplicate bool     // its ID has been seen before; it was not counted
}
