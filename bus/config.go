package bus

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"
)

// The defaults of a Config.
const (
	DefaultMaxAge       = 7 * 24 * time.Hour
	DefaultMaxBytes     = 4 << 30
	DefaultMemoryBytes  = 256 << 20
	DefaultSyncInterval = time.Second
	DefaultMaxValue     = 1 << 20
)

// Config says how the log of one database is kept and who may read it.
type Config struct {
	// Name is the name of the database. It is one token of every subject.
	Name string
	// Dir is where the log lies. With no directory it is kept in memory and
	// ends with the process.
	Dir string
	// Listen is the host:port on which NATS clients from outside are served;
	// empty opens no port.
	Listen string
	// Access says what a client from outside must show.
	Access Access
	// MaxAge and MaxBytes limit the log; the oldest messages go first.
	// 0 is the default.
	MaxAge   time.Duration
	MaxBytes int64
	// MaxValue is the size in bytes above which a value is refused.
	MaxValue int
	// SyncInterval is the time after which what was written is forced to the
	// disk; a power loss costs the log no more than that.
	SyncInterval time.Duration
	// Durable forces every message to the disk before it is acknowledged.
	Durable bool
	// Logger takes what is worth a line. Nil discards it.
	Logger *slog.Logger
}

// Access says what clients from outside must show before they may read. With
// none of Token, Users and NKeys anyone who reaches the port may read.
type Access struct {
	Token string
	// Users maps a name to its password.
	Users map[string]string
	// NKeys are public user keys.
	NKeys []string
	// CertFile and KeyFile, both or neither, turn TLS on; CAFile asks for
	// client certificates signed by it.
	CertFile, KeyFile, CAFile string
}

func (a Access) open() bool {
	return a.Token == "" && len(a.Users) == 0 && len(a.NKeys) == 0
}

func (c Config) withDefaults() (Config, error) {
	if !validToken(c.Name) {
		return c, fmt.Errorf("bus: database name %q cannot be part of a subject: use letters, digits, '-' and '_'", c.Name)
	}
	if c.MaxAge == 0 {
		c.MaxAge = DefaultMaxAge
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
		if c.Dir == "" {
			c.MaxBytes = DefaultMemoryBytes
		}
	}
	if c.SyncInterval == 0 {
		c.SyncInterval = DefaultSyncInterval
	}
	if c.MaxValue == 0 {
		c.MaxValue = DefaultMaxValue
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, c.check()
}

func (c Config) check() error {
	switch {
	case c.MaxAge < 0 || c.MaxBytes < 0 || c.SyncInterval < 0:
		return errors.New("bus: MaxAge, MaxBytes and SyncInterval must not be negative")
	case c.MaxValue < 0 || c.MaxValue > 32<<20:
		return fmt.Errorf("bus: MaxValue is %d bytes; it must be between 1 and 32 MiB", c.MaxValue)
	case (c.Access.CertFile == "") != (c.Access.KeyFile == ""):
		return errors.New("bus: TLS needs both a certificate and a key file")
	case c.Access.CAFile != "" && c.Access.CertFile == "":
		return errors.New("bus: client certificates can only be asked for with a certificate and key file of our own")
	}
	return nil
}

// address splits Listen into what the server wants.
func (c Config) address() (host string, port int, err error) {
	host, text, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return "", 0, fmt.Errorf("bus: listen address %q is not host:port: %w", c.Listen, err)
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("bus: listen address %q has no usable port", c.Listen)
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
