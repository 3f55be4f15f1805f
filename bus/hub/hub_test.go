package hub_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/hub"
	"github.com/aimdb-go/aimdb/bus/natsd"
	"github.com/aimdb-go/aimdb/internal/tcpproxy"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func TestMain(m *testing.M) {
	const server = "github.com/nats-io/nats-server/v2/server"
	goleak.VerifyTestMain(m,
		// A stream that is closed waits on for the consumer of a source, up to 30 seconds.
		goleak.IgnoreAnyFunction(server+".(*stream).trySetupSourceConsumer.func3"),
		goleak.IgnoreTopFunction(server+".(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreTopFunction(server+".(*msgBlock).flushLoop"),
		goleak.IgnoreTopFunction(server+"/ats.Register.func1"),
	)
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func testLog(t testing.TB) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

// center is a hub under test, with its server.
type center struct {
	*hub.Hub
	server *natsd.Server
	nc     *nats.Conn
	js     jetstream.JetStream
}

func siteOf(name string) natsd.Site {
	return natsd.Site{Name: name, Password: "of " + name, Domain: bus.Domain(name), Stream: bus.StreamName(name), Deliver: bus.DeliverPrefix(name)}
}

// openHub opens a hub of sites and an embedded server in a directory.
func openHub(t testing.TB, dir string, c hub.Config, sites ...string) *center {
	t.Helper()
	c.Logger, c.Every, c.SleepAfter = testLog(t), 100*time.Millisecond, hub.MinSleepAfter
	config := natsd.Config{Name: "hub", Dir: dir, LeafListen: "127.0.0.1:0", Stream: bus.HubStreamName("hub"), Readable: "aimdb.*.log.>", MaxMessage: 8 << 20, Logger: c.Logger}
	for _, site := range sites {
		c.Sites = append(c.Sites, hub.Site{Name: site})
		config.Sites = append(config.Sites, siteOf(site))
	}
	server, err := natsd.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &center{server: server}
	if h.Hub, err = hub.Open(deadline(t), server, c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	if h.nc, err = server.Connect(deadline(t), "test"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.nc.Close)
	if h.js, err = jetstream.New(h.nc); err != nil {
		t.Fatal(err)
	}
	return h
}

// run runs the hub until the end of the test.
func (h *center) run(t testing.TB) {
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// site is a database that joins a hub.
type site struct {
	db           *aimdb.DB
	open, secret *aimdb.Record[int]
	stop         func()
	n            int
}

// startSite runs a database that joins an embedded hub.
func startSite(t testing.TB, dir, name, address string, opts ...aimdb.Option) *site {
	t.Helper()
	return startSiteAt(t, dir, name, aimdb.LeafRemote{URLs: []string{"nats-leaf://" + address}, User: name, Password: "of " + name}, opts...)
}

// startSiteAt runs a database with an open and a private record.
func startSiteAt(t testing.TB, dir, name string, remote aimdb.LeafRemote, opts ...aimdb.Option) *site {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := aimdb.New(append([]aimdb.Option{aimdb.Name(name), aimdb.Dir(dir), aimdb.Leaf(remote), aimdb.Logger(testLog(t)),
		aimdb.WithPersistence(store, 0)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{db: db}
	s.open, err = aimdb.Register[int](db, "room::open", aimdb.Ring(10_000), aimdb.Persist(), aimdb.Remote())
	if err == nil {
		s.secret, err = aimdb.Register[int](db, "room::secret", aimdb.Ring(10_000), aimdb.Persist())
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(s.stop)
	select {
	case <-db.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	return s
}

// produce makes n values of each record, and flushes them.
func (s *site) produce(t testing.TB, n int) {
	t.Helper()
	for range n {
		s.n++
		s.secret.Produce(-s.n)
		s.open.Produce(s.n)
	}
	if err := s.db.Flush(deadline(t)); err != nil {
		t.Fatal(err)
	}
}

// values returns the values of a site in the stream of the hub, in its order.
func (h *center) values(t testing.TB, site string) (all []string) {
	t.Helper()
	stream, err := h.js.Stream(deadline(t), bus.HubStreamName("hub"))
	if err != nil {
		t.Fatal(err)
	}
	state := stream.CachedInfo().State
	for sequence := state.FirstSeq; sequence > 0 && sequence <= state.LastSeq; sequence++ {
		m, err := stream.GetMsg(deadline(t), sequence)
		if err != nil {
			t.Fatal(err)
		}
		if m.Subject == "aimdb."+site+".log.room.open" {
			all = append(all, string(m.Data))
		} else if m.Subject != "aimdb."+site+".log.room.open" && len(m.Subject) > 6 && m.Subject[6:6+len(site)] == site {
			t.Fatalf("the hub has %s of %s", m.Data, m.Subject)
		}
	}
	return all
}

func upTo(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint(i+1))
	}
	return all
}

// await waits until the hub has all of a site that it may read, and returns what it has.
func (h *center) await(t testing.TB, name string) hub.SiteVerification {
	t.Helper()
	ctx := deadline(t)
	for {
		v, err := h.Verify(ctx)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(v.Sites, func(s hub.SiteVerification) bool { return s.Site == name })
		if s := v.Sites[at]; s.Compared && s.Lag == 0 {
			return s
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%+v", v)
		}
	}
}

// A hub has the values of all sites, also of one that was cut off, once and in order. It
// never has those of private records.
func TestASiteCatchesUpAfterACut(t *testing.T) {
	t.Parallel()
	h := openHub(t, t.TempDir(), hub.Config{}, "north", "south")
	h.run(t)
	wire, err := tcpproxy.New(h.server.LeafAddr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Cut)
	north := startSite(t, t.TempDir(), "north", wire.Address())
	south := startSite(t, t.TempDir(), "south", h.server.LeafAddr())
	north.produce(t, 10)
	south.produce(t, 7)
	h.await(t, "north")
	h.await(t, "south")
	wire.Cut()
	north.produce(t, 20)
	south.produce(t, 5)
	h.await(t, "south")
	if got := h.values(t, "north"); !slices.Equal(got, upTo(10)) {
		t.Fatalf("while it is cut off, the hub has %v of north", got)
	}
	v, err := h.Verify(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	if s := v.Sites[0]; s.Answers || s.Verdict != hub.Complete || len(s.Notes) != 1 {
		t.Errorf("a site that is cut off: %+v", s)
	}
	if err := wire.Join(); err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]int{"north": 30, "south": 12} {
		s := h.await(t, name)
		if s.Verdict != hub.Complete || len(s.Holes)+len(s.Missing) > 0 {
			t.Errorf("%+v", s)
		}
		if got := h.values(t, name); !slices.Equal(got, upTo(n)) {
			t.Errorf("the hub has %v of %s", got, name)
		}
		log := s.Logs[0]
		if len(s.Logs) != 1 || log.Messages != uint64(n) || log.Records != 1 || log.NotSent != log.Last-log.First+1-uint64(n) || log.NotSent == 0 {
			t.Errorf("the logs of %s are %+v", name, s.Logs)
		}
	}
}
