package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/pump"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// flow is a log that grows, and a pump that moves it into a store.
type flow struct {
	dsn   string
	log   *sinktest.Log
	store *postgres.Store
	pump  *pump.Pump
	stop  func()

	mu    sync.Mutex
	added int
}

const flowRecords = 5

func flowMessage(n int) bus.Message {
	return bus.Message{Record: fmt.Sprintf("test::r%d", n%flowRecords), Time: 1_700_000_000_000 + int64(n), Value: fmt.Appendf(nil, `{"n":%d}`, n)}
}

// newFlow starts a store and a pump. The checks read with dsn, the store uses that of its
// configuration.
func newFlow(t *testing.T, dsn string, log *sinktest.Log, c postgres.Config) *flow {
	t.Helper()
	f := &flow{dsn: dsn, log: log}
	if c.DSN == "" {
		c.DSN = dsn
	}
	c.Logger = quiet()
	var stopStore func()
	f.store, stopStore = start(t, c)
	var err error
	f.pump, err = pump.New(pump.Config{Source: log, Sink: f.store, Batch: 256, Linger: 2 * time.Millisecond, RetryMin: 2 * time.Millisecond, RetryMax: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.pump.Run(ctx) }()
	var once sync.Once
	f.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			stopStore()
		})
	}
	t.Cleanup(f.stop)
	return f
}

// add appends messages to the log.
func (f *flow) add(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for range n {
		f.added++
		f.log.Add(flowMessage(f.added))
	}
}

// load adds messages until it is stopped.
func (f *flow) load() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		for ctx.Err() == nil {
			f.add(20)
			<-ticker.C
		}
	})
	return func() { cancel(); done.Wait() }
}

// await waits until so many more messages are stored.
func (f *flow) await(t *testing.T, more int) {
	t.Helper()
	f.awaitAt(t, f.pump.Stats().Checkpoint.Sequence+uint64(more))
}

func (f *flow) awaitAt(t *testing.T, sequence uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	if err := f.pump.WaitStored(ctx, sequence); err != nil {
		t.Fatalf("%d are to be stored: %v; %+v", sequence, err, f.pump.Stats())
	}
}

// exactlyOnce waits until everything is stored and compares it with what was added.
func (f *flow) exactlyOnce(t *testing.T) {
	t.Helper()
	f.awaitAt(t, uint64(f.added))
	f.stop()
	holds(t, f.dsn, f.added)
	if n := ask[int](t, f.dsn, "SELECT (SELECT count(*) FROM aimdb_loss)::int + (SELECT count(*) FROM aimdb_dead_letter)::int"); n != 0 {
		t.Errorf("%d losses and dead letters", n)
	}
}

// holds fails the test unless the history has the first messages, each once, with IDs
// without a gap, those of each record in their order.
func holds(t *testing.T, dsn string, n int) {
	t.Helper()
	rows := stored(t, dsn)
	if len(rows) != n {
		t.Errorf("%d rows, want %d", len(rows), n)
	}
	next := map[string]int{}
	for n := flowRecords; n > 0; n-- {
		next[flowMessage(n).Record] = n
	}
	for i, row := range rows {
		want := flowMessage(next[row.Record])
		if row.ID != int64(i+1) || row.Time != want.Time || string(row.Value) != string(want.Value) {
			t.Fatalf("row %d is %d %s %d %s, want %s", i+1, row.ID, row.Record, row.Time, row.Value, want.Value)
		}
		next[row.Record] += flowRecords
	}
	if counted := ask[int](t, dsn, "SELECT sum(rows)::int FROM aimdb_record"); counted != n {
		t.Errorf("%d rows are counted, want %d", counted, n)
	}
	if at := ask[int](t, dsn, "SELECT sequence::int FROM aimdb_checkpoint"); at != n {
		t.Errorf("the checkpoint is %d, want %d", at, n)
	}
}
