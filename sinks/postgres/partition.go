package postgres

import (
	"cmp"
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

// Times of values may be far from those of their writes, and anywhere. So many partitions
// as they could need would be too many for a query. What is further away than nearSpans is
// in partitions of wideSpans spans each, as long as none of these has one of its own.
const (
	nearSpans = 52
	wideSpans = 64
)

func wideName(start int64) string { return partitionName(start) + "_wide" }

// wideStart returns where the wide partition of a time begins.
func wideStart(time, width int64) int64 { return time - time%(wideSpans*width) }

// wideEnd returns where the wide partition ends that begins at a time.
func wideEnd(start, width int64) int64 { return min(start+wideSpans*width, lateFrom(width)) }

// place is a span without a partition. far says that it may be part of a wide one.
type place struct {
	start int64
	far   bool
}

// partitions knows which partitions there are. A sweep may drop one that it knows; storing
// into that fails with a check violation, after which it forgets all and stores the batch again
// while none is dropped.
type partitions struct {
	width int64
	known map[int64]bool
}

// missing returns the places of entries whose partitions are not known, sorted.
func (p *partitions) missing(entries []sinks.Entry) (places []place) {
	last := int64(-1)
	for i := range entries {
		e := &entries[i]
		start, ok := partitionStart(e.RowTime(), p.width)
		if !ok || start == last {
			continue
		}
		if last = start; p.known[start] || slices.ContainsFunc(places, func(have place) bool { return have.start == start }) {
			continue
		}
		far := e.RowTime() - e.Time
		places = append(places, place{start, max(far, -far) > nearSpans*p.width})
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.start, b.start) })
	return places
}

// create makes the partitions that do not exist, in a transaction that stores no rows. It
// makes the writer wait, so that no two make the same partition.
//
// ATTACH PARTITION alone waits for no reader, and PostgreSQL shows a commit to other sessions
// before it tells them to plan their queries again. A reader with a plan from before could
// see the checkpoint of a batch and not its rows. So readers wait while one is attached, and
// rows are stored after that was committed.
func (p *partitions) create(ctx context.Context, tx pgx.Tx, places []place) error {
	if err := holdWriter(ctx, tx); err != nil {
		return err
	}
	alone := false
	for _, at := range places {
		wide := wideStart(at.start, p.width)
		name, from, to := partitionName(at.start), at.start, at.start+p.width
		var found, narrow bool
		err := tx.QueryRow(ctx, partitionText, name, wideName(wide), wide, wideEnd(wide, p.width)).Scan(&found, &narrow)
		if err == nil && !found {
			if at.far && !narrow {
				name, from, to = wideName(wide), wide, wideEnd(wide, p.width)
			}
			if !alone {
				alone, err = true, holdReaders(ctx, tx)
			}
		}
		if err == nil && !found {
			_, err = tx.Exec(ctx, fmt.Sprintf(`CREATE TABLE %[1]s (LIKE record_history INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
				ALTER TABLE record_history ATTACH PARTITION %[1]s FOR VALUES FROM (%[2]d) TO (%[3]d)`, name, from, to))
		}
		if err != nil {
			return fmt.Errorf("make the partition %s: %w", name, err)
		}
	}
	return nil
}

// holdReaders makes queries wait until the transaction ends. Those that begin now wait for
// those that run, so it gives up after a short time: a verification or a dump may take
// minutes. Then the partition is attached beside them.
func holdReaders(ctx context.Context, tx pgx.Tx) error {
	err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '300ms'; LOCK TABLE ONLY record_history IN ACCESS EXCLUSIVE MODE")
		return err
	})
	if locked(err) {
		return nil
	}
	return err
}

// beginner is a pool or a connection.
type beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
	QueryRow(ctx context.Context, text string, args ...any) pgx.Row
}

// prepare makes the partitions of entries that are not known, and commits them. Those that
// exist already cost a query each.
func (p *partitions) prepare(ctx context.Context, on beginner, entries []sinks.Entry) error {
	var absent []place
	for _, at := range p.missing(entries) {
		var found, narrow bool
		wide := wideStart(at.start, p.width)
		if err := on.QueryRow(ctx, partitionText, partitionName(at.start), wideName(wide), wide, wideEnd(wide, p.width)).Scan(&found, &narrow); err != nil {
			return fmt.Errorf("look for the partition %s: %w", partitionName(at.start), err)
		}
		if found {
			p.known[at.start] = true
		} else {
			absent = append(absent, at)
		}
	}
	if len(absent) == 0 {
		return nil
	}
	err := pgx.BeginFunc(ctx, on, func(tx pgx.Tx) error { return p.create(ctx, tx, absent) })
	if err == nil {
		p.note(absent)
	}
	return err
}

// partitionText reads whether a place has a partition, narrow or wide, and whether the
// span of the wide one has any that are narrow.
const partitionText = `WITH p AS (SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass('record_history'))
	SELECT EXISTS (SELECT FROM p WHERE relname IN ($1, $2)),
		EXISTS (SELECT FROM p WHERE substring(relname FROM '^record_history_(\d+)$')::bigint >= $3 AND substring(relname FROM '^record_history_(\d+)$')::bigint < $4)`

// note adds partitions after the transaction that made them was committed.
func (p *partitions) note(places []place) {
	for _, at := range places {
		p.known[at.start] = true
	}
}

// dropped reports whether an error says that a partition is missing.
func dropped(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23514" && pg.ConstraintName == ""
}
