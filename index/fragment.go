package index

import (
	"slices"

	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

const (
	fragmentShare = .8 // of a fragment's accounts that the whole has
	fragmentMost  = .7 // of what its accounts send of the whole that a fragment has at most
	fragmentTexts = .6 // of a fragment's texts that are the whole's

	fragmentAsked = 8 // of a template's accounts that are asked for what may be its whole
	fragmentMet   = 5 // of them that must send it
)

// fragmentOf reports whether a is no more than a part of o that some of o's
// prompts happen to hold, as texts that people paste share a footer: then what
// counts is how o is used. Its accounts send o without a too, which those of a
// campaign that builds on a common text do not, however many others send that.
func (a *assessed) fragmentOf(o *assessed) bool {
	n := len(a.accounts)
	if len(o.accounts) <= n || o.score >= alertScore {
		return false
	}
	shared, whole := o.sentBy(a.accounts)
	return float64(shared) >= fragmentShare*float64(n) && float64(a.e.Prompts) <= fragmentMost*float64(whole) &&
		a.texts.Within(o.texts) >= fragmentTexts
}

// sentBy returns how many of the accounts, ascending, send the template, and how
// many of its prompts are theirs.
func (a *assessed) sentBy(accounts []uint32) (senders, prompts int) {
	from := 0
	for _, account := range accounts {
		at, ok := slices.BinarySearch(a.accounts[from:], account)
		if from += at; ok {
			senders++
			prompts += int(a.e.Uses[from].Prompts)
		}
	}
	return senders, prompts
}

// markFragments finds the suspects that are fragments of other templates, and
// lowers their scores to those of the whole. It asks a few accounts of each for
// what else they send, so that the cost is linear in the memberships.
func markFragments(all []*assessed) {
	asked := make(map[uint32][]int) // account → suspects that ask
	for i, a := range all {
		if a.suspect() && a.verdict != Confirmed {
			for n := range min(fragmentAsked, len(a.accounts)) {
				account := a.accounts[n*len(a.accounts)/min(fragmentAsked, len(a.accounts))]
				asked[account] = append(asked[account], i)
			}
		}
	}
	met, some := make([]uint8, len(all)), []int(nil) // how many that suspect i asked send o, and whose are any
	for _, o := range all {
		if o.score >= alertScore {
			continue
		}
		for _, account := range o.accounts {
			for _, i := range asked[account] {
				if met[i] == 0 {
					some = append(some, i)
				}
				met[i]++
			}
		}
		for _, i := range some {
			if a := all[i]; met[i] >= fragmentMet && !a.fragment && a != o && a.fragmentOf(o) {
				a.fragment, a.score = true, min(a.score, o.score)
			}
			met[i] = 0
		}
		some = some[:0]
	}
}

// wholes returns the templates that a prompt belongs to besides a and that have
// more accounts. The caller holds ix.mu.
func (ix *Index) wholes(a *assessed, matches []template.Match) (out []*assessed) {
	for _, m := range matches {
		if o := ix.templates.Get(m.ID); o != nil && o != a.t && o.AccountCount() > len(a.accounts) {
			out = append(out, ix.assessSome(o, 0))
		}
	}
	return out
}
