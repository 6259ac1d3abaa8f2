package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

// TestKilled kills a load of a log without ids several times, anywhere. The last
// run must end with every prompt counted once.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	db, log := filepath.Join(dir, "x.db"), filepath.Join(dir, "log.jsonl")
	const n = 60_000
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"time":"2026-06-%02dT08:00:00Z","account":"acct-%03d","text":"Put these into order and say why it is the right one: %s %s"}`+"\n", i%20+1, i%1000, word(i%500), word(i/700))
	}
	if err := os.WriteFile(log, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for try := range 6 {
		cmd := exec.Command(exe, "-test.run", "^TestKilledChild$")
		cmd.Env = append(os.Environ(), "CHORUS_TEST_LOAD="+log, "CHORUS_DB="+db)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		for grown := int64(try+1) << 20; ; { // each gets a little further
			if info, err := os.Stat(db); err == nil && info.Size() > grown {
				cmd.Process.Kill()
			}
			select {
			case err = <-done:
			case <-time.After(time.Millisecond):
				continue
			}
			break
		}
		if err != nil {
			killed++
		}
	}
	code, stdout, stderr := call(t.Context(), nil, "load", "--json", "--db", db, log)
	var got loaded
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != exitDone || got.Prompts+got.Duplicates != n {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, stdout, stderr)
	}
	code, stdout, stderr = call(t.Context(), nil, "stats", "--json", "--db", db)
	if want := fmt.Sprintf(`"prompts":%d,`, n); code != exitDone || !strings.Contains(stdout, want) {
		t.Errorf("exit code %d, want %s\n%s%s", code, want, stdout, stderr)
	}
	t.Logf("killed %d times; %d prompts were stored before the last run", killed, got.Duplicates)
}

// TestKilledChild is the process that TestKilled kills.
func TestKilledChild(t *testing.T) {
	log := os.Getenv("CHORUS_TEST_LOAD")
	if log == "" {
		t.Skip("run by TestKilled")
	}
	if code, _, stderr := call(t.Context(), nil, "load", log); code != exitDone {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
}

// TestManyFiles loads files that are read side by side: in their order, each to
// its end.
func TestManyFiles(t *testing.T) {
	dir := t.TempDir()
	const files, each = 25, 400
	var want strings.Builder
	for i := range files {
		var b bytes.Buffer
		for j := range each {
			fmt.Fprintf(&b, `{"time":"2026-06-01T08:00:00Z","account":"acct-%d","text":"%s"}`+"\n", i, word(j))
			if j == i {
				b.WriteString("no prompt\n")
			}
		}
		name := filepath.Join(dir, fmt.Sprintf("%02d.jsonl", i))
		if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if i < maxSkips {
			fmt.Fprintf(&want, "  %s:%d: not a JSON object\n", name, i+2)
		}
	}
	db := filepath.Join(t.TempDir(), "x.db")
	for _, result := range []string{`{"prompts":10000,"skipped":25,"duplicates":0,`, `{"prompts":0,"skipped":25,"duplicates":10000,`} {
		code, stdout, stderr := call(t.Context(), nil, "load", "--json", "--db", db, dir)
		if code != exitSkipped || !strings.HasPrefix(stdout, result) || !strings.Contains(stderr, want.String()) {
			t.Fatalf("exit code %d, want %s\n%s%s", code, result, stdout, stderr)
		}
	}
	if code, _, stderr := call(t.Context(), strings.NewReader(""), "load", "--db", db, "-", "-"); code != exitUsage || !strings.Contains(stderr, "given twice") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}

// BenchmarkLoad loads logs from end to end: opening, decoding, indexing,
// writing, closing. Each prompt has some 60 words.
func BenchmarkLoad(b *testing.B) {
	const n = 100_000
	type row struct {
		Time    time.Time `parquet:"time,timestamp(microsecond)"`
		Account string    `parquet:"account"`
		Text    string    `parquet:"text"`
	}
	random := rand.New(rand.NewPCG(1, 2))
	var rows []row
	var plain, native, anthropic bytes.Buffer
	zn, za := gzip.NewWriter(&native), gzip.NewWriter(&anthropic)
	for i := range n {
		var text strings.Builder
		for range 40 + random.IntN(40) {
			text.WriteString(word(int(random.ExpFloat64()*2000)) + " ")
		}
		r := row{time.Unix(1780300800+int64(i), 0), fmt.Sprintf("acct-%05d", random.IntN(20000)), text.String()}
		rows = append(rows, r)
		at := r.Time.UTC().Format(time.RFC3339)
		fmt.Fprintf(io.MultiWriter(&plain, zn), `{"time":%q,"account":%q,"text":%q}`+"\n", at, r.Account, r.Text)
		fmt.Fprintf(za, `{"timestamp":%q,"body":{"model":"claude","max_tokens":9,"metadata":{"user_id":%q},"messages":[{"role":"user","content":%q}]}}`+"\n", at, r.Account, r.Text)
	}
	zn.Close()
	za.Close()
	var table bytes.Buffer
	w := parquet.NewGenericWriter[row](&table, parquet.Compression(&parquet.Snappy))
	if _, err := w.Write(rows); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	for _, log := range []struct {
		name string
		data []byte
	}{{"native.jsonl", plain.Bytes()}, {"native.jsonl.gz", native.Bytes()}, {"anthropic.jsonl.gz", anthropic.Bytes()}, {"native.parquet", table.Bytes()}} {
		b.Run(log.name, func(b *testing.B) {
			dir := b.TempDir()
			name := filepath.Join(dir, log.name)
			if err := os.WriteFile(name, log.data, 0o600); err != nil {
				b.Fatal(err)
			}
			for i := 0; b.Loop(); i++ {
				code, stdout, stderr := call(b.Context(), nil, "load", "--json", "--db", filepath.Join(dir, fmt.Sprint(i, ".db")), name)
				if code != exitDone || !strings.Contains(stdout, fmt.Sprintf(`{"prompts":%d,`, n)) {
					b.Fatal(code, stdout, stderr)
				}
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "prompts/s")
		})
	}
}
