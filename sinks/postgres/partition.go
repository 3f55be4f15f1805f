package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/aimdb-go/aimdb/sinks"
)

// Times before 1970 and from year2200 on are in two partitions of their own, which are made
// with the history: record_history_early and record_history_late. There is no default
// partition: one would have to be locked and read whenever a partition is added.
const year2200 = 7_258_118_400_000

// The partitions that are there from the start.
const (
	earlyPartition = "record_history_early"
	latePartition  = "record_history_late"
)

// lateFrom is where the last partition begins.
func lateFrom(width int64) int64 { return year2200 / width * width }

// partitionStart returns where the partition of a time begins. It has none of its own if
// ok is false.
func partitionStart(time, width int64) (start int64, ok bool) {
	if time < 0 || time >= lateFrom(width) {
		return 0, false
	}
	return time - time%width, true
}

func partitionName(start int64) string { return fmt.Sprintf("record_history_%d", start) }

func createEdges(ctx context.Context, tx pgx.Tx, width int64) error {
	for name, bounds := range map[string]string{
		earlyPartition: "FROM (MINVALUE) TO (0)",
		latePartition:  fmt.Sprintf("FROM (%d) TO (MAXVALUE)", lateFrom(width)),
	} {
		if _, err := tx.Exec(ctx, fmt.Sprintf("CREATE TABLE %s PARTITION OF record_history FOR VALUES %s", name, bounds)); err != nil {
			return err
		}
	}
	return nil
}

// partitions knows which partitions there are. A sweep may drop one that it knows; storing
// into that fails with a check violation, after which it forgets all.
type partitions struct {
	width int64
	known map[int64]bool
}

// missing returns the starts of the partitions of entries that are not known, sorted.
func (p *partitions) missing(entries []sinks.Entry) (starts []int64) {
	last := int64(-1)
	for i := range entries {
		start, ok := partitionStart(entries[i].Time, p.width)
		if !ok || start == last {
			continue
		}
		if last = start; !p.known[start] && !slices.Contains(starts, start) {
			starts = append(starts, start)
		}
	}
	slices.Sort(starts)
	return starts
}

// create makes the partitions that do not exist. To attach one locks the table against
// other changes of its structure, and against no reader and no writer.
func (p *partitions) create(ctx context.Context, conn *pgx.Conn, starts []int64) error {
	for _, start := range starts {
		name := partitionName(start)
		var found bool
		err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = to_regclass('record_history') AND inhrelid = to_regclass($1))`, name).Scan(&found)
		if err == nil && !found {
			_, err = conn.Exec(ctx, fmt.Sprintf(`CREATE TABLE %[1]s (LIKE record_history INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
				ALTER TABLE record_history ATTACH PARTITION %[1]s FOR VALUES FROM (%[2]d) TO (%[3]d)`, name, start, start+p.width))
		}
		if err != nil {
			return fmt.Errorf("make the partition %s: %w", name, err)
		}
	}
	return nil
}

// note adds partitions after the transaction that made them was committed.
func (p *partitions) note(starts []int64) {
	for _, start := range starts {
		p.known[start] = true
	}
}

// dropped reports whether an error says that a partition is missing.
func dropped(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23514" && pg.ConstraintName == ""
}
