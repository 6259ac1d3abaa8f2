package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-368d3dfa/chorus/index"
)

// explain maps an error to an exit code and a hint at what to do.
func (a *app) explain(err error) (code int, hint string) {
	var usage *usageError
	var part *partly
	var network *net.OpError
	switch {
	case !a.started, errors.As(err, &usage):
		return exitUsage, ""
	case errors.As(err, &part):
		return exitSkipped, ""
	case errors.Is(err, index.ErrLocked):
		return exitLocked, "Another process has " + a.db + " open, maybe \"chorus serve\". Ask its HTTP API instead\n" +
			"(like curl http://" + defaultListen + "/v1/templates), or stop it first."
	case errors.Is(err, index.ErrDamaged):
		return exitDamaged, "Restore a backup, or load the logs into a new index."
	case errors.Is(err, index.ErrMissing):
		return exitFailed, "There is no index at " + a.db + ". Make one with \"chorus load\", or name another with --db."
	case errors.Is(err, index.ErrFewLabels):
		return exitFailed, "Give more verdicts with \"chorus label\", on campaigns and on false alerts."
	case errors.Is(err, index.ErrAttr):
		return exitFailed, "\"chorus load --keep-attrs NAME\" counts the prompts that it loads by another attribute too."
	case errors.Is(err, index.ErrNotIndex):
		return exitFailed, otherFile(a.db)
	case errors.Is(err, index.ErrVersion):
		return exitFailed, "Use the version of chorus that made it, or a newer one."
	case errors.Is(err, index.ErrFailed):
		return exitFailed, "What was acknowledged is safe. When the disk takes writes again, the same command goes on from there."
	case errors.Is(err, context.Canceled):
		return exitFailed, "The same command can be given again."
	case errors.Is(err, syscall.EADDRINUSE):
		return exitFailed, "Another program listens there, maybe \"chorus serve\". --listen names another port; 0 picks a free one."
	case errors.As(err, &network) && errors.Is(err, fs.ErrPermission):
		return exitFailed, "Ports below 1024 are for root, or for who has CAP_NET_BIND_SERVICE or a socket of systemd's."
	case errors.Is(err, fs.ErrNotExist) && !isFolder(filepath.Dir(a.db)):
		return exitFailed, "There is no folder " + filepath.Dir(a.db) + " for the index."
	case errors.Is(err, fs.ErrNotExist) && dangling(a.db):
		return exitFailed, a.db + " is a link to a file that is not there. Name that file with --db."
	case errors.Is(err, fs.ErrPermission):
		return exitFailed, "Check the permissions of the file and its folder."
	case errors.Is(err, syscall.EROFS):
		return exitFailed, "Nothing can be written there; \"chorus backup\" makes a copy elsewhere."
	}
	return exitFailed, ""
}

// otherFile says what to do about a file that is no index.
func otherFile(name string) string {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return name + " is a folder. Name the index's file with --db."
	case err == nil && info.Mode().IsRegular() && info.Size() == 0:
		return name + " is empty. Remove it, and \"chorus load\" makes an index there."
	}
	return name + " is some other file. Name the index with --db."
}

// dangling reports whether name is a link to nowhere.
func dangling(name string) bool {
	_, err := os.Lstat(name)
	_, to := os.Stat(name)
	return err == nil && errors.Is(to, fs.ErrNotExist)
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// A usageError is a wrong command line that cobra could not know to be wrong.
type usageError struct{ error }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// optionFlags are the flags by which tuning sets what may be wrong with
// index.Options.
var optionFlags = map[string]string{
	"FlagAccounts": "flag-accounts", "SiftBytes": "sift-mib", "TemplateBytes": "template-mib", "KeepAttrs": "keep-attrs",
}

// flagged names the flag in an error about an option of the index.
func flagged(err error) error {
	var option *index.OptionError
	if errors.As(err, &option) && optionFlags[option.Option] != "" {
		return usagef("--%s: %s", optionFlags[option.Option], option.Reason)
	}
	return err
}

// packages are what errors of chorus's libraries begin with.
var packages = []string{"index", "store", "search", "promptlog", "share", "access", "consume", "listen", "tls"}

// plain is an error's text for people: without the names of packages that it
// came through, what each of them said again, and lines that are all alike.
func plain(err error) string {
	var lines []string
	for line := range strings.Lines(err.Error()) {
		var said []string
		parts := strings.Split(strings.TrimSuffix(line, "\n"), ": ")
		for i, part := range parts {
			if slices.Contains(packages, part) && i+1 < len(parts) {
				continue
			}
			if part == context.Canceled.Error() {
				part = "interrupted"
			}
			if last := len(said) - 1; i > 0 && slices.Contains(packages, parts[i-1]) && last >= 0 && strings.HasPrefix(part, said[last]) {
				said = said[:last]
			}
			said = append(said, part)
		}
		if line = strings.Join(said, ": "); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// suggest adds the flag that was probably meant to an error about an unknown one.
func suggest(cmd *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return errors.New(wanted("--"+invalid.GetFlag().Name, invalid))
	}
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	if letters := unknown.GetSpecifiedShortnames(); letters != "" {
		return fmt.Errorf("unknown flag: -%s (flags begin with --; what is none and begins with - goes after --)", letters)
	}
	name := unknown.GetSpecifiedName()
	best, least := "", min(3, len(name)/2+1)
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if d := distance(name, f.Name); d < least {
			best, least = f.Name, d
		}
	})
	if best == "" {
		return err
	}
	return fmt.Errorf("%w (did you mean --%s?)", err, best)
}

// distance is the number of bytes to insert, delete or replace to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := last
			if a[i] != b[j] {
				d = 1 + min(last, row[j], row[j+1])
			}
			last, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}

// wanted says what a flag takes, whose value of this name was none.
func wanted(name string, invalid *pflag.InvalidValueError) string {
	want := ""
	if v, ok := invalid.GetFlag().Value.(ranged); ok {
		return fmt.Sprintf("%s %q: want %s", name, invalid.GetValue(), v.wants())
	}
	switch invalid.GetFlag().Value.Type() {
	case "int", "uint", "uint64":
		want = "a whole number"
	case "ints":
		want = "whole numbers, with commas between them"
	case "float64":
		want = "a number"
	case "bool":
		want = "true or false"
	default:
		return fmt.Sprintf("%s %q: %v", name, invalid.GetValue(), invalid.Unwrap())
	}
	return fmt.Sprintf("%s %q: want %s", name, invalid.GetValue(), want)
}

var noArgs = takes(0, 0, "")

// takes refuses fewer arguments than least, and more than most if that is not
// negative; what says what they are.
func takes(least, most int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return errors.New("name " + what)
		case most == 0 && len(args) > 0:
			return fmt.Errorf("%q: this command takes flags only", args[0])
		case most >= 0 && len(args) > most:
			return fmt.Errorf("%q: too much, name %s; quote what has spaces", args[most], what)
		}
		return nil
	}
}
