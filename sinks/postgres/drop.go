package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"

	"github.com/jackc/pgx/v5"
)

const (
	// partitionsText reads the partitions that the writer has made, which are named by
	// where they begin.
	partitionsText = `SELECT start, wide FROM (SELECT substring(c.relname FROM '^record_history_(\d+)(?:_wide)?$')::bigint AS start, c.relname LIKE '%wide' AS wide
		FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'record_history'::regclass) p
		WHERE start IS NOT NULL ORDER BY start`
	// lastIDsText skips from each record of a partition to the next and reads its last ID.
	lastIDsText = `WITH RECURSIVE n(name) AS (
		(SELECT record_name FROM PARTITION ORDER BY record_name LIMIT 1)
		UNION ALL
		SELECT (SELECT record_name FROM PARTITION WHERE record_name > n.name ORDER BY record_name LIMIT 1) FROM n WHERE n.name IS NOT NULL)
		SELECT name, (SELECT id FROM PARTITION WHERE record_name = name ORDER BY id DESC LIMIT 1) FROM n WHERE name IS NOT NULL`
	partitionCountsText = `SELECT record_name, count(*), sum(octet_length(value_json))::bigint, max(id) FROM PARTITION GROUP BY record_name`
)

// errChanged is the error of dropping a partition that got other rows meanwhile.
var errChanged = errors.New("rows were stored in the partition")

// errKept is the error of dropping a partition while the writer needs all of them.
var errKept = errors.New("a batch is being stored that needs a partition which was dropped before")

// span is the partition of some times, from included, to excluded.
type span struct {
	name     string
	from, to int64
}

func (p span) text(text string) string { return strings.ReplaceAll(text, "PARTITION", p.name) }

// dropPartitions drops the partitions of which all rows go, the oldest first. It leaves
// those that something else uses for long; their rows are deleted one by one then. Rows
// that go of older partitions which stay are deleted before, so that a record has no gap if
// the sweep is interrupted.
func (w *sweep) dropPartitions(ctx context.Context, cut map[string]cutoff, now int64) error {
	all, err := w.partitions(ctx, cut, now)
	if err != nil {
		return w.store.explained("read the names of the partitions", err)
	}
	older := false // rows that may go are in an older partition
	for _, p := range all {
		ids, err := lastIDs(ctx, w.conn, p)
		if err != nil {
			return w.store.explained("read the records of "+p.name, err)
		}
		goes, err := w.allGoes(ctx, p, ids, cut, now)
		if err != nil {
			return err
		}
		if !goes {
			older = older || len(ids) > 0
			continue
		}
		if older {
			if err := w.deleteBefore(ctx, cut, p.from); err != nil {
				return err
			}
			older = false
		}
		if err := w.drop(ctx, p, cut, now); err != nil {
			return err
		}
	}
	return nil
}

// partitions returns the partitions that may be dropped, the oldest first, after the one
// of the times before all of them, which never is.
func (w *sweep) partitions(ctx context.Context, cut map[string]cutoff, now int64) ([]span, error) {
	until := now // before which all rows of some record go
	for _, c := range cut {
		if c.id > 0 {
			until = math.MaxInt64
		}
		until = max(until, c.before)
	}
	all := []span{{earlyPartition, math.MinInt64, math.MaxInt64}}
	var start int64
	var wide bool
	width := w.store.facts.Load().width
	err := each(ctx, w.conn, partitionsText, nil, []any{&start, &wide}, func() {
		p := span{partitionName(start), start, start + width}
		if wide {
			p = span{wideName(start), start, wideEnd(start, width)}
		}
		if p.to <= until {
			all = append(all, p)
		}
	})
	return all, err
}

// drop counts the rows of a partition and drops it.
func (w *sweep) drop(ctx context.Context, p span, cut map[string]cutoff, now int64) error {
	var record string
	var c rowCount
	var last, bytes int64
	counts, counted := map[string]rowCount{}, map[string]int64{}
	err := each(ctx, w.conn, p.text(partitionCountsText), nil, []any{&record, &c.rows, &c.bytes, &last}, func() { counts[record], counted[record] = c, last })
	if err != nil {
		return w.store.explained("count the rows of "+p.name, err)
	}
	if goes, err := w.allGoes(ctx, p, counted, cut, now); err != nil || !goes {
		return err // rows were stored in it just now
	}
	err = w.transact(ctx, "drop the partition "+p.name, func(tx pgx.Tx) (err error) {
		bytes, err = drop(ctx, tx, w.store.config.Schema, p, counts, counted)
		return err
	})
	if locked(err) || errors.Is(err, errChanged) || errors.Is(err, errKept) {
		w.store.config.Logger.Warn("a partition of the history is not dropped, its rows are deleted one by one", "partition", p.name, "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	w.freed += bytes
	for record, c := range counts {
		w.took(record, c)
	}
	return nil
}

// allGoes reports whether cutoffs select all rows of a partition, of which it gets the last
// ID of each record. An empty one goes if its time is over.
func (w *sweep) allGoes(ctx context.Context, p span, ids map[string]int64, cut map[string]cutoff, now int64) (bool, error) {
	if p.name == earlyPartition {
		return false, nil
	}
	for record, id := range ids {
		c, limited := cut[record]
		if limited && c.timed && c.id <= id {
			old, err := w.allOld(ctx, p, record, c.before)
			if err != nil || !old {
				return false, err
			}
			continue
		}
		if !limited || c.before < p.to && c.id <= id {
			return false, nil
		}
	}
	return len(ids) > 0 || p.to <= now, nil
}

// allOld reports whether all rows of a record in a partition were written before a time.
func (w *sweep) allOld(ctx context.Context, p span, record string, before int64) (old bool, err error) {
	for _, text := range []string{
		"SELECT coalesce(max(written_at) < $2, true) FROM PARTITION WHERE record_name = $1 AND written_at IS NOT NULL",
		"SELECT NOT EXISTS (SELECT FROM PARTITION WHERE record_name = $1 AND written_at IS NULL AND stored_at >= $2)",
	} {
		if err := each(ctx, w.conn, p.text(text), []any{record, before}, []any{&old}, func() {}); err != nil || !old {
			return false, w.store.explained("find what to prune of "+record, err)
		}
	}
	return true, nil
}

func lastIDs(ctx context.Context, on querier, p span) (map[string]int64, error) {
	ids, name, id := map[string]int64{}, "", int64(0)
	err := each(ctx, on, p.text(lastIDsText), nil, []any{&name, &id}, func() { ids[name] = id })
	return ids, err
}

// drop drops a partition and takes its rows off the counts. All rows were counted before,
// while others could use the partition; now only what was added since is looked for.
func drop(ctx context.Context, tx pgx.Tx, schema string, p span, counts map[string]rowCount, counted map[string]int64) (bytes int64, err error) {
	// What comes after this waits for it too, so it does not wait for long.
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '300ms'"); err != nil {
		return 0, err
	}
	var free bool
	if err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1, $2)", partitionLock, lockNumber(schema)).Scan(&free); err != nil {
		return 0, err
	}
	if !free {
		return 0, errKept
	}
	if err := holdWriter(ctx, tx); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, fmt.Sprintf("LOCK TABLE ONLY record_history IN ACCESS EXCLUSIVE MODE; LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", p.name)); err != nil {
		return 0, err
	}
	ids, err := lastIDs(ctx, tx, p)
	if err != nil {
		return 0, err
	}
	if !maps.Equal(ids, counted) {
		return 0, errChanged
	}
	if err := tx.QueryRow(ctx, "SELECT pg_total_relation_size($1::regclass)", p.name).Scan(&bytes); err != nil {
		return 0, err
	}
	if err := addCounts(ctx, tx, counts, -1); err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, "DROP TABLE "+p.name)
	return bytes, err
}
