package share

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-368d3dfa/chorus/index"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	tutor    = "You are a patient tutor. Work through the exercise below in numbered steps, write down every result and finish with RESULT. Exercise: {1}. Thank you!"
	examiner = "Act as a strict examiner. Compare {1} with the reference {2} and award between zero and ten points for accuracy."
	filled   = "sesame opens"
	who      = "acct-secret-1"
)

func example() (index.Campaign, []index.Template) {
	at := func(day, hour int) time.Time {
		return time.Date(2026, 6, day, hour, 30, 15, 123e6, time.UTC)
	}
	attrs := map[string]map[string]int{"region": {"sesame street": 90}}
	template := func(id, pattern string, slots int) index.Template {
		t := index.Template{
			ID: id, Pattern: pattern, FixedWords: len(strings.Fields(pattern)) - slots, Accounts: 31, Prompts: 90, Score: 93, Status: "alert",
			FirstSeen: at(2, 8), LastSeen: at(9, 20), Factors: []index.Factor{}, Members: []index.Member{{Account: who, Prompts: 3}},
			Exemplars: []string{strings.ReplaceAll(pattern, "{1}", filled)}, Attrs: attrs,
		}
		for range slots {
			t.Slots = append(t.Slots, index.Slot{Distinct: 8, Examples: []string{filled}})
		}
		return t
	}
	c := index.Campaign{
		ID: "c6", Status: "alert", Score: 93.4, Accounts: 40, Prompts: 120, FirstSeen: at(1, 8), LastSeen: at(9, 20), FlaggedAt: at(3, 1), Log10P: -21.5,
		Templates: []index.CampaignTemplate{{ID: "t6", Pattern: tutor, Accounts: 31}, {ID: "t9", Pattern: examiner, Accounts: 31}, {ID: "t8", Accounts: 20}},
		Days:      []index.Day{{Day: "2026-06-01", Prompts: 100, NewAccounts: 40}, {Day: "2026-06-09", Prompts: 20}},
		Factors:   []index.Factor{{Name: "focus", Value: .8, Points: 10, Text: "half of the members spend at least 80 % of their prompts on it"}},
		Members:   []index.Member{{Account: who, Prompts: 3, Confidence: .9}, {Account: "acct, 2", Prompts: 2, Confidence: .8}}, Attrs: attrs,
	}
	return c, []index.Template{template("t9", examiner, 2), template("t6", tutor, 1)}
}

func newKey(t testing.TB, secret string) *Key {
	t.Helper()
	k, err := NewKey([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func written(t testing.TB, o Options) []byte {
	t.Helper()
	c, templates := example()
	var b bytes.Buffer
	if n, bare, err := WriteSTIX(&b, c, templates, o); err != nil || n != 2 || bare != 0 {
		t.Fatalf("%d indicators, %d without a sketch, %v", n, bare, err)
	}
	return b.Bytes()
}

// required are the properties that STIX 2.1 requires of a type, beyond the
// common ones (sections 3.2, 4.3, 4.6, 4.7, 4.10, 5.1, 5.2, 7.3).
var required = map[string][]string{
	"identity":             {"name"},
	"extension-definition": {"name", "schema", "version", "extension_types", "created_by_ref"},
	"campaign":             {"name"},
	"indicator":            {"pattern", "pattern_type", "valid_from"},
	"relationship":         {"relationship_type", "source_ref", "target_ref"},
	"sighting":             {"sighting_of_ref"},
	"note":                 {"content", "object_refs"},
}

var (
	stampForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)
	uuid5Form = regexp.MustCompile(`^[a-z-]+--[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
)

// validate holds a bundle against the specification.
func validate(t *testing.T, b []byte) {
	t.Helper()
	var bundle struct {
		Type, ID string
		Objects  []map[string]any
	}
	if err := json.Unmarshal(b, &bundle); err != nil {
		t.Fatal(err)
	}
	if bundle.Type != "bundle" || !uuid5Form.MatchString(bundle.ID) || !strings.HasPrefix(bundle.ID, "bundle--") {
		t.Errorf("bundle %q %q", bundle.Type, bundle.ID)
	}
	ids, types := make(map[string]bool), make(map[string]int)
	for _, o := range bundle.Objects {
		kind, _ := o["type"].(string)
		id, _ := o["id"].(string)
		types[kind]++
		if required[kind] == nil || !strings.HasPrefix(id, kind+"--") || !uuid5Form.MatchString(id) || ids[id] {
			t.Errorf("type %q, id %q, seen %v", kind, id, ids[id])
		}
		ids[id] = true
		for _, p := range append([]string{"type", "spec_version", "id", "created", "modified"}, required[kind]...) {
			if v := o[p]; v == nil || v == "" {
				t.Errorf("%s lacks %s", id, p)
			}
		}
		if o["spec_version"] != "2.1" {
			t.Errorf("%s: spec_version %v", id, o["spec_version"])
		}
		for _, p := range []string{"created", "modified", "first_seen", "last_seen", "valid_from"} {
			if v, ok := o[p]; ok && !stampForm.MatchString(v.(string)) {
				t.Errorf("%s: %s is %v", id, p, v)
			}
		}
		for _, pair := range [][2]string{{"created", "modified"}, {"first_seen", "last_seen"}} {
			if a, ok := o[pair[0]].(string); ok && a > o[pair[1]].(string) {
				t.Errorf("%s: %v after %v", id, pair[0], pair[1])
			}
		}
		if kind == "indicator" && o["pattern_type"] != "chorus" {
			t.Errorf("%s: pattern_type %v", id, o["pattern_type"])
		}
		if e, ok := o["extensions"].(map[string]any); ok {
			if len(e) != 1 || e[extensionID] == nil || e[extensionID].(map[string]any)["extension_type"] != "property-extension" {
				t.Errorf("%s: extensions %v", id, e)
			}
		}
	}
	for _, o := range bundle.Objects { // references point into the bundle
		refs, _ := o["object_refs"].([]any)
		for _, p := range []string{"created_by_ref", "source_ref", "target_ref", "sighting_of_ref"} {
			if v, ok := o[p]; ok {
				refs = append(refs, v)
			}
		}
		for _, r := range refs {
			if !ids[r.(string)] {
				t.Errorf("%s refers to %s, which is not there", o["id"], r)
			}
		}
	}
	if !ids[extensionID] {
		t.Error("the extension is not defined")
	}
	want := map[string]int{"identity": 1, "extension-definition": 1, "campaign": 1, "indicator": 2, "relationship": 2, "sighting": 2, "note": 1}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Error(diff)
	}
}

func TestSTIX(t *testing.T) {
	b := written(t, Options{Key: newKey(t, "0123456789abcdef"), Accounts: true})
	validate(t, b)
	golden := filepath.Join("testdata", "bundle.json")
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(b)); diff != "" {
		t.Errorf("-update rewrites the golden file: %s", diff)
	}
}

// TestSecrets: no account and no slot's filling leaves unasked, nor a key ever.
func TestSecrets(t *testing.T) {
	c, templates := example()
	const secret = "an open sesame for two"
	var lines bytes.Buffer
	if err := WriteJSONL(&lines, c, templates, false); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"stix": written(t, Options{Key: newKey(t, secret)}), "jsonl": lines.Bytes()} {
		for _, s := range []string{"acct", filled, secret, "sesame"} {
			if bytes.Contains(b, []byte(s)) {
				t.Errorf("%s has %q", name, s)
			}
		}
	}
	if b := written(t, Options{Accounts: true}); !bytes.Contains(b, []byte(who)) {
		t.Error("no accounts, though asked for")
	}
}

func TestLists(t *testing.T) {
	c, templates := example()
	var b bytes.Buffer
	if err := WriteCSV(&b, c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("campaign,status,account,prompts,confidence\nc6,alert,acct-secret-1,3,0.9\nc6,alert,\"acct, 2\",2,0.8\n", b.String()); diff != "" {
		t.Error(diff)
	}
	b.Reset()
	if err := WriteJSONL(&b, c, templates, true); err != nil {
		t.Fatal(err)
	}
	var types []string
	for l := range strings.Lines(b.String()) {
		var v line
		if err := json.Unmarshal([]byte(l), &v); err != nil {
			t.Fatal(err)
		}
		types = append(types, v.Type)
	}
	if !slices.Equal(types, []string{"campaign", "template", "template", "member", "member"}) {
		t.Errorf("%v", types)
	}
}

// own are templates of another provider, some of which are the example's.
func own() ([]index.Template, []index.Campaign) {
	templates := []index.Template{
		{ID: "t1", Pattern: "Something else that has nothing in common with any of these {1}", Accounts: 50},
		{ID: "t2", Pattern: strings.ReplaceAll(tutor, "Thank you!", "{2}"), Accounts: 12, Prompts: 40, Status: "watch"},
		{ID: "t3", Pattern: "{1}", Exemplars: []string{"short", strings.ToUpper(strings.ReplaceAll(tutor, "{1}", "other words of ours"))}, Accounts: 9},
		{ID: "t4", Pattern: "You are a patient tutor. Work through the exercise below and be happy {1}", Accounts: 9},
	}
	return templates, []index.Campaign{
		{ID: "c1", Templates: []index.CampaignTemplate{{ID: "t1"}}},
		{ID: "c2", Templates: []index.CampaignTemplate{{ID: "t9"}, {ID: "t2"}}, Accounts: 15},
	}
}

func TestMatch(t *testing.T) {
	ours, theirs := newKey(t, "0123456789abcdef"), newKey(t, "0123456789abcdeg")
	templates, campaigns := own()
	for _, test := range []struct {
		name       string
		made, used *Key
		state      string
	}{
		{"same key", ours, newKey(t, "0123456789abcdef"), Matched},
		{"public", nil, nil, Matched},
		{"other key", ours, theirs, OtherKey},
		{"no key", ours, nil, OtherKey},
		{"key for a public bundle", nil, ours, OtherKey},
	} {
		b, err := Read(bytes.NewReader(written(t, Options{Key: test.made})))
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.Match(t.Context(), test.used, templates, campaigns)
		if err != nil || len(got) != 2 {
			t.Fatalf("%s: %v, %v", test.name, got, err)
		}
		if got[0].State != test.state || test.state == Matched && got[1].State != Clear {
			t.Errorf("%s: %s, %s", test.name, got[0].State, got[1].State)
		}
		var found []string
		for _, m := range got[0].Templates {
			found = append(found, m.ID)
		}
		for _, c := range got[0].Campaigns {
			found = append(found, c.ID)
		}
		want := []string{"t2", "t3", "c2"}
		if test.state != Matched {
			want = nil
		}
		if !slices.Equal(found, want) {
			t.Errorf("%s: found %v, want %v", test.name, found, want)
		}
	}
}

// TestKeysDiffer: sketches of two keys have nothing in common, so that an id
// that lied would gain nothing.
func TestKeysDiffer(t *testing.T) {
	a, b := newKey(t, "0123456789abcdef"), newKey(t, "0123456789abcdeg")
	x, y := a.sketch(a.sketcher(), tutor, 1), b.sketch(b.sketcher(), tutor, 1)
	if len(x) < 10 || len(x) != len(y) {
		t.Fatalf("%d and %d keys", len(x), len(y))
	}
	for _, k := range x {
		if slices.Contains(y, k) {
			t.Errorf("both have %x", k)
		}
	}
	if a.id == b.id || a.id == Public().id {
		t.Errorf("ids %s, %s", a.id, b.id)
	}
	for _, n := range []int{0, MinSecret - 1, MaxSecret + 1} {
		if _, err := NewKey(make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes", n)
		}
	}
}

func TestReadBad(t *testing.T) {
	good := string(written(t, Options{}))
	for name, bundle := range map[string]string{
		"empty":          "",
		"no JSON":        "sesame",
		"cut short":      good[:len(good)/2],
		"an array":       "[]",
		"no bundle":      `{"type":"sesame","objects":[]}`,
		"no indicator":   `{"type":"bundle","objects":[{"type":"campaign"}]}`,
		"bad object":     `{"type":"bundle","objects":["sesame"]}`,
		"version":        strings.ReplaceAll(good, `"spec_version": "2.1"`, `"spec_version": "2.0"`),
		"id":             strings.ReplaceAll(good, `"id": "indicator--`, `"id": "indicator--sesame`),
		"extension":      strings.ReplaceAll(good, extensionID, extensionID[:len(extensionID)-1]+"_"),
		"scheme":         strings.ReplaceAll(good, `"shingle": 5`, `"shingle": 6`),
		"key id":         strings.ReplaceAll(good, `"key": "public"`, `"key": ""`),
		"sketch":         strings.Replace(good, `"sketch": [`, `"sketch": ["sesame",`, 1),
		"sketch's order": strings.Replace(good, `"sketch": [`, `"sketch": ["ffffffffff",`, 1),
		"sketch's type":  strings.Replace(good, `"sketch": [`, `"sketch": [7,`, 1),
		"time":           strings.ReplaceAll(good, `"valid_from": "2026`, `"valid_from": "sesame`),
		"twice":          strings.Replace(good, `"objects": [`, `"objects": [`+indicatorsOf(t, good)+",", 1),
		"long sketch":    strings.Replace(good, `"sketch": [`, `"sketch": [`+many(maxSketch+1)+",", 1),
	} {
		if _, err := Read(strings.NewReader(bundle)); !errors.Is(err, ErrBundle) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b, err := Read(strings.NewReader(good)); err != nil || len(b.Indicators) != 2 || b.Other != 8 {
		t.Errorf("%+v, %v", b, err)
	}
}

// indicatorsOf returns a bundle's first indicator.
func indicatorsOf(t *testing.T, bundle string) string {
	t.Helper()
	var b struct{ Objects []json.RawMessage }
	if err := json.Unmarshal([]byte(bundle), &b); err != nil {
		t.Fatal(err)
	}
	return string(b.Objects[3])
}

func many(n int) string {
	s := make([]string, n)
	for i := range s {
		s[i] = fmt.Sprintf(`"%010x"`, i)
	}
	return strings.Join(s, ",")
}

func FuzzRead(f *testing.F) {
	f.Add(written(f, Options{}))
	f.Add([]byte(`{"type":"bundle","objects":[{"type":"indicator","pattern_type":"chorus"}]}`))
	templates, campaigns := own()
	f.Fuzz(func(t *testing.T, b []byte) {
		bundle, err := Read(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, ErrBundle) {
				t.Error(err)
			}
			return
		}
		found, err := bundle.Match(t.Context(), nil, templates, campaigns)
		if err != nil || len(found) != len(bundle.Indicators) {
			t.Errorf("%d findings of %d indicators, %v", len(found), len(bundle.Indicators), err)
		}
	})
}

func ExampleBundle_Match() {
	secret, err := NewKey([]byte("a secret that both providers have"))
	if err != nil {
		panic(err)
	}
	campaign, templates := example() // from Index.Campaign and Index.Template
	var sent bytes.Buffer
	if _, _, err := WriteSTIX(&sent, campaign, templates, Options{Key: secret}); err != nil {
		panic(err)
	}

	bundle, err := Read(&sent) // at the other provider
	if err != nil {
		panic(err)
	}
	ownTemplates, ownCampaigns := own() // from Index.Templates and Index.Campaigns
	findings, err := bundle.Match(context.Background(), secret, ownTemplates, ownCampaigns)
	if err != nil {
		panic(err)
	}
	for _, f := range findings {
		fmt.Println(f.State, len(f.Templates), len(f.Campaigns))
	}
	// Output:
	// matched 2 1
	// clear 0 0
}
