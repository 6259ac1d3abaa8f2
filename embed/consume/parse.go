package consume

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
)

// ErrURL is wrapped by errors about a URL that cannot be meant.
var ErrURL = errors.New("consume: invalid stream URL")

// A config is what a URL says.
type config struct {
	scheme string // "kafka" or "nats"
	hosts  []string
	user   string
	names  []string // topics, or the one stream
	start  bool     // at the end, for what has no position yet

	group       string // or the durable consumer's name
	instance    string
	sasl        string
	subjects    []string
	ackWait     time.Duration
	creds, nkey string
	token       bool

	format  string
	fields  *promptlog.Map
	account func(*record) string // nil: nobody
	dead    string               // topic or subject

	secret     func() (string, error) // the password or token
	tls        bool
	ca         string
	cert, key  string
	parameters url.Values // those not looked at yet
}

var (
	topicName  = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)
	streamName = regexp.MustCompile(`^[^\s.*>/\\]+$`)
)

// parse reads a URL. Its errors wrap ErrURL and never have a password.
func parse(text string) (*config, error) {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrURL}, args...)...)
	}
	scheme, rest, ok := strings.Cut(text, "://")
	c := &config{scheme: scheme}
	port := ""
	switch {
	case !ok:
		return nil, bad("want kafka://HOST/TOPIC or nats://HOST/STREAM")
	case scheme == "kafka":
		port = "9092"
	case scheme == "nats":
		port = "4222"
	default:
		return nil, bad("%s:// is not known; there are kafka:// and nats://", scheme)
	}
	// net/url takes no list of hosts with ports.
	authority, rest, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, err := url.PathUnescape(authority[:at])
		if err != nil || strings.Contains(authority[:at], ":") {
			return nil, bad("a password in a URL can be seen by others: give the user alone, and password_file=FILE or the environment variable %s", c.variable("PASSWORD"))
		}
		c.user, authority = user, authority[at+1:]
	}
	for _, host := range strings.Split(authority, ",") {
		u, err := url.Parse(scheme + "://" + host)
		if err != nil || u.Hostname() == "" || u.Host != host {
			return nil, bad("%q is no host", host)
		}
		if u.Port() == "" {
			host += ":" + port
		}
		c.hosts = append(c.hosts, host)
	}
	u, err := url.Parse("/" + rest)
	if err != nil {
		return nil, bad("what follows the host is malformed")
	}
	if c.parameters, err = url.ParseQuery(u.RawQuery); err != nil {
		return nil, bad("what follows the ? is malformed")
	}
	for name, values := range c.parameters {
		if len(values) > 1 {
			return nil, bad("%s is given twice", name)
		}
	}
	path := strings.Trim(u.Path, "/")
	c.names = strings.Split(path, ",")
	if scheme == "kafka" {
		for _, name := range c.names {
			if !topicName.MatchString(name) || name == "." || name == ".." {
				return nil, bad("%q is no topic: want kafka://%s/TOPIC", name, authority)
			}
		}
	} else if len(c.names) != 1 || !streamName.MatchString(path) {
		return nil, bad("%q is no stream: want nats://%s/STREAM", path, authority)
	}
	if err := c.settle(bad); err != nil {
		return nil, err
	}
	for name := range c.parameters {
		return nil, bad("%s:// has no parameter %q", scheme, name)
	}
	return c, nil
}

// variable is the environment variable of a secret.
func (c *config) variable(secret string) string {
	return "CHORUS_" + strings.ToUpper(c.scheme) + "_" + secret
}

// take returns a parameter's value, and a default if it is not there.
func (c *config) take(name, without string) string {
	values, ok := c.parameters[name]
	if !ok {
		return without
	}
	delete(c.parameters, name)
	return values[0]
}

// choice is take of a parameter that has few values, the first by default.
func (c *config) choice(name string, values ...string) (string, error) {
	got := c.take(name, values[0])
	for _, v := range values {
		if got == v {
			return got, nil
		}
	}
	return "", fmt.Errorf("%w: %s=%s: want %s", ErrURL, name, got, strings.Join(values, " or "))
}

// settle reads the parameters.
func (c *config) settle(bad func(string, ...any) error) (err error) {
	kafka := c.scheme == "kafka"
	if kafka {
		c.group = c.take("group", "chorus")
		if c.group == "" {
			return bad("group is empty")
		}
		c.instance = c.take("instance", "")
		start, err := c.choice("start", "earliest", "latest")
		if err != nil {
			return err
		}
		c.start = start == "latest"
		if c.sasl, err = c.choice("sasl", "", "plain", "scram-sha-256", "scram-sha-512"); err != nil {
			return err
		}
		if (c.sasl == "") != (c.user == "") {
			return bad("sasl and a user go together: kafka://USER@HOST/TOPIC?sasl=scram-sha-512")
		}
	} else {
		c.group = c.take("durable", "chorus")
		if !streamName.MatchString(c.group) {
			return bad("durable: %q is no name of a consumer", c.group)
		}
		start, err := c.choice("start", "all", "new")
		if err != nil {
			return err
		}
		c.start = start == "new"
		if s := c.take("subject", ""); s != "" {
			c.subjects = strings.Split(s, ",")
		}
		if c.ackWait, err = time.ParseDuration(c.take("ack_wait", "1m")); err != nil || c.ackWait < time.Second {
			return bad("ack_wait: want a duration of a second or more, like 30s")
		}
		c.creds, c.nkey = c.take("creds", ""), c.take("nkey", "")
	}
	c.secrets()
	on, err := c.choice("tls", "", "true", "false")
	if err != nil {
		return err
	}
	c.ca, c.cert, c.key = c.take("ca", ""), c.take("cert", ""), c.take("key", "")
	if (c.cert == "") != (c.key == "") {
		return bad("cert and key go together")
	}
	c.tls = on == "true" || on == "" && c.ca+c.cert != ""
	if on == "false" && c.ca+c.cert != "" {
		return bad("ca, cert and key are of use with tls=true only")
	}
	if c.format, err = c.choice("format", append([]string{"auto"}, promptlog.Formats()...)...); err != nil {
		return err
	}
	c.dead = c.take("dead_letters", "")
	if kafka && c.dead != "" && !topicName.MatchString(c.dead) {
		return bad("dead_letters: %q is no topic", c.dead)
	}
	for _, name := range c.names {
		if kafka && name == c.dead {
			return bad("dead_letters: %s is read itself", name)
		}
	}
	if name := c.take("map", ""); name != "" {
		b, err := os.ReadFile(name)
		if err != nil {
			return bad("map: %w", err)
		}
		if c.fields, err = promptlog.ParseMap(b); err != nil {
			return bad("%s: %w", name, err)
		}
	}
	return c.accounts(c.take("account", ""), bad)
}

// accounts sets who sends a record that does not say so.
func (c *config) accounts(from string, bad func(string, ...any) error) error {
	kind, arg, _ := strings.Cut(from, ":")
	switch {
	case from == "":
	case from == "key" && c.scheme == "kafka":
		c.account = func(r *record) string { return string(r.key) }
	case kind == "header" && arg != "":
		c.account = func(r *record) string { return r.header(arg) }
	case kind == "subject" && c.scheme == "nats":
		n, err := strconv.Atoi(arg)
		if err != nil || n < 1 {
			return bad("account=subject:N counts the parts of a subject from 1")
		}
		c.account = func(r *record) string {
			if parts := strings.Split(r.subject, "."); n <= len(parts) {
				return parts[n-1]
			}
			return ""
		}
	default:
		return bad("account: want key (Kafka), header:NAME or subject:N (NATS)")
	}
	return nil
}

// String names the stream.
func (c *config) String() string {
	return c.scheme + "://" + strings.Join(c.hosts, ",") + "/" + strings.Join(c.names, ",")
}
