package consume

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
)

// secrets finds out where the password or token comes from.
func (c *config) secrets() {
	file := c.take("password_file", "")
	name := c.variable("PASSWORD")
	if c.scheme == "nats" {
		token := c.take("token_file", "")
		if token != "" || c.user == "" && file == "" && os.Getenv(c.variable("TOKEN")) != "" {
			c.token = true
			file, name = token, c.variable("TOKEN")
		}
	}
	c.secret = func() (string, error) {
		if file == "" {
			if s := os.Getenv(name); s != "" {
				return s, nil
			}
			return "", fmt.Errorf("consume: no secret: set the environment variable %s, or password_file=FILE in the URL", name)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("consume: %w", err)
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	}
}

// tlsConfig is nil without TLS.
func (c *config) tlsConfig() (*tls.Config, error) {
	if !c.tls {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.ca != "" {
		b, err := os.ReadFile(c.ca)
		if err != nil {
			return nil, fmt.Errorf("consume: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("consume: %s: no certificate in it", c.ca)
		}
	}
	if c.cert != "" {
		pair, err := tls.LoadX509KeyPair(c.cert, c.key)
		if err != nil {
			return nil, fmt.Errorf("consume: %s: %w", c.cert, err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}
