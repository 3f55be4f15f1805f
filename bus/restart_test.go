package bus

import (
	"context"
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

	"github.com/aimdb-go/aimdb/bus/natsd"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/records"
	"github.com/nats-io/nats.go"
)

// A restart of the server makes a consumer return ErrConsumerLost. The next one continues
// after the last message read.
func TestConsumerAfterAServerRestart(t *testing.T) {
	b := open(t, setup{Dir: t.TempDir()})
	reg := registry(t)
	r := register(t, reg, "a", records.Config{Kind: records.Ring, Capacity: 100, Logged: true, Remote: true})
	republish(t, b, reg)
	at := history.Position{}
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
		at = history.Position{Log: b.Identity(), Sequence: one[0].Sequence}
		if err := b.server.Restart(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Next(deadline(t), one, 1<<20, time.Time{}); !errors.Is(err, ErrConsumerLost) {
			t.Fatalf("after a restart of the server: %v", err)
		}
		c.Close()
	}
}

// Readers that ask for the extent of the log while the server is opened again get it later: a
// server that stops says for a moment that it has no stream.
func TestExtentDuringServerRestarts(t *testing.T) {
	b, _, _ := running(t, setup{Dir: t.TempDir()}, 1)
	stop := make(chan struct{})
	results := make(chan error, 8)
	for range cap(results) {
		go func() {
			var err error
			for stopped := false; !stopped && err == nil; {
				_, _, err = b.Extent(deadline(t))
				select {
				case <-stop:
					stopped = true
				default:
				}
			}
			results <- err
		}()
	}
	for range 5 {
		if err := b.server.Restart(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.Extent(deadline(t)); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	for range cap(results) {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// A consumer that is deleted while it is read returns ErrConsumerLost. The next one
// continues after the last message read.
func TestConsumerDeletedWhileItIsRead(t *testing.T) {
	b, r, _ := running(t, setup{}, 1)
	c, err := b.Consumer(deadline(t), "sink", history.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	one := make([]Message, 1)
	if _, err := c.Next(deadline(t), one, 1<<20, time.Time{}); err != nil {
		t.Fatal(err)
	}
	c.remove(deadline(t))
	if _, err := c.Next(deadline(t), one, 1<<20, time.Time{}); !errors.Is(err, ErrConsumerLost) {
		t.Fatalf("Next of a deleted consumer returns %v", err)
	}
	r.Produce(reading{1})
	again, err := b.Consumer(deadline(t), "sink", history.Position{Log: b.Identity(), Sequence: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := again.Next(deadline(t), one, 1<<20, time.Time{}); err != nil || string(one[0].Value) != `{"n":1}` {
		t.Fatalf("read on with %s: %v", one[0].Value, err)
	}
}

// unreachable is a server that refuses new connections.
type unreachable struct{ Server }

func (unreachable) Connect(context.Context, string, ...nats.Option) (*nats.Conn, error) {
	return nil, errors.New("unreachable")
}

// A consumer that cannot be read is not left on the stream.
func TestConsumerThatCannotBeReadIsNotLeftBehind(t *testing.T) {
	b := open(t, setup{}) // without a republisher, which reads the field
	was := b.Bus.server
	b.Bus.server = unreachable{was} // new connections fail, existing ones continue
	_, err := b.Consumer(deadline(t), "sink", history.Position{})
	b.Bus.server = was
	if err == nil {
		t.Fatal("the consumer could be read")
	}
	if state, err := b.state(deadline(t)); err != nil || state.Consumers != 0 {
		t.Fatalf("%d consumers stay (%v)", state.Consumers, err)
	}
}

func TestTLS(t *testing.T) {
	certificate, key := selfSigned(t)
	b := open(t, setup{Listen: "127.0.0.1:0", Access: natsd.Access{CertFile: certificate, KeyFile: key}})
	nc, err := nats.Connect("tls://"+b.server.Addr().String(), nats.RootCAs(certificate), nats.NoReconnect())
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	if nc, err := nats.Connect("tls://"+b.server.Addr().String(), nats.NoReconnect()); err == nil {
		nc.Close()
		t.Fatal("a client that does not know the certificate connected")
	}
	// Client certificates can be required.
	b = open(t, setup{Listen: "127.0.0.1:0", Access: natsd.Access{CertFile: certificate, KeyFile: key, CAFile: certificate}})
	if nc, err := nats.Connect("tls://"+b.server.Addr().String(), nats.RootCAs(certificate), nats.NoReconnect()); err == nil {
		nc.Close()
		t.Fatal("a client without a certificate connected")
	}
	nc, err = nats.Connect("tls://"+b.server.Addr().String(), nats.RootCAs(certificate), nats.ClientCert(certificate, key), nats.NoReconnect())
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
