package consume

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/twmb/franz-go/pkg/kfake"
)

// certificate makes one of 127.0.0.1 that signs itself, as a file too.
func certificate(t *testing.T) (c tls.Certificate, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, x, x, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// A broker whose certificate a known authority signed is read, another is not.
func TestTLS(t *testing.T) {
	c, ca := certificate(t)
	_, other := certificate(t)
	config := &tls.Config{Certificates: []tls.Certificate{c}}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "prompts"), kfake.TLS(config))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	b := newNATS(t, &server.Options{TLSConfig: config, TLS: true}, nats.RootCAs(ca))
	ix := openIndex(t, filepath.Join(t.TempDir(), "x.db"))
	for _, url := range []string{"kafka://" + cluster.ListenAddrs()[0] + "/prompts", b.url("PROMPTS")} {
		drained(t, ix, url+"?ca="+ca, nil)
		for _, bad := range []string{"?ca=" + other, "?tls=true"} {
			if err := openStream(t, ix, url+bad, nil).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
				t.Errorf("%s%s: %v", url, bad, err)
			}
		}
		if err := openStream(t, ix, url+"?ca=/no/such", nil).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "no such file") {
			t.Error(err)
		}
	}
}
