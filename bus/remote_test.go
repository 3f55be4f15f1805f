package bus

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/records"
)

// remote is a server of which only the address is known.
type remote struct {
	url  string
	done chan struct{}
}

func (r remote) Connect(_ context.Context, purpose string, opts ...nats.Option) (*nats.Conn, error) {
	return nats.Connect(r.url, append([]nats.Option{nats.Name(purpose)}, opts...)...)
}
func (r remote) Done() <-chan struct{}       { return r.done }
func (r remote) SyncMetadata() error         { return nil }
func (r remote) Reopen() bool                { return false }
func (r remote) Writable() error             { return nil }
func (r remote) Listens() bool               { return true }
func (r remote) SubscriptionChanges() uint64 { return 0 }
func (r remote) Subscribed(string) bool      { return true }
func (r remote) Clients() (int, int64)       { return 0, 0 }

// Any server with JetStream can store a log, over an ordinary connection.
func TestLogOverAnOrdinaryConnection(t *testing.T) {
	for _, durable := range []bool{false, true} {
		t.Run(fmt.Sprintf("durable=%v", durable), func(t *testing.T) {
			node, err := server.NewServer(&server.Options{
				Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: durable,
			})
			if err != nil {
				t.Fatal(err)
			}
			node.Start()
			defer node.WaitForShutdown()
			defer node.Shutdown()
			if !node.ReadyForConnections(time.Minute) {
				t.Fatal("the server is not ready")
			}
			b, err := Open(t.Context(), remote{node.ClientURL(), make(chan struct{})}, Config{Name: "test", Durable: durable, Logger: testLog(t)})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			}()
			reg := registry(t)
			r := register(t, reg, "a", records.Config{Kind: records.Ring, Capacity: 5000, Logged: true})
			live := register(t, reg, "b", records.Config{Kind: records.Ring, Capacity: 100, Remote: true})
			log := testBus{Bus: b}
			stop := republish(t, log, reg)
			const n = 3000
			for i := range n {
				r.Produce(reading{i})
			}
			if err := r.ProduceLogged(deadline(t), reading{n}); err != nil {
				t.Fatal(err)
			}
			for i, m := range readAll(t, log, history.Position{}, n+1) {
				if want := fmt.Sprintf(`{"n":%d}`, i); string(m.Value) != want || m.Record != "a" {
					t.Fatalf("message %d is %s of %s, want %s", i+1, m.Value, m.Record, want)
				}
			}
			sub, err := b.nc.SubscribeSync("aimdb.test.live.b")
			if err != nil {
				t.Fatal(err)
			}
			produceUntil(t, live, sub)
			stop()
		})
	}
}
