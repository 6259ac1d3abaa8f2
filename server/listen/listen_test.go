package listen

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-368d3dfa/chorus/server/internal/testlog"
	"github.com/seed-368d3dfa/chorus/testdata/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

// certificate writes a self-signed one of that name.
func certificate(t *testing.T, cert, key, name string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(1000 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpen(t *testing.T) {
	all, err := Open("127.0.0.1:0")
	if err != nil || len(all) != 1 || !Local(all[0].Addr()) {
		t.Fatalf("%v, %v", all, err)
	}
	if _, err := Open(all[0].Addr().String()); err == nil {
		t.Error("an address in use was taken")
	}
	if err := Close(append(all, nil)); err != nil {
		t.Error(err)
	}
	if err := Close(all); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestLocal(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "127.8.0.1:1": true, "[::1]:1": true, "0.0.0.0:1": false, "[::]:1": false, "10.0.0.1:1": false, "[::ffff:127.0.0.1]:1": true, ":1": false,
	} {
		a, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if Local(a) != want {
			t.Errorf("%s: %v", address, !want)
		}
	}
	if !Local(&net.UnixAddr{Name: "x", Net: "unix"}) || Local(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}) {
		t.Error("other networks")
	}
}

// TestTLS serves, changes the certificate while connections are open, and breaks
// it.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if _, err := NewTLS(cert, key, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	certificate(t, cert, key, "first")
	c, err := NewTLS(cert, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	all, err := Open("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })}
	served := make(chan error)
	go func() { served <- srv.Serve(c.Listener(all[0])) }()
	defer func() { srv.Close(); <-served }()

	name := func(o *tls.Config) (string, error) {
		o.InsecureSkipVerify = true
		conn, err := tls.Dial("tcp", all[0].Addr().String(), o)
		if err != nil {
			return "", err
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
	}
	if got, err := name(&tls.Config{}); got != "first" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := name(&tls.Config{MaxVersion: tls.VersionTLS11}); err == nil {
		t.Errorf("TLS 1.1 was taken: %q", got)
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Get("https://" + all[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); string(b) != "HTTP/2.0" || err != nil {
		t.Errorf("%s, %v", b, err)
	}
	resp.Body.Close()

	certificate(t, cert, key, "second")
	if err := c.Reload(); err != nil {
		t.Fatal(err)
	}
	if got, err := name(&tls.Config{}); got != "second" {
		t.Errorf("%q, %v", got, err)
	}
	if err := os.WriteFile(key, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Reload(); err == nil || !strings.Contains(err.Error(), key) {
		t.Errorf("%v", err)
	}
	if got, err := name(&tls.Config{}); got != "second" {
		t.Errorf("after a broken key: %q, %v", got, err)
	}
}

// TestTLSWatch changes the files and waits until that is noticed.
func TestTLSWatch(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	synctest.Test(t, func(t *testing.T) {
		certificate(t, cert, key, "first")
		var log bytes.Buffer
		c, err := NewTLS(cert, key, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		wait := func() { time.Sleep(2 * checkEvery); synctest.Wait() }
		is := func(want string) {
			t.Helper()
			if got := c.current.Load().Leaf.Subject.CommonName; got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		later := time.Now().Add(time.Hour)
		change := func(name string) {
			certificate(t, cert, key, name)
			later = later.Add(time.Hour)
			if err := errors.Join(os.Chtimes(cert, later, later), os.Chtimes(key, later, later)); err != nil {
				t.Fatal(err)
			}
		}
		wait()
		is("first")
		change("second")
		wait()
		is("second")
		if err := os.WriteFile(cert, []byte("none"), 0o600); err != nil {
			t.Fatal(err)
		}
		wait()
		is("second")
		if err := os.Remove(cert); err != nil {
			t.Fatal(err)
		}
		wait()
		change("third")
		wait()
		is("third")
		if n := strings.Count(log.String(), "not reloaded"); n != 1 {
			t.Errorf("%d complaints:\n%s", n, &log)
		}
	})
}

// TestTLSDays: a certificate is warned of when it is read and once a day, from a
// week before it ends.
func TestTLSDays(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	synctest.Test(t, func(t *testing.T) {
		certificate(t, cert, key, "first") // for 1000 hours
		var log testlog.Buffer
		c, err := NewTLS(cert, key, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		said := func(after time.Duration, want string, times int) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			got := log.Take()
			if n := strings.Count(got, "level=WARN"); n != times || strings.Count(got, want) != n || strings.Count(got, cert) != n {
				t.Errorf("%d of %d times %q:\n%s", n, times, want, got)
			}
		}
		said(1000*time.Hour-soon-time.Hour, "certificate", 0)
		said(soon, "the certificate expires soon", 8)
		said(49*time.Hour, "the certificate has expired", 2)
		if err := c.Reload(); err != nil {
			t.Errorf("an expired certificate is refused: %v", err)
		}
		said(0, "the certificate has expired", 1)
		certificate(t, cert, key, "renewed")
		if err := c.Reload(); err != nil {
			t.Error(err)
		}
		said(0, "certificate", 0)
	})
}

// TestTLSMismatch: a key of another certificate is refused, and both files are named.
func TestTLSMismatch(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certificate(t, cert, key, "first")
	certificate(t, filepath.Join(dir, "other.pem"), key, "other")
	if _, err := NewTLS(cert, key, nil); err == nil || !strings.Contains(err.Error(), cert+" with "+key+": tls: private key does not match public key") {
		t.Error(err)
	}
}
