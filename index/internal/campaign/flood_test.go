package campaign

import (
	"slices"
	"testing"
)

// steady is evidence of n accounts that send nothing but a template, each time
// with another filling.
func steady(n int) *Evidence {
	e := &Evidence{}
	for i := range n {
		own := uint32(6 + i%5)
		e.Uses = append(e.Uses, Use{uint32(i), own, own, 20000 + int32(i%3)})
		e.Prompts += int(own)
	}
	e.Texts, e.Distinct = e.Prompts, float64(e.Prompts)
	return e
}

// flood adds accounts that send the template, each so often and always the same.
func (e *Evidence) flood(accounts, each int) *Evidence {
	for i := range accounts {
		e.Uses = append(e.Uses, Use{uint32(10000 + i), uint32(each), uint32(each), 20010})
		e.Prompts += each
		e.Texts += each
	}
	return e
}

// TestFlood: up to 19 accounts, however much they send, do not take a campaign
// of 40 accounts below what raises an alert.
func TestFlood(t *testing.T) {
	p := crowd(newRand(1), 1000, 40)
	before, _ := Score(steady(40), p)
	for _, accounts := range []int{1, 5, 19} {
		for _, each := range []int{1, 8, 12, 16, 24, 32, 64, 300, 5000} {
			e := steady(40).flood(accounts, each)
			uses := slices.Clone(e.Uses)
			score, factors := Score(e, p)
			sane(t, score, factors)
			if before-score > 25 {
				t.Errorf("%d accounts send %d prompts each: score %.0f, was %.0f", accounts, each, score, before)
			}
			if !slices.Equal(e.Uses, uses) {
				t.Error("Score changed the evidence")
			}
		}
	}
}

// TestNoFlood: uneven use, and floods by as many accounts as a campaign has,
// are not put aside.
func TestNoFlood(t *testing.T) {
	for name, e := range map[string]*Evidence{
		"nobody":          {},
		"even":            steady(100),
		"few":             steady(19).flood(3, 1000),
		"too few left":    steady(12).flood(15, 1000),
		"by many":         steady(100).flood(20, 1000),
		"a little":        steady(100).flood(3, 20),
		"without prompts": {Uses: make([]Use, 50)},
	} {
		if c := withoutFlood(e); c != nil {
			t.Errorf("%s: %d of %d uses are left", name, len(c.Uses), len(e.Uses))
		}
	}
	if c := withoutFlood(steady(40).flood(1, 1000)); c == nil || len(c.Uses) != 40 || c.Texts > 330 || c.Prompts > 330 {
		t.Errorf("a flood is left in: %+v", c)
	}
}

// TestWithoutOpeners: a text that two in three of its accounts open with is one
// that two in three of those left do, and no welcome for all of them.
func TestWithoutOpeners(t *testing.T) {
	e := &Evidence{Prompts: 400, Texts: 400, Distinct: 400, Openers: 276}
	for i := range 400 {
		e.Uses = append(e.Uses, Use{Account: uint32(i), Prompts: 1, Traffic: 1})
	}
	left := e.Without(func(a uint32) bool { return a < 103 })
	if len(left.Uses) != 297 || left.Openers != 205 {
		t.Errorf("%d of %d accounts opened with it, want 205 of 297", left.Openers, len(left.Uses))
	}
	if none := e.Without(func(uint32) bool { return true }); none.Openers != 0 || (&Evidence{}).Without(nil).Openers != 0 {
		t.Error("openers without accounts")
	}
}
