package embed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-368d3dfa/chorus/embed"
	"github.com/seed-368d3dfa/chorus/index"
)

// openIndex opens an index for an example.
func openIndex() (ix *index.Index, remove func()) {
	dir, err := os.MkdirTemp("", "chorus")
	if err != nil {
		log.Fatal(err)
	}
	if ix, err = index.Open(filepath.Join(dir, "chorus.db"), nil); err != nil {
		log.Fatal(err)
	}
	return ix, func() { ix.Close(); os.RemoveAll(dir) }
}

// letters are prompts of one template.
func letters() (prompts []string) {
	for _, town := range []string{"Lima", "Oslo", "Quito", "Accra", "Hanoi", "Porto"} {
		prompts = append(prompts, "Write a friendly letter to the mayor of "+town+" about the state of the public library")
	}
	return prompts
}

// show drains the tap and prints what many accounts share.
func show(tap *embed.Tap, ix *index.Index) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := tap.Close(ctx); err != nil {
		log.Fatal(err)
	}
	templates, err := ix.Templates(ctx, index.Filter{MinAccounts: 3})
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range templates {
		fmt.Println(t.Accounts, "accounts:", t.Pattern)
	}
	fmt.Println(tap.Stats().Added, "prompts")
}

// Hand a tap the prompts that pass through a program.
func Example() {
	ix, remove := openIndex()
	defer remove()
	tap, err := embed.New(ix, nil)
	if err != nil {
		log.Fatal(err)
	}
	for i, text := range letters() {
		tap.Add(index.Prompt{Account: fmt.Sprintf("account-%02d", i), Text: text}) // returns at once
	}
	show(tap, ix) // closes the tap
	// Output:
	// 6 accounts: Write a friendly letter to the mayor of {1} about the state of the public library
	// 6 prompts
}

// Choose how much waits, what a full queue drops, and who hears of failures.
func ExampleNew() {
	ix, remove := openIndex()
	defer remove()
	tap, err := embed.New(ix, &embed.Options{
		Queue:      50_000,
		QueueBytes: 256 << 20,
		Policy:     embed.DropOldest,
		OnError:    func(err error) { log.Print(err) },
	})
	if err != nil {
		log.Fatal(err)
	}
	tap.Add(index.Prompt{Account: "a1", Text: "Write a friendly letter to the mayor"})
	tap.Add(index.Prompt{Account: "a1"}) // no text

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := tap.Close(ctx); err != nil {
		log.Fatal(err)
	}
	stats, err := json.Marshal(tap.Stats()) // or expvar.Publish("chorus", expvar.Func(func() any { return tap.Stats() }))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(stats))
	// Output:
	// {"received":2,"queued":0,"added":1,"duplicates":0,"ignored":0,"invalid":1,"too_large":0,"dropped":0,"failed":0,"last_error":"index: invalid prompt: text and messages are empty"}
}

// Log prompts with slog, as debug records that are not printed, and have them
// in the index.
func ExampleNewHandler() {
	ix, remove := openIndex()
	defer remove()
	tap, err := embed.New(ix, nil)
	if err != nil {
		log.Fatal(err)
	}
	next := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: noTime})
	handler, err := embed.NewHandler(tap, next, &embed.HandlerOptions{
		Fields: embed.Fields{Account: "user", Text: "llm.prompt", Model: "llm.model"},
		Level:  slog.LevelDebug,
	})
	if err != nil {
		log.Fatal(err)
	}
	logger := slog.New(handler)
	for i, text := range letters() {
		logger := logger.With("user", fmt.Sprintf("account-%02d", i))
		logger.Debug("completion", slog.Group("llm", "model", "m1", "prompt", text))
	}
	logger.Info("served", "requests", 6)
	show(tap, ix)
	// Output:
	// level=INFO msg=served requests=6
	// 6 accounts: Write a friendly letter to the mayor of {1} about the state of the public library
	// 6 prompts
}

func noTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// Put a Writer between a logger that writes JSON lines and its file.
func ExampleNewWriter() {
	ix, remove := openIndex()
	defer remove()
	tap, err := embed.New(ix, nil)
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	w, err := embed.NewWriter(tap, &file, &embed.WriterOptions{
		Fields: embed.Fields{Account: "req.user", Messages: "req.messages", Time: "ts", ID: "req.id", Attrs: []string{"req.ip"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for i, text := range letters() {
		fmt.Fprintf(w, `{"ts":1780300800.%d,"req":{"id":%d,"user":"account-%02d","ip":"192.0.2.7","messages":[{"role":"user","content":%q}]}}`+"\n", i, i, i, text)
	}
	fmt.Fprintln(w, `{"ts":1780300801,"msg":"nothing to see"}`)
	fmt.Println(bytes.Count(file.Bytes(), []byte("\n")), "lines in the file")
	show(tap, ix)
	// Output:
	// 7 lines in the file
	// 6 accounts: Write a friendly letter to the mayor of {1} about the state of the public library
	// 6 prompts
}

// Wrap the handler of a gateway; the account is what the gateway says it is.
func ExampleMiddleware() {
	ix, remove := openIndex()
	defer remove()
	tap, err := embed.New(ix, nil)
	if err != nil {
		log.Fatal(err)
	}
	watch, err := embed.Middleware(tap, &embed.HTTPOptions{
		Account: embed.AccountFromHeader("X-Account"),
		Attrs:   func(r *http.Request) map[string]string { return map[string]string{"ip": r.RemoteAddr} },
	})
	if err != nil {
		log.Fatal(err)
	}
	model := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // or a httputil.ReverseProxy
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, `{"choices":[]}`)
	})
	server := httptest.NewServer(watch(model))
	defer server.Close()

	for i, text := range letters() {
		body := fmt.Sprintf(`{"model":"m1","messages":[{"role":"user","content":%q}]}`, text)
		r, err := http.NewRequest("POST", server.URL+"/v1/chat/completions", bytes.NewReader([]byte(body)))
		if err != nil {
			log.Fatal(err)
		}
		r.Header.Set("X-Account", fmt.Sprintf("account-%02d", i))
		resp, err := server.Client().Do(r)
		if err != nil {
			log.Fatal(err)
		}
		resp.Body.Close()
	}
	show(tap, ix)
	// Output:
	// 6 accounts: Write a friendly letter to the mayor of {1} about the state of the public library
	// 6 prompts
}

// userKey is where an example's requests have their user.
type userKey struct{}

// Have a client of a model's API tell who it asks for.
func ExampleNewTransport() {
	ix, remove := openIndex()
	defer remove()
	tap, err := embed.New(ix, nil)
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"content":[]}`) }))
	defer server.Close()
	transport, err := embed.NewTransport(tap, server.Client().Transport, &embed.HTTPOptions{
		Account: func(r *http.Request) string { user, _ := r.Context().Value(userKey{}).(string); return user },
	})
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{Transport: transport} // give it to the API's client library

	for i, text := range letters() {
		ctx := context.WithValue(context.Background(), userKey{}, fmt.Sprintf("account-%02d", i))
		body := fmt.Sprintf(`{"model":"m1","max_tokens":99,"messages":[{"role":"user","content":%q}]}`, text)
		r, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/v1/messages", bytes.NewReader([]byte(body)))
		if err != nil {
			log.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			log.Fatal(err)
		}
		resp.Body.Close()
	}
	show(tap, ix)
	// Output:
	// 6 accounts: Write a friendly letter to the mayor of {1} about the state of the public library
	// 6 prompts
}
