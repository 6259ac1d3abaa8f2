package server

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-368d3dfa/chorus/index/share"
)

// TestSharing sends a campaign from one provider to another, over HTTP only.
func TestSharing(t *testing.T) {
	here, there := start(t, Options{}), start(t, Options{})
	here.rings(2)
	there.rings(2)
	var campaigns campaignPage
	here.do("GET", "/v1/campaigns", "", nil, &campaigns)
	c := campaigns.Items[0]
	const key, other = "sesame-0123456789abcdef", "sesame-fedcba9876543210"
	export := func(body string) (*http.Response, []byte) {
		t.Helper()
		resp, err := http.Post(here.url+"/v1/campaigns/"+c.ID+"/export", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, b
	}
	resp, bundle := export(`{"key":"` + key + `"}`)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/stix+json" || !strings.Contains(resp.Header.Get("Content-Disposition"), c.ID+".stix.json") ||
		bytes.Contains(bundle, []byte(key)) {
		t.Fatalf("%s %s\n%.2000s", resp.Status, resp.Header, bundle)
	}
	_, public := export(`{}`)
	_, byGet := here.body("/v1/campaigns/" + c.ID + "/export")
	if string(public) != byGet {
		t.Error("without a key, POST and GET differ")
	}
	type findings struct{ Items []share.Finding }
	ask := func(bundle []byte, key string) (f findings) {
		t.Helper()
		body, err := json.Marshal(map[string]any{"bundle": json.RawMessage(bundle), "key": key})
		if err != nil {
			t.Fatal(err)
		}
		if resp := there.do("POST", "/v1/campaigns/import", "application/json", body, &f); resp.StatusCode != 200 || len(f.Items) != len(c.Templates) {
			t.Fatalf("%s: %+v", resp.Status, f)
		}
		return f
	}
	for _, test := range []struct {
		name   string
		bundle []byte
		key    string
		state  string
	}{
		{"the key", bundle, key, share.Matched},
		{"the key as a file has it", bundle, key + "\n", share.Matched},
		{"another key", bundle, other, share.OtherKey},
		{"no key", bundle, "", share.OtherKey},
		{"anybody's", public, "", share.Matched},
		{"a key for anybody's", public, key, share.OtherKey},
	} {
		for _, f := range ask(test.bundle, test.key).Items {
			if f.State != test.state || (f.State == share.Matched) != (len(f.Templates) > 0 && len(f.Campaigns) > 0) {
				t.Errorf("%s: %+v", test.name, f)
			}
		}
	}
	resp, list := export(`{"format":"csv","accounts":true}`)
	if lines := bytes.Count(list, []byte("\n")); resp.StatusCode != 200 || lines != c.Accounts+1 {
		t.Errorf("csv: %s, %d lines", resp.Status, lines)
	}

	for body, want := range map[string]int{
		``: 400, `sesame`: 400, `[]`: 400, `{"key":7}`: 400, `{"format":"sesame"}`: 422, `{"format":"csv"}`: 422, `{"key":"sesame"}`: 422,
		`{"key":"` + strings.Repeat("sesame", 1000) + `"}`: 422, `{"format":"jsonl","key":"` + key + `"}`: 422,
	} {
		if resp, b := export(body); resp.StatusCode != want || bytes.Contains(b, []byte("sesame")) {
			t.Errorf("export %.40s: %s %s", body, resp.Status, b)
		}
	}
	for body, want := range map[string]int{
		``: 400, `{}`: 422, `null`: 422, `{"bundle":null}`: 422, `{"bundle":"sesame"}`: 422, `{"bundle":{"type":"sesame"}}`: 422,
		`{"bundle":{"type":"bundle","objects":["sesame"]}}`: 422, `{"bundle":` + string(public) + `,"key":"sesame"}`: 422, `{"bundle":` + string(public[:500]): 400,
	} {
		var p failure
		if resp := there.do("POST", "/v1/campaigns/import", "application/json", []byte(body), &p); resp.StatusCode != want || p.Detail == "" || strings.Contains(p.Detail, "sesame") || strings.Contains(p.Detail, "share: ") {
			t.Errorf("import %.40s: %s %+v", body, resp.Status, p)
		}
	}
	for _, s := range []*service{here, there} {
		if log := s.log.String(); strings.Contains(log, key) || strings.Contains(log, other) {
			t.Errorf("a key is in the log:\n%s", log)
		}
	}
}
