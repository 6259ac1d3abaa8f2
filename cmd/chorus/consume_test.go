package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// newTopic starts a Kafka broker with a topic "prompts" that has these records.
func newTopic(t *testing.T, values ...string) (host string, cl *kgo.Client) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "prompts"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	host = c.ListenAddrs()[0]
	if cl, err = kgo.NewClient(kgo.SeedBrokers(host), kgo.DefaultProduceTopic("prompts")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	var records []*kgo.Record
	for _, v := range values {
		records = append(records, kgo.StringRecord(v))
	}
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return host, cl
}

func TestConsume(t *testing.T) {
	values := append(strings.Split(strings.TrimSpace(string(lines(40))), "\n"),
		`{"account":"a","said":"one"}`, `{"said":"two"}`, `secret`)
	host, _ := newTopic(t, values...)
	dir := t.TempDir()
	db, dead, fields := filepath.Join(dir, "x.db"), filepath.Join(dir, "dead.jsonl"), filepath.Join(dir, "map.json")
	if err := os.WriteFile(fields, []byte(`{"text":["text","said"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := call(t.Context(), nil, "consume", "--db", db, "--json", "--until-caught-up", "--dead-letters", dead, "--map", fields, "kafka://"+host+"/prompts")
	var got consumed
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != exitSkipped || got.Records != 43 || got.Prompts != 41 || got.Skipped != 2 || got.Dead != 2 || got.Templates == nil || *got.Templates == 0 || got.Reasons["account is missing"] != 1 {
		t.Errorf("exit code %d, %v\n%s%s", code, err, stdout, stderr)
	}
	if !strings.Contains(stderr, "account is missing") || strings.Contains(stderr, "secret") || strings.Contains(stderr, "two") {
		t.Error(stderr)
	}
	b, err := os.ReadFile(dead)
	if err != nil || bytes.Count(b, []byte("\n")) != 2 || !bytes.Contains(b, []byte(`"value":"secret"`)) {
		t.Errorf("%s, %v", b, err)
	}
	if info, err := os.Stat(dead); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	code, stdout, stderr = call(t.Context(), nil, "consume", "--db", db, "--until-caught-up", "kafka://"+host+"/prompts")
	if code != exitDone || !strings.HasPrefix(stdout, "0 prompts in ") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	for _, test := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "name the streams to read", nil},
		{exitUsage, `no parameter "topic"`, []string{"kafka://" + host + "/prompts?topic=x"}},
		{exitUsage, "a password in a URL can be seen", []string{"kafka://u:hunter2@" + host + "/prompts"}},
		{exitUsage, `--format "nonsense": want auto, native, `, []string{"--format", "nonsense", "kafka://" + host + "/prompts"}},
		{exitUsage, "format=nonsense: want auto or native or", []string{"kafka://" + host + "/prompts?format=nonsense"}},
		{exitFailed, "there is no topic promts", []string{"kafka://" + host + "/promts"}},
		{exitFailed, "no broker answers at 127.0.0.1:1", []string{"kafka://127.0.0.1:1/prompts"}},
		{exitFailed, "no server answers at 127.0.0.1:1", []string{"nats://127.0.0.1:1/PROMPTS"}},
	} {
		code, _, stderr := call(t.Context(), nil, append([]string{"consume", "--db", db}, test.args...)...)
		if code != test.code || !strings.Contains(stderr, test.want) || strings.Contains(stderr, "hunter2") {
			t.Errorf("%v: exit code %d\n%s", test.args, code, stderr)
		}
	}
}

// TestServeConsume has a server take a stream in, and end with what is durable
// acknowledged.
func TestServeConsume(t *testing.T) {
	host, cl := newTopic(t, strings.Split(strings.TrimSpace(string(lines(100))), "\n")...)
	db := filepath.Join(t.TempDir(), "x.db")
	if code, _, stderr := call(t.Context(), nil, "serve", "--db", db, "--consume", "kafka://"+host); code != exitUsage || !strings.Contains(stderr, "is no topic") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var log output
	done := make(chan int, 1)
	go func() {
		a := &app{stdout: &log, stderr: &log}
		done <- a.run(ctx, []string{"serve", "--db", db, "--listen", "127.0.0.1:0", "--consume", "kafka://" + host + "/prompts?group=g", "--consume", "nats://127.0.0.1:1/PROMPTS"})
	}()
	adm := kadm.NewClient(cl)
	committed := func() (sum int64) {
		offsets, err := adm.FetchOffsetsForTopics(t.Context(), "g", "prompts")
		if err == nil {
			offsets.Each(func(o kadm.OffsetResponse) { sum += max(0, o.At) })
		}
		return sum
	}
	until(t, "one stream read and the other one not found", func() bool {
		return len(done) > 0 || committed() == 100 && strings.Contains(log.String(), "no server answers")
	})
	cancel()
	if code, out := <-done, log.String(); code != exitDone || !strings.Contains(out, "prompts=100") || strings.Contains(out, "minutes") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if code, stdout, stderr := call(t.Context(), nil, "stats", "--json", "--db", db); code != exitDone || !strings.Contains(stdout, `"prompts":100,`) {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// TestProgress tells what JSON lines say, and when.
func TestProgress(t *testing.T) {
	var out bytes.Buffer
	a := &app{stderr: &out}
	quiet := a.newProgress(1000)
	a.json = true
	p := a.newProgress(1000)
	now := p.start
	p.now, quiet.now = func() time.Time { return now }, func() time.Time { return now.Add(time.Hour) }
	quiet.set(500, 10)
	p.set(100, 5)
	now = now.Add(progressEvery - 1)
	p.set(200, 10)
	if out.Len() > 0 {
		t.Error(out.String())
	}
	now = p.start.Add(10 * time.Second)
	p.set(250, 20)
	p.set(260, 21)
	now = now.Add(progressEvery)
	p.state(consumed{Records: 3, Prompts: 2, Behind: 7, Seconds: 15})
	want := `{"progress":{"prompts":20,"bytes":250,"total_bytes":1000,"prompts_per_second":2,"seconds_left":30}}
{"progress":{"records":3,"prompts":2,"skipped":0,"duplicates":0,"dead_letters":0,"behind":7,"seconds":15,"prompts_per_second":0}}
`
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
