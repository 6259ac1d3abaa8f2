package campaign

import "slices"

// A flood is what a few accounts send of a template far beyond all others.
// It must not hide those others: whoever wants a campaign overlooked could
// otherwise send its template, too, until it looks like anybody's.
const (
	floodTimes    = 2.5               // the median account's prompts, beyond which an account may be part of a flood
	floodPrompts  = 8                 // and so many prompts
	floodAccounts = AlertAccounts - 1 // fewer than any campaign's: more are no flood but a use
	calmAccounts  = AlertAccounts     // fewest that are left
)

// AlertAccounts is the fewest accounts that an alert is raised for.
const AlertAccounts = 20

// withoutFlood returns the evidence without a flood, or nil if there is none.
func withoutFlood(e *Evidence) *Evidence {
	if len(e.Uses) <= calmAccounts || !slices.ContainsFunc(e.Uses, func(u Use) bool { return u.Prompts > floodPrompts }) {
		return nil
	}
	uses := slices.Clone(e.Uses)
	slices.SortFunc(uses, func(a, b Use) int { return int(int64(a.Prompts) - int64(b.Prompts)) })
	most := uint64(max(floodPrompts, floodTimes*float64(uses[len(uses)/2].Prompts)))
	left := 0
	for _, u := range uses {
		if uint64(u.Prompts) <= most {
			left++
		}
	}
	if left < calmAccounts || left == len(uses) || len(uses)-left > floodAccounts {
		return nil
	}
	return e.only(uses[:left])
}

// only returns the evidence on some of the accounts, given their uses. Whose
// texts differ is not known by account: they are taken to have sent all the
// different ones; and to have opened with it as often as all did.
func (e *Evidence) only(uses []Use) *Evidence {
	all, some := uint64(0), uint64(0)
	for _, u := range e.Uses {
		all += uint64(u.Prompts)
	}
	for _, u := range uses {
		some += uint64(u.Prompts)
	}
	part := float64(some) / float64(max(1, all))
	out := *e
	out.Uses = uses
	out.Prompts = int(float64(e.Prompts) * part)
	out.Texts = int(float64(e.Texts)*part + .5)
	out.Distinct = min(e.Distinct, float64(out.Texts))
	out.Openers = (e.Openers*len(uses) + len(e.Uses)/2) / max(1, len(e.Uses))
	out.Networks, out.Busiest, out.Payments, out.Shared = 0, 0, 0, 0
	return &out
}

// Without returns the evidence without the accounts that are taken.
func (e *Evidence) Without(taken func(account uint32) bool) *Evidence {
	return e.only(slices.DeleteFunc(slices.Clone(e.Uses), func(u Use) bool { return taken(u.Account) }))
}
