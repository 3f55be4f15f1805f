package postgres

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/aimdb-go/aimdb/history"
)

// sweepLock is the first number of the advisory lock of a sweep, beside those of store.go.
const sweepLock int32 = 0x61696d03

// rowCount is a number of rows and the size of their values.
type rowCount struct{ rows, bytes int64 }

// sweep is one run of Prune, Preview or a recount. It has a connection of its own, so
// that it takes none from the readers.
type sweep struct {
	store *Store
	conn  *pgx.Conn
	gone  map[string]rowCount
	// freed is the size of the partitions that were dropped.
	freed int64
}

// connectionOfItsOwn takes a connection out of the pool. The caller closes it.
func (s *Store) connectionOfItsOwn(ctx context.Context) (*pgx.Conn, error) {
	pool, err := s.db(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, s.explained("connect for a sweep", err)
	}
	own := conn.Hijack()
	// A sweep counts whole partitions, and is planned for what it has to do now.
	if _, err := own.Exec(ctx, "SET plan_cache_mode = force_custom_plan; SET enable_seqscan = on; SET enable_bitmapscan = on"); err != nil {
		return nil, s.explained("connect for a sweep", errors.Join(err, closeConn(ctx, own)))
	}
	return own, nil
}

// withSweep waits until no other process or goroutine sweeps this history, counts rows
// that are not counted, and does something. To close the connection ends the lock, also
// if the process is killed.
func (s *Store) withSweep(ctx context.Context, do func(*sweep) error) (err error) {
	conn, err := s.connectionOfItsOwn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.explained("end a sweep", closeConn(ctx, conn))) }()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1, $2)", sweepLock, lockNumber(s.config.Schema)); err != nil {
		return s.explained("wait for another sweep", err)
	}
	w := &sweep{store: s, conn: conn, gone: map[string]rowCount{}}
	if err := w.recount(ctx); err != nil {
		return err
	}
	return do(w)
}

// closeConn closes a connection, also if the context has ended.
func closeConn(ctx context.Context, conn *pgx.Conn) error {
	if conn.IsClosed() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
	defer cancel()
	return conn.Close(ctx)
}

// transact runs a transaction, and runs it again if it met another one or waited too long
// for a lock. Nothing of it has to be synced: rows that a power loss brings back are
// counted again with them, and pruned again.
func (w *sweep) transact(ctx context.Context, doing string, do func(pgx.Tx) error) error {
	const tries = 5
	var err error
	for range tries {
		err = pgx.BeginFunc(ctx, w.conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SELECT set_config('synchronous_commit', 'off', true), set_config('lock_timeout', '2s', true)"); err != nil {
				return err
			}
			return do(tx)
		})
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || !slices.Contains([]string{"40P01", "40001", "55P03"}, pg.Code) {
			break
		}
	}
	return w.store.explained(doing, err)
}

// holdWriter makes the writer wait before it has locked anything else, so that the two
// cannot wait for each other.
func holdWriter(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "SELECT FROM aimdb_checkpoint FOR UPDATE")
	return err
}

// addCounts changes the counts of records by numbers of rows and bytes.
func addCounts(ctx context.Context, tx pgx.Tx, counts map[string]rowCount, sign int64) error {
	names := slices.Sorted(maps.Keys(counts))
	rows, bytes := make([]int64, len(names)), make([]int64, len(names))
	for i, name := range names {
		rows[i], bytes[i] = sign*counts[name].rows, sign*counts[name].bytes
	}
	_, err := tx.Exec(ctx, `INSERT INTO aimdb_record AS r (record_name, rows, bytes)
		SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[]) ON CONFLICT (record_name)
		DO UPDATE SET rows = r.rows + excluded.rows, bytes = r.bytes + excluded.bytes`, names, rows, bytes)
	return err
}

// took notes that rows of a record were deleted.
func (w *sweep) took(record string, c rowCount) {
	have := w.gone[record]
	if c.rows > 0 {
		w.gone[record] = rowCount{have.rows + c.rows, have.bytes + c.bytes}
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// fill puts what was deleted into a report.
func (w *sweep) fill(report *history.PruneReport) {
	report.Records, report.FreedBytes = []history.PrunedRecord{}, w.freed
	for _, record := range slices.Sorted(maps.Keys(w.gone)) {
		c := w.gone[record]
		report.Records = append(report.Records, history.PrunedRecord{Record: record, Rows: c.rows, Bytes: c.bytes})
		report.Rows, report.Bytes = report.Rows+c.rows, report.Bytes+c.bytes
	}
}

// note notes when a sweep ended, which time it trusted, and that all rows up to an ID were
// stored by then. One such mark a minute is enough. Marks before all limits of age are
// dropped, except the last one.
func (w *sweep) note(ctx context.Context, plan history.PrunePlan, lastID int64, waited time.Duration, held bool) error {
	trusted, oldest := plan.Now, int64(1<<63-1)
	if held {
		trusted = plan.Trusted
	}
	for _, k := range plan.Keep {
		oldest = min(oldest, cmp.Or(k.Before, oldest))
	}
	return w.transact(ctx, "note a sweep", func(tx pgx.Tx) error {
		if err := setMeta(ctx, tx, "last_prune", itoa(time.Now().UnixMilli())); err != nil || plan.Now == 0 {
			return err
		}
		for _, step := range []struct {
			text string
			args []any
		}{
			{`INSERT INTO aimdb_meta AS m (key, value) VALUES ('trusted_time', $1) ON CONFLICT (key)
				DO UPDATE SET value = greatest(m.value::bigint, excluded.value::bigint)::text`, []any{itoa(trusted)}},
			{`INSERT INTO aimdb_sweep AS s (last_id, at) SELECT $1::bigint, $2::bigint WHERE $1 > 0 AND NOT EXISTS (SELECT FROM aimdb_sweep WHERE at BETWEEN $2 - 60000 AND $2)
				ON CONFLICT (last_id) DO UPDATE SET at = least(s.at, excluded.at)`, []any{lastID, plan.Now + waited.Milliseconds()}},
			{"DELETE FROM aimdb_sweep WHERE last_id < (SELECT max(last_id) FROM aimdb_sweep WHERE at < $1)", []any{oldest}},
		} {
			if _, err := tx.Exec(ctx, step.text, step.args...); err != nil {
				return err
			}
		}
		return nil
	})
}
