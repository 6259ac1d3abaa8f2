package main

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/seed-368d3dfa/chorus"

// layers has the packages from the outside in: each may import those behind it.
var layers = []string{"cmd", "server", "embed", "index", "minhash"}

// TestImports enforces the direction of imports, and what may import what.
func TestImports(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Deps,Standard", module+"/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(out)
	seen := 0
	for {
		var p struct {
			ImportPath    string
			Imports, Deps []string
		}
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		path, ours := strings.CutPrefix(p.ImportPath, module+"/")
		if !ours {
			continue
		}
		seen++
		for _, i := range p.Imports {
			if problem := forbidden(path, i); problem != "" {
				t.Errorf("%s imports %s: %s", path, i, problem)
			}
		}
		if layer(path) >= slices.Index(layers, "index") && slices.Contains(p.Deps, "net/http") {
			t.Errorf("%s needs net/http, which index and minhash must not", path)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if seen < 8 {
		t.Errorf("only %d packages seen", seen)
	}
}

// streams has the clients of brokers, and decodes what they deliver.
const streams = "embed/consume"

// layer is a package's place in layers, -1 for others.
func layer(path string) int {
	first, _, _ := strings.Cut(path, "/")
	return slices.Index(layers, first)
}

// forbidden says why a package of ours must not import another.
func forbidden(path, imported string) string {
	if strings.HasPrefix(imported, "go.etcd.io/bbolt") && path != "index/internal/store" {
		return "only index/internal/store may"
	}
	if strings.HasPrefix(imported, "github.com/prometheus/") && path != "server/metrics" {
		return "only server/metrics may"
	}
	if strings.HasPrefix(imported, "github.com/blevesearch/") && path != "index/search" {
		return "only index/search may"
	}
	for _, broker := range []string{"github.com/twmb/franz-go", "github.com/nats-io/"} {
		if strings.HasPrefix(imported, broker) && path != streams {
			return "only " + streams + " may"
		}
	}
	other, ours := strings.CutPrefix(imported, module+"/")
	if !ours || layer(path) < 0 {
		return ""
	}
	const internal = "index/internal/"
	switch from, to := layer(path), layer(other); {
	case to < 0:
		return "it is no part of the product"
	case to < from:
		return "imports run " + strings.Join(layers, " → ")
	case layers[from] == "index" && (other == "index/search" || other == "index/share" || other == "index/drill"):
		return "package index and its leaves do without"
	case strings.HasPrefix(path, internal) && strings.HasPrefix(other, "index"):
		return "leaves import no sibling"
	case path == streams && other == "embed/promptlog":
	case (layers[from] == "embed" || layers[from] == "server") && to == from && path != layers[from]:
		return "leaves import no sibling"
	}
	return ""
}

func TestForbidden(t *testing.T) {
	for _, test := range []struct {
		path, imported string
		bad            bool
	}{
		{"cmd/chorus", module + "/server", false},
		{"server", module + "/cmd/chorus", true},
		{"server", module + "/index", false},
		{"index", module + "/embed/promptlog", true},
		{"index", module + "/index/internal/store", false},
		{"index/internal/store", module + "/index/internal/sift", true},
		{"index/internal/store", module + "/index", true},
		{"index/internal/template", module + "/minhash", false},
		{"index/share", module + "/index", false},
		{"index/share", module + "/server", true},
		{"minhash", module + "/index", true},
		{"index/internal/store", "go.etcd.io/bbolt", false},
		{"index", "go.etcd.io/bbolt", true},
		{"index/search", "github.com/blevesearch/bleve/v2", false},
		{"server", "github.com/blevesearch/bleve/v2", true},
		{"index", module + "/index/search", true},
		{"server", "go.etcd.io/bbolt/errors", true},
		{"index", module + "/testdata/gen", true},
		{"server", module + "/server/access", false},
		{"server/metrics", "github.com/prometheus/client_golang/prometheus", false},
		{"index", "github.com/prometheus/client_golang/prometheus", true},
		{"server/access", module + "/server", true},
		{"server/access", module + "/server/intake", true},
		{"server/access", module + "/index", false},
		{"embed/promptlog", module + "/embed", true},
		{"embed", module + "/embed/promptlog", false},
		{"server", module + "/server/intake", false},
		{"server/intake", module + "/server", true},
		{"server/intake", module + "/server/access", true},
		{"server/intake", module + "/embed/promptlog", false},
		{"embed/consume", module + "/embed/promptlog", false},
		{"embed/consume", module + "/embed", true},
		{"embed/consume", "github.com/twmb/franz-go/pkg/kgo", false},
		{"embed", "github.com/twmb/franz-go/pkg/kgo", true},
		{"cmd/chorus", "github.com/nats-io/nats.go", true},
	} {
		if got := forbidden(test.path, test.imported); (got != "") != test.bad {
			t.Errorf("%s imports %s: %q", test.path, test.imported, got)
		}
	}
}
