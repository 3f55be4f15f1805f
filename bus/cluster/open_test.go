package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/cluster"
	"github.com/aimdb-go/aimdb/internal/natstest"
)

// open opens the log of a database on a server.
func open(t *testing.T, c cluster.Config, b bus.Config) (*bus.Bus, error) {
	t.Helper()
	server, err := cluster.Open(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	b.Shared = true
	log, err := bus.Open(t.Context(), server, b)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return log, log.Restore(t.Context(), 0)
}

func at(s *natstest.Server) cluster.Config { return cluster.Config{URLs: []string{s.URL}} }

func TestTwoDatabasesOnOneServer(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natstest.Options{})
	for _, name := range []string{"one", "two"} {
		log, err := open(t, at(s), bus.Config{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		if last, err := log.LastSequence(t.Context()); err != nil || last != 1 || log.OpenedAt() != 1 {
			t.Errorf("log %s ends at %d and was opened at %d, want the marker at 1 (%v)", name, last, log.OpenedAt(), err)
		}
	}
}

// A stream that is not as the log needs it is refused, with what differs and what to do.
func TestStreamsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natstest.Options{})
	js, err := jetstream.New(s.Connect())
	if err != nil {
		t.Fatal(err)
	}
	// The server removes the directory of the streams with the last of them, sometimes
	// while the next one is made.
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "stays", Subjects: []string{"stays"}}); err != nil {
		t.Fatal(err)
	}
	ours := map[string]string{"aimdb.identity": "x/1", "aimdb.database": "db"}
	for name, c := range map[string]struct {
		change func(*jetstream.StreamConfig)
		says   []string
		// updated says that Update makes the stream fit.
		updated bool
	}{
		"settings": {updated: true, says: []string{"max_age: have 1h0m0s, want 168h0m0s", "deny_delete: have false, want true", "set Update", "nats stream edit"}, change: func(c *jetstream.StreamConfig) {
			c.MaxAge, c.DenyDelete = time.Hour, false
		}},
		"storage": {says: []string{"storage: have Memory, want File"}, change: func(c *jetstream.StreamConfig) {
			c.Storage = jetstream.MemoryStorage
		}},
		"retention": {says: []string{"retention: have WorkQueue, want Limits"}, change: func(c *jetstream.StreamConfig) {
			c.Retention = jetstream.WorkQueuePolicy
		}},
		"another database": {says: []string{`is the log of database "other", not of "db"`, "nats stream rm"}, change: func(c *jetstream.StreamConfig) {
			c.Metadata = map[string]string{"aimdb.identity": "x/1", "aimdb.database": "other"}
		}},
		"newer program": {says: []string{"made by a newer version of this program: it has the format 2"}, change: func(c *jetstream.StreamConfig) {
			c.Metadata = map[string]string{"aimdb.identity": "x/1", "aimdb.database": "db", "aimdb.format": "2"}
		}},
		"nobody": {says: []string{"was not made by AimDB"}, change: func(c *jetstream.StreamConfig) { c.Metadata = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			config := jetstream.StreamConfig{
				Name: "AIMDB_db", Subjects: []string{"aimdb.db.log.>", "aimdb.db.private.>", "aimdb.db.loss.>"},
				MaxAge: bus.DefaultMaxAge, MaxBytes: bus.DefaultMaxBytes, MaxMsgSize: bus.DefaultMaxMessage, Duplicates: 100 * time.Millisecond,
				AllowAtomicPublish: true, AllowBatchPublish: true, DenyDelete: true, Metadata: ours,
			}
			c.change(&config)
			if _, err := js.CreateStream(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := js.DeleteStream(context.WithoutCancel(t.Context()), "AIMDB_db"); err != nil {
					t.Error(err)
				}
			}()
			_, err := open(t, at(s), bus.Config{Name: "db"})
			if !errors.Is(err, bus.ErrOtherStream) {
				t.Fatalf("opened: %v", err)
			}
			for _, text := range c.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("the error %q does not say %q", err, text)
				}
			}
			if _, err := open(t, at(s), bus.Config{Name: "db", Update: true}); (err == nil) != c.updated {
				t.Errorf("with Update: %v", err)
			}
		})
	}
}

// Replicas of 0 accept what is there; another number is a difference.
func TestReplicas(t *testing.T) {
	t.Parallel()
	c := natstest.StartCluster(t, natstest.Options{})
	config := cluster.Config{URLs: c.URLs()}
	if _, err := open(t, config, bus.Config{Name: "db", Replicas: 3}); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, config, bus.Config{Name: "db"}); err != nil {
		t.Error(err)
	}
	_, err := open(t, config, bus.Config{Name: "db", Replicas: 1})
	if err == nil || !strings.Contains(err.Error(), "num_replicas: have 3, want 1") {
		t.Errorf("opened with one replica: %v", err)
	}
	if _, err := open(t, config, bus.Config{Name: "db", Replicas: 1, Update: true}); err != nil {
		t.Error(err)
	}
}

// A log is kept where Placement and Domain say, and a place that there is not is an error.
func TestPlacement(t *testing.T) {
	t.Parallel()
	c := natstest.StartCluster(t, natstest.Options{})
	config := cluster.Config{URLs: c.URLs()}
	if _, err := open(t, config, bus.Config{Name: "db", Placement: &jetstream.Placement{Cluster: "elsewhere"}}); err == nil || !strings.Contains(err.Error(), "create the log of database db") {
		t.Errorf("opened in a cluster that there is not: %v", err)
	}
	if _, err := open(t, config, bus.Config{Name: "db", Placement: &jetstream.Placement{Cluster: "test"}}); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, config, bus.Config{Name: "db", Placement: &jetstream.Placement{Cluster: "test", Tags: []string{"ssd"}}})
	if !errors.Is(err, bus.ErrOtherStream) || !strings.Contains(err.Error(), `tags ["ssd"]`) {
		t.Errorf("opened with another placement: %v", err)
	}
}

func TestDomain(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natstest.Options{Domain: "far"})
	log, err := open(t, at(s), bus.Config{Name: "hub", Domain: "far"})
	if err != nil {
		t.Fatal(err)
	}
	writeOne(t, log)
	readBack(t, log)
	// Nobody answers in a domain that there is not. bus tests that it gives up.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server, err := cluster.Open(ctx, at(s), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	said := canceler{cancel: cancel}
	_, err = bus.Open(ctx, server, bus.Config{Name: "hub", Domain: "near", Shared: true, Logger: slog.New(slog.NewTextHandler(&said, nil))})
	if err == nil || !strings.Contains(said.text, "no server answers for the log") {
		t.Errorf("opened in a domain that there is not: %v; it said %q", err, said.text)
	}
}

// canceler keeps what is logged first, and cancels then.
type canceler struct {
	cancel context.CancelFunc
	text   string
}

func (c *canceler) Write(p []byte) (int, error) {
	if c.text == "" {
		c.text = string(p)
		c.cancel()
	}
	return len(p), nil
}

func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natstest.Options{User: "program", Password: "right", Config: `authorization { user: program, password: right }`})
	c := at(s)
	c.User, c.Password = "program", "wrong"
	_, err := open(t, c, bus.Config{Name: "db"})
	if !errors.Is(err, nats.ErrAuthorization) || !strings.Contains(err.Error(), s.URL) {
		t.Errorf("opened with a wrong password: %v", err)
	}
	c.Password = "right"
	if _, err := open(t, c, bus.Config{Name: "db"}); err != nil {
		t.Error(err)
	}
}

func TestNoJetStream(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natstest.Options{User: "a", Password: "a", Config: `accounts { A: { jetstream: enabled, users: [{user: a, password: a}] }, B: { users: [{user: b, password: b}] } }`})
	c := at(s)
	c.User, c.Password = "b", "b"
	if _, err := open(t, c, bus.Config{Name: "db"}); !errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		t.Errorf("opened in an account without JetStream: %v", err)
	}
}

// An old server is refused before anything is written.
func TestOldServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			greetAsOld(conn)
		}
	}()
	_, err = open(t, cluster.Config{URLs: []string{"nats://" + l.Addr().String()}}, bus.Config{Name: "db"})
	if !errors.Is(err, cluster.ErrOldServer) || !strings.Contains(err.Error(), "2.14.5") || !strings.Contains(err.Error(), "power loss") {
		t.Errorf("opened on an old server: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	<-served
}

// greetAsOld is the start of the NATS protocol of a server of version 2.14.5.
func greetAsOld(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "INFO {\"server_id\":\"x\",\"server_name\":\"old\",\"version\":\"2.14.5\",\"headers\":true,\"max_payload\":1048576,\"proto\":1}\r\n")
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		if strings.Contains(string(buf[:n]), "PING") {
			_, _ = conn.Write([]byte("PONG\r\n"))
		}
	}
}
