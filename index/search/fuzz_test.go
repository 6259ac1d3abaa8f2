package search

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-368d3dfa/chorus/index"
)

// FuzzSearch asks anything: it is answered or refused with ErrQuery, whatever
// is found is marked, and the marked text is the template's.
func FuzzSearch(f *testing.F) {
	ix := fill(f)
	s, err := Open(ix, "", nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	catchUp(f, s)
	for _, text := range []string{
		"tutor", `"patient tutor" -examiner`, "exam* OR gard*", "tutro~1 the~2", `-"a" b`, `“a„`, "机器*", "\xff\"", "a* -b*", "OR OR", `""*~`, "ﬁ ½ ǅ ß İ", "e\u0301* ~2",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := s.Search(context.Background(), Query{Text: text})
		if err != nil {
			if !errors.Is(err, ErrQuery) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		for _, h := range r.Items {
			if len(h.Highlights) == 0 {
				t.Errorf("%q finds %s without a mark", text, h.ID)
			}
			for _, l := range h.Highlights {
				checkHighlight(t, &h.Template, l)
			}
		}
	})
}

func checkHighlight(t *testing.T, of *index.Template, l Highlight) {
	t.Helper()
	texts := of.Exemplars
	if l.Field == "pattern" {
		texts = []string{of.Pattern}
	}
	var b strings.Builder
	hits := 0
	for _, p := range l.Parts {
		if p.Text == "" {
			t.Errorf("an empty part: %+v", l)
		}
		if p.Hit {
			hits++
		}
		b.WriteString(p.Text)
	}
	piece := strings.TrimSuffix(strings.TrimPrefix(b.String(), "…"), "…")
	within := false
	for _, text := range texts {
		within = within || strings.Contains(text, piece)
	}
	if hits == 0 || !within || !utf8.ValidString(piece) {
		t.Errorf("%d hits in a piece that the %s has: %v", hits, l.Field, within)
	}
}

// FuzzTokenize holds that tokens are in order and within the text, and that a
// text's own words are terms that stay what they are.
func FuzzTokenize(f *testing.F) {
	for _, text := range []string{"a b", "don't", "机器学习 ok ภาษา", "e\u0301\u200b", "½x", "ﬁne", strings.Repeat("x", 200), "\xffa\xff", "ẞ"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		for _, k := range tokenize(text) {
			if k.start < last || k.end <= k.start || k.end > len(text) || k.term == "" || len(k.term) > maxTerm && !k.pair {
				t.Fatalf("%q: %+v", text, k)
			}
			last = k.start
			if !utf8.ValidString(k.term) {
				t.Fatalf("%q: %q is not UTF-8", text, k.term)
			}
		}
	})
}
