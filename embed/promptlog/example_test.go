package promptlog_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
)

// Read a log whose format is not known beforehand.
func ExampleRead() {
	in := strings.NewReader(`{"time":"2026-06-01T08:00:00Z","body":{"model":"m1","messages":[{"role":"user","content":"Explain tides."}],"user":"u1"}}
{"time":"2026-06-01T08:00:01Z","body":{"model":"m1","messages":[{"role":"user","content":"And the moon?"}]}}
`)
	for batch, err := range promptlog.Read(context.Background(), in, &promptlog.Options{Name: "x.jsonl", Format: "auto"}) {
		if err != nil {
			log.Fatal(err)
		}
		for _, p := range batch.Prompts {
			fmt.Println(batch.Format, p.Account, p.Messages[0].Content)
		}
		for _, s := range batch.Skipped {
			fmt.Printf("%s:%d: %s\n", s.File, s.Line, s.Reason)
		}
	}
	// Output:
	// openai u1 Explain tides.
	// x.jsonl:2: account is missing
}

// A map says where a log of one's own has what is needed.
func ExampleParseMap() {
	m, err := promptlog.ParseMap([]byte(`{"account":"who.key","time":"at","time_layout":"unix","text":"said"}`))
	if err != nil {
		log.Fatal(err)
	}
	in := strings.NewReader(`{"who":{"key":"k1"},"at":1780300800,"said":"Any log."}`)
	for batch, err := range promptlog.Read(context.Background(), in, &promptlog.Options{Format: "auto", Map: m}) {
		if err != nil {
			log.Fatal(err)
		}
		for _, p := range batch.Prompts {
			fmt.Println(p.Account, p.Time, p.Text)
		}
	}
	// Output:
	// k1 2026-06-01 08:00:00 +0000 UTC Any log.
}
