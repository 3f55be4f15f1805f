package aimdb_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/internal/tlstest"
)

// clientTLS returns the configuration of a client that trusts the authority, with its
// certificate if it has one.
func clientTLS(t *testing.T, f tlstest.Files, certificate bool) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(f.CA)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(pem)
	if certificate {
		pair, err := tls.LoadX509KeyPair(f.ClientCert, f.ClientKey)
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}

// lockedBuffer is a buffer that several goroutines log to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestTCPWithTLSAndTokens: over TCP and WebSocket a client needs the authority and a
// token, and over a unix socket neither. No log and no error holds a token.
func TestTCPWithTLSAndTokens(t *testing.T) {
	defer goleak.VerifyNone(t)
	const token, wrong = "t0ken-of-the-kitchen", "t0ken-of-a-stranger"
	files := tlstest.New(t)
	var said lockedBuffer
	socket := t.TempDir() + "/s"
	db, err := aimdb.New(
		aimdb.TCP(":0"), aimdb.HTTP(":0", nil), aimdb.Gateway(socket),
		aimdb.TLS(aimdb.TLSFiles{CertFile: files.ServerCert, KeyFile: files.ServerKey}),
		aimdb.Tokens(aimdb.Token{Token: token, Read: []string{"kitchen.#"}, Write: []string{"kitchen.light"}}),
		aimdb.Logger(slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	)
	if err != nil {
		t.Fatal(err)
	}
	register[int](t, db, "kitchen.light", aimdb.Latest(), aimdb.Remote(), aimdb.Writable()).Produce(1)
	register[int](t, db, "cellar.light", aimdb.Latest(), aimdb.Remote(), aimdb.Writable()).Produce(2)
	defer start(t, db)()
	trusted := aimx.TLS(clientTLS(t, files, false))
	use := func(endpoint string, options ...aimx.DialOption) (keys int, err error) {
		c, err := aimx.Dial(t.Context(), endpoint, options...)
		if err != nil {
			return 0, err
		}
		defer func() { _ = c.Close() }()
		rows, err := c.List(t.Context())
		if err != nil {
			return 0, err
		}
		_, err = c.Set(t.Context(), "kitchen.light", 3)
		return len(rows), err
	}
	if n, err := use(socket, aimx.Token(wrong)); n != 2 || err != nil {
		t.Errorf("the unix socket shows %d records, %v", n, err)
	}
	at := db.Addresses()
	for _, c := range []struct{ secure, plain string }{
		{"tcps://" + at.TCP, "tcp://" + at.TCP}, {"wss://" + at.HTTP, "ws://" + at.HTTP},
	} {
		if n, err := use(c.secure, trusted, aimx.Token(token)); n != 1 || err != nil {
			t.Errorf("%s shows %d records, want 1: %v", c.secure, n, err)
		}
		for name, test := range map[string]struct {
			endpoint string
			options  []aimx.DialOption
			want     string
		}{
			"without the authority": {c.secure, []aimx.DialOption{aimx.Token(token)}, "give the CA"},
			"without TLS":           {c.plain, []aimx.DialOption{aimx.Token(token)}, c.plain},
			"without a token":       {c.secure, []aimx.DialOption{trusted}, "auth_token"},
			"with a wrong token":    {c.secure, []aimx.DialOption{trusted, aimx.Token(wrong)}, "token"},
		} {
			_, err := use(test.endpoint, test.options...)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "t0ken") {
				t.Errorf("%s %s: %v", c.secure, name, err)
			}
		}
	}
	if _, err := use("wss://"+at.HTTP+"/ws?token="+wrong, trusted); err == nil || strings.Contains(err.Error(), wrong) {
		t.Errorf("a token in the URL: %v", err)
	}
	if n, err := use("wss://"+at.HTTP+"/ws?token="+token, trusted); n != 1 || err != nil {
		t.Errorf("a token in the URL: %d records, %v", n, err)
	}
	if log := said.String(); strings.Contains(log, "t0ken") || !strings.Contains(log, "presented an unknown token") {
		t.Errorf("the log:\n%s", log)
	}
}

// TestClientCertificates: with a CA, a client that has no certificate of it is refused.
func TestClientCertificates(t *testing.T) {
	files := tlstest.New(t)
	db, err := aimdb.New(aimdb.TCP(":0"), aimdb.TLS(aimdb.TLSFiles{CertFile: files.ServerCert, KeyFile: files.ServerKey, CAFile: files.CA}))
	if err != nil {
		t.Fatal(err)
	}
	defer start(t, db)()
	for _, certificate := range []bool{true, false} {
		c, err := aimx.Dial(t.Context(), "tcps://"+db.Addresses().TCP, aimx.TLS(clientTLS(t, files, certificate)))
		if (err == nil) != certificate {
			t.Errorf("with a certificate: %v, %v", certificate, err)
		}
		if err == nil {
			_ = c.Close()
		}
	}
}

func TestAccessThatContradictsItself(t *testing.T) {
	files := tlstest.New(t)
	for name, c := range map[string]struct {
		option aimdb.Option
		want   string
	}{
		"certificate without key": {aimdb.TLS(aimdb.TLSFiles{CertFile: files.ServerCert}), "both a certificate and a key"},
		"CA alone":                {aimdb.TLS(aimdb.TLSFiles{CAFile: files.CA}), "certificate and a key file of the server"},
		"no file":                 {aimdb.TLS(aimdb.TLSFiles{CertFile: "absent.pem", KeyFile: "absent.key"}), "absent.pem"},
		"another's key":           {aimdb.TLS(aimdb.TLSFiles{CertFile: files.ServerCert, KeyFile: files.ClientKey}), files.ClientKey},
		"empty token":             {aimdb.Tokens(aimdb.Token{Read: []string{"#"}}), "token 1: give either the token or its hash"},
		"bad hash":                {aimdb.Tokens(aimdb.Token{Token: "a"}, aimdb.Token{Hash: "secret"}), "token 2: the hash is not a SHA-256"},
		"twice":                   {aimdb.Tokens(aimdb.Token{Token: "a"}, aimdb.Token{Hash: "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}), "tokens 1 and 2 are the same"},
		"bad pattern":             {aimdb.Tokens(aimdb.Token{Token: "secret", Write: []string{"a*"}}), "token 1"},
	} {
		db, err := aimdb.New(aimdb.TCP(":0"), c.option)
		if err == nil {
			err = errors.Join(errors.New("it opened"), db.Close())
		}
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if db, err := aimdb.New(aimdb.TLS(aimdb.TLSFiles{CertFile: files.ServerCert, KeyFile: files.ServerKey})); err == nil || !strings.Contains(err.Error(), "add HTTP or TCP") {
		t.Errorf("TLS for nobody: %v", err)
		if err == nil {
			_ = db.Close()
		}
	}
}
