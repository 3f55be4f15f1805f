package cluster

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
)

// Config says where the servers are and what they are shown. A zero field is not used.
type Config struct {
	// URLs are those of one or more servers of one cluster, such as
	// nats://127.0.0.1:4222 or tls://nats.example.com. The client library finds the
	// other servers by itself.
	URLs []string `json:"urls"`
	// Creds is a credentials file, NKey a file with the seed of an nkey.
	Creds string `json:"creds,omitempty"`
	NKey  string `json:"nkey,omitempty"`
	// User and Password, or Token, are shown to the server.
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	Token    string `json:"token,omitempty"`
	// CAFile has the certificates that the server's is checked with, instead of those
	// of the system. CertFile and KeyFile, both or neither, are shown to the server.
	// TLS is used instead of the three if it is set.
	CAFile   string      `json:"ca_file,omitempty"`
	CertFile string      `json:"cert_file,omitempty"`
	KeyFile  string      `json:"key_file,omitempty"`
	TLS      *tls.Config `json:"-"`
	// Domain is the JetStream domain that holds the log, if it is not that of the
	// account's own servers.
	Domain string `json:"domain,omitempty"`
	// Replicas is on how many servers the log is kept: 1, 3 or 5. 0 is 1 for a log
	// that is created, and what a log that exists has.
	Replicas int `json:"replicas,omitempty"`
	// Placement says which servers may keep the log.
	Placement Placement `json:"placement,omitzero"`
	// Update changes the settings of a log that exists to those of this database.
	// Without it, a log with other settings is an error that names them.
	Update bool `json:"update,omitempty"`
}

// Placement says which servers may keep a log: those of a cluster with a name, and those
// that have all of the tags.
type Placement struct {
	Cluster string   `json:"cluster,omitempty"`
	Tags    []string `json:"tags,omitempty"`
}

// Check returns an error if the configuration contradicts itself.
func (c Config) Check() error {
	var errs []error
	refuse := func(wrong bool, text string) {
		if wrong {
			errs = append(errs, errors.New("cluster: "+text))
		}
	}
	refuse(len(c.URLs) == 0, "no URL of a NATS server is given; add one such as nats://127.0.0.1:4222")
	refuse(c.Password != "" && c.User == "", "a password is given and no user")
	refuse(count(c.Creds != "", c.NKey != "", c.User != "", c.Token != "") > 1, "more than one of credentials, nkey, user and token is given; the server takes one")
	refuse((c.CertFile == "") != (c.KeyFile == ""), "a client certificate needs both a certificate and a key file")
	if c.Replicas < 0 || c.Replicas > 5 {
		errs = append(errs, fmt.Errorf("cluster: a log cannot be kept on %d servers; give 1, 3 or 5", c.Replicas))
	}
	return errors.Join(errs...)
}

// Shown returns the URLs without the users, passwords and tokens in them.
func (c Config) Shown() string {
	shown := make([]string, len(c.URLs))
	for i, text := range c.URLs {
		_, rest, found := strings.Cut(text, "://")
		if !found {
			rest = text
		}
		shown[i] = strings.TrimSuffix(text, rest) + rest[strings.LastIndexByte(rest, '@')+1:]
	}
	return strings.Join(shown, ",")
}

func count(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

// options returns what the client library needs to log in.
func (c Config) options() (opts []nats.Option, err error) {
	switch {
	case c.Creds != "":
		opts = append(opts, nats.UserCredentials(c.Creds))
	case c.NKey != "":
		key, err := nats.NkeyOptionFromSeed(c.NKey)
		if err != nil {
			return nil, fmt.Errorf("cluster: read the nkey in %s: %w", c.NKey, err)
		}
		opts = append(opts, key)
	case c.User != "":
		opts = append(opts, nats.UserInfo(c.User, c.Password))
	case c.Token != "":
		opts = append(opts, nats.Token(c.Token))
	}
	if c.TLS != nil {
		return append(opts, nats.Secure(c.TLS)), nil
	}
	if c.CAFile != "" {
		opts = append(opts, nats.RootCAs(c.CAFile))
	}
	if c.CertFile != "" {
		opts = append(opts, nats.ClientCert(c.CertFile, c.KeyFile))
	}
	return opts, nil
}
