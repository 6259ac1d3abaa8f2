package server

import (
	"net/http"
	"strconv"

	"github.com/seed-368d3dfa/chorus/index"
)

// campaigns lists campaigns, worst first. The cursor is how many came before,
// as for templates.
func (s *Server) campaigns(w http.ResponseWriter, r *http.Request) error {
	p := params{Values: r.URL.Query()}
	f := index.Filter{
		ID:          p.Get("id"),
		MinAccounts: p.int("min_accounts", 0, 0, 1<<31-1),
		Members:     p.bool("members"),
		Status:      p.oneOf("status", "alert", "watch", "benign", "confirmed"),
	}
	limit := p.int("limit", defaultLimit, 1, maxLimit)
	start := p.int("cursor", 0, 0, 1<<30)
	if p.err != nil {
		return p.err
	}
	f.Limit = start + limit + 1
	campaigns, err := s.ix.Campaigns(r.Context(), f)
	if err != nil {
		return err
	}
	var page list[index.Campaign]
	if len(campaigns) > start+limit {
		page.Next = strconv.Itoa(start + limit)
		campaigns = campaigns[:start+limit]
	}
	page.Items = full(campaigns[min(start, len(campaigns)):])
	return s.answer(w, page)
}

func (s *Server) campaign(w http.ResponseWriter, r *http.Request) error {
	c, err := s.ix.Campaign(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.answer(w, &c)
}
