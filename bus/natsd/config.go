package natsd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"
)

// Config configures an embedded server.
type Config struct {
	// Name is the name of the server.
	Name string
	// Dir is the directory of the streams. If it is empty, streams must be in
	// memory, and the server's own files go to a temporary directory.
	Dir string
	// Listen is the host:port for NATS clients from outside. If it is empty, the
	// server opens no port. An empty host means 127.0.0.1.
	Listen string
	// Access is what clients from outside must present.
	Access Access
	// Stream is the stream that clients from outside may read, as far as its
	// messages match Readable. Subjects are what they may subscribe to.
	Stream, Readable string
	Subjects         []string
	// Leaf are hubs that the server joins as a leaf node, also if it listens to nobody.
	// Domain is then the name of its JetStream domain, which no other server that
	// joins the same hub may have.
	Leaf   []LeafRemote
	Domain string
	// MaxMessage is the size in bytes above which a message is refused, headers
	// included.
	MaxMessage int
	// SyncInterval is the time between syncs to disk, and so the most that a power
	// loss takes. 0 means one second. SyncAlways syncs before each acknowledgement
	// instead.
	SyncInterval time.Duration
	SyncAlways   bool
	// Logger receives warnings and errors. Nil discards them.
	Logger *slog.Logger
}

// Access is what clients from outside must present. Without Token, Users and NKeys,
// any client that reaches the port may read.
type Access struct {
	Token string
	// Users maps a name to its password.
	Users map[string]string
	// NKeys are the public keys of users.
	NKeys []string
	// CertFile and KeyFile, both or neither, enable TLS. CAFile requires client
	// certificates that it has signed.
	CertFile, KeyFile, CAFile string
}

// Everybody reports whether a client is let in that presents nothing.
func (a Access) Everybody() bool { return a.open() && a.CAFile == "" }

func (a Access) open() bool {
	return a.Token == "" && len(a.Users) == 0 && len(a.NKeys) == 0
}

func (c Config) check() error {
	switch {
	case len(c.Leaf) > 0 && c.Domain == "":
		return errors.New("natsd: a leaf node needs a JetStream domain of its own")
	case (c.Access.CertFile == "") != (c.Access.KeyFile == ""):
		return errors.New("natsd: TLS needs both a certificate and a key file")
	case c.Access.CAFile != "" && c.Access.CertFile == "":
		return errors.New("natsd: client certificates can only be required with a certificate and a key file of the server")
	}
	for _, r := range c.Leaf {
		if err := r.Check(); err != nil {
			return err
		}
	}
	return nil
}

// address splits Listen into host and port.
func (c Config) address() (host string, port int, err error) {
	host, text, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return "", 0, fmt.Errorf("natsd: listen address %q is not host:port: %w", c.Listen, err)
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("natsd: listen address %q has no usable port", c.Listen)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return host, port, nil
}

func (a Access) tlsConfig() (*tls.Config, error) {
	if a.CertFile == "" {
		return nil, nil
	}
	return loadTLS(a.CertFile, a.KeyFile, a.CAFile)
}
