package search

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/seed-368d3dfa/chorus/index"
)

// write writes the text of those of the templates that have entries. The caller
// holds s.writing.
func (s *Search) write(ctx context.Context, ids []string) error {
	templates, err := s.ix.Texts(ctx, ids...)
	if err != nil {
		return err
	}
	b := newBatch()
	docs := make(map[string]string, len(templates))
	s.mu.Lock()
	for i := range templates {
		t := &templates[i]
		e := s.entries[t.ID]
		if e == nil { // gone since it was due
			continue
		}
		if e.Stamp == 0 { // that of a flag; its digest will come
			e.note(index.Digest{ID: t.ID, Accounts: t.Accounts, Prompts: t.Prompts, FirstSeen: t.FirstSeen, LastSeen: t.LastSeen, Status: "none"})
		}
		docs[t.ID] = documentID(t.ID, e.Stamp)
		s.documents[docs[t.ID]] = e
		if e.document != "" && e.document != docs[t.ID] {
			b.Delete(e.document)
		}
	}
	s.mu.Unlock()
	for i := range templates {
		if t := &templates[i]; docs[t.ID] != "" {
			b.put(docs[t.ID], t)
		}
	}
	if err := s.text.write(b); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		e := s.entries[id]
		switch doc := docs[id]; {
		case e == nil:
		case doc == "" && e.Stamp == 0: // a flagged one that has gone
			delete(s.entries, id)
		case doc != "" && e.document != doc:
			delete(s.documents, e.document)
			e.document = doc
		}
		delete(s.dirty, id) // one that has gone will be told of
	}
	s.pending = len(s.dirty)
	return nil
}

// remove takes documents out.
func (s *Search) remove(docs []string) error {
	if len(docs) == 0 {
		return nil
	}
	b := newBatch()
	for _, doc := range docs {
		b.Delete(doc)
	}
	return s.text.write(b)
}

// rebuild writes all text into a new generation, which then takes the place of
// the current one.
func (s *Search) rebuild(ctx context.Context) error {
	text, err := s.create(s.generation + 1)
	if err != nil {
		return err
	}
	docs := make(map[string]string)
	if err := s.fill(ctx, text, docs); err != nil {
		text.close()
		return err
	}
	if s.folder != "" {
		if err := publish(s.folder, format{formatVersion, s.generation + 1, nil}); err != nil {
			text.close()
			return err
		}
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.queries.Lock()
	defer s.queries.Unlock()
	watched.Delete(s.path())
	if err := s.text.close(); err != nil {
		s.opts.Logger.Warn("search: closing the old text index", "folder", s.folder, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = text
	s.generation++
	watched.Store(s.path(), s)
	clean(s.folder, s.generation)
	clear(s.documents)
	clear(s.stored)
	for id, e := range s.entries {
		e.document = docs[id]
		s.documents[e.document] = e
		if e.document != documentID(id, e.Stamp) {
			s.dirty[id] = e
		}
	}
	delete(s.documents, "")
	s.pending = len(s.dirty)
	return nil
}

// fill writes the text of all entries. What flags name meanwhile goes into the
// current generation, and is found missing in this one later.
func (s *Search) fill(ctx context.Context, text *words, docs map[string]string) error {
	due := make(map[string]string)
	s.mu.RLock()
	for id, e := range s.entries {
		due[id] = documentID(id, e.Stamp)
	}
	s.mu.RUnlock()
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(due)), batchSize) {
		templates, err := s.ix.Texts(ctx, chunk...)
		if err != nil {
			return err
		}
		b := newBatch()
		for i := range templates {
			t := &templates[i]
			docs[t.ID] = due[t.ID]
			b.put(docs[t.ID], t)
		}
		if err := text.write(b); err != nil {
			return err
		}
	}
	return nil
}

func (s *Search) create(generation int) (*words, error) {
	if s.folder == "" {
		return openWords("")
	}
	return createGeneration(s.folder, generation)
}

// path is where the current generation is; "" in memory.
func (s *Search) path() string {
	if s.folder == "" {
		return ""
	}
	return filepath.Join(s.folder, strconv.Itoa(s.generation))
}
