package natsd

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/aimdb-go/aimdb/internal/tlsfile"
)

// LeafRemote is a hub that the server joins as a leaf node, and what it shows to the
// hub. A zero field is not used.
type LeafRemote struct {
	// URLs are those of one or more servers of the hub, such as
	// nats-leaf://127.0.0.1:7422 or tls://hub.example.com:7422.
	URLs []string `json:"urls"`
	// Creds is a credentials file, NKey a file with the seed of an nkey.
	Creds string `json:"creds,omitempty"`
	NKey  string `json:"nkey,omitempty"`
	// User and Password, or Token, are shown to the hub.
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	Token    string `json:"token,omitempty"`
	// CAFile has the certificates that the hub's is checked with, instead of those of
	// the system. It requires TLS.
	CAFile string `json:"ca_file,omitempty"`
	// Compress compresses the connection, if the hub agrees. It takes about 4 MB of
	// memory, of both ends together, where a connection without takes 0.1 MB. A hub of
	// many sites pays its part of that for each of them.
	Compress bool `json:"compress,omitempty"`
}

const (
	// leafRetry is the pause between two attempts to reach a hub.
	leafRetry = time.Second
	// leafPing is the time between two pings. A hub that misses two is disconnected.
	leafPing = 10 * time.Second
)

// Check returns an error if the configuration contradicts itself.
func (r LeafRemote) Check() error {
	var errs []error
	refuse := func(wrong bool, text string) {
		if wrong {
			errs = append(errs, errors.New("natsd: "+text))
		}
	}
	given := 0
	for _, field := range []string{r.Creds, r.NKey, r.User, r.Token} {
		if field != "" {
			given++
		}
	}
	refuse(len(r.URLs) == 0, "no URL of a hub is given; add one such as nats-leaf://127.0.0.1:7422")
	refuse(r.Password != "" && r.User == "", "a password for the hub is given and no user")
	refuse(given > 1, "more than one of credentials, nkey, user and token is given for the hub; it takes one")
	_, err := r.urls()
	return errors.Join(append(errs, err)...)
}

func (r LeafRemote) urls() (all []*url.URL, err error) {
	for _, text := range r.URLs {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			return nil, fmt.Errorf("natsd: the URL %q of the hub is not one; write it like nats-leaf://127.0.0.1:7422", text)
		}
		switch {
		case r.Token != "":
			u.User = url.User(r.Token)
		case r.User != "":
			u.User = url.UserPassword(r.User, r.Password)
		}
		all = append(all, u)
	}
	return all, nil
}

// options returns the remote of the server library, bound to a local account.
func (r LeafRemote) options(account string) (*server.RemoteLeafOpts, error) {
	urls, err := r.urls()
	if err != nil {
		return nil, err
	}
	remote := &server.RemoteLeafOpts{LocalAccount: account, URLs: urls, Credentials: r.Creds}
	remote.Compression.Mode = server.CompressionOff // the default of the server is not
	if r.Compress {
		remote.Compression.Mode = server.CompressionS2Fast
	}
	if r.NKey != "" {
		seed, err := os.ReadFile(r.NKey)
		if err != nil {
			return nil, fmt.Errorf("natsd: read the nkey for the hub: %w", err)
		}
		remote.Nkey = strings.TrimSpace(string(seed))
	}
	if r.CAFile == "" {
		return remote, nil
	}
	if remote.TLSConfig, err = tlsfile.Client(r.CAFile); err != nil {
		return nil, fmt.Errorf("natsd: TLS to the hub: %w", err)
	}
	remote.TLS = true
	return remote, nil
}

// joinHubs makes the server a leaf node of the hubs. Each has an account of its own, so
// that no hub reaches another one through this server. The accounts must be declared
// before the start.
func (c Config) joinHubs(opts *server.Options) error {
	if len(c.Leaf) == 0 {
		return nil
	}
	opts.JetStreamDomain = c.Domain
	opts.PingInterval = leafPing
	opts.LeafNode.ReconnectInterval = leafRetry
	for i, r := range c.Leaf {
		remote, err := r.options(leafAccount(i))
		if err != nil {
			return err
		}
		opts.Accounts = append(opts.Accounts, server.NewAccount(leafAccount(i)))
		opts.LeafNode.Remotes = append(opts.LeafNode.Remotes, remote)
	}
	return nil
}

// openLeafAccounts lets the hubs reach what a hub may reach: the API by the guard alone,
// the flow control of consumers, the subjects of clients from outside, and those that
// consumers of a hub deliver to. A hub that publishes anything else finds nobody.
func (c Config) openLeafAccounts(s *server.Server) error {
	inside := s.GlobalAccount()
	var err error
	for i := range c.Leaf {
		hub, missing := s.LookupAccount(leafAccount(i))
		if missing != nil {
			return fmt.Errorf("natsd: find the account of a hub: %w", missing)
		}
		for _, subject := range append(slices.Clone(c.Subjects), c.Deliver+".>") {
			err = errors.Join(err, inside.AddStreamExport(subject, nil), hub.AddStreamImport(inside, subject, ""))
		}
		for subject, target := range map[string]string{
			"$JS.API.>": guardSubject(c.Stream, "hub.>"), flowControl(c.Stream): flowControl(c.Stream),
		} {
			err = errors.Join(err, inside.AddServiceExport(target, nil), hub.AddServiceImport(inside, subject, target))
		}
	}
	if err != nil {
		return fmt.Errorf("natsd: open the log to the hubs: %w", err)
	}
	return nil
}

func leafAccount(i int) string { return fmt.Sprintf("AIMDB_LEAF_%d", i+1) }

// flowControl returns the subject by which a hub controls the flow of its consumers.
func flowControl(stream string) string { return "$JS.FC." + stream + ".>" }
