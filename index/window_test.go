package index

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLongCampaign: a campaign that lasts for months, with other accounts every
// two weeks, is one with all of them.
func TestLongCampaign(t *testing.T) {
	ix := open(t, tempIndex(t), small())
	g := newTraffic(21, 1, 0, 0)
	var prompts []Prompt
	for day := range 112 {
		for i := range 40 {
			at := trafficStart.Add(time.Duration(24*day)*time.Hour + time.Duration(36*i)*time.Minute)
			prompts = append(prompts, Prompt{Account: fmt.Sprintf("o%d", (40*day+i)%300), Time: at, Text: strings.Join(g.some(8, 40), " ")})
			if i%4 == 0 {
				prompts = append(prompts, g.sing(0, day/14*25+(10*day+i/4)%25, at))
			}
		}
	}
	addAll(t, ix, prompts, 100)
	all := campaignsOf(t, ix)
	if len(all) != 1 || all[0].Status != "alert" || all[0].Accounts != 200 || all[0].Prompts != 1120 {
		t.Fatalf("want one campaign of 200 accounts and 1120 prompts, found %d: %v, %d accounts, %d prompts", len(all), statuses(all), all[0].Accounts, all[0].Prompts)
	}
	// Three fortnights of 25 accounts, one day of the one before and two of the one after.
	if w := all[0].Windows[2]; w.Days != 45 || w.Accounts != 105 {
		t.Errorf("busiest window: %+v", w)
	}
}

// TestTakenUp: a campaign that takes up a text popular long before alerts, with
// the accounts of its own time.
func TestTakenUp(t *testing.T) {
	for _, disk := range []bool{false, true} {
		o := small()
		if disk {
			o.TemplateBytes = 64 << 10
		}
		ix := open(t, tempIndex(t), o)
		g := newTraffic(22, 200, 0, 0)
		var prompts []Prompt
		for day := range 90 {
			for i := range 60 {
				at := trafficStart.Add(time.Duration(24*day)*time.Hour + time.Duration(20*i)*time.Minute)
				account := fmt.Sprintf("o%d", (60*day+i)%500)
				prompts = append(prompts, Prompt{Account: account, Time: at, Text: strings.Join(g.some(8, 40), " ")})
				if day < 40 && i%10 == 0 { // some like it more than others
					p := g.sing(0, 0, at)
					p.Account = fmt.Sprintf("o%d", g.rng.IntN(1+g.rng.IntN(150)))
					prompts = append(prompts, p)
				}
				if day >= 86 {
					prompts = append(prompts, g.sing(0, i%30, at))
				}
			}
		}
		if disk {
			at := prompts[len(prompts)-1].Time
			for i := range 199 * 4 {
				prompts = append(prompts, g.sing(1+i%199, i/199, at.Add(time.Duration(i)*time.Second)))
			}
		}
		addAll(t, ix, prompts, 100)
		all := campaignsOf(t, ix)
		if len(all) != 1 || all[0].Status != "alert" || all[0].Accounts != 30 || all[0].Prompts != 240 {
			t.Fatalf("want one campaign of 30 accounts and 240 prompts, found %d: %v", len(all), all)
		}
		for _, m := range all[0].Members {
			if !strings.HasPrefix(m.Account, "p0-") {
				t.Errorf("%s is a member", m.Account)
			}
		}
	}
}
