package process_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"
	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/cluster"
	"github.com/aimdb-go/aimdb/internal/natstest"
	"github.com/aimdb-go/aimdb/sinks/memory"
	"github.com/aimdb-go/aimdb/sinks/process"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a server with the log of the database hub, and what connects to it.
type world struct {
	t      *testing.T
	config cluster.Config
	server *cluster.Server
	nc     *nats.Conn
	js     jetstream.JetStream
}

func newWorld(t *testing.T, s *natstest.Server, user, password string) *world {
	t.Helper()
	w := &world{t: t, config: cluster.Config{URLs: []string{s.URL}, User: user, Password: password}}
	var err error
	if w.server, err = cluster.Open(t.Context(), w.config, w.logger()); err != nil {
		t.Fatal(err)
	}
	if w.nc, err = w.server.Connect(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.nc.Close)
	if w.js, err = jetstream.New(w.nc); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) logger() *slog.Logger { return slog.New(slog.NewTextHandler(w.t.Output(), nil)) }

// log creates the log with values.
func (w *world) log(values int) {
	w.t.Helper()
	b, err := bus.Open(w.t.Context(), w.server, bus.Config{Name: "hub", Shared: true})
	if err == nil {
		err = b.Close()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	for n := range values {
		if _, err := w.js.Publish(w.t.Context(), "aimdb.hub.log.a", fmt.Append(nil, n)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// run runs a sink until stop is called.
func (w *world) run(s *memory.Sink) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- process.Run(ctx, process.Config{
			Server: w.server, Log: bus.Config{Name: "hub"}, Sink: s.Name(), Kind: "memory", Target: "here", DrainTimeout: time.Minute, Logger: w.logger(),
			Open: func(context.Context) (*process.Store, error) {
				return &process.Store{Sink: s, Close: func() error { return nil }}, nil
			},
		})
	}()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	}
	w.t.Cleanup(stop)
	return stop
}

// awaits waits until something is so.
func awaits(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("in vain: ", what)
		}
	}
}

// A sink is started before its log exists. Somebody deletes that later, and the process is
// told to stop when there is a shorter one: it stores that before it ends.
func TestLogThatComesLateAndIsReplaced(t *testing.T) {
	w := newWorld(t, natstest.Start(t, natstest.Options{}), "", "")
	s := &memory.Sink{}
	stop := w.run(s)
	awaits(t, "it waits for the log", func() bool {
		all, err := process.List(t.Context(), w.server, "hub", nil)
		return err == nil && len(all) == 1 && strings.Contains(all[0].Error, "does not exist yet")
	})
	w.log(10)
	awaits(t, "10 values", func() bool { return len(s.Entries()) == 10 })
	if err := w.js.DeleteStream(t.Context(), "AIMDB_hub"); err != nil {
		t.Fatal(err)
	}
	w.log(3)
	stop()
	if n := len(s.Entries()); n != 13 {
		t.Errorf("it has stored %d values, want 13", n)
	}
}

// The user program of accounts.conf can run sinks and list them.
func TestAccounts(t *testing.T) {
	config, err := os.ReadFile("../../bus/cluster/accounts.conf")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, natstest.Start(t, natstest.Options{User: "program", Password: "change me", Config: string(config), NoWait: true}), "program", "change me")
	w.log(10)
	s := &memory.Sink{}
	w.run(s)
	awaits(t, "10 values", func() bool { return len(s.Entries()) == 10 })
	log, err := bus.OpenExisting(t.Context(), w.server, bus.Config{Name: "hub", Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	awaits(t, "the sink is listed", func() bool {
		all, err := process.List(t.Context(), w.server, "hub", log)
		if err != nil {
			t.Fatal(err)
		}
		return len(all) == 1 && all[0].Sink == "memory" && all[0].State == "active" && all[0].Checkpoint == 10 && all[0].LagMessages == 0
	})
	if err := w.nc.LastError(); err != nil {
		t.Error(err)
	}
}

// Tools of NATS find the process, and what it is, by its metadata.
func TestService(t *testing.T) {
	w := newWorld(t, natstest.Start(t, natstest.Options{}), "", "")
	w.run(&memory.Sink{})
	var info micro.Info
	awaits(t, "the service answers", func() bool {
		m, err := w.nc.Request("$SRV.INFO."+process.Service, nil, time.Second)
		return err == nil && json.Unmarshal(m.Data, &info) == nil
	})
	for key, want := range map[string]string{"database": "hub", "sink": "memory", "kind": "memory", "pid": fmt.Sprint(os.Getpid())} {
		if got := info.Metadata[key]; got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if len(info.Endpoints) != 1 || info.Endpoints[0].Subject != "aimdb.hub.sinks.memory.state" {
		t.Errorf("%+v", info)
	}
}
