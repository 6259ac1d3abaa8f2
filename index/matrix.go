package index

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// A Matrix says how many prompts of which template of a campaign its accounts
// sent: cells that are not listed are zero.
type Matrix struct {
	Accounts  []string `json:"accounts"`  // rows: those that sent most different templates first, then most prompts
	Templates []string `json:"templates"` // columns: ids, the best evidence first
	Cells     []Cell   `json:"cells"`     // by account, then template
	Members   int      `json:"members"`   // of the campaign, also those that have no row
	Days      []Day    `json:"days"`      // of all members, ascending
}

// A Cell is the number of an account in Matrix.Accounts, that of a template in
// Matrix.Templates, both from 0, and the prompts that it stands for.
type Cell [3]int

// Matrix returns who sent what of a campaign, or ErrNotFound; at most limit
// accounts, 0 means all. A prompt that belongs to several of the campaign's
// templates counts in the column of each, and once in Days.
func (ix *Index) Matrix(ctx context.Context, campaign string, limit int) (Matrix, error) {
	var m Matrix
	if err := ix.expect(campaign); err != nil {
		return m, err
	}
	now, err := ix.assessAll() // before the snapshot, which therefore knows all its accounts
	if err != nil {
		return m, err
	}
	err = ix.view(nil, func(r *store.Reader, s *snapshot) error {
		at := slices.IndexFunc(now.campaigns, func(g gathered) bool { return g.id == campaign })
		if at < 0 {
			return fmt.Errorf("%w: no campaign %q", ErrNotFound, campaign)
		}
		g := &now.campaigns[at]
		m = Matrix{Accounts: []string{}, Templates: []string{}, Cells: []Cell{}, Members: len(g.Accounts)}
		picks, err := ix.picks(r, now, g.Templates)
		if err != nil {
			return err
		}
		for _, p := range picks {
			m.Templates = append(m.Templates, templateID(p.t.ID))
		}
		m.Days = daysOf(ix.sent(picks, g.Accounts))
		rows := ix.rows(picks, g.Accounts, s.n)
		if limit > 0 && len(rows) > limit {
			rows = rows[:limit]
		}
		ids := make([]uint32, len(rows))
		for i := range rows {
			ids[i] = rows[i].account
		}
		names, err := s.names(r, ids)
		if err != nil {
			return err
		}
		for i, row := range rows {
			m.Accounts = append(m.Accounts, names[row.account])
			for j, n := range row.prompts {
				if n > 0 {
					m.Cells = append(m.Cells, Cell{i, j, int(n)})
				}
			}
		}
		return ctx.Err()
	})
	return m, err
}

// A row is what one account sent of each of some templates.
type row struct {
	account uint32
	prompts []uint32
	used    int // templates
	sum     int // prompts
}

// rows returns a row for each of the accounts, ascending, up to number n.
func (ix *Index) rows(templates []pick, accounts []uint32, n int) []row {
	out := make([]row, len(accounts))
	all := make([]uint32, len(accounts)*len(templates))
	for i, a := range accounts {
		out[i] = row{account: a, prompts: all[i*len(templates):][:len(templates):len(templates)]}
	}
	ix.mu.RLock()
	for j, p := range templates {
		p.t.EachUse(func(_ int32, u template.Use) {
			i, ok := slices.BinarySearch(accounts, u.Account)
			if !ok {
				return
			}
			if out[i].prompts[j] == 0 {
				out[i].used++
			}
			out[i].prompts[j] += u.Prompts
			out[i].sum += int(u.Prompts)
		})
	}
	ix.mu.RUnlock()
	out = slices.DeleteFunc(out, func(r row) bool { return int(r.account) > n }) // newer than the names
	slices.SortStableFunc(out, func(a, b row) int { return cmp.Or(cmp.Compare(b.used, a.used), cmp.Compare(b.sum, a.sum)) })
	return out
}
