package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// TestReplaceWhileBatchesAreWritten: each batch is in the old history or in the new one as
// a whole, and a writer whose history was replaced notices that, also if it is idle.
func TestReplaceWhileBatchesAreWritten(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	c := postgres.Config{DSN: dsn, Logger: quiet()}
	for round := range 5 {
		fresh := c
		fresh.Schema = "fresh"
		f, err := postgres.Open(t.Context(), fresh)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		replaced := s.Replaced()
		written, some := make(chan int, 1), make(chan struct{})
		ctx, end := context.WithCancel(t.Context())
		go func() {
			for n := 0; ; n++ {
				if n == 10 {
					close(some)
				}
				err := sinktest.Append(ctx, s, &sinks.Batch{Entries: []sinks.Entry{{Record: "a", Time: int64(n), Value: []byte("1")}, {Record: "b", Time: int64(n), Value: []byte("1")}}})
				if err != nil || ctx.Err() != nil {
					written <- n
					return
				}
			}
		}()
		select {
		case <-some:
		case n := <-written:
			t.Fatalf("the writer ended after %d batches", n)
		}
		kept, err := postgres.Replace(t.Context(), c, "fresh")
		if err != nil {
			t.Fatal(err)
		}
		if round%2 == 0 {
			end()
		}
		select {
		case <-replaced:
		case <-time.After(patience):
			t.Fatal("the writer did not notice")
		}
		end()
		<-written
		for _, schema := range []string{kept, "aimdb"} {
			if n := ask[int](t, dsn, fmt.Sprintf("SELECT abs((SELECT count(*) FROM %[1]s.record_history) - (SELECT next_id - 1 FROM %[1]s.aimdb_checkpoint))", schema)); n != 0 {
				t.Errorf("round %d: schema %s has %d rows more or less than its checkpoint says", round, schema, n)
			}
		}
		exec(t, dsn, "INSERT INTO record_history (record_name, value_json, stored_at) VALUES ('foreign', '1', -1)")
		exec(t, dsn, fmt.Sprintf("DROP SCHEMA %s CASCADE", kept))
	}
}

// TestReplaceWaitsForABatch: a batch that has begun ends in the history in which it began.
func TestReplaceWaitsForABatch(t *testing.T) {
	dsn := server.Database(t)
	c := postgres.Config{DSN: dsn, Logger: quiet()}
	open(t, c)
	fresh := c
	fresh.Schema = "fresh"
	open(t, fresh)
	conn := connect(t, dsn)
	defer conn.Close(context.Background())
	tx, err := conn.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), "UPDATE aimdb_checkpoint SET next_id = next_id + 1")
	}
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		kept string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		kept, err := postgres.Replace(t.Context(), c, "fresh")
		done <- result{kept, err}
	}()
	until(t, dsn, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'LOCK TABLE%')")
	if _, err := tx.Exec(t.Context(), "INSERT INTO record_history VALUES (1, 'a', '1', -1)"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	if n := ask[int](t, dsn, "SELECT count(*) FROM "+r.kept+".record_history"); n != 1 {
		t.Errorf("the old history has %d rows of the batch", n)
	}
}

// TestDiscard: a schema that somebody writes to, or that is no history, stays.
func TestDiscard(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	c := postgres.Config{DSN: dsn, Logger: quiet()}
	if err := postgres.Discard(t.Context(), c); err != nil {
		t.Errorf("without a schema: %v", err)
	}
	s, stop := start(t, c)
	write(t, s, row("a", 1, "1"))
	if err := postgres.Discard(t.Context(), c); err == nil {
		t.Error("a history was deleted while a process writes to it")
	}
	stop()
	if err := postgres.Discard(t.Context(), c); err != nil {
		t.Error(err)
	}
	if err := postgres.Find(t.Context(), c); !errors.Is(err, postgres.ErrNoHistory) {
		t.Errorf("Find gives %v", err)
	}
	exec(t, dsn, "CREATE SCHEMA theirs; CREATE TABLE theirs.important (n int)")
	c.Schema = "theirs"
	if err := postgres.Discard(t.Context(), c); !errors.Is(err, postgres.ErrForeign) {
		t.Errorf("a schema of somebody else: %v", err)
	}
}

func TestParseDSN(t *testing.T) {
	for dsn, want := range map[string]string{
		"postgres://u:secret@db.example.com/hub":                 "postgres://db.example.com:5432/hub",
		"postgres://u:secret@127.0.0.1:99/hub?search_path=other": "postgres://127.0.0.1:99/hub?search_path=other",
		"host=/run/pg dbname=hub user=u password=secret":         "postgres:///hub?host=/run/pg",
		"host=/run/pg dbname=hub search_path=x user=u":           "postgres:///hub?host=/run/pg&search_path=x",
	} {
		at, err := postgres.ParseDSN(dsn)
		if err != nil || at.String() != want || at.Local() == (at.Host == "db.example.com") {
			t.Errorf("%s: %s, local %v, %v", dsn, at, at.Local(), err)
		}
	}
}
