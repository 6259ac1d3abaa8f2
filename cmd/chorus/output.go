package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
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

// writeTo lets f write a new file, or to standard output for "-".
func (a *app) writeTo(name string, f func(io.Writer) error) error {
	if name == "-" {
		w := bufio.NewWriter(a.stdout)
		return errors.Join(f(w), w.Flush())
	}
	return create(name, func(file *os.File) error {
		w := bufio.NewWriter(file)
		return errors.Join(f(w), w.Flush())
	})
}

// partial is what stands behind the name of a file that is not whole yet, before
// a random number.
const partial = ".partial"

// create makes a file that is not there yet of what f writes. It has another
// name, beside its own, until it is whole and on the disk: what bears the name is
// whole, also after a crash. What failed leaves no file.
func create(name string, f func(*os.File) error) error {
	if err := vacant(name); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+partial+"*") // mode 0600
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			path.Path = name
		}
		return err
	}
	defer os.Remove(file.Name()) // fails once it is renamed
	err = f(file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := vacant(name); err != nil { // somebody else made it meanwhile
		return err
	}
	if err := os.Rename(file.Name(), name); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(name))
}

// vacant refuses a name that something has.
func vacant(name string) error {
	_, err := os.Lstat(name)
	switch {
	case err == nil:
		return fmt.Errorf("%s exists: name a new file", name)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// syncFolder makes a file's new name last.
func syncFolder(name string) error {
	if runtime.GOOS == "windows" {
		return nil // which syncs no folders
	}
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// discarded reports whether what is written to w is lost: where standard output
// is closed, Go opens /dev/null in its place.
func discarded(w io.Writer) bool {
	if o, ok := w.(*answer); ok {
		w = o.w
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	is, err := f.Stat()
	if err != nil {
		return true
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(is, null)
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
