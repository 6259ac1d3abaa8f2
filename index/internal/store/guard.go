package store

import (
	"fmt"
	"runtime/debug"
)

// A guard turns the panics and faults of code that reads a file into errors.
//
//	defer g.end(g.begin(), &err)
//
// Panics of a caller's function, for whose time calling is set, pass through.
type guard struct{ calling bool }

type guarded struct{ fault, calling bool }

func (g *guard) begin() guarded {
	s := guarded{debug.SetPanicOnFault(true), g.calling}
	g.calling = false
	return s
}

func (g *guard) end(s guarded, err *error) {
	debug.SetPanicOnFault(s.fault)
	p := recover()
	theirs := g.calling
	g.calling = s.calling
	if p == nil {
		return
	}
	if theirs {
		panic(p)
	}
	*err = damaged("%s", panicText(p))
}

// panicText keeps an error to one short line.
func panicText(p any) string {
	s := fmt.Sprint(p)
	for i, c := range s {
		if c == '\n' || i > 200 {
			return s[:i]
		}
	}
	return s
}
