package drill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// ordinaryLog is a fortnight of accounts that have nothing in common.
func ordinaryLog(n int) []index.Prompt {
	rng := rand.New(rand.NewPCG(9, 9))
	prompts := make([]index.Prompt, n)
	for i := range prompts {
		prompts[i] = index.Prompt{
			ID: fmt.Sprintf("p%d", i), Time: end.AddDate(0, 0, -14).Add(14 * 24 * time.Hour / time.Duration(n) * time.Duration(i)),
			Account: fmt.Sprintf("a%d", int(300*rng.Float64()*rng.Float64())), Text: sentence(rng),
		}
	}
	return prompts
}

func open(t *testing.T) *index.Index {
	t.Helper()
	ix, err := index.Open(filepath.Join(t.TempDir(), "x.db"), &index.Options{NoSync: true, SiftBytes: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ix.Check(context.Background()); err != nil {
			t.Error(err)
		}
		if err := ix.Close(); err != nil {
			t.Error(err)
		}
	})
	return ix
}

// mix plays a log with a campaign in it.
func mix(t *testing.T, log []index.Prompt, p *Planted) *index.Index {
	t.Helper()
	ctx := context.Background()
	ix := open(t)
	m := NewMixer(ix, p)
	for batch := range slices.Chunk(log, 500) {
		if err := m.Add(ctx, batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Finish(ctx); err != nil {
		t.Fatal(err)
	}
	return ix
}

func TestMeasure(t *testing.T) {
	ctx := context.Background()
	log := ordinaryLog(4000)
	own, err := Own(ctx, mix(t, log, nil))
	if err != nil || len(own) != 0 {
		t.Fatalf("ordinary traffic raises %+v, %v", own, err)
	}
	var texts []string
	for _, p := range log {
		texts = append(texts, p.Text)
	}
	for _, test := range []struct {
		accounts int
		tier     Tier
		want     string
	}{{3, 0, "none"}, {8, 0, "watch"}, {40, 0, "alert"}, {40, 3, "alert"}, {40, 5, "alert"}, {100, 1, "alert"}} {
		t.Run(fmt.Sprintf("%d-%v", test.accounts, test.tier), func(t *testing.T) {
			p := Plan{Accounts: test.accounts, PerDay: 1, Days: 7, Tier: test.tier, Ordinary: texts, Decoys: 1, End: end, Seed: 1}
			planted, err := p.Plant()
			if err != nil {
				t.Fatal(err)
			}
			ix := mix(t, log, planted)
			stats, err := ix.Stats(ctx)
			if err != nil || stats.Prompts != len(log)+len(planted.Prompts) {
				t.Fatalf("%d prompts, want %d and %d; %v", stats.Prompts, len(log), len(planted.Prompts), err)
			}
			o, err := Measure(ctx, ix, planted)
			if err != nil {
				t.Fatal(err)
			}
			if o.Status != test.want || o.Accounts != test.accounts || o.Prompts != planted.Sent {
				t.Fatalf("outcome %+v, want status %s", o, test.want)
			}
			if o.Status != "none" && (o.Score <= 0 || len(o.Factors) == 0) {
				t.Errorf("score %v, %d factors", o.Score, len(o.Factors))
			}
			if o.Status != "alert" {
				if o.Leaked != 1 || !o.AlertedAt.IsZero() || o.Recovered != 0 {
					t.Errorf("no alert, yet %+v", o)
				}
				return
			}
			if o.Alerts < 1 || 10*o.Recovered < 9*test.accounts || o.Recovered > test.accounts || 10*o.Strangers > test.accounts {
				t.Errorf("%d of %d accounts recovered, %d strangers, %d alerts", o.Recovered, test.accounts, o.Strangers, o.Alerts)
			}
			if o.AlertedAt.Before(p.Begin()) || o.AlertedAt.After(end) {
				t.Errorf("alerted at %v, outside the campaign", o.AlertedAt)
			}
			if o.AccountsBefore < 20 || o.PromptsBefore < o.AccountsBefore || o.PromptsBefore > o.Prompts || o.Leaked <= 0 || o.Leaked > 1 {
				t.Errorf("alerted after %d prompts of %d accounts, %v leaked", o.PromptsBefore, o.AccountsBefore, o.Leaked)
			}
		})
	}
}

// TestMixerOrder: what is planted stands among the log's prompts by time.
func TestMixerOrder(t *testing.T) {
	ctx := context.Background()
	p := Plan{Accounts: 30, PerDay: 1, Days: 20, End: end.AddDate(0, 0, 3), Seed: 2} // from before the log to after it
	planted, err := p.Plant()
	if err != nil {
		t.Fatal(err)
	}
	log := ordinaryLog(2000)
	ix := mix(t, log, planted)
	stats, err := ix.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(log) + len(planted.Prompts); stats.Prompts != n {
		t.Errorf("%d prompts, want %d", stats.Prompts, n)
	}
	if !stats.First.Equal(planted.Prompts[0].Time) || !stats.Last.Equal(planted.Prompts[len(planted.Prompts)-1].Time) {
		t.Errorf("from %v to %v", stats.First, stats.Last)
	}
	// The alert's time is that of a prompt that came when 20 accounts had been
	// seen and the log had got so far: it does not wait for the log's end.
	o, err := Measure(ctx, ix, planted)
	if err != nil || o.Status != "alert" || o.Leaked > .5 {
		t.Errorf("outcome %+v, %v", o, err)
	}
}

func TestMixerStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	m := NewMixer(open(t), &Planted{})
	if err := m.Add(ctx, ordinaryLog(10)); err == nil {
		t.Error("Add after the end of its context: no error")
	}
	if err := m.Finish(ctx); err != nil {
		t.Errorf("Finish with nothing left: %v", err)
	}
}
