package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/bus/natsd"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/records"
	"go.uber.org/goleak"
)

// The ignored goroutines belong to the staging area of atomic batches, which the server
// does not stop when it is shut down in the middle of a batch.
func TestMain(m *testing.M) {
	const server = "github.com/nats-io/nats-server/v2/server"
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction(server+".(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreTopFunction(server+".(*msgBlock).flushLoop"),
		goleak.IgnoreTopFunction(server+"/ats.Register.func1"),
	)
}

type reading struct {
	N int `json:"n"`
}

// testLog returns a logger that writes to the test's output.
func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// setup configures a log and its embedded server.
type setup struct {
	Config
	Dir, Listen string
	Access      natsd.Access
}

// testBus is a log under test, with its server.
type testBus struct {
	*Bus
	server *natsd.Server
}

func open(t testing.TB, c setup) testBus {
	t.Helper()
	b, err := tryOpen(t, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeBus(t, b) })
	return b
}

func closeBus(t testing.TB, b testBus) {
	t.Helper()
	if err := errors.Join(b.Close(), b.server.Close()); err != nil {
		t.Error(err)
	}
}

func tryOpen(t testing.TB, c setup) (testBus, error) {
	t.Helper()
	if c.Name == "" {
		c.Name = "test"
	}
	if c.Logger == nil {
		c.Logger = testLog(t)
	}
	maxMessage := DefaultMaxMessage
	if c.MaxValue > 0 {
		maxMessage = c.MaxValue + headerBytes
	}
	server, err := natsd.Open(natsd.Config{
		Name: "aimdb-" + c.Name, Dir: c.Dir, Listen: c.Listen, Access: c.Access,
		Stream: StreamName(c.Name), Readable: LogSubject(c.Name), Subjects: ReadSubjects(c.Name), MaxMessage: maxMessage,
		SyncAlways: c.Durable, Logger: c.Logger,
	})
	if err != nil {
		return testBus{}, err
	}
	server.AllowReads(natsd.Closed{})
	c.Memory = c.Dir == ""
	c.Publisher = func() Publisher { return server.Publisher() }
	b, err := Open(t.Context(), server, c.Config)
	if err != nil {
		return testBus{}, errors.Join(err, server.Close())
	}
	return testBus{b, server}, nil
}

func registry(t testing.TB) *records.Registry {
	r := records.NewRegistry(records.RegistryOptions{Logger: testLog(t)})
	t.Cleanup(r.Close)
	return r
}

func register(t testing.TB, r *records.Registry, key string, c records.Config) *records.Record[reading] {
	t.Helper()
	rec, err := records.Register[reading](r, key, c)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// republish runs a republisher until the test ends.
func republish(t testing.TB, b testBus, reg *records.Registry) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := b.Republisher(reg)
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("republisher: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// deadline bounds the wait for an event that must happen.
func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// readAll reads the log until it has n messages. Like a sink it continues after a lost
// connection: on a machine without a free processor the server's write deadline can cut
// one.
func readAll(t testing.TB, b testBus, from history.Position, n int) []Message {
	t.Helper()
	var all []Message
	for len(all) < n {
		var err error
		if all, err = readOn(t, b, from, all, n); err != nil && !errors.Is(err, ErrConsumerLost) {
			t.Fatalf("have %d of %d: %v", len(all), n, err)
		}
		if len(all) > 0 {
			from = history.Position{Log: b.Identity(), Sequence: all[len(all)-1].Sequence}
		}
	}
	return all
}

// readOn reads with one consumer.
func readOn(t testing.TB, b testBus, from history.Position, all []Message, n int) ([]Message, error) {
	t.Helper()
	c, err := b.Consumer(deadline(t), "test", from)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for len(all) < n {
		dst := make([]Message, n-len(all))
		k, err := c.Next(deadline(t), dst, 1<<20, time.Time{})
		all = append(all, dst[:k]...)
		if err != nil {
			return all, err
		}
	}
	return all, c.Ack()
}

func TestValuesReachTheLogInOrder(t *testing.T) {
	for _, durable := range []bool{false, true} {
		for _, dir := range []string{"", t.TempDir()} {
			t.Run(fmt.Sprintf("durable=%v,file=%v", durable, dir != ""), func(t *testing.T) {
				b := open(t, setup{Config: Config{Durable: durable}, Dir: dir})
				reg := registry(t)
				a := register(t, reg, "temp::vienna", records.Config{Kind: records.Ring, Capacity: 5000, Logged: true})
				c := register(t, reg, "temp.graz", records.Config{Kind: records.Ring, Capacity: 5000, Logged: true})
				republish(t, b, reg)
				const n = 3000
				for i := range n {
					a.Produce(reading{i})
					c.Produce(reading{i})
				}
				last, err := b.Flush(deadline(t), reg)
				if err != nil {
					t.Fatal(err)
				}
				if last != 2*n {
					t.Fatalf("last sequence %d, want %d", last, 2*n)
				}
				next := map[string]int{}
				for i, m := range readAll(t, b, history.Position{}, 2*n) {
					if m.Sequence != uint64(i+1) {
						t.Fatalf("message %d has sequence %d", i, m.Sequence)
					}
					if want := fmt.Sprintf(`{"n":%d}`, next[m.Record]); string(m.Value) != want {
						t.Fatalf("%s: value %s, want %s", m.Record, m.Value, want)
					}
					if m.Time == 0 {
						t.Fatal("no time")
					}
					next[m.Record]++
				}
				if next["temp::vienna"] != n || next["temp.graz"] != n {
					t.Fatalf("counts %v", next)
				}
			})
		}
	}
}

func TestProduceLoggedReturnsWhenTheLogHasTheValue(t *testing.T) {
	b := open(t, setup{})
	reg := registry(t)
	r := register(t, reg, "a", records.Config{Kind: records.Ring, Capacity: 4, Logged: true})
	republish(t, b, reg)
	for i := range 20 {
		if err := r.ProduceLogged(deadline(t), reading{i}); err != nil {
			t.Fatal(err)
		}
		last, err := b.LastSequence(deadline(t))
		if err != nil || last != uint64(i+1) {
			t.Fatalf("after value %d the log ends at %d (%v)", i, last, err)
		}
	}
}

func numberOf(t testing.TB, value []byte) int {
	t.Helper()
	var r reading
	if err := json.Unmarshal(value, &r); err != nil {
		t.Fatal(err)
	}
	return r.N
}
