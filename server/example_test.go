package server_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server"
)

// Mount the API and the pages in a server of one's own. It has no
// authentication here: Options.Guard adds it.
func Example() {
	dir, err := os.MkdirTemp("", "chorus")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ix, err := index.Open(filepath.Join(dir, "chorus.db"), &index.Options{SiftBytes: 1 << 20}) // a small table for few prompts
	if err != nil {
		log.Fatal(err)
	}
	defer ix.Close()

	mux := http.NewServeMux()
	mux.Handle("/chorus/", http.StripPrefix("/chorus", server.New(ix, nil)))
	s := httptest.NewServer(mux)
	defer s.Close()

	r, err := http.Post(s.URL+"/chorus/v1/prompts", "application/json", strings.NewReader(`{"account":"a1","text":"Explain tides."}`))
	if err != nil {
		log.Fatal(err)
	}
	defer r.Body.Close()
	answer, err := io.ReadAll(r.Body)
	fmt.Println(r.StatusCode, string(answer), err)
	// Output:
	// 200 {"accepted":1,"duplicates":0,"skipped_count":0,"skipped":[],"placements":[{"prompt":1,"templates":[],"duplicate":false}]}
	//  <nil>
}
