package index

import "github.com/seed-368d3dfa/chorus/index/internal/campaign"

// setAside takes benign templates out of campaigns that were made of the given
// ones: a campaign without any stays as it is, one of nothing else is benign,
// and the rest of a mixed one is gathered by itself.
func setAside(found []campaign.Campaign, templates []campaign.Template, byID map[uint32]*assessed, l campaign.Limits) (kept, benign []campaign.Campaign) {
	made := make(map[uint32]*campaign.Template, len(templates))
	for i := range templates {
		made[templates[i].ID] = &templates[i]
	}
	is := func(id uint32) bool { return byID[id].verdict == Benign }
	for _, c := range found {
		var rest, out []campaign.Template
		for _, id := range c.Templates {
			t := made[id]
			switch {
			case is(id) && t == nil: // an ally
				out = append(out, campaign.Template{ID: id, Accounts: byID[id].accounts, Score: byID[id].score})
			case is(id):
				alone := *t
				alone.Also, alone.Accounts = nil, byID[id].accounts
				out = append(out, alone)
			case t != nil && !anyOf(t.Also, is):
				rest = append(rest, *t)
			}
		}
		switch {
		case len(out) == 0:
			kept = append(kept, c)
		case len(out) == len(c.Templates):
			benign = append(benign, c)
		default:
			kept = append(kept, campaign.Gather(rest, l)...)
			benign = append(benign, campaign.Gather(out, campaign.Limits{Members: watchAccounts})...)
		}
	}
	return kept, benign
}

func anyOf(ids []uint32, is func(uint32) bool) bool {
	for _, id := range ids {
		if is(id) {
			return true
		}
	}
	return false
}
