package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
)

// logFlags say how logs are read.
type logFlags struct {
	format   string
	mapFile  string
	accounts []string
	times    []string
	texts    []string

	fields *promptlog.Map // what the flags come to; nil for nothing
}

func (l *logFlags) reading(f *pflag.FlagSet) {
	f.StringVar(&l.format, "format", "auto", "the log's format: auto, "+strings.Join(promptlog.Formats(), ", "))
	f.StringVar(&l.mapFile, "map", "", "a JSON `file` that says in which fields a log has account, time, text and so on")
	f.StringSliceVar(&l.accounts, "account-field", nil, "where the account is, like customer.id; several are tried in order")
	f.StringSliceVar(&l.times, "time-field", nil, "where the time is")
	f.StringSliceVar(&l.texts, "text-field", nil, "where the text, the messages or the request's body is")
}

// resolve checks the flags.
func (l *logFlags) resolve() error {
	known := l.format == "auto"
	for _, name := range promptlog.Formats() {
		known = known || l.format == name
	}
	if !known {
		return usagef("--format %q: want auto, %s", l.format, oneOf(promptlog.Formats()))
	}
	if l.mapFile != "" {
		b, err := os.ReadFile(l.mapFile)
		if err != nil {
			return err
		}
		if l.fields, err = promptlog.ParseMap(b); err != nil {
			return usagef("%s: %w", l.mapFile, err)
		}
	}
	if len(l.accounts)+len(l.times)+len(l.texts) == 0 {
		return nil
	}
	if l.fields == nil {
		l.fields = new(promptlog.Map)
	}
	if len(l.accounts) > 0 {
		l.fields.Account = l.accounts
	}
	if len(l.times) > 0 {
		l.fields.Time = l.times
	}
	if len(l.texts) > 0 {
		l.fields.Messages, l.fields.Text = l.texts, nil
	}
	return nil
}

// expand replaces folders by the files in them, at any depth and sorted by
// name, and patterns by the files that match. Hidden files and the index itself,
// with its words, are left out of folders.
func expand(names []string, db string) ([]string, error) {
	var files []string
	for i, name := range names {
		info, err := os.Stat(name)
		switch {
		case name == "-" && slices.Contains(names[:i], name):
			return nil, usagef("standard input (-) is given twice")
		case name == "-" || err == nil && !info.IsDir():
			files = append(files, name)
		case err == nil:
			more, err := folder(name, db)
			if err != nil {
				return nil, err
			}
			files = append(files, more...)
		case strings.ContainsAny(name, "*?["):
			more, err := filepath.Glob(name)
			if err != nil {
				return nil, usagef("%s: %w", name, err)
			}
			if len(more) == 0 {
				return nil, fmt.Errorf("%s: no file matches", name)
			}
			files = append(files, more...)
		default:
			return nil, fmt.Errorf("open %s: %w", name, rootCause(err))
		}
	}
	return files, nil
}

// rootCause is what is wrong with a file, without the call that noticed.
func rootCause(err error) error {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err
	}
	return err
}

func folder(name, db string) ([]string, error) {
	var files []string
	own, ownErr := os.Stat(searchFolder(db))
	err := fs.WalkDir(os.DirFS(name), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			if info, err := d.Info(); err == nil && ownErr == nil && os.SameFile(info, own) {
				return fs.SkipDir
			}
			return nil
		}
		file := filepath.Join(name, path)
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		if own, err := os.Stat(db); info.Mode().IsRegular() && (err != nil || !os.SameFile(info, own)) {
			files = append(files, file)
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: no files in this folder", name)
	}
	return files, err
}
