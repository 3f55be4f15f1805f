package postgres

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb/history"
)

// chunkRows is the number of rows that one transaction deletes. Writes go on between them,
// and beside them: a deletion locks only the rows that go and the count of their record.
const chunkRows = 4096

// A chunk is found by an index and ends at the row that is found here. The rows between
// two chunks are in the order of that index.
const (
	timeEndText = `SELECT stored_at, id FROM (SELECT stored_at, id FROM record_history h
			WHERE record_name = $1 AND stored_at BETWEEN $2 AND $3 AND (stored_at, id) > ($2, $4) AND id <= $5
			ORDER BY stored_at, id LIMIT $6) h
		ORDER BY stored_at DESC, id DESC LIMIT 1`
	timeDeleteText = `WITH gone AS (DELETE FROM record_history
			WHERE record_name = $1 AND stored_at BETWEEN $2 AND $3 AND (stored_at, id) > ($2, $4) AND (stored_at, id) <= ($3, $5) AND id <= $6
			RETURNING octet_length(value_json) AS bytes)
		SELECT count(*), coalesce(sum(bytes), 0)::bigint FROM gone`
	writtenDeleteText = `WITH gone AS (DELETE FROM record_history
			WHERE record_name = $1 AND written_at IS NOT NULL AND written_at BETWEEN $2 AND $3 AND (written_at, id) > ($2, $4) AND (written_at, id) <= ($3, $5) AND id <= $6
			RETURNING octet_length(value_json) AS bytes),
		others AS (DELETE FROM record_history
			WHERE record_name = $1 AND written_at IS NULL AND stored_at BETWEEN $2 AND $3 AND (stored_at, id) > ($2, $4) AND (stored_at, id) <= ($3, $5) AND id <= $6
			RETURNING octet_length(value_json) AS bytes)
		SELECT count(*), coalesce(sum(bytes), 0)::bigint FROM (SELECT bytes FROM gone UNION ALL SELECT bytes FROM others) h`
	idEndText = `SELECT id FROM (SELECT id FROM record_history
			WHERE record_name = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4) h
		ORDER BY id DESC LIMIT 1`
	idDeleteText = `WITH gone AS (DELETE FROM record_history
			WHERE record_name = $1 AND id > $2 AND id <= $3
			RETURNING octet_length(value_json) AS bytes)
		SELECT count(*), coalesce(sum(bytes), 0)::bigint FROM gone`
)

// deleteRows deletes the rows that cutoffs select, of each record the oldest first.
func (w *sweep) deleteRows(ctx context.Context, cut map[string]cutoff) error {
	for _, record := range slices.Sorted(maps.Keys(cut)) {
		c := cut[record]
		if c.before > math.MinInt64 {
			if err := w.deleteByTime(ctx, record, c.timed, math.MinInt64, c.before-1, math.MaxInt64); err != nil {
				return err
			}
		}
		if c.id > 0 {
			if err := w.deleteByID(ctx, record, c.id); err != nil {
				return err
			}
		}
		if c.found > 0 {
			if err := w.deleteByTime(ctx, record, c.timed, c.future+1, math.MaxInt64, c.found); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteBefore deletes the rows that cutoffs select by their times or IDs, of those with
// times before one. Rows with times of their own that are too old are left for later.
func (w *sweep) deleteBefore(ctx context.Context, cut map[string]cutoff, ms int64) error {
	for _, record := range slices.Sorted(maps.Keys(cut)) {
		c := cut[record]
		if before := min(c.before, ms); before > math.MinInt64 && !c.timed {
			if err := w.deleteByTime(ctx, record, false, math.MinInt64, before-1, math.MaxInt64); err != nil {
				return err
			}
		}
		if c.id > 0 {
			if err := w.deleteByTime(ctx, record, false, math.MinInt64, ms-1, c.id-1); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteByTime deletes the rows between two times with IDs up to one. written says that
// the times are those of the writes.
func (w *sweep) deleteByTime(ctx context.Context, record string, written bool, from, to, maxID int64) error {
	text := timeDeleteText
	if written {
		text = writtenDeleteText
	}
	after := history.Point{Time: from, ID: math.MinInt64}
	for {
		end, found := history.Point{}, false
		err := each(ctx, w.conn, cutoff{timed: written}.text(timeEndText), []any{record, after.Time, to, after.ID, maxID, chunkRows}, []any{&end.Time, &end.ID}, func() { found = true })
		if err != nil {
			return w.store.explained("find what to prune of "+record, err)
		}
		if !found {
			return nil
		}
		if err := w.deleteChunk(ctx, record, text, record, after.Time, end.Time, after.ID, end.ID, maxID); err != nil {
			return err
		}
		after = end
	}
}

// deleteByID deletes the rows with IDs below one.
func (w *sweep) deleteByID(ctx context.Context, record string, below int64) error {
	for after := int64(math.MinInt64); ; {
		end, found := int64(0), false
		err := each(ctx, w.conn, idEndText, []any{record, after, below, chunkRows}, []any{&end}, func() { found = true })
		if err != nil {
			return w.store.explained("find what to prune of "+record, err)
		}
		if !found {
			return nil
		}
		if err := w.deleteChunk(ctx, record, idDeleteText, record, after, end); err != nil {
			return err
		}
		after = end
	}
}

// deleteChunk deletes rows of one record and takes them off its count.
func (w *sweep) deleteChunk(ctx context.Context, record, text string, args ...any) error {
	var gone rowCount
	err := w.transact(ctx, "prune rows of "+record, func(tx pgx.Tx) error {
		if err := each(ctx, tx, text, args, []any{&gone.rows, &gone.bytes}, func() {}); err != nil {
			return err
		}
		return addCounts(ctx, tx, map[string]rowCount{record: gone}, -1)
	})
	if err == nil {
		w.took(record, gone)
	}
	return err
}
