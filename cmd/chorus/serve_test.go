package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/server/access"
)

// output is what a process writes, while it does.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// until waits until f is true; what is in the failure.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for range 18_000 {
		if f() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("still not: " + what)
}

// A process is a "chorus serve" of its own process.
type process struct {
	*exec.Cmd
	log  *output
	done chan struct{} // closed when it has ended
	err  error
}

// launch starts a command line, which a shell's exec may stand before.
func launch(t *testing.T, prepare func(*exec.Cmd), args ...string) *process {
	t.Helper()
	d := &process{Cmd: exec.Command(args[0], args[1:]...), log: &output{}, done: make(chan struct{})}
	d.Stdout, d.Stderr = d.log, d.log
	if prepare != nil {
		prepare(d.Cmd)
	}
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.err = d.Wait(); close(d.done) }()
	t.Cleanup(func() {
		d.Process.Kill()
		<-d.done
		if t.Failed() {
			t.Logf("%v:\n%s", args, d.log)
		}
	})
	return d
}

var addressForm = regexp.MustCompile(`https?://([0-9.]+:[0-9]+)`)

// startServing starts chorus serve on a free port and returns its address.
func startServing(t *testing.T, args ...string) (*process, string) {
	t.Helper()
	d := launch(t, nil, append([]string{"chorus", "serve", "--listen", "127.0.0.1:0"}, args...)...)
	return d, d.address(t)
}

func (d *process) address(t *testing.T) string {
	t.Helper()
	var m []string
	until(t, "serving", func() bool {
		m = addressForm.FindStringSubmatch(d.log.String())
		select {
		case <-d.done:
			t.Fatalf("%v\n%s", d.err, d.log)
		default:
		}
		return m != nil
	})
	return m[1]
}

// stop sends a signal and waits for a clean end.
func (d *process) stop(t *testing.T) {
	t.Helper()
	d.Process.Signal(syscall.SIGTERM)
	<-d.done
	if d.err != nil {
		t.Errorf("%v\n%s", d.err, d.log)
	}
}

func status(t *testing.T, c *http.Client, method, url, body string, headers ...string) int {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// TestDrain sends SIGTERM while an upload is under way: it ends as if nothing had
// happened, and what it sent is there.
func TestDrain(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no SIGTERM")
	}
	db := filepath.Join(t.TempDir(), "x.db")
	d, address := startServing(t, "--db", db)
	body, feed := io.Pipe()
	type answer struct {
		text string
		err  error
	}
	answered := make(chan answer)
	go func() {
		resp, err := http.Post("http://"+address+"/v1/prompts", "application/x-ndjson", body)
		if err != nil {
			answered <- answer{err: err}
			return
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		answered <- answer{string(b), err}
	}()
	log := lines(1000)
	half := bytes.IndexByte(log[len(log)/2:], '\n') + len(log)/2 + 1
	feed.Write(log[:half])
	until(t, "under way", func() bool { // beside the request that asks
		resp, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return err == nil && strings.Contains(string(b), "\nchorus_http_requests_underway 2\n")
	})
	d.Process.Signal(syscall.SIGTERM)
	until(t, "refusing connections", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	feed.Write(log[half:])
	feed.Close()
	if a := <-answered; a.err != nil || !strings.HasPrefix(a.text, `{"accepted":1000,`) {
		t.Errorf("%q, %v", a.text, a.err)
	}
	<-d.done
	if d.err != nil {
		t.Error(d.err)
	}
	if _, stdout, stderr := call(t.Context(), nil, "stats", "--json", "--db", db); !strings.Contains(stdout, `"prompts":1000,`) {
		t.Errorf("%s%s", stdout, stderr)
	}
}

// TestRestart hands a socket from one process to the next, as systemd does,
// while a client sends one request after the other: none is refused or lost.
func TestRestart(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no sockets are passed")
	}
	db := filepath.Join(t.TempDir(), "x.db")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	start := func() *process {
		return launch(t, func(c *exec.Cmd) { c.ExtraFiles = []*os.File{file} },
			"sh", "-c", `LISTEN_FDS=1 LISTEN_PID=$$ exec chorus serve --listen 192.0.2.1:1 --db "$0"`, db)
	}
	d := start()
	if got := d.address(t); got != l.Addr().String() {
		t.Fatalf("serving %s, not the socket passed", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	sent := make(chan int)
	go func() {
		n := 0
		defer func() { sent <- n }() // also after a failure
		// One connection each: one that is kept may be closed while a request is on its way.
		c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 3 * time.Minute}
		for ctx.Err() == nil {
			if got := status(t, c, "POST", "http://"+l.Addr().String()+"/v1/prompts", fmt.Sprintf(`{"account":"a%d","text":"hello"}`, n)); got != http.StatusOK {
				t.Errorf("%d", got)
			}
			n++
		}
	}()
	for range 3 {
		d.stop(t)
		d = start()
		d.address(t)
	}
	cancel()
	n := <-sent
	d.stop(t)
	if _, stdout, stderr := call(t.Context(), nil, "stats", "--json", "--db", db); !strings.Contains(stdout, fmt.Sprintf(`"prompts":%d,`, n)) {
		t.Errorf("%d sent\n%s%s", n, stdout, stderr)
	}
}

// TestConnections opens as many as a server takes: one more waits until there is
// room.
func TestConnections(t *testing.T) {
	d, address := startServing(t, "--db", filepath.Join(t.TempDir(), "x.db"), "--connections", "3")
	var idle []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		idle = append(idle, c)
	}
	answered := make(chan int)
	go func() {
		c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 3 * time.Minute}
		resp, err := c.Get("http://" + address + "/healthz")
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		resp.Body.Close()
		answered <- resp.StatusCode
	}()
	select {
	case got := <-answered:
		t.Errorf("answered at once: %d", got)
	case <-time.After(100 * time.Millisecond):
		idle[0].Close()
		if got := <-answered; got != http.StatusOK {
			t.Errorf("%d", got)
		}
	}
	for _, c := range idle {
		c.Close()
	}
	d.stop(t)
}

// TestNotify looks at what systemd is told.
func TestNotify(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no systemd")
	}
	dir := t.TempDir()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	d := launch(t, func(c *exec.Cmd) { c.Env = append(os.Environ(), "NOTIFY_SOCKET="+filepath.Join(dir, "notify")) },
		"chorus", "serve", "--listen", "127.0.0.1:0", "--db", filepath.Join(dir, "x.db"))
	read := func() string {
		b := make([]byte, 100)
		conn.SetReadDeadline(time.Now().Add(3 * time.Minute))
		n, err := conn.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	if got := read(); got != "READY=1" {
		t.Errorf("%q", got)
	}
	d.stop(t)
	if got := read(); got != "STOPPING=1" {
		t.Errorf("%q", got)
	}
}

// TestWaitLock asks for an index that another process keeps.
func TestWaitLock(t *testing.T) {
	db := filepath.Join(t.TempDir(), "x.db")
	d, _ := startServing(t, "--db", db)
	if code, _, stderr := call(t.Context(), nil, "serve", "--listen", "127.0.0.1:0", "--db", db, "--wait-lock", "100ms"); code != exitLocked {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	if code, _, stderr := call(t.Context(), nil, "compact", "--db", db); code != exitLocked {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	d.stop(t)
}

// TestServeTLS serves with a certificate, and with another after SIGHUP.
func TestServeTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(c tls.Certificate) {
		t.Helper()
		k, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(
			os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}), 0o600),
			os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: k}), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	h := httptest.NewUnstartedServer(nil) // for its certificate
	h.StartTLS()
	defer h.Close()
	write(h.TLS.Certificates[0])
	d, address := startServing(t, "--db", filepath.Join(dir, "x.db"), "--tls-cert", cert, "--tls-key", key)
	c := h.Client()
	c.Transport.(*http.Transport).TLSClientConfig.ServerName = "example.com"
	if got := status(t, c, "GET", "https://"+address+"/v1/stats", ""); got != http.StatusOK {
		t.Errorf("%d", got)
	}
	if got := status(t, http.DefaultClient, "GET", "http://"+address+"/v1/stats", ""); got != http.StatusBadRequest {
		t.Errorf("without TLS: %d", got)
	}
	until(t, "counted", func() bool {
		resp, err := c.Get("https://" + address + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return err == nil && bytes.Contains(b, []byte("\nchorus_tls_handshake_failures_total 1\n"))
	})
	if runtime.GOOS != "windows" {
		d.Process.Signal(syscall.SIGHUP)
		until(t, "reloaded", func() bool { return strings.Contains(d.log.String(), "certificate reloaded") })
	}
	d.stop(t)
	if err := os.WriteFile(key, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t.Context(), nil, "serve", "--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key, "--db", filepath.Join(dir, "y.db")); code != exitFailed || !strings.HasPrefix(stderr, "chorus: TLS: "+cert+" with "+key+": failed to find") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}

// TestOverload sends more at a time than there is room for: some is refused, what
// is taken is there, and memory stays bounded.
func TestOverload(t *testing.T) {
	if runtime.GOOS != "linux" || testing.Short() {
		t.Skip("reads /proc, and takes seconds")
	}
	d, address := startServing(t, "--db", filepath.Join(t.TempDir(), "x.db"), "--ingest-mib", "16", "--sift-mib", "4", "--template-mib", "8")
	var body strings.Builder
	text := strings.Repeat("some words of mine ", 40)
	n := 0
	for body.WriteString("["); body.Len() < 8<<20; n++ {
		fmt.Fprintf(&body, `{"account":"a%d","text":"%s"},`, n%100, text)
	}
	sent := []byte(body.String()[:body.Len()-1] + "]")
	// post sends all of it and takes the answer that comes, maybe long before the
	// last byte has gone; http.Client may see only that the server takes no more.
	post := func() (*http.Response, error) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		go func() {
			fmt.Fprintf(c, "POST /v1/prompts HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", address, len(sent))
			c.Write(sent)
		}()
		return http.ReadResponse(bufio.NewReader(c), nil)
	}
	var mu sync.Mutex
	codes := make(map[int]int)
	var clients sync.WaitGroup
	for range 64 {
		clients.Go(func() {
			resp, err := post()
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			codes[resp.StatusCode]++
		})
	}
	clients.Wait()
	if codes[http.StatusOK] == 0 || codes[http.StatusTooManyRequests] == 0 || codes[http.StatusOK]+codes[http.StatusTooManyRequests] != 64 {
		t.Errorf("%v", codes)
	}
	resp, err := http.Get("http://" + address + "/v1/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(b), fmt.Sprintf(`"prompts":%d,`, n*codes[http.StatusOK])) {
		t.Errorf("%d times %d taken, %v\n%s", codes[http.StatusOK], n, err, b)
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var peak int
	if m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(b); m != nil {
		peak, _ = strconv.Atoi(string(m[1]))
	}
	t.Logf("%v, %d MiB at most", codes, peak>>10)
	if peak == 0 || peak > 768<<10 { // all at a time take some 2 GiB, these up to 480 MiB
		t.Errorf("%d MiB", peak>>10)
	}
	d.stop(t)
}

// TestCanary sends a text through every route, in every wrong way too, and looks
// for it in all that a server writes beside answers and the index.
func TestCanary(t *testing.T) {
	const canary = "xyzzyplugh"
	dir := t.TempDir()
	db := filepath.Join(dir, "x.db")
	admin, _, err := access.Create(db+".tokens", access.Token{Name: "admin", Roles: access.Admin})
	if err != nil {
		t.Fatal(err)
	}
	d, address := startServing(t, "--db", db, "--log-level", "debug", "--flag-accounts", "5")
	prompt := func(i int) string {
		return fmt.Sprintf(`{"id":"%s-%d","account":"a%d","text":"%s is in these words that all of them send, %s"}`, canary, i, i, canary, word(i))
	}
	var log strings.Builder
	for i := range 10 {
		log.WriteString(prompt(i) + "\n")
	}
	auth := []string{"Authorization", "Bearer " + admin}
	ask := func(method, path, kind, body string, headers ...string) {
		t.Helper()
		status(t, http.DefaultClient, method, "http://"+address+path, body, append(headers, "Content-Type", kind)...)
	}
	bodies := []string{
		prompt(20), log.String(), "[" + prompt(21) + "]", `{"text":"` + canary + `"}`, canary, `{"` + canary, `"` + canary + `"`,
		`{"account":"` + canary + `","text":"` + canary + `","time":"` + canary + `"}`, `{"text":"` + canary + `","verdict":"` + canary + `"}`,
		`{"text":"` + canary + ` and many more words","verdict":"benign","reason":"` + canary + `"}`,
		`{"create":{"_index":"` + canary + `"}}` + "\n" + prompt(22) + "\n",
		`{"streams":[{"stream":{"account":"` + canary + `"},"values":[["1","` + canary + `"]]}]}`,
		`{"token":"` + canary + `"}`, `{"key":"` + canary + canary + `","bundle":{"type":"` + canary + `"},"format":"` + canary + `"}`, "\x1f\x8b" + canary,
	}
	for _, path := range []string{
		"/v1/prompts", "/v1/similar", "/v1/labels", "/v1/labels?force=true", "/_bulk", "/" + canary + "/_bulk", "/loki/api/v1/push", "/insert/jsonline",
		"/v1/logs", "/v1/traces", "/v1/campaigns/c1/export", "/v1/campaigns/import", "/v1/campaigns/" + canary + "/export", "/login", "/logout", "/" + canary, "/v1/" + canary,
	} {
		for _, body := range bodies {
			for _, kind := range []string{"application/json", "application/x-ndjson", "text/" + canary, "application/x-protobuf", "application/x-www-form-urlencoded"} {
				ask("POST", path, kind, body, auth...)
			}
			ask("POST", path, "application/json", body)
		}
	}
	for _, path := range []string{
		"/v1/similar?text=" + canary, "/v1/similar?min=" + canary, "/v1/templates?status=" + canary, "/v1/templates?cursor=" + canary, "/v1/templates/" + canary,
		"/v1/campaigns?id=" + canary, "/v1/campaigns/" + canary, "/v1/campaigns/" + canary + "/export?format=" + canary, "/v1/accounts/" + canary, "/v1/accounts?id=" + canary,
		"/v1/flags?after=" + canary, "/v1/flags", "/v1/labels?after=" + canary, "/v1/search?q=" + canary, "/v1/session", "/v1/stats", "/" + canary, "/_cat/" + canary,
		"/metrics?x=" + canary, "/debug/pprof/" + canary, "/openapi.json", "/docs", "/", "/v1/templates", "/v1/campaigns", "/v1//" + canary,
	} {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", strings.ToUpper(canary)} {
			ask(method, path, "", "", append(auth, "X-Request-Id", "\""+canary, "Last-Event-ID", canary, "If-None-Match", canary)...)
			ask(method, path, "", "", "Authorization", "Bearer "+canary, "Cookie", "chorus_session="+canary)
		}
	}
	resp, err := http.DefaultClient.Do(authorized(t, "http://"+address+"/metrics", admin))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	measured, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^chorus_ingested_prompts_total [1-9]`).Match(measured) || !regexp.MustCompile(`(?m)^chorus_flags_total [1-9]`).Match(measured) {
		t.Errorf("no prompts came in:\n%s", measured)
	}
	d.stop(t)
	written := map[string]string{"the log": d.log.String(), "the metrics": string(measured)}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.Contains(f.Name(), canary) {
			t.Errorf("a file is called %s", f.Name())
		}
		if f.Name() == "x.db" || f.IsDir() { // exemplars are kept there, and what is derived from them
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		written[f.Name()] = string(b)
	}
	for what, text := range written {
		for line := range strings.Lines(text) {
			if strings.Contains(strings.ToLower(line), canary) {
				t.Errorf("%s: %s", what, line)
			}
		}
	}
	if len(written["x.db.audit"]) == 0 || strings.Count(written["the log"], "msg=request") < 100 {
		t.Errorf("nothing was written: %d bytes of audit, %d of log", len(written["x.db.audit"]), len(written["the log"]))
	}
}

func authorized(t *testing.T, url, token string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}
