package mqtt_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/mqtt"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// childVariable makes the test binary be the server of a test that kills it.
const childVariable = "AIMDB_MQTT_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		if err := runChild(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// reading is the type of some records.
type reading struct {
	City    string  `json:"city"`
	Celsius float64 `json:"celsius"`
}

// house is a running database with a server.
type house struct {
	db      *aimdb.DB
	server  *mqtt.Server
	address string
	history string
	stop    func() // the server and then the database
}

// open opens a database with a history. declare registers its records.
func open(t testing.TB, c mqtt.Config, declare func(*aimdb.DB), opts ...aimdb.Option) *house {
	t.Helper()
	dir := t.TempDir()
	h := &house{history: filepath.Join(dir, "history.db")}
	store, err := sqlite.Open(h.history)
	check(t, err)
	opts = append([]aimdb.Option{aimdb.Dir(dir), aimdb.Name("home"), aimdb.WithPersistence(store, 0)}, opts...)
	h.db, err = aimdb.New(opts...)
	check(t, err)
	declare(h.db)
	h.server, err = mqtt.New(h.db, c)
	check(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	h.address = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ran, served := make(chan error, 1), make(chan error, 1)
	go func() { ran <- h.db.Run(ctx) }()
	go func() { served <- h.server.Serve(context.Background(), l) }()
	stopped := false
	h.stop = func() {
		if stopped {
			return
		}
		stopped = true
		h.server.Close()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		cancel()
		if err := <-ran; err != nil {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(h.stop)
	select {
	case <-h.db.Ready():
	case <-time.After(time.Minute):
		t.Fatal("the database is not ready after a minute")
	}
	return h
}

// register makes a writable record.
func register[T any](t testing.TB, db *aimdb.DB, key string, opts ...aimdb.RecordOption) *aimdb.Record[T] {
	t.Helper()
	r, err := aimdb.Register[T](db, key, opts...)
	check(t, err)
	return r
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// await waits until a condition holds.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after a minute: %s", what)
		}
	}
}
