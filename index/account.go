package index

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/seed-368d3dfa/chorus/index/internal/campaign"
	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// Bounds on the other accounts that Account lists.
const (
	maxWith  = 100 // of one template
	maxPeers = 20
)

// Account returns what one account sent and shares, and with whom, or
// ErrNotFound. Of an account that is stored as a hash, id may be either. The cost is that of all members of its templates.
func (ix *Index) Account(ctx context.Context, id string) (Account, error) {
	out := Account{ID: id, Templates: []AccountTemplate{}, Peers: []Peer{}, Campaigns: []AccountCampaign{}}
	number, ok, traffic := uint32(0), false, uint32(0)
	var used []pick
	now, err := ix.assessAll()
	if err != nil {
		return out, err
	}
	with := make(map[uint32][]template.Member) // by template: the other accounts
	prompts := make(map[uint32]uint64)
	err = ix.viewTemplates(0, 0, func(*snapshot) {
		if number, ok = ix.accounts.find(id); !ok {
			if number, ok = ix.accounts.find(ix.hashed(id)); !ok {
				return
			}
		}
		st := ix.accounts.stats[number-1]
		traffic = st.prompts
		out.Prompts = int(st.prompts)
		out.FirstSeen, out.LastSeen = timeOf(st.first), timeOf(st.last)
	}, func(t *template.Template, past []template.Earlier) bool {
		return t.PromptsOf(number) > 0 || slices.ContainsFunc(past, func(e template.Earlier) bool { return e.Account == number })
	}, func(t *template.Template) {
		if n := t.PromptsOf(number); ok && n > 0 {
			used, prompts[t.ID] = append(used, pick{t, t.Spread(0, 1<<30)}), n
			with[t.ID] = slices.DeleteFunc(t.Members(0, 1<<30), func(m template.Member) bool { return m.Account == number })
		}
	}, func(r *store.Reader, s *snapshot) error {
		if !ok || out.Prompts == 0 {
			return fmt.Errorf("%w: no account %q", ErrNotFound, id)
		}
		slices.SortFunc(used, func(a, b pick) int {
			return cmp.Or(cmp.Compare(prompts[b.t.ID], prompts[a.t.ID]), cmp.Compare(a.t.ID, b.t.ID))
		})
		described, err := ix.describe(ctx, r, s, used, 0, 1<<30, false)
		if err != nil {
			return err
		}
		peers := closest(with, s.n)
		for t, members := range with {
			with[t] = busiest(members, s.n)
		}
		names, err := s.names(r, numbers(peers, with))
		if err != nil {
			return err
		}
		for i, d := range described {
			t := AccountTemplate{ID: d.ID, Pattern: d.Pattern, Prompts: int(prompts[used[i].t.ID]), Accounts: d.Accounts, With: []Member{}}
			for _, m := range with[used[i].t.ID] {
				t.With = append(t.With, Member{Account: names[m.Account], Prompts: int(m.Prompts)})
			}
			out.Templates = append(out.Templates, t)
		}
		for _, p := range peers {
			out.Peers = append(out.Peers, Peer{Account: names[p.account], Templates: p.shared})
		}
		out.Campaigns, err = ix.memberships(r, now, number, traffic)
		return err
	})
	return out, err
}

// A peer is another account with the templates that it shares.
type peer struct {
	account uint32
	shared  int
	weight  float64 // of them: narrow templates say more than wide ones
}

// closest returns the accounts, numbered up to n, that share most templates;
// among equals those that share the narrower ones.
func closest(with map[uint32][]template.Member, n int) []peer {
	found := make(map[uint32]peer)
	for _, t := range sortedKeys(with) { // sums of floats depend on the order
		for _, m := range with[t] {
			p := found[m.Account]
			found[m.Account] = peer{m.Account, p.shared + 1, p.weight + 1/float64(len(with[t]))}
		}
	}
	peers := make([]peer, 0, len(found))
	for _, p := range found {
		if int(p.account) <= n {
			peers = append(peers, p)
		}
	}
	slices.SortFunc(peers, func(a, b peer) int {
		return cmp.Or(cmp.Compare(b.shared, a.shared), cmp.Compare(b.weight, a.weight), cmp.Compare(a.account, b.account))
	})
	return peers[:min(maxPeers, len(peers))]
}

// busiest returns the members, numbered up to n, that sent most, maxWith at most.
func busiest(members []template.Member, n int) []template.Member {
	members = slices.DeleteFunc(members, func(m template.Member) bool { return int(m.Account) > n })
	slices.SortStableFunc(members, func(a, b template.Member) int { return cmp.Compare(b.Prompts, a.Prompts) })
	return members[:min(maxWith, len(members))]
}

// numbers returns every account of peers and with once.
func numbers(peers []peer, with map[uint32][]template.Member) []uint32 {
	var ids []uint32
	for _, p := range peers {
		ids = append(ids, p.account)
	}
	for _, members := range with {
		for _, m := range members {
			ids = append(ids, m.Account)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// memberships returns the campaigns that an account of so much traffic is a
// member of.
func (ix *Index) memberships(r *store.Reader, now *assessments, account, traffic uint32) ([]AccountCampaign, error) {
	out := []AccountCampaign{}
	for _, g := range now.campaigns {
		if _, ok := slices.BinarySearch(g.Accounts, account); !ok {
			continue
		}
		picks, err := ix.picks(r, now, g.Templates)
		if err != nil {
			return nil, err
		}
		prompts := byAccount(ix.sent(picks, []uint32{account}))[account]
		out = append(out, AccountCampaign{
			ID: g.id, Status: g.status, Score: math.Round(10*g.Score) / 10, Accounts: len(g.Accounts), Prompts: int(prompts),
			Confidence: math.Round(100*campaign.Confidence(g.Score, prompts, traffic)) / 100,
		})
	}
	return out, nil
}
