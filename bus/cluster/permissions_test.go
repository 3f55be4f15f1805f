package cluster_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/natstest"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

// value is what the records of these tests hold.
type value struct{ N int }

// The users of accounts.conf can do what it says, and no more.
func TestAccounts(t *testing.T) {
	t.Parallel()
	config, err := os.ReadFile("accounts.conf")
	if err != nil {
		t.Fatal(err)
	}
	s := natstest.Start(t, natstest.Options{User: "program", Password: "change me", Config: string(config), NoWait: true})
	c := at(s)
	c.User, c.Password = "program", "change me"
	log, err := open(t, c, bus.Config{Name: "hub"})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := nats.Connect(s.URL, nats.UserInfo("reader", "change me too"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reader.Close)
	live, err := reader.SubscribeSync("aimdb.hub.log.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Flush(); err != nil {
		t.Fatal(err)
	}
	writeOne(t, log)
	if m, err := live.NextMsg(time.Minute); err != nil || m.Subject != "aimdb.hub.log.open" {
		t.Errorf("the reader got %v, %v", m, err)
	}
	readBack(t, log)
	js, err := jetstream.New(reader)
	if err != nil {
		t.Fatal(err)
	}
	filtered, err := js.CreateConsumer(t.Context(), "AIMDB_hub", jetstream.ConsumerConfig{Name: "mine", FilterSubject: "aimdb.hub.log.>", AckPolicy: jetstream.AckNonePolicy})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := filtered.Next(); err != nil || string(m.Data()) != `{"N":1}` {
		t.Errorf("the reader reads %v, %v", m, err)
	}
	for what, try := range map[string]func() error{
		"private records": func() error { _, err := reader.SubscribeSync("aimdb.hub.private.>"); return err },
		"all subjects":    func() error { _, err := reader.SubscribeSync(">"); return err },
		"inboxes":         func() error { _, err := reader.SubscribeSync("_INBOX_AIMDB.>"); return err },
		"publish":         func() error { return reader.Publish("aimdb.hub.log.open", []byte("{}")) },
		"the stream":      func() error { return reader.Publish("$JS.API.STREAM.INFO.AIMDB_hub", nil) },
		"another filter":  func() error { return reader.Publish("$JS.API.CONSUMER.CREATE.AIMDB_hub.x.aimdb.hub.private.>", nil) },
		"no filter":       func() error { return reader.Publish("$JS.API.CONSUMER.CREATE.AIMDB_hub.x", nil) },
	} {
		before := reader.LastError()
		if err := errors.Join(try(), reader.Flush()); err != nil {
			t.Fatal(err)
		}
		if err := reader.LastError(); err == before || !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("%s: not refused: %v", what, err)
		}
	}
}

// writeOne logs a value of a Remote record and one of a private record.
func writeOne(t *testing.T, log *bus.Bus) {
	t.Helper()
	reg := records.NewRegistry(records.RegistryOptions{})
	t.Cleanup(reg.Close)
	var all []*records.Record[value]
	for name, remote := range map[string]bool{"open": true, "closed": false} {
		r, err := records.Register[value](reg, name, records.Config{Kind: records.Ring, Capacity: 8, Logged: true, Remote: remote})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	run(t, log.Republisher(reg))
	for _, r := range all {
		if err := r.ProduceLogged(t.Context(), value{1}); err != nil {
			t.Fatal(err)
		}
	}
}

// readBack reads the log as a sink, as a follower and as a verification do.
func readBack(t *testing.T, log *bus.Bus) {
	t.Helper()
	c, err := log.Consumer(t.Context(), "sink", history.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	values, msgs := 0, make([]bus.Message, 10)
	for values < 2 {
		n, err := c.Next(t.Context(), msgs, 1<<20, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range msgs[:n] {
			if !m.Marker {
				values++
			}
		}
	}
	if err := c.Ack(); err != nil {
		t.Error(err)
	}
	everything, err := key.ParsePattern("#")
	if err != nil {
		t.Fatal(err)
	}
	for m, err := range log.Follow(t.Context(), everything, 0) {
		if err != nil || m.Marker {
			t.Fatalf("followed %+v, %v", m, err)
		}
		if values--; values == 0 {
			break
		}
	}
	v, err := log.Verify(t.Context(), history.Position{})
	if err != nil || len(v.Missing)+len(v.Announced)+len(v.Problems) > 0 || v.Waiting["open"] != 1 {
		t.Errorf("verify: %+v, %v", v, err)
	}
}

// A permission that is missing is named when the log is opened.
func TestPermissionMissing(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natstest.Options{User: "a", Password: "a", Config: `accounts { A: { jetstream: enabled, users: [
		{user: a, password: a, permissions: { publish: { deny: "$JS.API.STREAM.CREATE.>" } } }] } }`})
	c := at(s)
	c.User, c.Password = "a", "a"
	_, err := open(t, c, bus.Config{Name: "db"})
	if !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), "STREAM.CREATE.AIMDB_db") {
		t.Errorf("opened without the permission to create the stream: %v", err)
	}
}
