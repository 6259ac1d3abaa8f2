package index

import (
	"encoding/binary"
	"fmt"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// joined records a flag when an account has sent its first prompt of a
// confirmed template: for each template the first of a day, with the count so
// far. It is part of apply.
func (ix *Index) joined(id, account uint32, at int64) {
	t := ix.templates.Get(id)
	ls, day := &ix.labels, template.DayOf(at)
	if last, ok := ls.flagged[id]; t == nil || ok && day <= last || t.PromptsOf(account) != 1 || ix.verdict(t) != Confirmed {
		return
	}
	ls.note(id, day)
	ls.unsealed = append(ls.unsealed, store.Put{
		Table: store.TableAux, Key: binary.BigEndian.AppendUint32([]byte{auxJoined}, id),
		Value: binary.BigEndian.AppendUint32(nil, uint32(day)),
	})
	ix.flag(Flag{
		Time: timeOf(at), Kind: "template", ID: templateID(id), Accounts: t.AccountCount(),
		Text: fmt.Sprintf("an account is new on this confirmed template, now of %d accounts", t.AccountCount()),
	})
}

func (ls *labels) note(id uint32, day int32) {
	if ls.flagged == nil {
		ls.flagged = make(map[uint32]int32)
	}
	ls.flagged[id] = day
}

// restoreJoined reads what joined had noted at the last checkpoint.
func (ix *Index) restoreJoined(r *store.Reader) error {
	return r.Scan(store.TableAux, []byte{auxJoined}, []byte{auxJoined + 1}, func(key, value []byte) error {
		if len(key) != 5 || len(value) != 4 {
			return fmt.Errorf("%w: a flagged template's day is malformed", ErrDamaged)
		}
		ix.labels.note(binary.BigEndian.Uint32(key[1:]), int32(binary.BigEndian.Uint32(value)))
		return nil
	})
}
