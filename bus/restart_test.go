package bus

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/records"
	"github.com/nats-io/nats.go"
)

// When the server is started anew, a consumer says that it is lost, and a new
// one goes on behind what was read.
func TestConsumerAndServerStartedAnew(t *testing.T) {
	b := open(t, Config{Dir: t.TempDir()})
	reg := registry(t)
	r := register(t, reg, "a", records.Config{Kind: records.Ring, Capacity: 100, Logged: true})
	republish(t, b, reg)
	at := Position{}
	for i := range 3 {
		if err := r.ProduceLogged(deadline(t), reading{i}); err != nil {
			t.Fatal(err)
		}
		c, err := b.Consumer(deadline(t), "sink", at)
		if err != nil {
			t.Fatal(err)
		}
		one := make([]Message, 1)
		if _, err := c.Next(deadline(t), one, 1<<20, time.Time{}); err != nil || string(one[0].Value) != fmt.Sprintf(`{"n":%d}`, i) {
			t.Fatalf("read %s: %v", one[0].Value, err)
		}
		at = Position{Log: b.Identity(), Sequence: one[0].Sequence}
		if err := b.node.restart(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Next(deadline(t), one, 1<<20, time.Time{}); !errors.Is(err, ErrConsumerLost) {
			t.Fatalf("after the server was started anew: %v", err)
		}
		c.Close()
	}
}

func TestTLS(t *testing.T) {
	certificate, key := selfSigned(t)
	b := open(t, Config{Listen: "127.0.0.1:0", Access: Access{CertFile: certificate, KeyFile: key}})
	nc, err := nats.Connect("tls://"+b.Addr().String(), nats.RootCAs(certificate), nats.NoReconnect())
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	if nc, err := nats.Connect("tls://"+b.Addr().String(), nats.NoReconnect()); err == nil {
		nc.Close()
		t.Fatal("a client that does not know the certificate connected")
	}
	// Client certificates can be asked for.
	b = open(t, Config{Listen: "127.0.0.1:0", Access: Access{CertFile: certificate, KeyFile: key, CAFile: certificate}})
	if nc, err := nats.Connect("tls://"+b.Addr().String(), nats.RootCAs(certificate), nats.NoReconnect()); err == nil {
		nc.Close()
		t.Fatal("a client without a certificate connected")
	}
	nc, err = nats.Connect("tls://"+b.Addr().String(), nats.RootCAs(certificate), nats.ClientCert(certificate, key), nats.NoReconnect())
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
}

func selfSigned(t testing.TB) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{
		certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}
