package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/mod/semver"
)

// MinimumVersion is the oldest version of nats-server that a log is kept on. Earlier
// ones compact a file without syncing it, although they are told to sync always
// (nats-server 8456 and 8475), and lose acknowledged messages at a power loss.
const MinimumVersion = "2.14.6"

// InboxPrefix begins the subjects that answers and the messages of the log are sent to.
// It is not that of other clients, so that they can be kept from reading them.
const InboxPrefix = "_INBOX_AIMDB"

// ErrOldServer is the error for a server that is older than MinimumVersion.
var ErrOldServer = errors.New("cluster: the NATS server is too old")

// Server is a NATS server, or a cluster of them, that this process does not run. It
// implements bus.Server.
type Server struct {
	config Config
	opts   []nats.Option
	log    *slog.Logger
	done   chan struct{}
}

// Open checks that the servers can be reached and are new enough. A nil logger discards
// what they report. There is nothing to close: connections belong to who opens them.
func Open(ctx context.Context, c Config, logger *slog.Logger) (*Server, error) {
	s, err := New(c, logger)
	if err != nil {
		return nil, err
	}
	nc, err := s.Connect(ctx, "check")
	if err != nil {
		return nil, err
	}
	nc.Close()
	return s, nil
}

// New is Open for servers that may be away: it checks the configuration only.
func New(c Config, logger *slog.Logger) (*Server, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	opts, err := c.options()
	if err != nil {
		return nil, err
	}
	return &Server{config: c, opts: opts, log: logger, done: make(chan struct{})}, nil
}

// Connect implements bus.Server. The first attempt must succeed; after that the
// connection reconnects without limit.
func (s *Server) Connect(ctx context.Context, purpose string, opts ...nats.Option) (*nats.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all := append(append([]nats.Option{
		nats.Name("aimdb " + purpose),
		nats.CustomInboxPrefix(InboxPrefix),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(100 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond),
		nats.IgnoreAuthErrorAbort(), // a permission that is revoked may be granted again
		nats.Timeout(5 * time.Second),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			s.log.Warn("cluster: error on connection "+purpose, "subject", subject, "error", err)
		}),
	}, s.opts...), opts...)
	nc, err := nats.Connect(strings.Join(s.config.URLs, ","), all...)
	var wrong *url.Error
	if errors.As(err, &wrong) {
		err = fmt.Errorf("this is no URL: %w", wrong.Err) // without the URL, which may have a password
	}
	if err != nil {
		return nil, fmt.Errorf("cluster: connect to the NATS server at %s: %w%s", s.config.Shown(), err, advice(err))
	}
	if err := checkVersion(nc); err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

// advice says what to do about an error of the client library that does not say it.
func advice(err error) string {
	switch {
	case errors.Is(err, nats.ErrNoServers):
		return "; no server answers there: start it, or correct the URL"
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		return "; the server does not accept the user, password, nkey or credentials that it was shown, or wants some"
	}
	return ""
}

// checkVersion refuses a server that is too old.
func checkVersion(nc *nats.Conn) error {
	version := nc.ConnectedServerVersion()
	if semver.Compare("v"+version, "v"+MinimumVersion) >= 0 {
		return nil
	}
	return fmt.Errorf("%w: %s at %s is version %s, and before %s it can lose acknowledged messages at a power loss; update it",
		ErrOldServer, nc.ConnectedServerName(), nc.ConnectedUrlRedacted(), version, MinimumVersion)
}

// Done implements bus.Server. It is never closed: servers outside of the process may
// come back at any time.
func (s *Server) Done() <-chan struct{} { return s.done }

// SyncMetadata implements bus.Server. The servers do that themselves.
func (s *Server) SyncMetadata() error { return nil }

// Reopen implements bus.Server. Servers of others are not restarted.
func (s *Server) Reopen() bool { return false }

// Writable implements bus.Server. The disks of others are not known.
func (s *Server) Writable() error { return nil }

// Listens implements bus.Server.
func (s *Server) Listens() bool { return true }

// SubscriptionChanges implements bus.Server. Nothing is known of subscriptions.
func (s *Server) SubscriptionChanges() uint64 { return 0 }

// Subscribed implements bus.Server. Every subject may have a subscriber.
func (s *Server) Subscribed(string) bool { return true }

// Clients implements bus.Server. Nothing is known of other clients.
func (s *Server) Clients() (connected int, slow int64) { return 0, 0 }
