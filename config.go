package aimdb

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"time"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/backup"
	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/cluster"
	"github.com/aimdb-go/aimdb/bus/natsd"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/tlsfile"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/retention"
)

// The defaults of a Config.
const (
	// DefaultName is the name of a database that is given none.
	DefaultName = "aimdb"
	// DefaultLogAge is how long the log keeps values.
	DefaultLogAge = 7 * 24 * time.Hour
	// DefaultLogBytes is how large the log grows in a directory, and
	// DefaultMemoryLogBytes how large in memory.
	DefaultLogBytes       = 1 << 30
	DefaultMemoryLogBytes = bus.DefaultMemoryBytes
	// DefaultDrainTimeout bounds the work of a shutdown.
	DefaultDrainTimeout = 10 * time.Second
)

// Config is all that a database can be told. A zero field has its default. The
// tags are for files; what a file cannot hold has the tag "-". Durations are
// nanoseconds in JSON, sizes are bytes.
type Config struct {
	// Name is part of every subject: 1 to 64 letters, digits, "_" and "-". The
	// default is DefaultName.
	Name string `json:"name,omitempty"`
	// Dir holds the log, unless Log is set, and the lock. It is created if it does not exist. Without
	// one the log is in memory: what is logged and not stored ends with the
	// process. The next start counts such a loss, of unknown size, unless the
	// database stopped in order.
	Dir string `json:"dir,omitempty"`

	// Backend keeps the history. The database owns it from New on and closes it.
	Backend Backend `json:"-"`
	// Sinks get the log too, each at its own pace. They belong to the caller, who
	// closes them after Run has returned.
	Sinks []sinks.Sink `json:"-"`

	// HistoryAge is the age after which rows are removed, unless a policy of
	// Retention says otherwise. 0 keeps them for ever.
	HistoryAge time.Duration `json:"history_age,omitempty"`
	// HistoryBytes bounds the whole history: the rows stored first are removed
	// first, of all records that are not kept for ever. 0 is no bound.
	HistoryBytes int64 `json:"history_bytes,omitempty"`
	// MigrateAtStart does at start what [DB.MigrateHistory] does, before anything is
	// served. It gives rows their times where the [EventTime] of a record was added or
	// taken away.
	MigrateAtStart bool `json:"migrate_at_start,omitempty"`
	// Retention has the policies of single records by pattern.
	Retention []RetentionPolicy `json:"retention,omitempty"`
	// SweepEvery is the time between two sweeps, an hour by default.
	SweepEvery time.Duration `json:"sweep_every,omitempty"`

	// Backup, if it is set, copies the history from time to time, as package backup
	// says. Its directory is backups in Dir if it names none. The Backend must be a
	// backup.Source, as that of sinks/sqlite is.
	Backup BackupConfig `json:"backup,omitzero"`

	// Log, if it is set, keeps the log on NATS servers that this process does not run.
	// Dir is then optional: it holds the lock, the high-water mark of the log, and the
	// note of what a stop could not log.
	Log *Cluster `json:"log,omitempty"`
	// LogAge and LogBytes bound the log: the oldest values go first. Those that a
	// sink has not read by then are a loss of that sink. LogAge should be longer
	// than the longest outage of a sink.
	LogAge   time.Duration `json:"log_age,omitempty"`
	LogBytes int64         `json:"log_bytes,omitempty"`
	// LogSync is the time after which what was logged is synced to disk, a second
	// by default; a power loss costs the log no more than that.
	LogSync time.Duration `json:"log_sync,omitempty"`
	// DurableLog syncs every batch before it is acknowledged. It needs a Dir. With Log,
	// batches are atomic, and when servers sync is their setting: sync_interval: always
	// syncs each batch before it is acknowledged. A log with several replicas
	// acknowledges a batch when most of them have it.
	DurableLog bool `json:"durable_log,omitempty"`

	// Gateways are unix sockets that serve AimX, as paths or unix://PATH.
	Gateways []string `json:"gateways,omitempty"`
	// HTTP is the host:port of the web server, empty for none. It serves AimX at
	// /ws, /aimx.js, /version and /health, and Handler at every other path. Without a
	// host it is 127.0.0.1.
	HTTP    string       `json:"http,omitempty"`
	Handler http.Handler `json:"-"`
	// TCP is the host:port that serves AimX over TCP as upstream does, empty for none.
	// Without a host it is 127.0.0.1.
	TCP string `json:"tcp,omitempty"`
	// TLS encrypts HTTP and TCP. Without it nothing is encrypted.
	TLS TLSFiles `json:"tls,omitzero"`
	// Tokens, if there are any, admit AimX clients over HTTP and TCP: each must present
	// one, and may do what that one grants. Clients of Gateways need none, as only the
	// owner of the socket can connect. Handler is not guarded.
	Tokens []Token `json:"tokens,omitempty"`
	// Users are like Tokens, for clients that present a name and password: a WebSocket with
	// the scheme Basic, and what is served by [DB.Access]. If there are users, clients must
	// present one of them or a token.
	Users []User `json:"users,omitempty"`
	// Clients bounds what AimX clients can take. A field that is 0 has its default.
	Clients ClientLimits `json:"clients,omitzero"`
	// Origins are hosts whose pages may open the WebSocket, beside those of this
	// host and of loopback, as patterns such as "*.example.com". On a loopback
	// address, only requests for loopback and for these hosts are answered.
	Origins []string `json:"origins,omitempty"`
	// PrivateHistory keeps clients from rows of names that are not registered,
	// such as imported or retired records, and from what the log has of them.
	PrivateHistory bool `json:"private_history,omitempty"`
	// NATS is the host:port for NATS clients, empty for none. They may subscribe
	// to the values of Remote records, read them from the log, and ask the NATS
	// service for them and for their history. They change nothing, unless
	// ServiceWrites lets them. Without a host it is 127.0.0.1.
	NATS string `json:"nats,omitempty"`
	// NATSAccess says what NATS clients must present. Without it anyone who
	// reaches the port may read.
	NATSAccess Access `json:"nats_access,omitzero"`
	// ServiceWrites are patterns of the records that requests to the NATS service may
	// set, as far as they are Writable: see package aimx/natsservice. None can be set
	// without. The service is there if NATS or Log is given. On the servers of Log, the
	// permissions of a user say which requests it may make.
	ServiceWrites []string `json:"service_writes,omitempty"`

	// Leaf are hubs that the embedded server joins as a leaf node. They may read the
	// log's values of Remote records, and change nothing. The name of the database must
	// differ from those of all other sites of a hub.
	Leaf []LeafRemote `json:"leaf,omitempty"`

	// Declare, if it is set, registers records for keys from outside, DynamicLimit at most:
	// see [Dynamic].
	Declare      func(key string) ([]RecordOption, error) `json:"-"`
	DynamicLimit int                                      `json:"-"`

	// DrainTimeout bounds a shutdown as a whole, ten seconds by default.
	DrainTimeout time.Duration `json:"drain_timeout,omitempty"`
	// OnBatch, if it is set, is told of each batch that a sink was given, after the sink has
	// returned. The pump into that sink waits for it.
	OnBatch func(BatchInfo) `json:"-"`
	// Troubles, if it is set, names what does not work of the program around the database.
	// /health and AimX clients are told, beside the troubles of the database itself.
	Troubles func() []string `json:"-"`
	// Logger gets what the database has to say. Nil discards it.
	Logger *slog.Logger `json:"-"`
}

// RetentionPolicy limits the history of the records that match a pattern.
type RetentionPolicy struct {
	Pattern string `json:"pattern"`
	Retention
}

// Retention limits what is kept of one record.
type Retention struct {
	// MaxAge, MaxRows and MaxBytes are limits; 0 is no limit.
	MaxAge   time.Duration `json:"max_age,omitempty"`
	MaxRows  int64         `json:"max_rows,omitempty"`
	MaxBytes int64         `json:"max_bytes,omitempty"`
	// Forever keeps everything, whatever HistoryBytes says. It excludes limits.
	Forever bool `json:"forever,omitempty"`
}

// BackupConfig says how often the history is backed up, how many backups are kept, and
// where.
type BackupConfig = backup.Config

// Access says what NATS clients from outside must present: a token, a user and
// password, an nkey, a certificate.
type Access = natsd.Access

// Token admits the AimX clients that present it, and says what they may read and set.
type Token = access.Token

// User admits the clients that present its name and password, and says what they may read
// and set.
type User = access.User

// ClientLimits bound what AimX clients can take: connections, subscriptions, rows, bytes
// and time.
type ClientLimits = gateway.Limits

// TLSFiles are the PEM files of a TLS server: its certificate and key, both or neither.
// CAFile requires client certificates that its authorities have signed.
type TLSFiles struct {
	CertFile string `json:"cert_file,omitempty"`
	KeyFile  string `json:"key_file,omitempty"`
	CAFile   string `json:"ca_file,omitempty"`
}

// LeafRemote says where a hub is, and what it is shown.
type LeafRemote = natsd.LeafRemote

// Cluster says which NATS servers keep the log, and what they are shown.
type Cluster = cluster.Config

var databaseName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Check returns an error if the configuration contradicts itself. [Open] checks it too.
func (c Config) Check() error {
	_, err := c.checked()
	return err
}

// checked returns the configuration with its defaults.
func (c Config) checked() (Config, error) {
	setDefault(&c.Name, DefaultName)
	setDefault(&c.LogAge, DefaultLogAge)
	setDefault(&c.DrainTimeout, DefaultDrainTimeout)
	if c.volatile() {
		setDefault(&c.LogBytes, DefaultMemoryLogBytes)
	} else {
		setDefault(&c.LogBytes, DefaultLogBytes)
	}
	if c.Backup != (BackupConfig{}) && c.Backup.Dir == "" && c.Dir != "" {
		c.Backup.Dir = filepath.Join(c.Dir, "backups")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, c.check()
}

// volatile reports whether the log ends with the process.
func (c Config) volatile() bool { return c.Log == nil && c.Dir == "" }

func setDefault[T comparable](to *T, value T) {
	var zero T
	if *to == zero {
		*to = value
	}
}

func (c Config) check() error {
	var errs []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf("aimdb: "+format, args...))
		}
	}
	refuse(!databaseName.MatchString(c.Name), "the database name %q does not fit into a subject; use 1 to 64 letters, digits, '_' and '-'", c.Name)
	refuse(c.Log != nil && c.NATS != "", "the log is on the NATS servers of Log, and there is no embedded server that could listen on %s; leave out NATS: clients read the log from those servers", c.NATS)
	refuse(c.Log != nil && !c.NATSAccess.Everybody(), "who may read the log is decided by the accounts of the NATS servers of Log; leave out NATSAccess")
	refuse(c.Log != nil && c.LogSync != 0, "the NATS servers of Log decide when they sync, with their setting sync_interval; leave out LogSync")
	if c.Log != nil {
		errs = append(errs, c.Log.Check())
	}
	refuse(c.DurableLog && c.volatile(), "DurableLog needs a disk to sync to; give the database a directory with Dir")
	refuse(c.HistoryAge < 0, "a retention of %v lies in the future; use 0 to keep everything", c.HistoryAge)
	refuse(c.HistoryBytes < 0, "a history of %d bytes holds nothing; give a positive size, or leave HistoryBytes out for no limit", c.HistoryBytes)
	refuse(c.SweepEvery < 0, "the retention cannot sweep every %v; give a positive time", c.SweepEvery)
	refuse(c.LogAge < 0 || c.LogBytes < 0, "log limits of %v and %d bytes keep nothing; both must be positive", c.LogAge, c.LogBytes)
	refuse(c.LogSync < 0, "a log cannot sync every %v; give a positive time, or DurableLog to sync before each acknowledgement", c.LogSync)
	refuse(c.DynamicLimit < 0 || (c.DynamicLimit == 0) != (c.Declare == nil), "DynamicLimit is %d, and Declare is given: %v; give both, with a positive limit, or neither", c.DynamicLimit, c.Declare != nil)
	refuse(c.DrainTimeout < 0, "a drain timeout of %v leaves no time to end; it must be positive", c.DrainTimeout)
	refuse(c.Backend == nil && (len(c.Retention) > 0 || c.HistoryBytes > 0), "a retention policy is given but no history to prune; add WithPersistence")
	if c.Backup != (BackupConfig{}) {
		refuse(c.Backend == nil, "Backup is given and no history to back up; add WithPersistence, or leave it out")
		err := c.Backup.Check()
		refuse(err != nil, "Backup: %w", err)
	}
	refuse(c.Log != nil && len(c.Leaf) > 0, "the log is on the NATS servers of Log, and there is no embedded server that could join a hub; leave out Leaf")
	err := tlsfile.Check(c.TLS.CertFile, c.TLS.KeyFile, c.TLS.CAFile)
	refuse(err != nil, "TLS: %w", err)
	refuse(c.TLS != TLSFiles{} && c.HTTP == "" && c.TCP == "", "certificates are given and nothing that uses them; add HTTP or TCP, or leave out TLS")
	_, err = access.NewList(c.Tokens, c.Users)
	refuse(err != nil, "tokens and users: %w", err)
	refuse(len(c.ServiceWrites) > 0 && c.NATS == "" && c.Log == nil, "ServiceWrites is given and no NATS service that could set records; add NATS or Log")
	for _, p := range c.ServiceWrites {
		_, err := key.ParsePattern(p)
		refuse(err != nil, "ServiceWrites: %w", err)
	}
	err = c.Clients.Check()
	refuse(err != nil, "limits of clients: %w", err)
	for _, r := range c.Leaf {
		err := r.Check()
		refuse(err != nil, "join a hub: %w", err)
	}
	for _, r := range c.Retention {
		_, err := key.ParsePattern(r.Pattern)
		refuse(err != nil, "retention: %w", err)
	}
	return errors.Join(errs...)
}

// retention returns the actor that prunes the backend.
func (c Config) retention() (*retention.Retention, error) {
	policies, err := c.policies()
	if err != nil {
		return nil, err
	}
	keeper, err := retention.New(c.Backend, retention.Config{
		Policies: policies, MaxBytes: c.HistoryBytes, Every: c.SweepEvery, Logger: c.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("aimdb: %w", err)
	}
	return keeper, nil
}

// backups returns what backs the backend up, nil if nothing does.
func (c Config) backups() (*backup.Keeper, error) {
	if c.Backup == (BackupConfig{}) {
		return nil, nil
	}
	source, can := c.Backend.(backup.Source)
	if !can {
		return nil, errors.New("aimdb: Backup is given, and the backend cannot copy itself; leave it out, and use the tools of the backend, such as pg_dump")
	}
	keeper, err := backup.New(source, c.Backup, c.Logger)
	if err != nil {
		return nil, fmt.Errorf("aimdb: Backup: %w", err)
	}
	return keeper, nil
}

// policies returns the policies of the retention. That of HistoryAge comes last, so that
// any other policy for the same pattern comes before it.
func (c Config) policies() ([]history.Policy, error) {
	var policies []history.Policy
	all := c.Retention
	if c.HistoryAge > 0 {
		all = append(all[:len(all):len(all)], RetentionPolicy{"#", Retention{MaxAge: c.HistoryAge}})
	}
	for _, r := range all {
		p, err := key.ParsePattern(r.Pattern)
		if err != nil {
			return nil, err
		}
		policies = append(policies, history.Policy{
			Pattern: p, MaxAge: r.MaxAge, MaxRows: r.MaxRows, MaxBytes: r.MaxBytes, Forever: r.Forever,
		})
	}
	return policies, nil
}

// ReplaceRetention puts other limits in the place of Config.Retention, HistoryAge and
// HistoryBytes, while the database runs or before. A sweep by them begins at once. An error
// leaves the old ones in force.
func (db *DB) ReplaceRetention(policies []RetentionPolicy, age time.Duration, bytes int64) error {
	if db.keeper == nil {
		return errors.New("aimdb: replace the retention: the database has no history to prune; add WithPersistence")
	}
	c := Config{Retention: policies, HistoryAge: age}
	replaced, err := c.policies()
	if err == nil {
		err = db.keeper.Replace(replaced, bytes)
	}
	if err != nil {
		return fmt.Errorf("aimdb: replace the retention: %w", err)
	}
	return nil
}
