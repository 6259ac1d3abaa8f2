package index

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The crash test runs this test program as a child that adds a known stream,
// kills it at random moments, and holds what is left against a run that was
// never killed. CHORUS_KILLS sets the number of kills.
const (
	envCrashChild = "CHORUS_CRASH_CHILD" // the file; the child does nothing else
	envCrashSteps = "CHORUS_CRASH_STEPS" // from, of how many
	envCrashSync  = "CHORUS_CRASH_SYNC"
	envCrashSmall = "CHORUS_CRASH_SMALL" // templates leave memory
	envKills      = "CHORUS_KILLS"
)

// A crashStep is one Add, or an Expire.
type crashStep struct {
	prompts []Prompt
	before  time.Time
}

func crashSteps(n int) []crashStep {
	g := newTraffic(11, 40, 30, 90*time.Second)
	for i, p := range g.planted { // campaigns come and go
		p.from = i * n * 20 / 50
		if i%3 == 0 {
			p.until = p.from + n*10
		}
	}
	rng := rand.New(rand.NewPCG(5, 5))
	steps := make([]crashStep, n)
	for i := range steps {
		if i%97 == 96 {
			steps[i].before = g.at.AddDate(0, 0, -8)
			continue
		}
		steps[i].prompts = g.take(1 + rng.IntN(40))
		for j := range steps[i].prompts {
			p := &steps[i].prompts[j]
			p.Model = fmt.Sprint("m", len(p.Text)%7)
			p.Attrs = map[string]string{"build": fmt.Sprint("b", p.Time.Unix()/7200), "plan": strings.Repeat("p", len(p.Text)%80)} // builds go with their days
		}
	}
	return steps
}

func crashOptions(sync, tight bool) *Options {
	o := &Options{MemtablePostings: 3000, SiftBytes: 4 << 20, NoSync: !sync, KeepAttrs: []string{"build", "plan"}}
	if tight {
		o.TemplateBytes = 64 << 10
	}
	return o
}

// runSteps takes the steps from on, a few at a time, and calls done after each.
func runSteps(ix *Index, steps []crashStep, from int, done func(step int) error) error {
	ctx := context.Background()
	type running struct {
		step int
		p    *Pending
	}
	var queue []running
	drain := func(leave int) error {
		for len(queue) > leave {
			if _, err := queue[0].p.Wait(); err != nil {
				return err
			}
			if err := done(queue[0].step); err != nil {
				return err
			}
			queue = queue[1:]
		}
		return nil
	}
	for i := from; i < len(steps); i++ {
		if !steps[i].before.IsZero() {
			if err := drain(0); err != nil {
				return err
			}
			if _, err := ix.Expire(ctx, steps[i].before); err != nil {
				return err
			}
			if err := done(i); err != nil {
				return err
			}
			continue
		}
		p, err := ix.Submit(ctx, steps[i].prompts...)
		if err != nil {
			return err
		}
		queue = append(queue, running{i, p})
		if err := drain(crashFlight - 1); err != nil {
			return err
		}
	}
	return drain(0)
}

const crashFlight = 3 // Adds under way at a time

// TestCrashChild is the child.
func TestCrashChild(t *testing.T) {
	path := os.Getenv(envCrashChild)
	if path == "" {
		t.Skip("run by TestCrash")
	}
	var from, n int
	if _, err := fmt.Sscan(os.Getenv(envCrashSteps), &from, &n); err != nil {
		t.Fatal(err)
	}
	ix, err := Open(path, crashOptions(os.Getenv(envCrashSync) != "", os.Getenv(envCrashSmall) != ""))
	if err != nil {
		t.Fatal(err)
	}
	err = runSteps(ix, crashSteps(n), from, func(step int) error {
		_, err := os.Stdout.WriteString("did " + strconv.Itoa(step) + "\n")
		return err
	})
	if err = errors.Join(err, ix.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestCrash(t *testing.T) {
	kills := 200
	if testing.Short() {
		kills = 20
	}
	if s := os.Getenv(envKills); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		kills = n
	}
	t.Run("killed", func(t *testing.T) { testCrash(t, kills*7/10, false, false) })
	t.Run("templates leave memory", func(t *testing.T) { testCrash(t, kills*2/10, false, true) })
	t.Run("with sync", func(t *testing.T) { testCrash(t, kills/10, true, false) })
}

func testCrash(t *testing.T, kills int, sync, tight bool) {
	const stepsPerKill = 10
	dir := t.TempDir()
	path, whole := filepath.Join(dir, "crash.db"), filepath.Join(dir, "whole.db")
	ix, err := Open(path, crashOptions(sync, tight))
	if err != nil {
		t.Fatal(err)
	}
	closeIndex(t, ix)
	copyFile(t, path, whole) // the same secret seed

	// The run without a kill, and how many prompts it has after each step.
	steps := crashSteps(kills*stepsPerKill + 50)
	want := open(t, whole, crashOptions(false, tight))
	prompts := make([]int, len(steps)+1)
	for i := range steps {
		if err := runSteps(want, steps[:i+1], i, func(int) error { return nil }); err != nil {
			t.Fatal(err)
		}
		prompts[i+1] = stats(t, want).Prompts
	}

	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	did, killed := 0, 0
	for did < len(steps) {
		acks := 1 + rng.IntN(stepsPerKill+2) // a few more are under way
		if killed >= kills {
			acks = len(steps) // let it finish
		}
		was := did
		did = runCrashChild(t, path, did, len(steps), acks, time.Duration(rng.IntN(3000))*time.Microsecond, sync, tight)
		if did == was && killed > 10*kills {
			t.Fatal("the child does not get on")
		}
		killed++
		if did < len(steps) {
			inspectCrash(t, path, dir, steps, prompts, did, tight)
		}
		if t.Failed() {
			t.Fatalf("after kill %d, step %d of %d", killed, did, len(steps))
		}
	}
	t.Logf("%d steps, %d kills, %d prompts", len(steps), killed-1, prompts[len(steps)])

	closeIndex(t, want)
	closeIndex(t, open(t, path, crashOptions(false, tight))) // the last child may have been killed in its Close
	want, got := open(t, whole, crashOptions(false, tight)), open(t, path, crashOptions(false, tight))
	compareIndexes(t, want, got)
}

// runCrashChild starts a child at step from, kills it a moment after so many
// steps were acknowledged, and returns the step to go on from.
func runCrashChild(t *testing.T, path string, from, n, acks int, moment time.Duration, sync, tight bool) (did int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
	cmd.Env = append(os.Environ(), envCrashChild+"="+path, fmt.Sprintf("%s=%d %d", envCrashSteps, from, n))
	if sync {
		cmd.Env = append(cmd.Env, envCrashSync+"=1")
	}
	if tight {
		cmd.Env = append(cmd.Env, envCrashSmall+"=1")
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	did = from
	var other []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		step, ok := strings.CutPrefix(lines.Text(), "did ")
		if !ok {
			other = append(other, lines.Text())
			continue
		}
		k, err := strconv.Atoi(step)
		if err != nil || k != did {
			t.Errorf("the child acknowledged %q after step %d", lines.Text(), did-1)
			break
		}
		did++
		if acks--; acks == 0 {
			time.AfterFunc(moment, func() { cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err != nil && cmd.ProcessState.Exited() {
		t.Fatalf("the child failed: %v\n%s", err, strings.Join(other, "\n"))
	}
	return did
}

// inspectCrash opens a copy of what a kill left: the original must not be
// sealed where the child would not have.
func inspectCrash(t *testing.T, path, dir string, steps []crashStep, prompts []int, did int, tight bool) {
	t.Helper()
	left := filepath.Join(dir, "left.db")
	copyFile(t, path, left)
	ix, err := Open(left, crashOptions(false, tight))
	if err != nil {
		t.Errorf("reopening: %v", err)
		return
	}
	defer ix.Close()
	if err := ix.Check(context.Background()); err != nil {
		t.Errorf("Check: %v", err)
	}
	now := stats(t, ix).Prompts
	if may := prompts[did:min(did+crashFlight+1, len(prompts))]; !slices.Contains(may, now) {
		t.Errorf("%d prompts are retained, not one of %v", now, may)
	}
	// What was acknowledged since the last expiry is known by its ids.
	for i := did - 1; i >= max(0, did-12) && steps[i].before.IsZero(); i-- {
		for j, p := range add(t, ix, steps[i].prompts...) {
			if !p.Duplicate {
				t.Errorf("prompt %s of step %d was acknowledged and is not known", steps[i].prompts[j].ID, i)
			}
		}
	}
	if after := stats(t, ix).Prompts; after != now {
		t.Errorf("%d prompts were counted twice", after-now)
	}
}

// compareIndexes reports whether two indexes differ in anything that users see.
func compareIndexes(t *testing.T, want, got *Index) {
	t.Helper()
	a, b := stats(t, want), stats(t, got)
	for _, s := range []*Stats{&a, &b} { // what a crash may change
		s.Bytes, s.Memory, s.Runs, s.Duplicates = 0, 0, 0, 0
	}
	if a != b {
		t.Errorf("stats are %+v, not %+v", b, a)
	}
	if a, b := flagsOf(t, want), flagsOf(t, got); !reflect.DeepEqual(a, b) {
		for i := range min(len(a), len(b)) {
			if !reflect.DeepEqual(a[i], b[i]) {
				t.Errorf("flag %d is %+v, not %+v", i, b[i], a[i])
				break
			}
		}
		t.Errorf("%d flags, not %d", len(b), len(a))
	}
	x, y := templatesOf(t, want, Filter{Members: true}), templatesOf(t, got, Filter{Members: true})
	if len(x) != len(y) {
		t.Errorf("%d templates, not %d", len(y), len(x))
	}
	if len(x) == 0 {
		t.Error("no templates at all")
	}
	wrong := 0
	for i := range min(len(x), len(y)) {
		if !reflect.DeepEqual(x[i], y[i]) {
			if wrong++; wrong < 4 {
				t.Errorf("template %d is\n%+v, not\n%+v", i, y[i], x[i])
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d templates differ", wrong, len(x))
	}
	for _, tpl := range x[:min(5, len(x))] {
		for _, m := range tpl.Members[:min(3, len(tpl.Members))] {
			p, err1 := want.Account(context.Background(), m.Account)
			q, err2 := got.Account(context.Background(), m.Account)
			if err1 != nil || err2 != nil || !reflect.DeepEqual(p, q) {
				t.Errorf("account %s is %+v (%v), not %+v (%v)", m.Account, q, err2, p, err1)
			}
		}
	}
	for _, tpl := range x[:min(40, len(x))] {
		id, _ := parseTemplateID(tpl.ID)
		if p, q := coreOf(t, want, id), coreOf(t, got, id); !slices.Equal(p, q) {
			t.Errorf("the cores of template %s differ", tpl.ID)
		}
	}
}

// coreOf returns a template's core, from memory or disk.
func coreOf(t *testing.T, ix *Index, id uint32) (core []uint64) {
	t.Helper()
	ix.mu.Lock()
	defer ix.mu.Unlock()
	found := ix.templates.Get(id)
	if found == nil {
		found = archive{ix}.Load(id)
	}
	if found == nil {
		t.Errorf("template %d is not there", id)
		return nil
	}
	return found.Core()
}
