package natsd

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	const server = "github.com/nats-io/nats-server/v2/server"
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction(server+"/ats.Register.func1")) // the server's clock, one per process
}

func open(t testing.TB, c Config) *Server {
	t.Helper()
	s, err := tryOpen(t, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func tryOpen(t testing.TB, c Config) (*Server, error) {
	t.Helper()
	c.Name, c.Stream, c.Subjects, c.MaxMessage = "test", "TEST", []string{"test.>"}, 1<<20
	c.Readable = "test.>"
	return Open(c)
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestOpenRefusesADirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	first := open(t, Config{Dir: dir})
	if _, err := tryOpen(t, Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "in use") {
		t.Fatalf("a second server on %s: %v", dir, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, Config{Dir: dir})
}

func TestRestartKeepsConnectionsStreamsAndPort(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	if !s.Listens() {
		t.Error("a server with a port does not listen")
	}
	reconnected := make(chan struct{})
	nc, err := s.Connect(deadline(t), "test", nats.ReconnectHandler(func(*nats.Conn) { close(reconnected) }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(deadline(t), jetstream.StreamConfig{Name: "TEST", Subjects: []string{"test.>"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(deadline(t), "test.a", []byte("1")); err != nil {
		t.Fatal(err)
	}
	address := s.Addr().String()
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-reconnected:
	case <-s.Done():
		t.Fatal("Done is closed by a restart")
	case <-deadline(t).Done():
		t.Fatal("the connection did not reconnect")
	}
	stream, err := js.Stream(deadline(t), "TEST")
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n != 1 {
		t.Errorf("the stream has %d messages after a restart, want 1", n)
	}
	if got := s.Addr().String(); got != address {
		t.Errorf("the server listens on %s after a restart, want %s", got, address)
	}
}

func TestCloseMayBeCalledAgain(t *testing.T) {
	s := open(t, Config{})
	dir := s.dir
	if s.Listens() || s.Addr() != nil {
		t.Error("a server without an address listens")
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-s.Done():
	default:
		t.Error("Done is open after Close")
	}
	if err := s.Restart(); err == nil || !strings.Contains(err.Error(), "stopped for good") {
		t.Errorf("a restart after Close: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary directory stays: %v", err)
	}
	if s.Reopen() {
		t.Error("a server in memory was reopened")
	}
}

func TestDoneIsClosedWhenTheServerStopsByItself(t *testing.T) {
	s := open(t, Config{})
	s.NATS().Shutdown()
	select {
	case <-s.Done():
	case <-deadline(t).Done():
		t.Fatal("Done stays open")
	}
}
