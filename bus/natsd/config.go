package natsd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/aimdb-go/aimdb/internal/tlsfile"
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
	// Requests are the subjects of requests that clients from outside may make to
	// services of the process. They cannot subscribe to them.
	Requests []string
	// Leaf are hubs that the server joins as a leaf node, also if it listens to nobody.
	// Domain is then the name of its JetStream domain, which no other server that
	// joins the same hub may have. Deliver is the prefix of the subjects that consumers
	// of a hub deliver to.
	Leaf            []LeafRemote
	Domain, Deliver string
	// LeafListen is the host:port where the leaf nodes of Sites may join, for a server
	// that is a hub. TLS is that of Access. Connections are compressed only for sites
	// that ask for it.
	LeafListen string
	Sites      []Site
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
	Token string `json:"token,omitempty"`
	// Users maps a name to its password.
	Users map[string]string `json:"users,omitempty"`
	// NKeys are the public keys of users.
	NKeys []string `json:"nkeys,omitempty"`
	// CertFile and KeyFile, both or neither, enable TLS. CAFile requires client
	// certificates that it has signed.
	CertFile string `json:"cert_file,omitempty"`
	KeyFile  string `json:"key_file,omitempty"`
	CAFile   string `json:"ca_file,omitempty"`
}

// Everybody reports whether a client is let in that presents nothing.
func (a Access) Everybody() bool { return a.open() && a.CAFile == "" }

func (a Access) open() bool {
	return a.Token == "" && len(a.Users) == 0 && len(a.NKeys) == 0
}

func (c Config) check() error {
	switch {
	case len(c.Leaf) > 0 && (c.Domain == "" || c.Deliver == ""):
		return errors.New("natsd: a leaf node needs a JetStream domain of its own, and a prefix to deliver to")
	case len(c.Leaf) > 0 && c.LeafListen != "":
		return errors.New("natsd: a server is a leaf node or a hub of leaf nodes, not both")
	case c.LeafListen != "" && len(c.Sites) == 0:
		return errors.New("natsd: a hub needs at least one site")
	}
	if err := tlsfile.Check(c.Access.CertFile, c.Access.KeyFile, c.Access.CAFile); err != nil {
		return fmt.Errorf("natsd: %w", err)
	}
	for _, r := range c.Leaf {
		if err := r.Check(); err != nil {
			return err
		}
	}
	return nil
}

// splitAddress splits an address to listen on into host and port.
func splitAddress(listen string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, fmt.Errorf("natsd: listen address %q is not host:port: %w", listen, err)
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("natsd: listen address %q has no usable port", listen)
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
	config, err := tlsfile.Server(a.CertFile, a.KeyFile, a.CAFile)
	if err != nil {
		return nil, fmt.Errorf("natsd: %w", err)
	}
	return config, nil
}
