// Command gen writes the demo log: two weeks of an imaginary LLM service's
// prompts, with campaigns planted in it, and the truth about them.
//
//	go run ./testdata/gen -out testdata
//
// It writes demo.jsonl.gz and demo.truth.json. The same seed gives the same
// log. All texts are made up from the lists in this folder.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"log"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	out := flag.String("out", "testdata", "folder to write to")
	seed := flag.Uint64("seed", 1, "seed of the random numbers")
	flag.Parse()
	lines, truth, err := generate(*seed)
	if err != nil {
		log.Fatal(err)
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := z.Write(lines); err != nil {
		log.Fatal(err)
	}
	if err := z.Close(); err != nil {
		log.Fatal(err)
	}
	for name, data := range map[string][]byte{"demo.jsonl.gz": b.Bytes(), "demo.truth.json": truth} {
		if err := os.WriteFile(filepath.Join(*out, name), data, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// generate returns the log's lines and the truth about it, both JSON.
func generate(seed uint64) (lines, truth []byte, err error) {
	w := newWorld(seed)
	w.ordinary(ordinaryPrompts)
	w.lookalikes()
	w.campaigns()
	prompts := w.finish()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for i := range prompts {
		if err := e.Encode(&prompts[i]); err != nil {
			return nil, nil, err
		}
	}
	truth, err = json.MarshalIndent(&w.truth, "", " ")
	return b.Bytes(), append(truth, '\n'), err
}
