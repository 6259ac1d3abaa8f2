package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/testdata/testport"
)

// Real senders run with the very files of docs/shippers, of which only address
// and paths are changed.
const (
	docAddress = "127.0.0.1:8428"
	docLog     = "/var/log/gateway/prompts.jsonl"
)

// senderPrompts and senderAccounts are what each sender has to deliver.
const senderPrompts, senderAccounts = 100_000, 1000

// A victim is a process of chorus serve that dies and comes back at the same
// address with the same index.
type victim struct {
	t       *testing.T
	address string
	db      string
	cmd     *exec.Cmd
}

// serveVictim starts chorus serve. The test's own binary, under the name
// chorus, is chorus (see TestMain).
func serveVictim(t *testing.T) *victim {
	d := &victim{t: t, address: testport.Free(t), db: filepath.Join(t.TempDir(), "chorus.db")}
	d.start()
	t.Cleanup(func() { d.kill() })
	return d
}

func (d *victim) start() {
	d.t.Helper()
	d.cmd = exec.Command("chorus", "serve", "--db", d.db, "--listen", d.address)
	d.cmd.Stderr = os.Stderr
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	await(d.t, "chorus to answer", func() bool { return d.get("/readyz", nil) == nil })
}

// kill ends the process without a chance to finish anything.
func (d *victim) kill() {
	if d.cmd != nil {
		d.cmd.Process.Kill()
		d.cmd.Wait()
		d.cmd = nil
	}
}

func (d *victim) get(path string, v any) error {
	resp, err := http.Get("http://" + d.address + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || v == nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// prompts is how many the index has.
func (d *victim) prompts() int {
	var stats struct{ Prompts int }
	if err := d.get("/v1/stats", &stats); err != nil {
		return -1
	}
	return stats.Prompts
}

// await waits until something is so. It gives up long after it should be.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for range 9000 {
		if so() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}

// writeLog writes the log that senders read: half of its prompts have ids, all
// have times.
func writeLog(t *testing.T, path string) {
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	at := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	for i := range senderPrompts {
		id := ""
		if i%2 == 0 {
			id = fmt.Sprintf(`"id":"p%d",`, i)
		}
		fmt.Fprintf(w, `{%s"time":%q,"account":"acct-%d","text":"request %d asks for \"word%d\" and word%d\nof a kind that nobody%d has asked for – ever"}`+"\n",
			id, at.Add(time.Duration(i)*time.Millisecond).Format(time.RFC3339Nano), i%senderAccounts, i, i*7919, i*31, i*17)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// configure returns a file of docs/shippers with other values for what it has.
func configure(t *testing.T, name string, changes ...string) string {
	b, err := os.ReadFile("../../docs/shippers/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(string(b), changes[i]) {
			t.Fatalf("%s has no %s", name, changes[i])
		}
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(strings.NewReplacer(changes...).Replace(string(b))), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// deliver starts a sender, kills chorus twice while prompts come in, and checks
// that all of them are counted, once.
func deliver(t *testing.T, d *victim, sender *exec.Cmd) {
	sender.Stdout, sender.Stderr = os.Stderr, os.Stderr
	if err := sender.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- sender.Wait() }()
	t.Cleanup(func() {
		sender.Process.Kill()
		<-ended
	})
	for _, share := range []int{4, 2} {
		await(t, "prompts to come in", func() bool { return d.prompts() > senderPrompts/share })
		d.kill()
		d.start()
	}
	await(t, "all prompts", func() bool { return d.prompts() >= senderPrompts })
	for i := range senderAccounts {
		var account struct{ Prompts int }
		if err := d.get(fmt.Sprintf("/v1/accounts/acct-%d", i), &account); err != nil || account.Prompts != senderPrompts/senderAccounts {
			t.Fatalf("acct-%d has %d prompts, not %d (%v)", i, account.Prompts, senderPrompts/senderAccounts, err)
		}
	}
	if n := d.prompts(); n != senderPrompts {
		t.Errorf("%d prompts, sent were %d", n, senderPrompts)
	}
}

func TestRsyslog(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real rsyslogd for some seconds")
	}
	rsyslogd, err := exec.LookPath("rsyslogd")
	if err != nil {
		t.Skip("rsyslogd is not installed: apt-get install rsyslog rsyslog-elasticsearch")
	}
	if modules, _ := filepath.Glob("/usr/lib/*/rsyslog/omelasticsearch.so"); len(modules) == 0 {
		t.Skip("rsyslog has no omelasticsearch: apt-get install rsyslog-elasticsearch")
	}
	d := serveVictim(t)
	dir := t.TempDir()
	log := filepath.Join(dir, "prompts.jsonl")
	writeLog(t, log)
	host, port, _ := net.SplitHostPort(docAddress)
	newHost, newPort, _ := net.SplitHostPort(d.address)
	conf := configure(t, "rsyslog.conf", docLog, log, `server="`+host+`"`, `server="`+newHost+`"`, `serverport="`+port+`"`, `serverport="`+newPort+`"`,
		"/var/spool/rsyslog", dir, "/var/log/chorus-refused.json", filepath.Join(dir, "refused.json"))
	deliver(t, d, exec.Command(rsyslogd, "-n", "-f", conf, "-i", filepath.Join(dir, "pid")))
	if b, err := os.ReadFile(filepath.Join(dir, "refused.json")); err == nil {
		t.Errorf("rsyslog had records refused: %.300s", b)
	}
}

// TestSyslogNG looks for syslog-ng in the PATH, or where its Debian packages
// have been unpacked, as they cannot be installed beside rsyslog.
func TestSyslogNG(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real syslog-ng for some seconds")
	}
	root := os.Getenv("CHORUS_TEST_SYSLOG_NG")
	syslogNG := filepath.Join(root, "usr/sbin/syslog-ng")
	if root == "" {
		var err error
		if syslogNG, err = exec.LookPath("syslog-ng"); err != nil {
			t.Skip("syslog-ng is not installed: apt-get install syslog-ng-core syslog-ng-mod-http; or unpack the two with dpkg -x and name the folder in CHORUS_TEST_SYSLOG_NG")
		}
	}
	modules, _ := filepath.Glob(filepath.Join("/", root, "usr/lib/syslog-ng/*/libhttp.so"))
	if len(modules) == 0 {
		t.Skip("syslog-ng has no http(): apt-get install syslog-ng-mod-http")
	}
	d := serveVictim(t)
	dir := t.TempDir()
	log := filepath.Join(dir, "prompts.jsonl")
	writeLog(t, log)
	conf := configure(t, "syslog-ng.conf", docLog, log, docAddress, d.address)
	at := func(name string) string { return filepath.Join(dir, name) }
	sender := exec.Command(syslogNG, "-F", "--no-caps", "-f", conf, "-R", at("persist"), "-c", at("control"), "-p", at("pid"), "--module-path", filepath.Dir(modules[0]))
	sender.Env = append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Dir(filepath.Dir(modules[0])))
	deliver(t, d, sender)
}
