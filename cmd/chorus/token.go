package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/access"
)

// A tokening is one run of a command about tokens.
type tokening struct {
	*app
	accessing
	roles      []string
	expires    string
	rate       float64
	concurrent int
}

func (a *app) token() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke the tokens of \"chorus serve\"",
		Long: `Make, list and revoke the tokens that "chorus serve" asks for. They stand in a file
beside the index, as hashes; a server that runs notices changes within a second.

Once there is a token file, every request needs a token, also on loopback:

  Authorization: Bearer TOKEN
  Authorization: Basic base64(anything:TOKEN)    for shippers with user and password
  Authorization: ApiKey base64(anything:TOKEN)   for shippers of Elasticsearch

Browsers sign in with it on the page that asks for it.

Roles: ingest adds prompts; read asks; decide reads and gives verdicts; admin may
do everything, and sees profiles and webhooks.`,
		Example: `  chorus token create gateway --role ingest
  chorus token create ann@example.org --role decide --expires 90d
  chorus token list
  chorus token revoke gateway`,
		Args: noArgs,
	}
	cmd.AddCommand(a.tokenCreate(), a.tokenList(), a.tokenRevoke())
	return cmd
}

func (a *app) tokenCreate() *cobra.Command {
	t := &tokening{app: a}
	cmd := &cobra.Command{
		Use:   "create NAME --role ROLE",
		Short: "Make a token and print it, once",
		Long: `Make a token and print it. It is kept nowhere: whoever loses it needs another one.
Its name stands in the audit log, and is the author of its verdicts.`,
		Example: `  chorus token create gateway --role ingest --rate 200
  chorus token create detector --role ingest,read
  TOKEN=$(chorus token create ann --role decide --expires 90d)`,
		Args: takes(1, 1, "one token"),
		RunE: a.runs(func(_ context.Context, args []string) error { return t.create(args[0]) }),
	}
	t.files(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&t.roles, "role", nil, "ingest, read, decide, admin, or several of them")
	f.StringVar(&t.expires, "expires", "", "when it ends: 12h, 90d, 2027-01-31; not at all if empty")
	f.Float64Var(&t.rate, "rate", 0, "requests a second that it may make; 0: as serve --rate says")
	f.IntVar(&t.concurrent, "concurrent", 0, "requests at a time that it may make; 0: as serve --concurrent says")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("role", fixed(access.RoleNames()...)))
	return cmd
}

func (t *tokening) create(name string) error {
	if len(t.roles) == 0 {
		return usagef("--role is missing: %s", strings.Join(access.RoleNames(), ", "))
	}
	role, err := access.ParseRole(t.roles...)
	if err != nil {
		return usagef("--role: %s", strings.TrimPrefix(err.Error(), "access: "))
	}
	expires, err := expiry(t.expires, time.Now())
	if err != nil {
		return err
	}
	if discarded(t.stdout) {
		return errors.New("standard output is closed or /dev/null: nobody would see the token, so none was made")
	}
	path := t.tokenFile(t.db)
	before, err := access.List(path)
	if err != nil {
		return err
	}
	of := access.Token{Name: name, Roles: role, Expires: expires, Rate: t.rate, Concurrent: t.concurrent}
	made, err := access.Issue(path, of, func(token string, made access.Token) error {
		if t.json {
			return t.print(struct {
				Secret string `json:"token"`
				access.Token
			}{token, made})
		}
		_, err := fmt.Fprintln(t.stdout, token)
		return err
	})
	if err != nil {
		return err
	}
	t.record("token created", slog.String("token", made.Name), slog.String("token_roles", made.Roles.String()))
	if len(before) == 0 && !t.json {
		fmt.Fprintf(t.stderr, "chorus: the first token of %s: from now on every request needs one\n", escape(path, false))
	}
	return nil
}

// expiry reads when a token ends; an empty value means never.
func expiry(value string, now time.Time) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	t, ok := time.Time{}, false
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, value); err == nil {
			t, ok = at, true
		}
	}
	if d, err := index.ParseSpan(value); err == nil {
		t, ok = now.Add(d), true
	}
	switch {
	case !ok:
		return t, usagef("--expires %q: want how long it lasts, like 90d, or a day like 2027-01-31", value)
	case !t.After(now):
		return t, usagef("--expires %s: that is past", value)
	case t.Year() > 9999:
		return t, usagef("--expires %s: that is too far away", value)
	}
	return t, nil
}

func (a *app) tokenList() *cobra.Command {
	t := &tokening{app: a}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the tokens, without what they are",
		Example: `  chorus token list --json`,
		Args:    noArgs,
		RunE:    a.runs(func(context.Context, []string) error { return t.list() }),
	}
	t.files(cmd)
	return cmd
}

func (t *tokening) list() error {
	tokens, err := access.List(t.tokenFile(t.db))
	if err != nil {
		return err
	}
	table := newTable("<NAME", "<ROLES", "<CREATED", "<EXPIRES", "RATE", "<AT A TIME")
	for i := range tokens {
		k := &tokens[i]
		if t.json {
			if err := t.print(k); err != nil {
				return err
			}
			continue
		}
		expires := minute(k.Expires)
		if !k.Expires.IsZero() && !time.Now().Before(k.Expires) {
			expires += " (past)"
		}
		table.add(k.Name, k.Roles.String(), minute(k.Created), expires, orDash(k.Rate), orDash(float64(k.Concurrent)))
	}
	if t.json {
		return nil
	}
	if len(tokens) == 0 {
		fmt.Fprintf(t.stderr, "chorus: %s has no tokens\n", escape(t.tokenFile(t.db), false))
		return nil
	}
	for _, line := range table.lines(t.columns()) {
		if _, err := fmt.Fprintln(t.stdout, line); err != nil {
			return err
		}
	}
	return nil
}

func orDash(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprint(v)
}

func (a *app) tokenRevoke() *cobra.Command {
	t := &tokening{app: a}
	cmd := &cobra.Command{
		Use:   "revoke NAME",
		Short: "End a token, its sessions and what it has under way",
		Long: `End a token: a server that runs refuses it within a second, and ends its sessions,
its streams of flags and its uploads. When the last one is gone nobody gets in;
delete the token file to serve without tokens again.`,
		Example: `  chorus token revoke gateway`,
		Args:    takes(1, 1, "one token"),
		RunE:    a.runs(func(_ context.Context, args []string) error { return t.revoke(args[0]) }),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 || environment(cmd.Flags()) != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return t.names(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	t.files(cmd)
	return cmd
}

// names are those of all tokens, as far as the file can be read.
func (t *tokening) names() []string {
	tokens, err := access.List(t.tokenFile(t.db))
	if err != nil {
		return nil
	}
	names := make([]string, len(tokens))
	for i := range tokens {
		names[i] = tokens[i].Name
	}
	return names
}

func (t *tokening) revoke(name string) error {
	if err := access.Revoke(t.tokenFile(t.db), name); errors.Is(err, access.ErrUnknown) {
		return fmt.Errorf("%s has no token %q; \"chorus token list\" shows those it has", t.tokenFile(t.db), name)
	} else if err != nil {
		return err
	}
	t.record("token revoked", slog.String("token", name))
	if t.json {
		return t.print(map[string]string{"revoked": name})
	}
	_, err := fmt.Fprintf(t.stdout, "%s revoked\n", name)
	return err
}

// record writes to the audit log what was done, or says that it could not.
func (t *tokening) record(action string, attrs ...slog.Attr) {
	by := "unknown"
	if u, err := user.Current(); err == nil {
		by = u.Username
	}
	attrs = append([]slog.Attr{slog.String("name", by), slog.String("remote", "command line")}, attrs...)
	if err := access.NewAudit(t.auditFile(t.db), nil).Record(action, attrs...); err != nil {
		fmt.Fprintf(t.stderr, "chorus: audit log not written: %s\n", escape(err.Error(), false))
	}
}
