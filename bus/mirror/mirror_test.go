package mirror_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/cluster"
	"github.com/aimdb-go/aimdb/bus/mirror"
	"github.com/aimdb-go/aimdb/internal/natstest"
	"github.com/aimdb-go/aimdb/records"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is the log of a database that messages are put into by hand.
type world struct {
	t       *testing.T
	server  *natstest.Server
	nc      *nats.Conn
	js      jetstream.JetStream
	outside *cluster.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, server: natstest.Start(t, natstest.Options{})}
	w.nc = w.server.Connect()
	var err error
	if w.js, err = jetstream.New(w.nc); err != nil {
		t.Fatal(err)
	}
	if w.outside, err = cluster.Open(t.Context(), cluster.Config{URLs: []string{w.server.URL}}, nil); err != nil {
		t.Fatal(err)
	}
	w.create()
	return w
}

// create makes an empty log.
func (w *world) create() {
	w.t.Helper()
	b, err := bus.Open(w.t.Context(), w.outside, bus.Config{Name: "hub", Shared: true})
	if err == nil {
		err = b.Close()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// put puts a value into the log.
func (w *world) put(kind, record, value string) {
	w.t.Helper()
	m := nats.NewMsg("aimdb.hub." + kind + "." + record)
	m.Data = []byte(value)
	m.Header.Set(bus.KeyHeader, record)
	m.Header.Set(bus.TimeHeader, "1700000000000")
	var err error
	if kind == "live" {
		err = w.nc.PublishMsg(m)
	} else {
		_, err = w.js.PublishMsg(w.t.Context(), m)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// run runs a mirror until the test ends.
func (w *world) run() (*mirror.Mirror, <-chan error) {
	w.t.Helper()
	m, err := mirror.New(mirror.Config{Server: w.outside, Log: bus.Config{Name: "hub"}, Logger: slog.New(slog.NewTextHandler(w.t.Output(), nil))})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended, over := make(chan error, 1), make(chan struct{})
	go func() {
		ended <- m.Run(ctx)
		close(over)
	}()
	w.t.Cleanup(func() {
		stop()
		<-over
	})
	select {
	case <-m.Ready():
	case <-time.After(time.Minute):
		w.t.Fatal("the mirror is not ready")
	}
	return m, ended
}

// has waits until a record has a value.
func (w *world) has(m *mirror.Mirror, record, want string) *records.Untyped {
	w.t.Helper()
	var got string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if h, ok := m.Registry().Lookup(record); ok {
			value, at, _, err := h.Get()
			if err != nil {
				w.t.Fatal(err)
			}
			if got = string(value); got == want {
				if at != 1700000000000 {
					w.t.Errorf("the time of %s is %d", record, at)
				}
				return h
			}
		}
	}
	w.t.Fatalf("the record %s has %q, want %s", record, got, want)
	return nil
}

// TestValues: the last value of each record at once, then each value as it comes.
func TestValues(t *testing.T) {
	w := newWorld(t)
	w.put("log", "a", "1")
	w.put("log", "a", "2")
	w.put("private", "secret", "3")
	m, _ := w.run()
	a := w.has(m, "a", "2")
	if a.Produced() != 1 || !a.Config().Remote || !a.Config().Logged {
		t.Errorf("%d values, %+v", a.Produced(), a.Config())
	}
	w.put("log", "a", "4")
	w.has(m, "a", "4")
	w.put("log", "new", "5")
	w.has(m, "new", "5")
	live := func() bool { _, known := m.Registry().Lookup("live"); return known }
	for !live() { // the subscription may begin later
		w.put("live", "live", "6")
		time.Sleep(time.Millisecond)
	}
	if h := w.has(m, "live", "6"); h.Config().Logged {
		t.Error("the live record persists")
	}
	secret, known := m.Registry().Lookup("secret")
	if !known || secret.Config().Remote || secret.Produced() > 0 {
		t.Fatal("the private record is unknown, remote, or has values")
	}
	w.put("private", "secret", "7")
	w.put("log", "a", "8")
	w.has(m, "a", "8")
	if secret.Produced() > 0 {
		t.Error("the private record has values")
	}
}

// TestExposure: a record that becomes private ends the mirror, and the next one keeps its
// values back. So does one that becomes Remote.
func TestExposure(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		before, after string
		remote        bool
	}{{"log", "private", false}, {"private", "log", true}} {
		w.put(c.before, "r", "1")
		_, ended := w.run()
		w.put(c.after, "r", "2")
		select {
		case err := <-ended:
			if !errors.Is(err, mirror.ErrExposure) {
				t.Fatalf("the mirror ended with %v", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("the mirror goes on")
		}
		m, _ := w.run()
		if r, known := m.Registry().Lookup("r"); !known || r.Config().Remote != c.remote {
			t.Errorf("after %s came %s: known %v, want remote %v", c.before, c.after, known, c.remote)
		}
	}
}

// TestReplacedLog: somebody deletes the log. The last values stay, and the next log is
// read from its start.
func TestReplacedLog(t *testing.T) {
	w := newWorld(t)
	for _, v := range []string{"1", "2", "3"} {
		w.put("log", "a", v)
	}
	m, _ := w.run()
	w.has(m, "a", "3")
	if err := w.js.DeleteStream(t.Context(), bus.StreamName("hub")); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); len(m.Health()) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the mirror does not say that the log is away")
		}
	}
	w.has(m, "a", "3")
	w.create()
	for _, v := range []string{"4", "5", "6"} {
		w.put("log", "a", v)
	}
	if a := w.has(m, "a", "6"); a.Produced() != 4 {
		t.Errorf("%d values were produced, want the last one of the first log and 3 of the next one", a.Produced())
	}
}

// TestOutage: the server is away until the mirror says so. What is logged before the mirror
// reads again is produced in full, and nothing twice.
func TestOutage(t *testing.T) {
	w := newWorld(t)
	w.put("log", "a", "1")
	m, _ := w.run()
	w.has(m, "a", "1")
	w.server.Kill()
	for end := time.Now().Add(time.Minute); len(m.Health()) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the mirror does not say that the server is away")
		}
	}
	w.server.Restart()
	w.server.AwaitJetStream()
	for _, v := range []string{"2", "3", "4"} {
		w.put("log", "a", v)
	}
	if a := w.has(m, "a", "4"); a.Produced() != 4 {
		t.Errorf("%d values were produced, want 4", a.Produced())
	}
}

// TestManyRecords: a record for each name of a large log, while it is purged.
func TestManyRecords(t *testing.T) {
	w := newWorld(t)
	const n = 10_000
	for i := range n {
		m := nats.NewMsg(fmt.Sprintf("aimdb.hub.log.r%d", i))
		m.Data = fmt.Append(nil, i)
		m.Header.Set(bus.KeyHeader, fmt.Sprintf("r%d", i))
		m.Header.Set(bus.TimeHeader, "1700000000000")
		if _, err := w.js.PublishMsgAsync(m); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-w.js.PublishAsyncComplete():
	case <-time.After(time.Minute):
		t.Fatal("the log takes no values")
	}
	m, _ := w.run()
	if got := len(m.Registry().Records()); got != n {
		t.Errorf("%d records, want %d", got, n)
	}
	log, err := w.js.Stream(t.Context(), bus.StreamName("hub"))
	if err == nil {
		err = log.Purge(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	w.put("log", "r7", "1")
	w.has(m, "r7", "1")
	other, _ := w.run()
	if got := len(other.Registry().Records()); got != 1 {
		t.Errorf("after the purge %d records, want 1", got)
	}
}
