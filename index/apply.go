package index

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/seed-368d3dfa/chorus/index/internal/store"
	"github.com/seed-368d3dfa/chorus/index/internal/template"
)

// lookAhead finds the prompts' accounts, where they are known, and touches what
// counting them will read: one after the other, each would wait for memory.
// They are lockShare at most. The caller holds ix.mu.
func (ix *Index) lookAhead(prompts []Prompt, sketches []sketched) {
	if ix.opts.HashAccounts || len(prompts) < 4 {
		return
	}
	var warm uint64
	var hashes [lockShare]uint64
	for i := range prompts {
		hashes[i] = ix.accounts.hash(prompts[i].Account)
		warm ^= ix.accounts.ids.touch(hashes[i])
	}
	for i := range prompts {
		s := &sketches[i]
		s.account = ix.accounts.ids.get(hashes[i])
		if prompts[i].ID != "" {
			warm ^= ix.idFilter.touch(s.idKey) ^ uint64(ix.mem.ids.heads[ix.mem.ids.home(s.idKey)])
		}
	}
	for i := range sketches {
		if a := sketches[i].account; a != 0 {
			warm ^= uint64(ix.accounts.stats[a-1].prompts)
		}
	}
	ix.touched = warm
}

// place counts one prompt in, unless its id is known, and appends its journal
// entry to the group. The caller holds ix.mu.
func (ix *Index) place(p *Prompt, s *sketched, now time.Time, out *Placement, g *group) {
	if p.ID != "" && ix.seen(p.ID, s.idKey) {
		out.Duplicate = true
		ix.duplicates++
		return
	}
	at := now.UnixMilli()
	if !p.Time.IsZero() {
		at = p.Time.UnixMilli()
	}
	account, fresh, name := s.account, false, ""
	if account == 0 {
		name = ix.accountName(p.Account)
		account, fresh = ix.accounts.intern(name)
	}
	if s.history != 0 && !fresh && ix.resent(account, s.history) {
		s.tail.idKey, s.tail.turn = s.idKey, s.turn
		s = s.tail
	}
	s.values, s.fresh = ix.attrs.of(p)
	texts := ix.apply(p, s, account, at, func(m template.Match) string { return strings.Clone(ix.exemplar(p, m.ID)) })
	out.Prompt = ix.mem.next() - 1
	for _, m := range ix.result.Matches {
		out.Templates = append(out.Templates, templateID(m.ID))
	}
	flags := byte(0)
	if fresh {
		flags |= entryFresh
	} else {
		name = ""
	}
	g.entries = appendEntry(g.entries, flags, account, name, at, p.ID, s, texts)
	g.ends = append(g.ends, len(g.entries))
}

// seen reports whether a prompt of that id has been counted.
func (ix *Index) seen(id string, key uint64) bool {
	return ix.known(key, func(r *store.Record) bool { return r.ID == id })
}

// resent reports whether the account has sent a conversation of that hash.
func (ix *Index) resent(account uint32, history uint64) bool {
	return ix.known(history, func(r *store.Record) bool { return r.Account == account })
}

// known reports whether a retained prompt has a key of kind KindID and passes
// the test.
func (ix *Index) known(key uint64, is func(*store.Record) bool) (found bool) {
	if !ix.idFilter.has(key) {
		return false
	}
	for _, m := range ix.memtables() {
		m.ids.each(key, func(offset uint32) bool {
			found = is(&m.records[offset])
			return !found
		})
		if found {
			return true
		}
	}
	err := ix.store.View(func(r *store.Reader) error {
		var numbers []uint64
		if err := r.Lookup(store.KindID, key, func(n uint64) bool {
			numbers = append(numbers, n)
			return true
		}); err != nil {
			return err
		}
		for _, n := range numbers {
			rec, err := r.Record(n)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			found = found || err == nil && is(&rec)
		}
		return nil
	})
	if err != nil {
		ix.fail(err)
	}
	return found
}

// apply counts a prompt into memory: the one way in, for new prompts and for
// replayed ones. It returns the exemplars that the prompt became, in the
// order of ix.result.Matches; text makes one.
func (ix *Index) apply(p *Prompt, s *sketched, account uint32, at int64, text func(template.Match) string) (texts []string) {
	number := ix.mem.next()
	ix.mem.add(s, account, p, at)
	ix.attrs.count(s.values)
	if p.ID != "" {
		ix.idFilter.add(s.idKey)
	}
	if s.turn != 0 {
		ix.idFilter.add(s.turn)
	}
	traits := ix.traits(account, at, s)
	ix.prompts++
	ix.first, ix.last = min(ix.first, at), max(ix.last, at)
	ix.templates.Apply(&template.Prompt{Number: number, Account: account, Since: ix.since(account), Time: at, Keys: s.keys, Scale: s.scale, Traits: traits}, &ix.result)
	for _, m := range ix.result.Matches {
		if m.Exemplar {
			t := text(m)
			texts = append(texts, t)
			ix.exemplars[m.ID] = append(ix.exemplars[m.ID], t)
		}
	}
	for _, f := range ix.result.Flags {
		ix.flag(templateFlag(at, f))
	}
	for _, id := range ix.result.Due {
		ix.assess(id, at)
	}
	if ix.labels.confirms {
		for _, m := range ix.result.Matches {
			ix.joined(m.ID, account, at)
		}
	}
	return texts
}

func templateFlag(at int64, f template.Flag) Flag {
	return Flag{
		Time: timeOf(at), Kind: "template", ID: templateID(f.Template), Accounts: f.Accounts,
		Text: fmt.Sprintf("%d accounts sent this template within 7 days", f.Accounts),
	}
}

// traits counts the prompt in with its account, and returns what it shows
// besides its keys.
func (ix *Index) traits(account uint32, at int64, s *sketched) template.Traits {
	st := &ix.accounts.stats[account-1]
	before := st.first
	ix.accounts.count(account, at, at, 1)
	ix.population.Count(st.prompts, template.DayOf(st.first))
	if st.prompts > 1 {
		ix.population.Move(template.DayOf(before), template.DayOf(st.first))
	}
	return template.Traits{
		Text: textHash(s.signature), Network: s.network, Payment: s.payment,
		Opens:  st.prompts == 1 || at < before, // logs are not always in the order of time
		Values: s.values,
	}
}

// since is the day of an account's first prompt.
func (ix *Index) since(account uint32) int32 {
	return template.DayOf(ix.accounts.stats[account-1].first)
}

// textHash tells texts apart by their signatures; 0 where there is none.
func textHash(signature []byte) uint32 {
	for _, b := range signature {
		if b != 0 {
			return max(1, uint32(xxhash.Sum64(signature)>>32))
		}
	}
	return 0
}

// templateID is a template's public name.
func templateID(id uint32) string { return "t" + strconv.FormatUint(uint64(id), 10) }

func parseTemplateID(s string) (uint32, bool) { return parseID('t', s) }

// parseID reads a number behind a letter, spelled as templateID and campaignID
// do: no other spelling is taken.
func parseID(letter byte, s string) (uint32, bool) {
	if len(s) < 2 || s[0] != letter {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:], 10, 32)
	return uint32(n), err == nil && strconv.FormatUint(n, 10) == s[1:]
}

// accountName is what is stored of an account's id.
func (ix *Index) accountName(id string) string {
	if !ix.opts.HashAccounts {
		return id
	}
	return ix.hashed(id)
}

// hashed is the keyed hash that may be stored in place of an account's id.
func (ix *Index) hashed(id string) string {
	var key [8]byte
	binary.LittleEndian.PutUint64(key[:], ix.scheme.Seed)
	mac := hmac.New(sha256.New, key[:])
	io.WriteString(mac, id)
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
