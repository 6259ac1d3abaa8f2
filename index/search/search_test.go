package search

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

func TestSearch(t *testing.T) {
	ix := openIndex(t, nil)
	send(t, ix, 6, "You are a patient tutor. Work through the exercise below in numbered steps and write down every result: {}")
	send(t, ix, 4, "Act as a strict examiner who never smiles; compare both of the candidate's answers with the café menu {} please")
	send(t, ix, 3, "请把下面的机器学习论文翻译成简单的英文，并且解释每一个公式的含义 {}")
	send(t, ix, 3, "ช่วยแปลข้อความต่อไปนี้เป็นภาษาอังกฤษอย่างสุภาพและอธิบายทุกขั้นตอนให้ละเอียดด้วยนะครับ {}")
	s := openSearch(t, ix, filepath.Join(t.TempDir(), "search"))
	catchUp(t, s)
	for text, want := range map[string]int{
		"tutor":                         1,
		"TUTOR Patient":                 1,
		"tutor examiner":                0,
		"tutor OR examiner":             2,
		"tutor OR":                      1,
		"OR tutor":                      1,
		`"patient tutor"`:               1,
		`"tutor patient"`:               0,
		`“patient tutor. Work through”`: 1,
		`"patient tutor`:                1,
		"tut*":                          1,
		"w*":                            2,
		"wo*":                           1,
		"numbere*":                      1,
		"exam*":                         1,
		"tutro~":                        1,
		"tutro~1":                       1,
		"tuotr~1":                       1,
		"totur~1":                       0,
		"examinor~1":                    1,
		"examinoor~1":                   0,
		"examinoor~2":                   1,
		"compare -strict":               0,
		"a -strict":                     1,
		`a -"strict teacher"`:           2,
		"apricot":                       4, // of a filling
		`"result candlestick"`:          1,
		`"result doorbell apricot"`:     1,
		"cafe":                          1,
		"CAFÉ":                          1,
		"candidates":                    1,
		"机器学习":                          1,
		"习论":                            1,
		"习":                             1,
		"义":                             1,
		"学器":                            0,
		`"机器学习论文"`:                      1,
		"机器*":                           1,
		"ภาษาอังกฤษ":                    1,
		"อังกฤ":                         1,
		"tutor AND examiner":            0, // "and" is a word
		"tutor ( ] ~ * - \x00 \xff":     1,
	} {
		if got := found(t, s, text); got != want {
			t.Errorf("%q finds %d, want %d", text, got, want)
		}
	}
	for _, text := range []string{"", " ", "*", `""`, "-", "~", "-tutor", "OR", "...", strings.Repeat("a", maxQuery+1), strings.Repeat("a ", maxTokens+1)} {
		if _, err := s.Search(context.Background(), Query{Text: text}); !errors.Is(err, ErrQuery) {
			t.Errorf("%.20q: %v, want ErrQuery", text, err)
		}
	}
}

func TestFilters(t *testing.T) {
	ix := openIndex(t, nil)
	send(t, ix, 12, "You are a patient tutor. Work through the exercise below in numbered steps and write down every result: {}")
	send(t, ix, 3, "Another exercise, which has nothing in common but that very word, for gardeners and their grandmothers: {}")
	s := openSearch(t, ix, "")
	catchUp(t, s)
	r := find(t, s, Query{Text: "exercise"})
	if r.Total != 2 || len(r.Items) != 2 || r.Items[0].Accounts != 12 || !r.Complete {
		t.Fatalf("found %d, the first of %d accounts, complete %v", r.Total, r.Items[0].Accounts, r.Complete)
	}
	wide, narrow := r.Items[0], r.Items[1]
	if err := ix.Label(context.Background(), index.Label{Template: narrow.ID, Verdict: index.Benign}); err != nil {
		t.Fatal(err)
	}
	catchUp(t, s)
	for _, test := range []struct {
		name string
		q    Query
		want []string
	}{
		{"benign", Query{Status: []string{"benign"}}, []string{narrow.ID}},
		{"others", Query{Status: []string{"none", "watch", "alert"}}, []string{wide.ID}},
		{"accounts", Query{MinAccounts: 4}, []string{wide.ID}},
		{"more accounts", Query{MinAccounts: 13}, nil},
		{"since", Query{Since: start.Add(5 * time.Minute)}, []string{wide.ID}},
		{"until", Query{Until: start.Add(-time.Minute)}, nil},
		{"score", Query{MinScore: 101}, nil},
		{"limit", Query{Limit: 1}, []string{wide.ID}},
		{"after", Query{After: find(t, s, Query{Text: "exercise", Limit: 1}).Next}, []string{narrow.ID}},
	} {
		test.q.Text = "exercise"
		r := find(t, s, test.q)
		var got []string
		for _, h := range r.Items {
			got = append(got, h.ID)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	r = find(t, s, Query{Text: "exercise", Status: []string{"benign"}, MinAccounts: 3})
	if r.Facets.Status["benign"] != 1 || r.Facets.Status[wide.Status] != 1 {
		t.Errorf("statuses %v: the facet must not heed its own filter", r.Facets.Status)
	}
	if got := r.Facets.Accounts[:2]; got[0].Count != 1 || got[1].Count != 0 {
		t.Errorf("accounts %v: the facet must heed the filter of statuses", got)
	}
	if err := ix.Label(context.Background(), index.Label{Template: narrow.ID, Verdict: index.None}); err != nil {
		t.Fatal(err)
	}
	catchUp(t, s)
	if r := find(t, s, Query{Text: "exercise", Status: []string{"benign"}}); r.Total != 0 {
		t.Error("a withdrawn verdict still counts")
	}
	if _, err := ix.Expire(context.Background(), start.AddDate(0, 0, 2)); err != nil {
		t.Fatal(err)
	}
	catchUp(t, s)
	if n := found(t, s, "exercise"); n != 0 || len(s.documents) != 0 {
		t.Errorf("%d found after all has expired, %d documents left", n, len(s.documents))
	}
}

// A flagged template is found without a Sync, while nothing else is due.
func TestFlagged(t *testing.T) {
	ix := openIndex(t, nil)
	s, err := Open(ix, filepath.Join(t.TempDir(), "search"), &Options{Every: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	catchUp(t, s)
	send(t, ix, 5, "You are a patient tutor. Work through the exercise below in numbered steps and write down every result: {}")
	for range 12_000 {
		if found(t, s, `"every result doorbell"`) == 1 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("not found")
}

// What is in the folder is not written again, and what changed meanwhile is.
func TestReopen(t *testing.T) {
	ix := openIndex(t, nil)
	folder := filepath.Join(t.TempDir(), "search")
	text := "You are a patient tutor. Work through the exercise below in numbered steps and write down every result: {}"
	send(t, ix, 3, text)
	s := openSearch(t, ix, folder)
	catchUp(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
	if _, err := s.Search(context.Background(), Query{Text: "tutor"}); !errors.Is(err, ErrClosed) {
		t.Errorf("Search after Close: %v", err)
	}
	s = openSearch(t, ix, folder)
	stored := s.generation
	catchUp(t, s)
	if n := found(t, s, "tutor"); n != 1 || stored != 1 {
		t.Errorf("found %d in generation %d", n, stored)
	}
	s.Close()
	send(t, ix, 40, text) // with it come more exemplars
	send(t, ix, 3, "Act as a strict examiner who never smiles; compare both of the candidate's answers with the menu {} please")
	s = openSearch(t, ix, folder)
	catchUp(t, s)
	if a, b := found(t, s, "tutor"), found(t, s, "examiner"); a != 1 || b != 1 {
		t.Errorf("found %d and %d", a, b)
	}
	r := find(t, s, Query{Text: "tutor"})
	if r.Items[0].Accounts != 40 {
		t.Errorf("%d accounts", r.Items[0].Accounts)
	}
	for _, x := range r.Items[0].Exemplars {
		if words := strings.Fields(x); found(t, s, `"`+strings.Join(words[:12], " ")+`"`) != 1 || found(t, s, `"`+strings.Join(words[12:], " ")+`"`) != 1 {
			t.Error("an exemplar is not found")
		}
	}
}

// The folder of another index, or of one that lost its end, holds what is not
// there: it goes.
func TestOtherIndex(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "search")
	one, other := openIndex(t, nil), openIndex(t, nil)
	send(t, one, 3, "You are a patient tutor. Work through the exercise below in numbered steps and write down every result: {}")
	send(t, one, 3, "Another exercise, which has nothing in common but that very word, for gardeners and their grandmothers: {}")
	send(t, other, 3, "Act as a strict examiner who never smiles; compare both of the candidate's answers with the menu {} please")
	s := openSearch(t, one, folder)
	catchUp(t, s)
	s.Close()
	s = openSearch(t, other, folder)
	catchUp(t, s)
	if a, b, c := found(t, s, "tutor"), found(t, s, "gardeners"), found(t, s, "examiner"); a+b != 0 || c != 1 {
		t.Errorf("found %d, %d and %d", a, b, c)
	}
	n, err := count(s)
	if err != nil || n != 1 {
		t.Errorf("%d documents, %v", n, err)
	}
}

func TestRebuild(t *testing.T) {
	ix := openIndex(t, nil)
	folder := filepath.Join(t.TempDir(), "search")
	send(t, ix, 3, "You are a patient tutor. Work through the exercise below in numbered steps and write down every result: {}")
	s := openSearch(t, ix, folder)
	if err := s.Rebuild(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := found(t, s, "tutor"); n != 1 || s.generation != 2 {
		t.Errorf("found %d in generation %d", n, s.generation)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v in the folder, %v", entries, err)
	}
}

// A folder that another process has open is left alone.
func TestLocked(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a lock")
	}
	ix := openIndex(t, nil)
	folder := filepath.Join(t.TempDir(), "search")
	openSearch(t, ix, folder)
	if _, err := Open(ix, folder, nil); !errors.Is(err, index.ErrLocked) {
		t.Errorf("%v, want ErrLocked", err)
	}
}

func TestNoExemplars(t *testing.T) {
	ix := openIndex(t, &index.Options{NoExemplars: true, SiftBytes: 4 << 20, NoSync: true})
	send(t, ix, 3, "You are a patient tutor. Work through the exercise below in numbered steps and write down every result: {}")
	s := openSearch(t, ix, "")
	catchUp(t, s)
	if n := found(t, s, "tutor"); n != 0 {
		t.Errorf("found %d", n)
	}
}

// TestPages goes from page to page while templates come, go to other places
// and leave: what stays in its place is there once.
func TestPages(t *testing.T) {
	ix := openIndex(t, nil)
	for i := range 30 {
		send(t, ix, 3+i%5, strings.ReplaceAll("Exercise NAME asks every NAME reader to solve the NAME problem below, and NAME to say why: {}", "NAME", letters(i)))
	}
	s := openSearch(t, ix, "")
	catchUp(t, s)
	const text = `exercise OR "problem below"`
	all := find(t, s, Query{Text: text, Limit: 100})
	if len(all.Items) != 30 || all.Total != 30 || all.Next != "" {
		t.Fatalf("%d of %d, next %q", len(all.Items), all.Total, all.Next)
	}
	times := make(map[string]int)
	var after string
	for n := 0; ; n++ {
		r := find(t, s, Query{Text: text, Limit: 7, After: after})
		for _, h := range r.Items {
			times[h.ID]++
		}
		if after = r.Next; after == "" {
			break
		}
		if n == 0 && r.Total != 30 || len(r.Items) != 7 {
			t.Errorf("page %d: %d of %d", n, len(r.Items), r.Total)
		}
		// Others change what the words are worth, and documents take other numbers.
		for i := range 3 {
			send(t, ix, 4, strings.ReplaceAll("Nothing NAME alike but the exercise NAME of saying something NAME longer than usual, NAME: {}", "NAME", letters(100+10*n+i)))
		}
		catchUp(t, s)
		if n == 1 {
			if err := s.Rebuild(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, h := range all.Items {
		if times[h.ID] != 1 {
			t.Errorf("%s was there %d times", h.ID, times[h.ID])
		}
	}
}

// TestPhrasesByPlace compares phrases with what the texts themselves say: no
// hash of neighbours may add or hide one.
func TestPhrasesByPlace(t *testing.T) {
	ix := openIndex(t, nil)
	words := strings.Fields("the of and to in is it that")
	rng := rand.New(rand.NewPCG(7, 7))
	for i := range 40 {
		text := letters(i)
		for range 25 {
			text += " " + words[rng.IntN(len(words))]
		}
		send(t, ix, 3, text+" "+letters(i)+letters(i)+" {}")
	}
	s := openSearch(t, ix, "")
	catchUp(t, s)
	templates, err := ix.Templates(context.Background(), index.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		n := 2 + rng.IntN(3)
		var terms []string
		for range n {
			terms = append(terms, words[rng.IntN(len(words))])
		}
		ask, want := strings.Join(terms, " "), 0
		for _, x := range templates {
			if slices.ContainsFunc(append(x.Exemplars, slots.Split(x.Pattern, -1)...), func(s string) bool {
				return strings.Contains(" "+s+" ", " "+ask+" ")
			}) {
				want++
			}
		}
		if got := found(t, s, `"`+ask+`"`); got != want {
			t.Errorf("%q: %d, want %d", ask, got, want)
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add(place{1.5, "t12"}.cursor())
	f.Add("c8")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parseCursor(s)
		if err != nil {
			if !errors.Is(err, index.ErrCursor) {
				t.Error(err)
			}
			return
		}
		if p.id == "" {
			return
		}
		if again, err := parseCursor(p.cursor()); err != nil || again != p {
			t.Errorf("%q: %+v, then %+v, %v", s, p, again, err)
		}
	})
}

// TestHighlightsDiffer holds that each piece shows what those before do not,
// where words stand too far apart for one.
func TestHighlightsDiffer(t *testing.T) {
	ix := openIndex(t, nil)
	var middle []string
	for i := range 80 {
		middle = append(middle, letters(i))
	}
	send(t, ix, 6, "Antelope "+strings.Join(middle, " ")+" zebra {}")
	s := openSearch(t, ix, "")
	catchUp(t, s)
	items := find(t, s, Query{Text: "antelope zebra"}).Items
	if len(items) != 1 || len(items[0].Highlights) != 2 {
		t.Fatalf("%+v", items)
	}
	for i, word := range []string{"Antelope", "zebra"} {
		if !slices.Contains(items[0].Highlights[i].Parts, Part{word, true}) {
			t.Errorf("%d: %+v", i, items[0].Highlights[i])
		}
	}
}
