// Command chorus finds the prompts that many accounts of an LLM service share.
//
// "chorus help" says how it is used. It exits with 0 when done, 1 when it
// failed, 2 on wrong usage, 3 when done but some input was skipped, 4 when the
// index is locked by another process, and 5 when the index is damaged.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(75) // most of the heap is a few large tables: collecting is cheap, garbage is not
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(a.run(ctx, os.Args[1:]))
}
