package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// print writes v as a line of JSON.
func (a *app) print(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func (a *app) printTable(t *table) error {
	for _, line := range t.lines(a.columns()) {
		if _, err := fmt.Fprintln(a.stdout, line); err != nil {
			return err
		}
	}
	return nil
}

// writeTo lets f write to a new file, or to standard output for "-".
func (a *app) writeTo(name string, f func(io.Writer) error) error {
	if name == "-" {
		w := bufio.NewWriter(a.stdout)
		return errors.Join(f(w), w.Flush())
	}
	file, err := newFile(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(file)
	if err := errors.Join(f(w), w.Flush(), file.Close()); err != nil {
		os.Remove(name)
		return err
	}
	return nil
}

// newFile makes a file that is not there yet.
func newFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s exists: name a new file", name)
	}
	return f, err
}

// An answer passes on what is written, and keeps the first error: a command
// whose answer could not be written was not done.
type answer struct {
	w   io.Writer
	err error
}

func (o *answer) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}
