package postgres_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	osexec "os/exec"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// writerDSN is the variable that makes this binary a writer into a database.
const writerDSN = "AIMDB_POSTGRES_WRITER"

const perBatch = 50

// writeUntilKilled writes batches from the checkpoint on, and prints the last sequence of
// each one that is stored.
func writeUntilKilled(dsn string) {
	ctx := context.Background()
	s, err := postgres.Open(ctx, postgres.Config{DSN: dsn})
	if err == nil {
		go func() { _ = s.Run(ctx) }() // it ends with the process
		err = s.WaitActive(ctx)
	}
	var b sinks.Batch
	if err == nil {
		b.Checkpoint, err = s.Checkpoint(ctx)
	}
	for err == nil {
		b.Previous, b.Entries = b.Checkpoint, b.Entries[:0]
		b.Checkpoint = history.Position{Log: "log", Sequence: b.Previous.Sequence + perBatch}
		for n := b.Previous.Sequence + 1; n <= b.Checkpoint.Sequence; n++ {
			m := flowMessage(int(n))
			b.Entries = append(b.Entries, sinks.Entry{Sequence: n, Record: m.Record, Time: m.Time, Value: m.Value})
		}
		if err = s.Write(ctx, &b); err == nil {
			_, err = fmt.Println(b.Checkpoint.Sequence)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestKilledWriter kills a writing process many times. The next one goes on after what is
// stored. Each value is stored once, and all that was reported is there.
func TestKilledWriter(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	for round := range 10 {
		reported := killAfter(t, dsn, 3+2*round)
		s := open(t, postgres.Config{DSN: dsn})
		at, err := s.Checkpoint(t.Context())
		if err != nil || int(at.Sequence) < reported {
			t.Fatalf("the checkpoint is %v (%v), and %d was reported", at, err, reported)
		}
	}
	s, stop := start(t, postgres.Config{DSN: dsn})
	waitActive(t, s) // so that the last one has ended in the server too
	at, err := s.Checkpoint(t.Context())
	stop()
	if err != nil {
		t.Fatal(err)
	}
	holds(t, dsn, int(at.Sequence))
}

// killAfter runs a writer, kills it after it has reported some batches, and returns the
// last one.
func killAfter(t *testing.T, dsn string, batches int) (last int) {
	t.Helper()
	cmd := osexec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerDSN+"="+dsn)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if _, err := fmt.Sscan(lines.Text(), &last); err != nil {
			t.Fatal(err)
		}
		if n == batches {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the writer ended by itself")
	}
	return last
}
