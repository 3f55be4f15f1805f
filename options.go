package aimdb

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aimdb-go/aimdb/sinks"
)

// Option sets fields of a Config.
type Option func(*Config) error

// positive returns an error if a value that must be positive is not.
func positive[N int64 | time.Duration](n N, format string, args ...any) error {
	if n > 0 {
		return nil
	}
	return fmt.Errorf("aimdb: "+format, args...)
}

// Name sets Config.Name.
func Name(name string) Option {
	return func(c *Config) error {
		if name == "" {
			return errors.New("aimdb: the database name is empty; leave Name out for the default")
		}
		c.Name = name
		return nil
	}
}

// Dir sets Config.Dir, the directory of the log, or with [Log] of what is known of it.
func Dir(dir string) Option {
	return func(c *Config) error { c.Dir = dir; return nil }
}

// WithPersistence gives the database a backend that keeps what records marked
// with [Persist] are given. Rows older than maxAge are removed at start and then
// on a timer; 0 keeps them for ever. The database owns the backend from the call
// of [New] on, and closes it.
func WithPersistence(backend Backend, maxAge time.Duration) Option {
	return func(c *Config) error {
		if backend == nil {
			return errors.New("aimdb: WithPersistence was given no backend; open one first, for example with sqlite.Open")
		}
		c.Backend, c.HistoryAge = backend, maxAge
		return nil
	}
}

// WithSink sends the log to one more sink, by a pump of its own: it neither waits
// for other sinks nor delays them. The sink belongs to the caller, who closes it
// after Run has returned.
func WithSink(sink sinks.Sink) Option {
	return func(c *Config) error {
		if sink == nil {
			return errors.New("aimdb: WithSink was given no sink")
		}
		c.Sinks = append(c.Sinks, sink)
		return nil
	}
}

// Backup sets Config.Backup: the history is copied from time to time, and each copy is read
// whole before older ones are removed.
func Backup(b BackupConfig) Option {
	return func(c *Config) error { c.Backup = b; return nil }
}

// Retain limits the history of the records that match a pattern. Where several
// patterns match, the most specific one counts, and of equals the first.
func Retain(pattern string, r Retention) Option {
	return func(c *Config) error {
		c.Retention = append(c.Retention, RetentionPolicy{pattern, r})
		return nil
	}
}

// HistoryBytes bounds the size of the whole history: the rows stored first are
// removed first, of all records but those that are kept [Retention.Forever].
func HistoryBytes(n int64) Option {
	return func(c *Config) error {
		c.HistoryBytes = n
		return positive(n, "a history of %d bytes holds nothing; give a positive size, or leave HistoryBytes out for no limit", n)
	}
}

// SweepEvery sets the time between two sweeps of the retention.
func SweepEvery(d time.Duration) Option {
	return func(c *Config) error {
		c.SweepEvery = d
		return positive(d, "the retention cannot sweep every %v; give a positive time", d)
	}
}

// Logger sets where the database logs to. Without it nothing is logged.
func Logger(l *slog.Logger) Option {
	return func(c *Config) error {
		if l == nil {
			return errors.New("aimdb: Logger was given nil; leave it out to log nothing")
		}
		c.Logger = l
		return nil
	}
}

// Log sets Config.Log: the log is kept on NATS servers that this process does not run,
// and there is no embedded one. It excludes [NATS], [NATSAccess] and [LogSync].
func Log(c Cluster) Option {
	return func(config *Config) error { config.Log = &c; return c.Check() }
}

// LogLimits bounds the log. The oldest values go first when it reaches a limit;
// those that a sink has not read by then are a loss of that sink. Choose a longer
// age than the longest outage of a sink.
func LogLimits(maxAge time.Duration, maxBytes int64) Option {
	return func(c *Config) error {
		c.LogAge, c.LogBytes = maxAge, maxBytes
		return positive(min(int64(maxAge), maxBytes), "log limits of %v and %d bytes keep nothing; both must be positive", maxAge, maxBytes)
	}
}

// LogSync sets how often what was logged is synced to disk; a power loss costs
// the log no more than that.
func LogSync(every time.Duration) Option {
	return func(c *Config) error {
		c.LogSync = every
		return positive(every, "a log cannot sync every %v; give a positive time, or DurableLog to sync before each acknowledgement", every)
	}
}

// DurableLog makes the log sync every batch to disk before it acknowledges it.
// Records marked with [Durable] need it, and it needs a [Dir]. With [Log] it needs none,
// and when the servers sync is their setting; see Config.DurableLog.
func DurableLog() Option {
	return func(c *Config) error { c.DurableLog = true; return nil }
}

// Gateway serves AimX on a unix socket, given as a path or as unix://PATH. It may
// be given several times.
func Gateway(endpoint string) Option {
	return func(c *Config) error { c.Gateways = append(c.Gateways, endpoint); return nil }
}

// HTTP listens on an address like 127.0.0.1:8080, serves AimX for WebSocket
// clients at /ws, a client for web pages at /aimx.js, and /version and /health, and
// passes everything else to handler, which may be nil. An address without a host means
// 127.0.0.1. On a loopback address, requests that name another host are refused, unless
// [Origins] has it.
func HTTP(address string, handler http.Handler) Option {
	return func(c *Config) error { c.HTTP, c.Handler = address, handler; return nil }
}

// TCP serves AimX over TCP on an address like 127.0.0.1:7433, as upstream's tcp:// does.
// An address without a host means 127.0.0.1.
func TCP(address string) Option {
	return func(c *Config) error { c.TCP = address; return nil }
}

// TLS encrypts [HTTP] and [TCP] with a certificate.
func TLS(files TLSFiles) Option {
	return func(c *Config) error { c.TLS = files; return nil }
}

// Tokens adds to Config.Tokens: AimX clients of [HTTP] and [TCP] must present one of
// them, and may do what it grants. Clients of [Gateway] need none.
func Tokens(tokens ...Token) Option {
	return func(c *Config) error { c.Tokens = append(c.Tokens, tokens...); return nil }
}

// Users adds to Config.Users.
func Users(users ...User) Option {
	return func(c *Config) error { c.Users = append(c.Users, users...); return nil }
}

// LimitClients bounds what AimX clients can take. A field that is 0 has its default.
func LimitClients(l ClientLimits) Option {
	return func(c *Config) error { c.Clients = l; return nil }
}

// Origins lets pages of more hosts than this one and loopback open the WebSocket
// of [HTTP], as patterns such as "*.example.com". Requests may also name these hosts,
// as those through a reverse proxy do.
func Origins(hosts ...string) Option {
	return func(c *Config) error { c.Origins = append(c.Origins, hosts...); return nil }
}

// RemoteHistory says whether clients may read the rows of names that are not
// registered, such as imported or retired records, and what the log has of them. They
// may unless it is false. Rows of records that are registered without [Remote] are never sent.
func RemoteHistory(on bool) Option {
	return func(c *Config) error { c.PrivateHistory = !on; return nil }
}

// NATS lets NATS clients in on an address like 127.0.0.1:4222. They may subscribe
// to the values of [Remote] records, read them from the log, and ask the NATS service for
// them and for their history: see package aimx/natsservice. They change nothing, unless
// [ServiceWrites] lets them.
func NATS(address string) Option {
	return func(c *Config) error { c.NATS = address; return nil }
}

// NATSAccess sets what NATS clients must present on the listener of [NATS].
// Without it anyone who reaches the port may read.
func NATSAccess(a Access) Option {
	return func(c *Config) error { c.NATSAccess = a; return nil }
}

// ServiceWrites adds to Config.ServiceWrites: NATS clients may set the [Writable] records
// that match one of the patterns, by requests to the NATS service of [NATS] or [Log].
func ServiceWrites(patterns ...string) Option {
	return func(c *Config) error { c.ServiceWrites = append(c.ServiceWrites, patterns...); return nil }
}

// Leaf adds to Config.Leaf: the embedded server joins these hubs as a leaf node, also if
// it listens to nobody. A hub may read the values of [Remote] records from the log, and
// change nothing. The connection is not compressed unless LeafRemote.Compress is set, which
// costs some megabytes of memory for each connection.
func Leaf(hubs ...LeafRemote) Option {
	return func(c *Config) error { c.Leaf = append(c.Leaf, hubs...); return nil }
}

// DrainTimeout bounds a shutdown as a whole. Run ends with an error that names
// what has not ended by then.
func DrainTimeout(d time.Duration) Option {
	return func(c *Config) error {
		c.DrainTimeout = d
		return positive(d, "a drain timeout of %v leaves no time to end; it must be positive", d)
	}
}
