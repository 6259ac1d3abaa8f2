package search

import (
	"errors"
	"fmt"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/blevesearch/bleve/v2/document"
	"github.com/blevesearch/bleve/v2/index/scorch"
	bleveindex "github.com/blevesearch/bleve_index_api"

	"github.com/seed-368d3dfa/chorus/index"
)

// words is the text index: bleve's scorch, without the package above it, which
// brings global state and HTTP. It has one document a template.
//
// A document has the id "ID.STAMP", of the template and of its text (package
// index, Digest.Stamp, in base 36), and three fields. The values of text are
// the exemplars, and those fixed parts of the pattern that are in none as they
// are; begins has the first one, two and three characters of every word, for
// short prefixes; pairs has the neighbours in each value, for phrases.
type words struct {
	bleveindex.Index
	analysis *bleveindex.AnalysisQueue
}

const (
	textField  = "text"
	beginField = "begins"
	pairField  = "pairs"
)

func documentID(id string, stamp uint64) string { return id + "." + strconv.FormatUint(stamp, 36) }

func parseDocumentID(doc string) (id string, stamp uint64, ok bool) {
	id, s, ok := strings.Cut(doc, ".")
	stamp, err := strconv.ParseUint(s, 36, 64)
	return id, stamp, ok && err == nil
}

// errBusy is what the lock of another process becomes.
var errBusy = errors.New("search: its folder is in use by another process")

// openWords opens what is at path, or begins it; "" is in memory.
func openWords(path string) (*words, error) {
	w := &words{analysis: bleveindex.NewAnalysisQueue(1)}
	err := guard(func() (err error) {
		w.Index, err = scorch.NewScorch(scorch.Name, map[string]any{
			"path":                   path,
			"create_if_missing":      true,
			"unsafe_batch":           true, // a batch is visible before it is on disk: what a crash loses is found missing
			"bolt_timeout":           "3s",
			"asyncErrorCallbackName": callbackName,
		}, w.analysis)
		if err == nil {
			err = w.Open()
		}
		return err
	})
	if err == nil {
		return w, nil
	}
	w.analysis.Close()
	if strings.Contains(err.Error(), "timeout") { // bbolt's error, which only package store may name
		err = errBusy
	}
	return nil, err
}

// close lets go of the files. After a failure in the background scorch may
// never let go: then it is left behind.
func (w *words) close() error {
	defer w.analysis.Close()
	done := make(chan error, 1)
	go func() { done <- guard(w.Close) }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		return errors.New("search: the text index does not close")
	}
}

// guard turns a panic, and a fault in a mapped file, into an error.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("search: the text index failed: %v", p)
		}
	}()
	return f()
}

// reading calls fn with a reader of the documents as they are now.
func (w *words) reading(fn func(bleveindex.IndexReader) error) error {
	return guard(func() error {
		r, err := w.Reader()
		if err != nil {
			return err
		}
		return errors.Join(fn(r), r.Close())
	})
}

// each calls fn for the id of every document.
func (w *words) each(fn func(doc string)) error {
	return w.reading(func(r bleveindex.IndexReader) error {
		ids, err := r.DocIDReaderAll()
		if err != nil {
			return err
		}
		defer ids.Close()
		for {
			n, err := ids.Next()
			if err != nil || n == nil {
				return err
			}
			doc, err := r.ExternalID(n)
			if err != nil {
				return err
			}
			fn(doc)
		}
	})
}

// A batch is written as a whole.
type batch struct{ *bleveindex.Batch }

func newBatch() batch { return batch{bleveindex.NewBatch()} }

func (w *words) write(b batch) error { return guard(func() error { return w.Batch(b.Batch) }) }

var slots = regexp.MustCompile(`\{\d+\}`)

// put takes in the words of a template: its exemplars, each once, and the fixed
// parts of its pattern that none of them has as they are.
func (b batch) put(doc string, t *index.Template) {
	d := document.NewDocument(doc)
	var values []string
	for _, x := range t.Exemplars {
		if !slices.Contains(values, x) {
			values = append(values, x)
		}
	}
	for _, fixed := range slots.Split(t.Pattern, -1) {
		if fixed != "" && !slices.ContainsFunc(t.Exemplars, func(x string) bool { return strings.Contains(x, fixed) }) {
			values = append(values, fixed)
		}
	}
	tokens := make([][]token, len(values))
	for i, v := range values {
		tokens[i] = tokenize(v)
		d.AddField(document.NewTextFieldCustom(textField, []uint64{uint64(i)}, nil,
			bleveindex.IndexField|bleveindex.IncludeTermVectors, placed(tokens[i])))
	}
	for name, made := range map[string]terms{beginField: begins(tokens), pairField: pairs(tokens)} {
		d.AddField(document.NewTextFieldCustom(name, nil, nil, bleveindex.IndexField|bleveindex.SkipFreqNorm, made))
	}
	b.Update(d)
}

const (
	patience    = 20 * time.Second
	settleTime  = 3 * time.Second
	settleAgain = 100 * time.Millisecond
)

// settle waits until what was written is on disk, but not for long: what is
// not will be found missing. It asks again and again, as scorch's persister may
// sleep until something new is written.
func (w *words) settle() error {
	done := make(chan error, int(settleTime/settleAgain)+2)
	deadline := time.After(settleTime)
	for n := byte(0); ; n++ {
		b := newBatch()
		b.SetInternal([]byte("settled"), []byte{n})
		b.SetPersistedCallback(func(err error) { done <- err })
		if err := w.write(b); err != nil {
			return err
		}
		select {
		case err := <-done:
			return err
		case <-time.After(settleAgain):
		case <-deadline:
			return nil
		}
	}
}

// Background failures of scorch come by path.
const callbackName = "chorus"

var watched sync.Map // path → *Search

func init() {
	scorch.RegistryAsyncErrorCallbacks[callbackName] = func(err error, path string) {
		for at, s := range watched.Range {
			if path == at.(string) {
				s.(*Search).fail(err)
			}
		}
	}
}
