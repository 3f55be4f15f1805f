package hub_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/bus/cluster"
	"github.com/aimdb-go/aimdb/bus/hub"
	"github.com/aimdb-go/aimdb/internal/natstest"
	"github.com/aimdb-go/aimdb/internal/tcpproxy"
)

// startOutside starts a nats-server with a port for leaf nodes, and opens a hub over it.
func startOutside(t *testing.T, leafNodes string, sites ...string) (h *center, leaf string) {
	t.Helper()
	leaf = freeAddress(t)
	node := natstest.Start(t, natstest.Options{Config: fmt.Sprintf("leafnodes { listen: %q\n%s }\n", leaf, leafNodes)})
	servers, err := cluster.Open(deadline(t), cluster.Config{URLs: []string{node.URL}}, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	c := hub.Config{Logger: testLog(t), Every: 100 * time.Millisecond, SleepAfter: hub.MinSleepAfter}
	for _, site := range sites {
		c.Sites = append(c.Sites, hub.Site{Name: site})
	}
	h = &center{nc: node.Connect()}
	if h.Hub, err = hub.Open(deadline(t), servers, c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	if h.js, err = jetstream.New(h.nc); err != nil {
		t.Fatal(err)
	}
	h.run(t)
	return h, leaf
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// A hub on a server of somebody else has the values of two sites that log in over TLS. One
// is cut off and catches up.
func TestAHubOnAnOutsideServer(t *testing.T) {
	t.Parallel()
	certificate, key := authority(t)
	seed, public := nkey(t)
	for name, c := range map[string]struct {
		authorization string
		remote        aimdb.LeafRemote
	}{
		"user and password": {"user: sites, password: secret", aimdb.LeafRemote{User: "sites", Password: "secret"}},
		"nkey":              {"nkey: " + public, aimdb.LeafRemote{NKey: seed}},
	} {
		t.Run(name, func(t *testing.T) {
			h, leaf := startOutside(t, fmt.Sprintf("tls { cert_file: %q, key_file: %q, timeout: 20 }, authorization { %s }", certificate, key, c.authorization), "north", "south")
			wire, err := tcpproxy.New(leaf)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(wire.Cut)
			site := func(name, address string) *site {
				remote := c.remote
				remote.URLs, remote.CAFile = []string{"tls://" + address}, certificate
				return startSiteAt(t, t.TempDir(), name, remote)
			}
			north, south := site("north", wire.Address()), site("south", leaf)
			north.produce(t, 10)
			south.produce(t, 7)
			h.await(t, "north")
			h.await(t, "south")
			wire.Cut()
			north.produce(t, 20)
			south.produce(t, 5)
			h.await(t, "south")
			if err := wire.Join(); err != nil {
				t.Fatal(err)
			}
			for name, n := range map[string]int{"north": 30, "south": 12} {
				s := h.await(t, name)
				if got := h.values(t, name); !slices.Equal(got, upTo(n)) || s.Verdict != hub.Complete {
					t.Errorf("the hub has %v of %s, %+v", got, name, s)
				}
			}
		})
	}
}

// A site that shows something else than the server asks for does not join.
func TestASiteThatTheOutsideServerRefuses(t *testing.T) {
	t.Parallel()
	certificate, key := authority(t)
	other, _ := authority(t)
	h, leaf := startOutside(t, fmt.Sprintf(`tls { cert_file: %q, key_file: %q, timeout: 20 }
		authorization { users: [ { user: north, password: secret } ] }`, certificate, key), "north", "south", "east")
	url := []string{"tls://" + leaf}
	startSiteAt(t, t.TempDir(), "south", aimdb.LeafRemote{URLs: url, User: "north", Password: "guess", CAFile: certificate})
	startSiteAt(t, t.TempDir(), "east", aimdb.LeafRemote{URLs: url, User: "north", Password: "secret", CAFile: other})
	north := startSiteAt(t, t.TempDir(), "north", aimdb.LeafRemote{URLs: url, User: "north", Password: "secret", CAFile: certificate})
	north.produce(t, 3)
	h.await(t, "north")
	v, err := h.Verify(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range v.Sites {
		if s.Answers != (s.Site == "north") {
			t.Errorf("%+v", s)
		}
	}
}

// nkey returns the file of a seed and the public key.
func nkey(t *testing.T) (seedFile, public string) {
	t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	if public, err = pair.PublicKey(); err != nil {
		t.Fatal(err)
	}
	seedFile = filepath.Join(t.TempDir(), "seed")
	if err := os.WriteFile(seedFile, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	return seedFile, public
}

// authority returns the files of a certificate for 127.0.0.1 that it has signed itself, and
// of its key.
func authority(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, form, form, &private.PublicKey, private)
	secret, marshalErr := x509.MarshalPKCS8PrivateKey(private)
	if err := errors.Join(err, marshalErr); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: signed}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}
