package index

import (
	"context"
	"sync"
	"testing"
	"time"
)

// TestLag checks that with Options.Lag queries answer while prompts are coming
// in, that a label counts at once, that a campaign is found as soon as its flag
// is, and that everything is as of now when no more prompts come.
func TestLag(t *testing.T) {
	o := small()
	o.Lag = time.Hour // so that only what counts at once does
	ix := open(t, tempIndex(t), o)
	ix.assessor.quick, ix.assessor.still = 0, time.Hour // however slowly they come, they are a stream
	g, prompts := ring(3, 30)
	addAll(t, ix, prompts[:len(prompts)/2], 100)
	first := campaignsOf(t, ix) // assesses
	if len(first) == 0 {
		t.Fatal("no campaign")
	}
	at := prompts[len(prompts)-1].Time
	stop := stream(t, ix)
	addAll(t, ix, prompts[len(prompts)/2:], 100)
	ix.mu.RLock()
	before := ix.generation()
	ix.mu.RUnlock()
	if assessedAll(t, ix).asOf.covers(before) {
		t.Error("it was assessed again while prompts came in")
	}
	give(t, ix, Label{Campaign: first[0].ID, Verdict: Benign})
	if got := statuses(campaignsOf(t, ix)); got[first[0].ID] != "benign" {
		t.Errorf("a label does not count at once: %v", got)
	}
	for i := range g.planted { // a new ring
		g.planted[i].prefix, g.planted[i].suffix, g.planted[i].name = g.some(12, 18), g.some(10, 14), "new"+g.planted[i].name
		break
	}
	flags := flagsOf(t, ix)
	known := len(flags)
	for i := range 300 {
		add(t, ix, g.sing(0, i%30, at.Add(time.Duration(i)*time.Minute)))
		if flags = flagsOf(t, ix); len(flags) > known && flags[len(flags)-1].Kind == "campaign" {
			break
		}
	}
	f := flags[len(flags)-1]
	if f.Kind != "campaign" {
		t.Fatalf("the new ring was not flagged: %+v", flags[known:])
	}
	if c, err := ix.Campaign(t.Context(), f.ID); err != nil || c.ID != f.ID {
		t.Errorf("the campaign of flag %+v: %v", f, err)
	}
	if m, err := ix.Matrix(t.Context(), f.ID, 0); err != nil || m.Members < 20 {
		t.Errorf("its matrix has %d members, %v", m.Members, err)
	}
	stop()
	ix.assessor.still = 0 // time goes by
	ix.mu.RLock()
	now := ix.generation()
	ix.mu.RUnlock()
	if !assessedAll(t, ix).asOf.covers(now) {
		t.Error("it is not as of now when no prompts come")
	}
}

// stream adds ordinary prompts until stop is called.
func stream(t *testing.T, ix *Index) (stop func()) {
	g := newTraffic(99, 0, 0, time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		for ctx.Err() == nil {
			if _, err := ix.Add(context.Background(), g.next()); err != nil {
				t.Error(err)
				return
			}
		}
	})
	return func() { cancel(); all.Wait() }
}

// TestLagQuick checks that judging which takes no time is done at once.
func TestLagQuick(t *testing.T) {
	o := small()
	o.Lag = time.Hour
	ix := open(t, tempIndex(t), o)
	ix.assessor.quick = time.Hour
	if got := campaignsOf(t, ix); len(got) > 0 {
		t.Fatal("campaigns of nothing")
	}
	_, prompts := ring(3, 30)
	addAll(t, ix, prompts, 100)
	time.Sleep(quickShare * ix.assessor.last.Load().took)
	if len(campaignsOf(t, ix)) == 0 {
		t.Error("the campaign is not found")
	}
}

// TestLagSoon checks that somebody who asks all the time gets newer answers
// without waiting for them.
func TestLagSoon(t *testing.T) {
	o := small()
	o.Lag = time.Nanosecond
	ix := open(t, tempIndex(t), o)
	_, prompts := ring(2, 30)
	addAll(t, ix, prompts, 100)
	campaignsOf(t, ix)
	stop := stream(t, ix)
	defer stop()
	first := assessedAll(t, ix).asOf.prompts
	for assessedAll(t, ix).asOf.prompts <= first {
		if len(campaignsOf(t, ix)) == 0 {
			t.Fatal("no campaign")
		}
	}
}

func assessedAll(t testing.TB, ix *Index) *assessments {
	t.Helper()
	now, err := ix.assessAll()
	if err != nil {
		t.Fatal(err)
	}
	return now
}
