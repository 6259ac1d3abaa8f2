package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-368d3dfa/chorus/testdata/testport"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"chorus": main})
}

// TestScripts runs the transcripts in testdata. Beside what testscript has,
// they use
//
//	code N chorus ARGS…      like exec, for the exit code N
//	ready                    wait until the server at $ADDR answers
//	get PATH [TOKEN]         print what it answers
//	post PATH TYPE FILE [TOKEN]  the same, with a body
//	waitfor FILE             wait until a file is there
//	cut FILE                 drop the second half of a file
//	damaged NAME…            load cut copies of logs in $LOGS: each must have skips
//	take NAME REGEXP         set a variable to what REGEXP's group finds in stdout
//	many N                   write N prompts of as many accounts to prompts.jsonl
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("ADDR", testport.Free(t))
			demo, err := filepath.Abs("../../testdata/demo.jsonl.gz")
			if err != nil {
				return err
			}
			env.Setenv("DEMO", demo)
			logs, err := filepath.Abs("../../embed/promptlog/testdata")
			if err != nil {
				return err
			}
			env.Setenv("LOGS", logs)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code": func(ts *testscript.TestScript, _ bool, args []string) {
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				got := 0
				var exit *exec.ExitError
				if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
					got = exit.ExitCode()
				} else {
					ts.Check(err)
				}
				if got != want {
					ts.Fatalf("exit code %d, want %d", got, want)
				}
			},
			"ready": func(ts *testscript.TestScript, _ bool, _ []string) {
				for range 18_000 {
					resp, err := http.Get("http://" + ts.Getenv("ADDR") + "/readyz")
					if err == nil {
						resp.Body.Close()
						return
					}
					time.Sleep(10 * time.Millisecond)
				}
				ts.Fatalf("no server answers")
			},
			"get": func(ts *testscript.TestScript, _ bool, args []string) {
				ask(ts, http.MethodGet, args[0], "", nil, args[1:])
			},
			"post": func(ts *testscript.TestScript, _ bool, args []string) {
				ask(ts, http.MethodPost, args[0], args[1], strings.NewReader(ts.ReadFile(args[2])), args[3:])
			},
			"waitfor": func(ts *testscript.TestScript, _ bool, args []string) {
				for range 18_000 {
					if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
						return
					}
					time.Sleep(10 * time.Millisecond)
				}
				ts.Fatalf("%s does not come", args[0])
			},
			"cut": func(ts *testscript.TestScript, _ bool, args []string) {
				name := ts.MkAbs(args[0])
				info, err := os.Stat(name)
				ts.Check(err)
				ts.Check(os.Truncate(name, info.Size()/2))
			},
			"damaged": func(ts *testscript.TestScript, _ bool, args []string) {
				for i, name := range args {
					b, err := os.ReadFile(filepath.Join(ts.Getenv("LOGS"), name))
					ts.Check(err)
					copied := ts.MkAbs(fmt.Sprint(i, name))
					ts.Check(os.WriteFile(copied, b[:len(b)*3/5], 0o600))
					err = ts.Exec("chorus", "load", "--db", fmt.Sprint(i, ".db"), copied)
					var exit *exec.ExitError
					if !errors.As(err, &exit) || exit.ExitCode() != exitSkipped {
						ts.Fatalf("%s: %v, want exit code %d", name, err, exitSkipped)
					}
				}
			},
			"take": func(ts *testscript.TestScript, _ bool, args []string) {
				m := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
				if m == nil {
					ts.Fatalf("no match")
				}
				ts.Setenv(args[0], m[1])
			},
			"many": func(ts *testscript.TestScript, _ bool, args []string) {
				n, err := strconv.Atoi(args[0])
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs("prompts.jsonl"), lines(n), 0o600))
			},
		},
	})
}

// ask sends a request, with a token if there is one, and prints the answer.
func ask(ts *testscript.TestScript, method, path, kind string, body io.Reader, token []string) {
	r, err := http.NewRequest(method, "http://"+ts.Getenv("ADDR")+path, body)
	ts.Check(err)
	r.Header.Set("Content-Type", kind)
	if len(token) > 0 {
		r.Header.Set("Authorization", "Bearer "+token[0])
	}
	resp, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer resp.Body.Close()
	_, err = io.Copy(ts.Stdout(), resp.Body)
	ts.Check(err)
}

// lines is a log of n prompts of one template, each of its own account.
func lines(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"id":"p%d","time":"2026-06-%02dT08:00:00Z","account":"acct-%03d","text":"Translate the following minutes of a meeting into plain words that a child would understand: %s %s"}`+"\n", i, i%20+1, i, word(i), word(i*i))
	}
	return b.Bytes()
}

// word spells n in letters, as digits count as any other digits.
func word(n int) string {
	return strings.Map(func(r rune) rune { return r - '0' + 'k' }, strconv.Itoa(n))
}

// call runs the command in this process.
func call(ctx context.Context, stdin io.Reader, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	a := &app{stdin: stdin, stdout: &out, stderr: &errs}
	code = a.run(ctx, args)
	return code, out.String(), errs.String()
}

// TestInterrupt interrupts a load whose input has not ended. What was stored
// stays, and a second run goes on.
func TestInterrupt(t *testing.T) {
	db := filepath.Join(t.TempDir(), "x.db")
	const n = 60_000
	log := lines(n)
	ctx, cancel := context.WithCancel(t.Context())
	in, feed := io.Pipe()
	go func() {
		feed.Write(log[:len(log)*9/10]) // many chunks: some have been decoded when it returns
		cancel()
	}()
	code, _, stderr := call(ctx, in, "load", "--db", db, "-")
	in.Close()
	m := regexp.MustCompile(`^chorus: interrupted: ([0-9,]+) prompts stored, and safe`).FindStringSubmatch(stderr)
	if code != exitFailed || m == nil {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	stored, err := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
	if err != nil || stored == 0 || stored == n {
		t.Fatalf("%d prompts stored, %v", stored, err)
	}
	code, stdout, stderr := call(t.Context(), bytes.NewReader(log), "load", "--json", "--db", db, "-")
	if want := fmt.Sprintf(`"prompts":%d,"skipped":0,"duplicates":%d,`, n-stored, stored); code != exitDone || !strings.Contains(stdout, want) {
		t.Errorf("exit code %d, want %s\n%s%s", code, want, stdout, stderr)
	}
	if code, stdout, stderr := call(t.Context(), nil, "check", "--db", db); code != exitDone || stdout != "ok\n" {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// TestFollow lets another process add a flag while flags are followed.
func TestFollow(t *testing.T) {
	db := filepath.Join(t.TempDir(), "x.db")
	load := func(n int) {
		for {
			code, _, stderr := call(t.Context(), bytes.NewReader(lines(n)), "load", "--flag-accounts", "5", "--db", db, "-")
			if code == exitLocked {
				continue // follow is looking
			}
			if code != exitDone {
				t.Errorf("exit code %d\n%s", code, stderr)
			}
			return
		}
	}
	load(2)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, w := io.Pipe()
	done := make(chan int)
	go func() {
		var errs bytes.Buffer
		a := &app{stdout: w, stderr: &errs}
		code := a.run(ctx, []string{"flags", "--json", "--follow", "--db", db})
		w.CloseWithError(errors.New(errs.String()))
		done <- code
	}()
	load(40)
	b := make([]byte, 300)
	n, err := out.Read(b)
	if err != nil || !strings.HasPrefix(string(b[:n]), `{"seq":1,`) {
		t.Errorf("%q, %v", b[:n], err)
	}
	cancel()
	go io.Copy(io.Discard, out)
	if code := <-done; code != exitDone {
		t.Errorf("exit code %d", code)
	}
}
