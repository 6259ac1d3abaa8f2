package index

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestAdd(t *testing.T) {
	path := tempIndex(t)
	ix := open(t, path, small())
	g := newTraffic(21, 3, 10, time.Minute)
	prompts := g.take(200)
	if got := add(t, ix); len(got) != 0 {
		t.Errorf("adding nothing placed %d", len(got))
	}
	if got := add(t, ix, prompts[0]); len(got) != 1 || got[0].Prompt != 1 || got[0].Duplicate {
		t.Errorf("the first prompt was placed as %+v", got)
	}
	for i, p := range add(t, ix, prompts[1:]...) {
		if p.Prompt != uint64(i+2) || p.Duplicate {
			t.Fatalf("prompt %d was placed as %+v", i+2, p)
		}
	}
	accounts := make(map[string]int)
	for _, p := range prompts {
		accounts[p.Account]++
	}
	st := stats(t, ix)
	if st.Prompts != 200 || st.Accounts != len(accounts) || !st.First.Equal(prompts[0].Time) || !st.Last.Equal(prompts[199].Time) {
		t.Errorf("stats are %+v; %d accounts", st, len(accounts))
	}
	a, err := ix.Account(context.Background(), prompts[7].Account)
	if err != nil || a.Prompts != accounts[prompts[7].Account] {
		t.Errorf("Account: %+v, %v", a, err)
	}
	if _, err := ix.Account(context.Background(), "nobody"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown account: %v", err)
	}
	g.compare(t, ix)
}

// Texts of any kind are counted, and time defaults to now.
func TestAddOddTexts(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	texts := []string{"a", " ", "\xff\xfe", "…!?", strings.Repeat("x", 1<<20), strings.Repeat("one two three ", 50000), "日本語のテキスト", "\x00"}
	before := time.Now().Add(-time.Millisecond)
	for range 3 {
		for i, text := range texts {
			add(t, ix, Prompt{Account: fmt.Sprint("a", i), Text: text}, Prompt{Account: "b", Messages: []Message{{"user", text}, {"assistant", "no"}}})
		}
	}
	st := stats(t, ix)
	if st.Prompts != 6*len(texts) || st.First.Before(before.Truncate(time.Millisecond)) {
		t.Errorf("stats are %+v", st)
	}
}

func TestAddInvalid(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	good := Prompt{Account: "a", Text: "some words to be counted", Time: trafficStart}
	for name, bad := range map[string]Prompt{
		"no account":   {Text: "secret"},
		"no text":      {Account: "a"},
		"long account": {Account: strings.Repeat("a", 1025), Text: "secret"},
		"long id":      {Account: "a", Text: "secret", ID: strings.Repeat("a", 1025)},
		"early":        {Account: "a", Text: "secret", Time: time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)},
		"late":         {Account: "a", Text: "secret", Time: time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)},
		"huge":         {Account: "a", Text: strings.Repeat("secret ", 2<<20)},
	} {
		got, err := ix.Add(context.Background(), good, bad, good)
		if !errors.Is(err, ErrInvalid) || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the text", name)
		}
	}
	if _, err := ix.Add(context.Background(), make([]Prompt, MaxBatch+1)...); !errors.Is(err, ErrInvalid) {
		t.Errorf("too many at once: %v", err)
	}
	if st := stats(t, ix); st.Prompts != 0 || st.Accounts != 0 {
		t.Errorf("refused prompts were counted: %+v", st)
	}
}

func TestAddDuplicates(t *testing.T) {
	path := tempIndex(t)
	o := small()
	o.MemtablePostings = 2000
	g := newTraffic(22, 5, 10, time.Minute)
	prompts := g.take(1000)
	ix := open(t, path, o)
	again := func(what string) {
		t.Helper()
		for i, p := range addAll(t, ix, prompts, 50) {
			if !p.Duplicate || p.Prompt != 0 || len(p.Templates) != 0 {
				t.Errorf("%s, prompt %d was placed as %+v", what, i, p)
			}
		}
		if st := stats(t, ix); st.Prompts != len(prompts) {
			t.Errorf("%s, %d prompts are counted", what, st.Prompts)
		}
		g.compare(t, ix)
	}
	for i, p := range addAll(t, ix, prompts, 30) {
		if p.Duplicate {
			t.Errorf("prompt %d is called a duplicate", i)
		}
	}
	again("in the same run")
	closeIndex(t, ix)
	ix = open(t, path, o)
	again("after reopening")
	got := add(t, ix, Prompt{ID: "twice", Account: "a", Text: "x y z"}, Prompt{ID: "twice", Account: "b", Text: "u v w"})
	if got[0].Duplicate || !got[1].Duplicate {
		t.Errorf("an id twice in one Add: %+v", got)
	}
	if got := add(t, ix, Prompt{Account: "a", Text: "x y z"}, Prompt{Account: "a", Text: "x y z"}); got[0].Duplicate || got[1].Duplicate {
		t.Errorf("prompts without id: %+v", got)
	}
}

func TestAddConcurrently(t *testing.T) {
	const callers, each = 64, 40
	path := tempIndex(t)
	o := small()
	ix := open(t, path, o)
	g := newTraffic(23, 10, 40, time.Minute)
	prompts := g.take(callers * each)
	var wg sync.WaitGroup
	stop := make(chan bool)
	for range 2 { // queries meanwhile
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, f := range templatesOf(t, ix, Filter{Members: true, MinAccounts: 3}) {
					if len(f.Members) != f.Accounts {
						t.Errorf("template %s has %d accounts and %d members", f.ID, f.Accounts, len(f.Members))
					}
				}
				if _, err := ix.Similar(context.Background(), prompts[5].Text, .5, 10); err != nil {
					t.Error(err)
				}
				if _, err := ix.Account(context.Background(), prompts[0].Account); err != nil && !errors.Is(err, ErrNotFound) {
					t.Error(err)
				}
				stats(t, ix)
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	var adders sync.WaitGroup
	numbers := make([]uint64, len(prompts))
	for c := range callers {
		adders.Go(func() {
			for i := c * each; i < (c+1)*each; {
				n := min(1+i%3, (c+1)*each-i)
				got, err := ix.Add(context.Background(), prompts[i:i+n]...)
				if err != nil {
					t.Error(err)
					return
				}
				for _, p := range got {
					numbers[i] = p.Prompt
					i++
				}
			}
		})
	}
	adders.Wait()
	close(stop)
	wg.Wait()
	seen := make(map[uint64]bool)
	for _, n := range numbers {
		if n == 0 || n > uint64(len(prompts)) || seen[n] {
			t.Fatalf("number %d was given out of order or twice", n)
		}
		seen[n] = true
	}
	if st := stats(t, ix); st.Prompts != len(prompts) {
		t.Errorf("%d prompts are counted, not %d", st.Prompts, len(prompts))
	}
	g.compare(t, ix)
	closeIndex(t, ix)
	g.compare(t, open(t, path, o))
}

func TestSubmitInOrder(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	g := newTraffic(24, 0, 0, time.Second)
	var pending []*Pending
	sizes := []int{1, 300, 2, 65, 1, 128}
	for i := range 60 {
		p, err := ix.Submit(context.Background(), g.take(sizes[i%len(sizes)])...)
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, p)
	}
	next := uint64(1)
	for i, p := range pending {
		got, err := p.Wait()
		if err != nil || len(got) != sizes[i%len(sizes)] {
			t.Fatalf("%d placements, %v", len(got), err)
		}
		for _, q := range got {
			if q.Prompt != next {
				t.Fatalf("prompt %d came where %d was next", q.Prompt, next)
			}
			next++
		}
	}
}

// hold keeps the commit loop busy until the returned function is called.
func hold(t *testing.T, ix *Index) (release func()) {
	t.Helper()
	started, free := make(chan bool), make(chan bool)
	r := &request{done: make(chan struct{}), exclusive: func() error { close(started); <-free; return nil }}
	if err := ix.enqueue(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	<-started
	return sync.OnceFunc(func() { close(free) })
}

func TestAddCancelled(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	release := hold(t, ix)
	defer release()
	p := Prompt{Account: "a", Text: "one two three four five six"}
	var pending []*Pending
	for range cap(ix.queue) {
		q, err := ix.Submit(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, q)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := ix.Add(ctx, p); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled Add: %v", err)
	}
	release()
	for _, q := range pending {
		if _, err := q.Wait(); err != nil {
			t.Error(err)
		}
	}
	if st := stats(t, ix); st.Prompts != len(pending) {
		t.Errorf("%d prompts are counted, not %d", st.Prompts, len(pending))
	}
}

func TestClosed(t *testing.T) {
	path := tempIndex(t)
	ix := open(t, path, small())
	release := hold(t, ix)
	q, err := ix.Submit(context.Background(), Prompt{Account: "a", Text: "queued before Close"})
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(5*time.Millisecond, release)
	closeIndex(t, ix)
	if got, err := q.Wait(); err != nil || got[0].Prompt != 1 {
		t.Errorf("what was queued before Close: %v, %v", got, err)
	}
	ctx := context.Background()
	_, e1 := ix.Add(ctx, Prompt{Account: "a", Text: "x"})
	_, e2 := ix.Templates(ctx, Filter{})
	_, e3 := ix.Similar(ctx, "one two", .5, 1)
	_, e4 := ix.Stats(ctx)
	_, e5 := ix.FlagsAfter(ctx, 0, 0)
	_, e6 := ix.Expire(ctx, time.Now())
	for i, err := range []error{e1, e2, e3, e4, e5, e6, ix.Check(ctx), ix.Backup(ctx, discard{}), ix.Close()} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("call %d after Close: %v", i+1, err)
		}
	}
}

func TestReadOnly(t *testing.T) {
	path := tempIndex(t)
	ctx := context.Background()
	if _, err := Open(path, &Options{ReadOnly: true}); !errors.Is(err, ErrMissing) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Open(path, &Options{MustExist: true}); !errors.Is(err, ErrMissing) {
		t.Errorf("a missing file: %v", err)
	}
	ix := open(t, path, small())
	if _, err := Open(path, &Options{LockTimeout: time.Millisecond}); !errors.Is(err, ErrLocked) {
		t.Errorf("a file open elsewhere: %v", err)
	}
	g := newTraffic(25, 5, 10, time.Minute)
	addAll(t, ix, g.take(900), 40)
	settle(t, ix)
	left := tempIndex(t)
	copyFile(t, path, left)
	closeIndex(t, ix)
	for _, p := range []string{path, left} { // closed, and with a journal
		o := small()
		o.ReadOnly = true
		a, b := open(t, p, o), open(t, p, o)
		g.compare(t, a)
		g.compare(t, b)
		if st := stats(t, a); st.Prompts != 900 {
			t.Errorf("%d prompts", st.Prompts)
		}
		if _, err := a.Add(ctx, Prompt{Account: "a", Text: "x"}); err == nil {
			t.Error("Add to a read-only index")
		}
		if _, err := a.Expire(ctx, time.Now()); err == nil {
			t.Error("Expire of a read-only index")
		}
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{
		{SiftBytes: -1}, {TemplateBytes: 1}, {MemtablePostings: 10}, {MemtablePostings: math.MaxInt32}, {FlagAccounts: 1},
	} {
		if ix, err := Open(tempIndex(t), &o); err == nil {
			ix.Close()
			t.Errorf("%+v was taken", o)
		}
	}
}

func TestPrivacy(t *testing.T) {
	path := tempIndex(t)
	o := small()
	o.HashAccounts, o.NoExemplars = true, true
	ix := open(t, path, o)
	g := newTraffic(26, 1, 10, time.Minute)
	g.share = 1
	addAll(t, ix, g.take(400), 20)
	all := templatesOf(t, ix, Filter{Members: true})
	if len(all) == 0 || all[0].Accounts != 10 || all[0].Pattern != "" || len(all[0].Exemplars) != 0 {
		t.Fatalf("templates are %+v", all)
	}
	for _, m := range all[0].Members {
		if strings.HasPrefix(m.Account, "p0-") || len(m.Account) != 32 {
			t.Errorf("member %q is not a hash", m.Account)
		}
	}
	if a, err := ix.Account(context.Background(), "p0-a1"); err != nil || a.Prompts == 0 {
		t.Errorf("an account by its own id: %+v, %v", a, err)
	}
	if a, err := ix.Account(context.Background(), all[0].Members[0].Account); err != nil || a.Prompts == 0 {
		t.Errorf("an account by its hash: %+v, %v", a, err)
	}
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	ix = open(t, path, small()) // whoever asks need not know how it was written
	if a, err := ix.Account(context.Background(), "p0-a1"); err != nil || a.Prompts == 0 {
		t.Errorf("an account by its own id, without the option: %+v, %v", a, err)
	}
}

// TestCloseWarm: an index that has just begun to ready its memory for many
// prompts leaves nothing behind when it closes.
func TestCloseWarm(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for range 5 {
		ix := open(t, tempIndex(t), nil)
		prompts := make([]Prompt, manyAtOnce)
		for i := range prompts {
			prompts[i] = Prompt{Account: "a", Time: time.Unix(1.8e9, 0), Text: "one and the same text"}
		}
		add(t, ix, prompts...)
		closeIndex(t, ix)
	}
}
