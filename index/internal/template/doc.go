// Package template keeps the templates that traffic contains: which prevalent
// keys form a core, which prompts contain enough of a core to belong to it,
// and who sent those prompts when.
//
// A Set is driven by Apply, one prompt after the other. Its state is a pure
// function of the sequence of prompts, so that a replayed journal gives the
// very same templates. It does no I/O: what it needs of the past it asks of
// a Past, and what must be stored it hands out as records (see record.go).
//
// A Set is not safe for concurrent use; callers lock around it.
package template
