package index

import (
	"reflect"
	"sync"
	"testing"
)

// Campaigns asked for while prompts come in are those of now, whoever asked
// before, and asking changes nothing.
func TestCampaignsAsked(t *testing.T) {
	path := tempIndex(t)
	ix := open(t, path, small())
	_, prompts := ring(2, 40)
	var asking sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		asking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if _, err := ix.Campaigns(t.Context(), Filter{}); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	seen, changes := 0, 0
	for i := 0; i < len(prompts); i += 20 {
		addAll(t, ix, prompts[i:min(i+20, len(prompts))], 20)
		sent := 0
		for _, c := range campaignsOf(t, ix) {
			sent += c.Prompts
		}
		if sent != seen {
			seen, changes = sent, changes+1
		}
	}
	close(stop)
	asking.Wait()
	if changes < 30 {
		t.Errorf("campaigns of %d prompts changed %d times while they grew", seen, changes)
	}
	live := campaignsOf(t, ix)
	if again := campaignsOf(t, ix); !reflect.DeepEqual(live, again) {
		t.Error("asking twice gives two answers")
	}
	give(t, ix, Label{Campaign: live[0].ID, Verdict: Benign})
	labelled := campaignsOf(t, ix)
	if statuses(labelled)[live[0].ID] != "benign" {
		t.Errorf("right after its label the campaign is %q", statuses(labelled)[live[0].ID])
	}
	closeIndex(t, ix)
	ix = open(t, path, small())
	if fresh := campaignsOf(t, ix); !reflect.DeepEqual(labelled, fresh) {
		t.Error("an index that was asked while it grew has other campaigns than one opened anew")
	}
	closeIndex(t, ix)
}
