package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/tlstest"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// serveNATS runs a database with a listener for NATS clients, and returns its address
// when its service answers one with options.
func serveNATS(t *testing.T, access embedded.Access, options ...nats.Option) string {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := embedded.New(embedded.Name("weather"), embedded.NATS(":0"), embedded.WithPersistence(store, 0), embedded.ServiceWrites("lamp"), embedded.NATSAccess(access))
	if err != nil {
		t.Fatal(err)
	}
	temp, err := embedded.Register[int](db, "temp::vienna", embedded.Ring(4), embedded.Persist(), embedded.Remote())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Register[int](db, "lamp", embedded.Latest(), embedded.Remote(), embedded.Writable()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	<-db.Ready()
	temp.Produce(21)
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(db.Addresses().NATS, options...)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for {
		if _, err := nc.Request("aimdb.weather.rpc.hello", nil, time.Minute); err == nil {
			return db.Addresses().NATS
		} else if !errors.Is(err, nats.ErrNoResponders) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // there is no event for a service that begins
	}
}

// TestConnectNATS: the commands that talk to a database do so over NATS.
func TestConnectNATS(t *testing.T) {
	t.Parallel()
	address := serveNATS(t, embedded.Access{Users: map[string]string{"ann": "s3cret"}, Token: "t0ken"}, nats.Token("t0ken"))
	connect := []string{"--connect", "nats://ann:s3cret@" + address + "/weather"}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"record", "list"}, "temp::vienna"},
		{[]string{"record", "get", "temp::vienna"}, "21"},
		{[]string{"record", "query", "temp::*"}, "21"},
		{[]string{"record", "query", "#"}, "21"},
		{[]string{"record", "set", "lamp", "5"}, ""},
		{[]string{"record", "get", "lamp"}, "5"},
		{[]string{"record", "watch", "#", "--count", "2"}, "21"},
		{[]string{"instance", "info"}, "weather"},
	} {
		if out := aimdb(t, append(c.args, connect...)...).ok(t); !strings.Contains(out, c.want) {
			t.Errorf("%v: %s", c.args, out)
		}
	}
	aimdb(t, "record", "list", "--connect", "nats://"+address+"/weather", "--token", "t0ken").ok(t)
	for _, args := range [][]string{{"history", "query", connect[1], "#"}, {"history", "stats", connect[1]}, {"history", "export", connect[1], "#"}, {"verify", connect[1]}} {
		aimdb(t, args...).ok(t)
	}
	for endpoint, wants := range map[string][]string{
		"nats://ann:s3cret@" + address + "/other":      {"nats micro ls"},
		"nats://ann:wr0ng@" + address + "/weather":     {"give a user and password"},
		"nats://127.0.0.1:" + freePort(t) + "/weather": {"no NATS server answers"},
	} {
		r := aimdb(t, "record", "list", "--connect", endpoint)
		r.fails(t, exitFailed, wants...)
		if strings.Contains(r.stderr, "s3cret") || strings.Contains(r.stderr, "wr0ng") {
			t.Errorf("the password is printed: %s", r.stderr)
		}
	}
	for _, endpoint := range []string{"nats://ann:s3cret@" + address, "nats://host/weather", "nats://ann:s3cret@host:x/weather", "nats://" + address + "/weather?x=1"} {
		r := aimdb(t, "record", "list", "--connect", endpoint)
		r.fails(t, exitUsage, "HOST:PORT/DATABASE")
		if strings.Contains(r.stderr, "s3cret") {
			t.Errorf("the password is printed: %s", r.stderr)
		}
	}
}

// TestConnectNATSWithTLS: --ca has the authority of NATS servers too.
func TestConnectNATSWithTLS(t *testing.T) {
	files := tlstest.New(t)
	address := serveNATS(t, embedded.Access{CertFile: files.ServerCert, KeyFile: files.ServerKey}, nats.RootCAs(files.CA))
	for _, scheme := range []string{"tls://", "nats://"} {
		aimdb(t, "record", "get", "temp::vienna", "--connect", scheme+address+"/weather", "--ca", files.CA).ok(t)
		aimdb(t, "record", "get", "temp::vienna", "--connect", scheme+address+"/weather").fails(t, exitFailed, "give the CA")
	}
}
