package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"
)

const (
	ordinaryPrompts  = 3000
	ordinaryAccounts = 1100
	days             = 14
)

var start = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// A prompt is a line of the log.
type prompt struct {
	ID       string            `json:"id"`
	Time     time.Time         `json:"time"`
	Account  string            `json:"account"`
	Text     string            `json:"text,omitempty"`
	Messages []message         `json:"messages,omitempty"`
	Model    string            `json:"model"`
	Attrs    map[string]string `json:"attrs"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// A group is a set of accounts that share a text, in the truth.
type group struct {
	ID         string   `json:"id"`
	About      string   `json:"about"`
	Template   string   `json:"template"`
	FixedWords string   `json:"fixed_words"`
	Slot       string   `json:"slot"`
	Tier       string   `json:"tier"`
	Prompts    int      `json:"prompts"`
	Accounts   []string `json:"accounts"`
}

// A person is an ordinary user, who comes and goes.
type person struct {
	account     string
	use         float64 // the expected number of prompts is proportional to it
	first, last int     // days
}

// A world is a log in the making.
type world struct {
	*rand.Rand
	people  []person
	use     []float64 // of the people up to and with this one
	used    int       // account numbers given out
	prompts []prompt
	truth   struct {
		Campaigns  []group `json:"campaigns"`
		Lookalikes []group `json:"lookalikes"`
	}
}

func newWorld(seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 0))}
	total := 0.0
	for _, account := range w.newAccounts(ordinaryAccounts) {
		p := person{account: account, use: w.heavy(1, 1.2), last: days - 1}
		if w.IntN(2) == 0 { // was not there when the log starts
			p.first = w.IntN(days)
		}
		if w.IntN(3) == 0 { // leaves before it ends
			p.last = p.first + w.IntN(days-p.first)
		}
		total += p.use * float64(1+p.last-p.first)
		w.people, w.use = append(w.people, p), append(w.use, total)
	}
	return w
}

// heavy is a number with a heavy tail (log-normal), around the median.
func (w *world) heavy(median, sigma float64) float64 {
	return median * math.Exp(sigma*w.NormFloat64())
}

// newAccounts makes n account ids. They say nothing about when or why.
func (w *world) newAccounts(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		w.used++
		ids[i] = fmt.Sprintf("acct-%06d", w.used*7919%999983)
	}
	return ids
}

// someone is an ordinary user; a few send much, most send little.
func (w *world) someone() person {
	i, _ := slices.BinarySearch(w.use, w.Float64()*w.use[len(w.use)-1])
	return w.people[i]
}

// crowd is n different ordinary users who are there on one of the days from
// first to last. Who sends more is likelier to be among them.
func (w *world) crowd(n, first, last int) []person {
	var found []person
	for len(found) < n {
		p := w.someone()
		if p.first <= last && p.last >= first && !slices.Contains(found, p) {
			found = append(found, p)
		}
	}
	return found
}

// moment is a time on a day from first to last, more often by day than by night.
func (w *world) moment(first, last int) time.Time {
	for {
		t := start.AddDate(0, 0, first+w.IntN(last-first+1)).Add(time.Duration(w.IntN(86400e3)) * time.Millisecond)
		if h := t.Hour(); h >= 7 && h < 22 || w.IntN(4) == 0 {
			return t
		}
	}
}

func (w *world) pick(list []string) string { return list[w.IntN(len(list))] }

func (w *world) send(account string, at time.Time, text string) *prompt {
	w.prompts = append(w.prompts, prompt{
		Time: at, Account: account, Text: text, Model: w.pick(models),
		Attrs: map[string]string{"ip": fmt.Sprintf("10.%d.%d.%d", w.IntN(256), w.IntN(256), 1+w.IntN(254))},
	})
	return &w.prompts[len(w.prompts)-1]
}

// chat turns a text into a conversation with a system prompt.
func (p *prompt) chat(system string) {
	p.Messages = []message{{"system", system}, {"user", p.Text}}
	p.Text = ""
}

// finish orders the log by time and numbers its prompts.
func (w *world) finish() []prompt {
	sort.SliceStable(w.prompts, func(i, j int) bool { return w.prompts[i].Time.Before(w.prompts[j].Time) })
	for i := range w.prompts {
		w.prompts[i].ID = fmt.Sprintf("p%05d", i+1)
	}
	return w.prompts
}

// ordinary sends n prompts that have nothing to do with each other.
func (w *world) ordinary(n int) {
	for range n {
		p := w.someone()
		w.send(p.account, w.moment(p.first, p.last), w.request())
	}
}

// request is an ordinary prompt: a few sentences of a random grammar.
func (w *world) request() string {
	var parts []string
	for range 1 + w.IntN(3) {
		parts = append(parts, w.sentence())
	}
	if w.IntN(8) == 0 {
		parts = append(parts, "\n"+w.snippet())
	}
	text := strings.Join(parts, " ")
	if w.IntN(4) == 0 {
		text = strings.ToLower(text)
	}
	return text
}

// sentence fills one of the frames.
func (w *world) sentence() string {
	s := w.fill(w.pick(frames))
	return strings.ToUpper(s[:1]) + s[1:]
}

// article finds an "a" that has to be an "an".
var article = regexp.MustCompile(`\b([Aa]) ([aeiou])`)

// fill replaces {kind} by a word of that kind, and {one|other} by either.
func (w *world) fill(frame string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(frame, "{")
		b.WriteString(before)
		if !ok {
			return article.ReplaceAllString(b.String(), "${1}n $2")
		}
		kind, after, _ := strings.Cut(rest, "}")
		if strings.Contains(kind, "|") {
			b.WriteString(w.pick(strings.Split(kind, "|")))
		} else {
			b.WriteString(w.pick(words[kind]))
		}
		frame = after
	}
}

// snippet is a little program that somebody wants explained.
func (w *world) snippet() string {
	n, v, o := w.pick(words["thing"]), w.pick(words["verb"]), w.pick(words["thing"])
	switch w.IntN(3) {
	case 0:
		return fmt.Sprintf("def %s_%s(%s):\n    return [%s.%s for %s in %s]", v, n, o, n[:1], w.pick(words["verb"]), n[:1], o)
	case 1:
		return fmt.Sprintf("SELECT %s, count(%s) FROM %s WHERE %s LIKE '%s'", n, o, w.pick(words["trade"]), n, v)
	}
	return fmt.Sprintf("%s | grep %s | sort > %s.txt", v, n, o)
}

// passage is a text about nothing, of n sentences.
func (w *world) passage(n int) string {
	parts := make([]string, n)
	for i := range parts {
		s := w.fill(w.pick(statements))
		parts[i] = strings.ToUpper(s[:1]) + s[1:]
	}
	return strings.Join(parts, " ")
}
