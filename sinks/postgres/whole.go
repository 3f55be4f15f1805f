package postgres

import (
	"context"
	"math"

	"github.com/aimdb-go/aimdb/history"
)

// pruneWhole deletes the rows that were stored first until what is in use is within the
// limit of the whole history.
func (w *sweep) pruneWhole(ctx context.Context, plan history.PrunePlan, report *history.PruneReport) error {
	for plan.MaxBytes > 0 {
		size, err := readSize(ctx, w.conn)
		if err != nil {
			return w.store.explained("read the size of the history", err)
		}
		over := size.used() - plan.MaxBytes
		if over <= 0 {
			return nil
		}
		cut, err := w.wholeCutoffs(ctx, plan, size.rowsFor(over))
		if err != nil {
			return err
		}
		before := w.rows()
		if err := w.remove(ctx, cut, math.MinInt64); err != nil {
			return err
		}
		if w.rows() == before {
			report.OverBytes = over
			w.store.config.Logger.Warn("the history is above its limit, and all rows that are left are kept for ever", "schema", w.store.config.Schema, "over_bytes", over)
			return nil
		}
	}
	return nil
}

// wholeCutoffs selects about a number of rows, those that were stored first.
func (w *sweep) wholeCutoffs(ctx context.Context, plan history.PrunePlan, rows int64) (map[string]cutoff, error) {
	const doing = "find what to prune for the limit of the whole history"
	records, err := w.loseable(ctx, plan)
	if err != nil || len(records) == 0 {
		return nil, w.store.explained(doing, err)
	}
	id, err := w.firstIDs(ctx, records, rows)
	if err != nil {
		return nil, w.store.explained(doing, err)
	}
	cut := make(map[string]cutoff, len(records))
	for _, record := range records {
		cut[record] = cutoff{before: math.MinInt64, id: id, future: math.MaxInt64}
	}
	return cut, nil
}

const (
	// belowText counts rows of records with IDs below one.
	belowText = `SELECT count(*) FROM unnest($1::text[]) r(name) CROSS JOIN LATERAL
		(SELECT FROM record_history WHERE record_name = r.name AND id < $2) h`
	// groupsText counts rows of records in spans of IDs.
	groupsText = `SELECT (h.id - $2) / $4, count(*) FROM unnest($1::text[]) r(name) CROSS JOIN LATERAL
		(SELECT id FROM record_history WHERE record_name = r.name AND id >= $2 AND id < $3) h GROUP BY 1 ORDER BY 1`
)

// firstIDs returns the ID below which some records have at least a number of rows, or all
// of their rows if they have not as many. It narrows down the span of IDs.
func (w *sweep) firstIDs(ctx context.Context, records []string, rows int64) (id int64, err error) {
	var next, found int64
	if err := each(ctx, w.conn, "SELECT next_id FROM aimdb_checkpoint", nil, []any{&next}, func() {}); err != nil {
		return 0, err
	}
	high := min(rows, next)
	for ; ; high = min(2*high, next) {
		if err := each(ctx, w.conn, belowText, []any{records, high}, []any{&found}, func() {}); err != nil {
			return 0, err
		}
		if found >= rows || high == next {
			break
		}
	}
	if found <= rows {
		return high, nil
	}
	const groups = 1024
	for low, before := int64(0), int64(0); ; { // before is the number of rows below low
		width := (high-low)/groups + 1
		var group, count int64
		end := int64(-1)
		err := each(ctx, w.conn, groupsText, []any{records, low, high, width}, []any{&group, &count}, func() {
			if end < 0 {
				if before+count >= rows {
					end = group
				} else {
					before += count
				}
			}
		})
		if err != nil || end < 0 {
			return high, err
		}
		low += end * width
		if width == 1 {
			return low + 1, nil
		}
		high = min(high, low+width)
	}
}

// loseable returns the records that lose rows for the limit of the whole history.
func (w *sweep) loseable(ctx context.Context, plan history.PrunePlan) (records []string, err error) {
	forever := map[string]bool{}
	for _, k := range plan.Keep {
		forever[k.Record] = k.Forever
	}
	var record string
	err = each(ctx, w.conn, "SELECT record_name FROM aimdb_record WHERE rows > 0 ORDER BY 1", nil, []any{&record}, func() {
		if !forever[record] {
			records = append(records, record)
		}
	})
	return records, err
}
