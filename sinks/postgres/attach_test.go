package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// TestReadersSeeNewPartitions: each batch has a partition of its own, and what is read up to
// a position has no gap.
func TestReadersSeeNewPartitions(t *testing.T) {
	t.Parallel()
	s, stop := start(t, postgres.Config{DSN: server.Database(t), Logger: quiet(), Partition: time.Millisecond})
	defer stop()
	waitActive(t, s)
	done, results := make(chan struct{}), make(chan error)
	const readers, batches = 4, 30
	for range readers {
		go func() {
			for {
				if err := readNewest(t, s); err != nil {
					results <- err
					return
				}
				select {
				case <-done:
					results <- nil
					return
				default:
				}
			}
		}()
	}
	for n := range batches {
		if err := writeErr(t, s, row("r", int64(n), "1")); err != nil {
			t.Error(err)
			break
		}
	}
	close(done)
	for range readers {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// readNewest reads the last rows up to a position. The row n has the time n-1.
func readNewest(t *testing.T, s *postgres.Store) error {
	at, err := s.Position(t.Context())
	if err != nil || at.MaxID < 0 {
		return err
	}
	from := max(at.MaxID-8, 0)
	q := history.RangeQuery{Pattern: key.WirePattern("#"), Window: history.Window{Start: &from}, MaxID: at.MaxID}
	next := from
	for row, err := range s.Range(t.Context(), q) {
		if err != nil || row.Time != next {
			return fmt.Errorf("a row has the time %d, want %d (%w)", row.Time, next, err)
		}
		next++
	}
	if next != at.MaxID {
		return fmt.Errorf("the rows end before the time %d, and the position has %d rows", next, at.MaxID)
	}
	return nil
}

// TestPartitionsComeBeforeRows: a partition is there although the batch that needs it fails,
// since no row may become visible together with its partition.
func TestPartitionsComeBeforeRows(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	waitActive(t, s)
	exec(t, dsn, cutOff)
	if err := writeErr(t, s, row("r", 3*week, "1")); err == nil {
		t.Fatal("the batch is stored")
	}
	exec(t, dsn, "DROP FUNCTION cut_off CASCADE")
	if have := partitions(t, dsn); have != "3" {
		t.Errorf("the partitions are of the weeks %q, want that of the week 3", have)
	}
	same(t, everything(t, s))
	write(t, s, row("r", 3*week, "1"))
	same(t, everything(t, s), fmt.Sprintf("r %d 1", 3*week))
}

// TestAttachBesideALongQuery: a batch that needs a partition is stored while a query runs on,
// which may be a verification or a dump.
func TestAttachBesideALongQuery(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	waitActive(t, s)
	reader := connect(t, dsn)
	defer reader.Close(t.Context())
	if _, err := reader.Exec(t.Context(), "BEGIN; SELECT FROM record_history"); err != nil {
		t.Fatal(err)
	}
	write(t, s, row("r", 3*week, "1"))
	same(t, everything(t, s), fmt.Sprintf("r %d 1", 3*week))
}
