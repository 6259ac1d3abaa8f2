package webhook

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "hooks.json")
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(text string) ([]Hook, error) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return ReadFile(file)
	}
	hooks, err := read(`[{"url":"https://example.com/a","secret":"` + secret + `","kinds":["campaign"],"min_score":75,"patterns":true},
		{"url":"http://localhost:1/b","secret_file":"` + key + `"}]`)
	if err != nil || len(hooks) != 2 || hooks[0].MinScore != 75 || !hooks[0].Patterns || hooks[0].plain() || hooks[1].plain() {
		t.Fatalf("%+v, %v", hooks, err)
	}
	for text, want := range map[string]string{
		``:     "not a JSON array",
		`{}`:   "not a JSON array",
		`[] x`: "something follows",
		`[{"url":"https://example.com","secret":"` + secret + `","kind":"campaign"}]`:        `unknown field "kind"`,
		`[{"url":7,"secret":"` + secret + `"}]`:                                              "url: want string",
		`[{"url":"ftp://example.com","secret":"` + secret + `"}]`:                            "webhook 1 of 1: url: want an address",
		`[{"url":"example.com","secret":"` + secret + `"}]`:                                  "url: want an address",
		`[{"url":"https://me:pw@example.com","secret":"` + secret + `"}]`:                    "leave name and password out",
		`[{"url":"https://example.com"}]`:                                                    "secret: missing",
		`[{"url":"https://example.com","secret":"whsec_c2hvcnQ="}]`:                          "24 to 64 random bytes",
		`[{"url":"https://example.com","secret":"not base64!"}]`:                             "24 to 64 random bytes",
		`[{"url":"https://example.com","secret":"` + secret + `","secret_file":"x"}]`:        "want one of them",
		`[{"url":"https://example.com","secret_file":"` + filepath.Join(dir, "none") + `"}]`: "no such file",
		`[{"url":"https://example.com","secret":"` + secret + `","kinds":["all"]}]`:          "kinds: want",
		`[{"url":"https://example.com","secret":"` + secret + `","min_score":101}]`:          "min_score: want",
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	ix := openIndex(t)
	h := Hook{URL: "https://example.com/a", Secret: secret}
	if _, err := Start(ix, Options{Hooks: []Hook{h, h}, State: filepath.Join(dir, "state")}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "state"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(ix, Options{Hooks: []Hook{h}, State: filepath.Join(dir, "state")}); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`[{"url":"https://example.com/a","secret":"` + secret + `","kinds":["campaign"],"min_score":75,"patterns":true}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		hooks, err := parse(b)
		if err != nil {
			return
		}
		for i := range hooks {
			if hooks[i].URL == "" || hooks[i].Name() == "" {
				t.Errorf("%+v", hooks[i])
			}
		}
	})
}
