package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/pgtest"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// benchBatch is a batch of 100 records that follows a sequence.
func benchBatch(after uint64) *sinks.Batch {
	const rows, base = 4096, 1_700_000_000_000
	b := &sinks.Batch{Checkpoint: history.Position{Log: "log", Sequence: after + rows}}
	if after > 0 {
		b.Previous = history.Position{Log: "log", Sequence: after}
	}
	for n := after + 1; n <= after+rows; n++ {
		b.Entries = append(b.Entries, sinks.Entry{
			Sequence: n, Record: fmt.Sprintf("temp::city%02d", n%100), Number: (n-1)/100 + 1, Time: base + int64(n/10),
			Value: fmt.Appendf(nil, `{"celsius":%d.5,"humidity":%d,"station":"station-%d","quality":"checked","at":%d}`, n%40, n%100, n%7, base+int64(n)),
		})
	}
	return b
}

// cpu returns the processor time that this process and those of the server have used.
func cpu(b *testing.B, server *pgtest.Server) map[int]time.Duration {
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		b.Fatal(err)
	}
	used := map[int]time.Duration{0: time.Duration(own.Utime.Nano() + own.Stime.Nano())}
	for _, pid := range server.PIDs() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
		if err != nil {
			continue // it has ended
		}
		var ns int64
		if _, err := fmt.Sscan(string(text), &ns); err != nil {
			b.Fatal(err)
		}
		used[pid] = time.Duration(ns)
	}
	return used
}

// spent is the processor time since a call of cpu.
func spent(b *testing.B, server *pgtest.Server, before map[int]time.Duration) (total time.Duration) {
	for pid, used := range cpu(b, server) {
		total += used - before[pid]
	}
	return total
}

// BenchmarkCopy writes batches through the sink and, in turns, copies the same bytes into a
// table of the same shape (same columns, indexes and partition) and into a plain table
// without an index. All commit with synchronous_commit=on. cpu-x-copy and cpu-x-plain are
// the processor time of the sink by that of each COPY, client and server together.
func BenchmarkCopy(b *testing.B) {
	server := pgtest.Syncing(b)
	dsn := server.Database(b)
	s, stop := start(b, postgres.Config{DSN: dsn})
	defer stop()
	exec(b, dsn, `CREATE SCHEMA bare; CREATE TABLE bare.record_history (LIKE aimdb.record_history) PARTITION BY RANGE (stored_at);
		CREATE INDEX ON bare.record_history (record_name, stored_at DESC, id DESC); CREATE INDEX ON bare.record_history (record_name, id DESC);
		CREATE TABLE bare.one PARTITION OF bare.record_history FOR VALUES FROM (1699488000000) TO (1700611200000);
		CREATE SCHEMA plain; CREATE TABLE plain.record_history (LIKE aimdb.record_history)`)
	copies := map[string]*pgx.Conn{}
	for _, schema := range []string{"bare", "plain"} {
		conn := connect(b, dsn)
		defer conn.Close(context.Background())
		if _, err := conn.Exec(b.Context(), "SET synchronous_commit = on; SET search_path = "+schema); err != nil {
			b.Fatal(err)
		}
		copies[schema] = conn
	}
	cpus, times := map[string]time.Duration{}, map[string]time.Duration{}
	measure := func(name string, do func() error) {
		before, began := cpu(b, server), time.Now()
		if err := do(); err != nil {
			b.Fatal(err)
		}
		times[name] += time.Since(began)
		cpus[name] += spent(b, server, before)
	}
	after := uint64(0)
	for b.Loop() {
		batch := benchBatch(after)
		stream := postgres.AppendRows(nil, postgres.Gathered(batch.Entries), int64(after+1), false)
		measure("sink", func() error { return s.Write(b.Context(), batch) })
		for name, conn := range copies {
			measure(name, func() error {
				_, err := conn.PgConn().CopyFrom(b.Context(), bytes.NewReader(stream), postgres.CopyText)
				return err
			})
		}
		after = batch.Checkpoint.Sequence
	}
	b.ReportMetric(float64(after)/times["sink"].Seconds(), "rows/s")
	b.ReportMetric(float64(after)/times["bare"].Seconds(), "copy-rows/s")
	b.ReportMetric(float64(cpus["sink"])/float64(cpus["bare"]), "cpu-x-copy")
	b.ReportMetric(float64(cpus["sink"])/float64(cpus["plain"]), "cpu-x-plain")
	b.ReportMetric(float64(cpus["sink"].Microseconds())/float64(after)*1000, "cpu-ns/row")
}
