package otelcol

import (
	"errors"
	"fmt"
	"net"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/seed-368d3dfa/chorus/embed/promptlog"
)

// Config is the exporter's part of a collector's configuration.
type Config struct {
	exporterhelper.TimeoutConfig `mapstructure:",squash"` // of one batch; default 30 s

	// QueueConfig answers senders before prompts are durable, unless its storage
	// is; by default there is no queue.
	QueueConfig configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`

	// RetryConfig is off by default: senders are told to retry.
	RetryConfig configretry.BackOffConfig `mapstructure:"retry_on_failure"`

	// Path is the index's file. It is made if it does not exist.
	Path string `mapstructure:"path"`

	// Listen is where the index is served over HTTP, like 127.0.0.1:8428. Beyond
	// loopback a token file is needed. "": not at all.
	Listen string `mapstructure:"listen"`

	// Tokens is the file of those who may use what Listen serves, as "chorus
	// token" makes it. "": Path with ".tokens" added.
	Tokens string `mapstructure:"tokens"`

	// Map is a file that says where prompts have what, as "chorus load --map". "": none.
	Map string `mapstructure:"map"`

	FlagAccounts int  `mapstructure:"flag_accounts"` // flag a template that so many accounts sent within 7 days; 0: 20
	SiftMiB      int  `mapstructure:"sift_mib"`      // memory of the table that tells which phrases are shared; 0: 256
	TemplateMiB  int  `mapstructure:"template_mib"`  // memory for templates; 0: 256
	NoExemplars  bool `mapstructure:"no_exemplars"`  // keep no prompt's text
	HashAccounts bool `mapstructure:"hash_accounts"` // store a keyed hash in place of each account's id
}

var _ component.Config = (*Config)(nil)

// Validate reports what is wrong with a configuration.
func (c *Config) Validate() error {
	if c.Path == "" {
		return errors.New("path: name the file of the index")
	}
	if c.Listen != "" {
		if _, _, err := net.SplitHostPort(c.Listen); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
	}
	if c.FlagAccounts < 0 || c.SiftMiB < 0 || c.TemplateMiB < 0 {
		return errors.New("flag_accounts, sift_mib and template_mib must not be negative")
	}
	_, err := c.fields()
	return err
}

// fields reads the map.
func (c *Config) fields() (*promptlog.Map, error) {
	if c.Map == "" {
		return nil, nil
	}
	b, err := os.ReadFile(c.Map)
	if err != nil {
		return nil, fmt.Errorf("map: %w", err)
	}
	m, err := promptlog.ParseMap(b)
	if err != nil {
		return nil, fmt.Errorf("map: %s: %w", c.Map, err)
	}
	return m, nil
}
